// Verdicts and policies' findings as JSON, for programs.
#pragma once
#include "tee/verdict.hpp"

namespace cocoon::tee {

// One object: accepted, reason, problem, advice, kind, signer, simulated, tcb {status, advisories, evaluation_number},
// flags, platform {fmspc, id, tier}, image_hash, measurements of its kind, report_data, valid {from, until},
// checks [{name, state, input, reason, why}]. Bytes are hex, times UTC.
std::string to_json(const Verdict&);

}  // namespace cocoon::tee
