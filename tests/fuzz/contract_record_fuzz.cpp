// What a client remembers of its contracts, as it comes from a disk that somebody else may have written: what decodes
// leads to the same contract again.
#include <cstdlib>

#include "client/core/contract_record.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cocoon;
  const auto proxy = client::decode_contract_record(BytesView(data, size));
  if (!proxy) return 0;
  const auto again = client::decode_contract_record(client::encode_contract_record(*proxy));
  if (!again || again->address() != proxy->address()) std::abort();
  return 0;
}
