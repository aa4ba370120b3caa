// Addresses and endpoints as people and the registry write them.
#include <cstdlib>

#include "ton/address.hpp"
#include "ton/contracts/root.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cocoon::ton;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto address = address_from_text(text)) {
    const auto again = address_from_raw(to_raw_text(*address));
    if (!again || *again != *address) std::abort();
  }
  if (const auto endpoint = parse_endpoint(text); endpoint && endpoint->port == 0) std::abort();
  if (const auto both = parse_proxy_endpoints(text); !both && both.error().what.empty()) std::abort();
  return 0;
}
