// What a client must remember of a contract of its own, beside its wallet's key, to find it again when the network's
// parameters have moved on and its proxy is gone: all that the contract's address follows from (contracts.md 2.1).
#pragma once
#include "ton/contracts/state.hpp"

namespace cocoon::client {

Bytes encode_contract_record(const ton::ProxyInstance&);
// The instance whose client contract it is. Errors: not a record, or one of a later version of this program.
Result<ton::ProxyInstance> decode_contract_record(BytesView);

}  // namespace cocoon::client
