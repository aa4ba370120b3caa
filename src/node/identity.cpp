#include "node/identity.hpp"

#include "base/log.hpp"
#include "evidence/source.hpp"
#include "node/policy_file.hpp"
#include "node/secrets.hpp"

namespace cocoon::node {

Result<tee::Attester> make_attester(const CommonConfig& config) {
  if (config.tee == "none") return tee::attest_plain_client();
  if (config.tee == "hardware") {
    auto source = evidence::detect_cpu_source(evidence::linux_kernel());
    if (!source) return std::unexpected(std::move(source).error().within("tee.kind"));
    return evidence::attest_with(*std::move(source));
  }
  if (config.tee != "simulated")
    return fail("tee.kind: \"{}\" is not known; it must be \"none\", \"hardware\" or \"simulated\"", config.tee);
  if (config.image.empty()) return fail("tee.image must be given when tee.kind is \"simulated\"");
  auto platform = tee::SimulatedPlatform::load(config.tee_directory);
  if (!platform) return std::unexpected(std::move(platform).error().within("tee.directory"));
  return tee::attest_simulated(std::move(*platform), tee::simulated_measurements(config.image));
}

Result<tee::SessionAttester> make_session_attester(const CommonConfig& config) {
  if (config.tee == "hardware") {
    auto source = evidence::detect_cpu_source(evidence::linux_kernel());
    if (!source) return std::unexpected(std::move(source).error().within("tee.kind"));
    return [source = std::shared_ptr<evidence::Source>(*std::move(source))](
               const Bits512& report_data) -> Result<tee::Evidence> {
      TRY_ASSIGN(auto collected, source->collect({report_data, {}}));
      return std::move(collected.cpu);
    };
  }
  if (config.tee != "simulated") return tee::SessionAttester{};
  auto platform = tee::SimulatedPlatform::load(config.tee_directory);
  if (!platform) return std::unexpected(std::move(platform).error().within("tee.directory"));
  return tee::attest_session_simulated(std::move(*platform), tee::simulated_measurements(config.image));
}

Result<tee::Trust> make_trust(const CommonConfig& config) {
  tee::Trust trust;
  trust.roots.push_back(tee::Trust::intel());
  for (auto& root : tee::Trust::amd()) trust.roots.push_back(std::move(root));
  if (!config.simulated_root.empty()) {
    TRY_ASSIGN(const auto pem, read_file(config.simulated_root, 64 * 1024));
    auto root = tee::read_simulated_root(pem);
    if (!root) return std::unexpected(std::move(root).error().within("tee.simulated_root"));
    trust.roots.push_back(std::move(*root));
  }
  return trust;
}

Result<tee::Policy> attested_policy(const CommonConfig& config) {
  auto policy = find_policy(config.policy);
  if (!policy) return std::unexpected(std::move(policy).error().within("tee.policy"));
  policy->accept_unevaluated_collateral |= config.accept_unevaluated_collateral;
  for (const auto& loose : looseness(*policy)) log::warn("tee", "policy \"{}\": {}", policy->name, loose);
  return policy;
}

tee::Policy open_policy() {
  tee::Policy p;
  p.level = tee::Policy::Level::any;
  return p;
}

}  // namespace cocoon::node
