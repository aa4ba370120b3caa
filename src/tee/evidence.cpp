#include "tee/evidence.hpp"

namespace cocoon::tee {

std::string_view to_string(TeeKind kind) {
  switch (kind) {
    case TeeKind::none:
      return "none";
    case TeeKind::fake:
      return "fake";
    case TeeKind::tdx:
      return "tdx";
    case TeeKind::snp:
      return "snp";
  }
  return "none";
}

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

const Check* Verdict::failed_check() const {
  for (const auto& check : checks)
    if (check.state == Check::State::failed) return &check;
  return nullptr;
}

std::string summary(const Verdict& v) {
  if (!v.accepted) return fmt::format("refused: {}", v.problem);
  if (v.kind == TeeKind::none) return "accepted: no attestation asked for";
  if (v.kind == TeeKind::fake) return "accepted: fake attestation, content not read";
  return fmt::format("accepted: {}{}, image {}, signed by {}", v.simulated ? "simulated " : "", to_string(v.kind),
                     to_hex(v.image_hash.view().first(8)), v.signer);
}

}  // namespace cocoon::tee
