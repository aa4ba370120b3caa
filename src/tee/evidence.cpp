#include "tee/evidence.hpp"

namespace cocoon::tee {

TrustedRoot Trust::intel() {
  const auto sha256 = fixed_from_hex<32>("44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3");
  return {sha256.value_or(Bits256{}), "Intel SGX Root CA", false};
}

std::vector<TrustedRoot> Trust::amd() {
  constexpr std::pair<std::string_view, std::string_view> roots[] = {
      {"69d063b45344d26a2e94e1f4210de49ef555308287d4c174445c95639a540bcd", "AMD ARK-Milan"},
      {"4c6598d19c18719c5dfd4a7d335f674e5bfe1d8f800cea2cf270c10d103db2f1", "AMD ARK-Genoa"},
      {"1f084161a44bb6d93778a904877d4819cafa5d05ef4193b2ded9dd9c73dd3f6a", "AMD ARK-Turin"},
  };
  std::vector<TrustedRoot> out;
  for (const auto& [sha256, name] : roots)
    out.push_back({fixed_from_hex<32>(sha256).value_or(Bits256{}), std::string(name), false});
  return out;
}

}  // namespace cocoon::tee
