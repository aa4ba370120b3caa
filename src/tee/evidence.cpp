#include "tee/evidence.hpp"

namespace cocoon::tee {

std::string_view to_string(Policy::Level level) {
  switch (level) {
    case Policy::Level::any:
      return "any";
    case Policy::Level::fake_tee:
      return "fake_tee";
    case Policy::Level::tee:
      return "tee";
  }
  return "tee";
}

TrustedRoot Trust::intel() {
  const auto sha256 = fixed_from_hex<32>("44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3");
  return {sha256.value_or(Bits256{}), "Intel SGX Root CA", false};
}

}  // namespace cocoon::tee
