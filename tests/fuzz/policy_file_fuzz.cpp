// Policies as an operator writes them: any text is taken or refused with a reason, and what is taken demands evidence
// unless it says otherwise aloud.
#include <cstdlib>
#include <string_view>

#include "node/policy_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cocoon;
  const auto all = node::parse_policies({reinterpret_cast<const char*>(data), size}, "policies.toml");
  if (!all) {
    if (all.error().what.empty()) std::abort();
    return 0;
  }
  if (all->empty()) std::abort();
  for (const auto& [name, policy] : *all) {
    if (policy.name != name || policy.max_vmpl > 3) std::abort();
    if (policy.level != tee::Policy::Level::tee && node::looseness(policy).empty()) std::abort();
  }
  return 0;
}
