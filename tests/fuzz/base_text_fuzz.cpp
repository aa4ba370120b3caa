// Texts for bytes: what decodes must encode back to what decodes to the same bytes.
#include <cstdlib>

#include "base/bytes.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto bytes = cocoon::from_hex(text)) {
    if (cocoon::from_hex(cocoon::to_hex(*bytes)) != *bytes) std::abort();
  }
  if (const auto bytes = cocoon::from_base64(text)) {
    if (cocoon::from_base64(cocoon::to_base64(*bytes)) != *bytes) std::abort();
  }
  return 0;
}
