#include "node/identity.hpp"

#include "base/log.hpp"
#include "evidence/source.hpp"
#include "node/policy_file.hpp"
#include "node/secrets.hpp"

namespace cocoon::node {

namespace {

Result<std::shared_ptr<evidence::Source>> cpu_source(evidence::Endorse endorse) {
  auto found = evidence::detect_cpu_source(evidence::linux_kernel());
  if (!found) return std::unexpected(std::move(found).error().within("tee.kind"));
  std::shared_ptr<evidence::Source> out = *std::move(found);
  if (endorse) out = evidence::endorsed_source(std::move(out), std::move(endorse));
  return out;
}

}  // namespace

Result<tee::Attester> make_attester(const CommonConfig& config, evidence::Endorse endorse) {
  if (config.tee == "none") return tee::attest_plain_client();
  if (config.tee == "hardware") {
    TRY_ASSIGN(auto source, cpu_source(std::move(endorse)));
    return evidence::attest_with(std::move(source));
  }
  if (config.tee != "simulated")
    return fail("tee.kind: \"{}\" is not known; it must be \"none\", \"hardware\" or \"simulated\"", config.tee);
  if (config.image.empty()) return fail("tee.image must be given when tee.kind is \"simulated\"");
  auto platform = tee::SimulatedPlatform::load(config.tee_directory);
  if (!platform) return std::unexpected(std::move(platform).error().within("tee.directory"));
  return tee::attest_simulated(std::move(*platform), tee::simulated_measurements(config.image));
}

namespace {

// NVIDIA's library answers once at the start, so that what is wrong with it is said then.
Result<std::shared_ptr<evidence::Source>> gpu_source(const CommonConfig& config, crypto::Random& random) {
  if (config.gpus.empty()) return nullptr;
  std::shared_ptr<evidence::Source> out =
      evidence::nvml_source(config.gpus == "nvml" ? "libnvidia-ml.so.1" : config.gpus);
  if (auto tried = out->collect({.report_data = {}, .gpu_nonce = random.bits256()}); !tried)
    return std::unexpected(std::move(tried).error().within("tee.gpus"));
  return out;
}

}  // namespace

Result<tee::SessionAttester> make_session_attester(const CommonConfig& config, crypto::Random& random,
                                                   evidence::Endorse endorse) {
  TRY_ASSIGN(auto gpus, gpu_source(config, random));
  if (config.tee == "hardware") {
    TRY_ASSIGN(auto source, cpu_source(std::move(endorse)));
    return evidence::attest_sessions_with(std::move(source), std::move(gpus));
  }
  if (config.tee != "simulated") {
    if (gpus) return fail("tee.gpus: evidence of GPUs is nothing without that of their machine (tee.kind)");
    return tee::SessionAttester{};
  }
  auto platform = tee::SimulatedPlatform::load(config.tee_directory);
  if (!platform) return std::unexpected(std::move(platform).error().within("tee.directory"));
  return evidence::attest_sessions_with(
      evidence::simulated_source(std::move(*platform), tee::simulated_measurements(config.image)), std::move(gpus));
}

Result<tee::Trust> make_trust(const CommonConfig& config) {
  tee::Trust trust;
  trust.roots.push_back(tee::Trust::intel());
  trust.gpus = tee::NvidiaRoots::nvidia();
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
