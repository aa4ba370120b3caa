// What virtual TPMs bring, event logs, and answers of a host's quote service.
#include <cstdlib>

#include "evidence/quote_service.hpp"
#include "tee/event_log.hpp"
#include "tee/vtpm_verify.hpp"

namespace {

template <class T>
void value_or_reason(const cocoon::Result<T>& result) {
  if (!result && result.error().what.empty()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cocoon;
  const BytesView input(data, size);
  value_or_reason(tee::parse_hcl_report(input));
  value_or_reason(tee::hcl_attestation_key(input));
  value_or_reason(tee::parse_td_report(input));
  value_or_reason(tee::td_report_of_quote(input));
  value_or_reason(tee::parse_tpm_quote(input));
  value_or_reason(evidence::quote_of_answer(input));
  for (const auto& log : {tee::parse_ccel(input), tee::parse_application_log(input)}) {
    value_or_reason(log);
    if (!log) continue;
    if (!tee::replay_mismatches(*log, tee::replay(*log)).empty()) std::abort();
    log->altered();
    log->find("compose-hash");
  }
  tee::Verdict v;
  tee::verify_vtpm(v, {to_bytes(input), to_bytes(input), to_bytes(input), to_bytes(input), to_bytes(input), {}}, {});
  v.settle();
  if (v.accepted) std::abort();
  return 0;
}
