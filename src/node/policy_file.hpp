// Named policies in TOML: what a node demands of its peers' evidence. One table per policy:
//
//   [policy.workers]
//   kinds = ["tdx"]
//   worst_tcb = "SWHardeningNeeded"
//   allowed_advisories = ["INTEL-SA-00615"]
//
// A key that is left out refuses; "any" must be written where anything is meant, and is logged as a warning.
#pragma once
#include <map>
#include <string>

#include "base/result.hpp"
#include "tee/policy.hpp"

namespace cocoon::node {

using Policies = std::map<std::string, tee::Policy, std::less<>>;

// Errors name the file, the policy and the key.
Result<Policies> parse_policies(std::string_view toml_text, std::string_view file_name);
Result<Policies> load_policies(const std::string& path);
// "default": what a policy is when nothing is said. Otherwise "FILE" (its only policy) or "FILE#NAME".
Result<tee::Policy> find_policy(const std::string& reference);
// One policy with every key, its meaning and its default.
std::string policy_example();

// What the policy takes without looking, in words, one each; empty when it looks at everything.
std::vector<std::string> looseness(const tee::Policy&);

}  // namespace cocoon::node
