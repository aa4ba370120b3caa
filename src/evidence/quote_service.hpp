// Messages of the host's quote generation service, as Intel's DCAP defines them (qgs_msg, version 1): little-endian.
#pragma once
#include "base/bytes.hpp"

namespace cocoon::evidence {

// GET_QUOTE_REQ over a TDREPORT, for whatever quoting enclave the host has.
Bytes quote_request(BytesView td_report);
// The quote of a GET_QUOTE_RESP; total on any bytes.
Result<Bytes> quote_of_answer(BytesView);

}  // namespace cocoon::evidence
