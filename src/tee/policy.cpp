#include "tee/policy.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace cocoon::tee {
namespace {

// How well patched: status, age of what says so, advisories.
void check_patches(Verdict& v, const Policy& policy) {
  if (v.simulated) return v.skip_check("tcb-status", "a simulated root publishes no status");
  if (v.tcb == TcbStatus::not_judged) {
    constexpr std::string_view why = "collateral (TCB info, QE identity, revocation lists) was not evaluated";
    if (v.failed_check()) return v.skip_check("tcb-status", "the evidence was refused before");
    if (policy.accept_unevaluated_collateral) return v.skip_check("tcb-status", std::string(why));
    return v.fail_check("tcb-status", "COLLATERAL_MISSING", std::string(why),
                        "configure a source of collateral; accept_unevaluated_collateral takes genuine hardware whose "
                        "patch level nobody checked");
  }
  v.require(severity(v.tcb) <= severity(policy.worst_tcb), "tcb-status", "TCB_STATUS",
            fmt::format("the platform's status is {}", to_string(v.tcb)),
            "update the platform, or accept this status in the policy (worst_tcb)", std::string(to_string(v.tcb)));
  if (policy.min_evaluation_number > 0)
    v.require(v.evaluation_number >= policy.min_evaluation_number, "evaluation-number", "EVALUATION_NUMBER",
              fmt::format("the collateral's evaluation number is {}, at least {} is asked for", v.evaluation_number,
                          policy.min_evaluation_number),
              "fetch current collateral", fmt::to_string(v.evaluation_number));
  if (policy.any_advisory) return;
  std::string open;
  for (const auto& id : v.advisories)
    if (std::ranges::find(policy.allowed_advisories, id) == policy.allowed_advisories.end())
      open += (open.empty() ? "" : ", ") + id;
  v.require(open.empty(), "advisories", "ADVISORIES", fmt::format("open advisories: {}", open),
            "update the platform, or list them in the policy (allowed_advisories)",
            v.advisories.empty() ? "none" : fmt::format("{}", fmt::join(v.advisories, ", ")));
}

void check_flags(Verdict& v, const Policy& policy) {
  v.require(!v.debug || policy.allow_debug, "debug", "DEBUG", "the machine runs in debug mode: its owner can read it",
            "start it without debug, or set allow_debug for a test");
  if (v.kind == TeeKind::tdx)
    v.require(!v.service_td || policy.allow_service_td, "service-td", "SERVICETD",
              "a service TD is bound to the machine", "start it without a migration TD, or set allow_service_td");
  if (v.kind == TeeKind::snp)
    v.require(v.vmpl <= policy.max_vmpl, "vmpl", "VMPL", fmt::format("the report was made at VMPL {}", v.vmpl),
              "ask for the report at a more privileged level, or raise max_vmpl", fmt::to_string(v.vmpl));
}

void check_platform(Verdict& v, const Policy& policy) {
  const auto at = std::ranges::find(policy.platforms, v.platform_id, &KnownPlatform::id);
  const bool known = !v.platform_id.empty() && at != policy.platforms.end();
  if (known) v.tier = at->tier;
  const auto input = v.platform_id.empty() ? std::string("not told") : to_hex(v.platform_id);
  if (policy.only_known_platforms && !known)
    return v.fail_check("platform-id", "PLATFORM_UNKNOWN", "the machine is none of the known ones",
                        "add its id to the policy (platforms)", input);
  if (!policy.tiers.empty() && std::ranges::find(policy.tiers, v.tier) == policy.tiers.end())
    return v.fail_check("platform-id", "PLATFORM_TIER", fmt::format("the machine's tier is \"{}\"", v.tier),
                        "give the machine an accepted tier, or accept its tier in the policy", input);
  v.pass_check("platform-id", input);
}

}  // namespace

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

void check_image(Verdict& v, const Policy& policy) {
  const bool listed =
      policy.image_hashes.empty() || std::ranges::find(policy.image_hashes, v.image_hash) != policy.image_hashes.end();
  v.require(listed, "image", "IMAGE_NOT_LISTED",
            fmt::format("image {} is not among the accepted ones", to_hex(v.image_hash.view())),
            "run an image that the registry lists, or have this one listed", to_hex(v.image_hash.view()));
}

void apply_policy(Verdict& v, const Policy& policy, Time now) {
  v.require(std::ranges::find(policy.kinds, v.kind) != policy.kinds.end(), "kind", "KIND_NOT_ACCEPTED",
            fmt::format("evidence of kind {} is not accepted", to_string(v.kind)),
            "run it on hardware that the policy names (kinds)", std::string(to_string(v.kind)));
  check_patches(v, policy);
  check_flags(v, policy);
  check_platform(v, policy);
  if (policy.gpu_required)
    v.require(v.gpu, "gpu", "GPU_MISSING", "no verified GPU evidence is bound to the machine's",
              "present GPU evidence, or drop gpu_required");
  check_image(v, policy);
  if (policy.verdict_lifetime != Duration::max()) v.narrow(Time::min(), now + policy.verdict_lifetime);
}

}  // namespace cocoon::tee
