#include "proxy/core/instance.hpp"

#include <algorithm>

#include "market/prices.hpp"

namespace cocoon::proxy {

Result<Instance::Adopted> Instance::adopt(const ton::RootState& state, Time now) {
  if (root_ && state.version <= root_->version) return Adopted::nothing;
  if (root_ && state.params.params_version < root_->params.params_version)
    return fail("the root contract went back from parameters {} to {}", root_->params.params_version,
                state.params.params_version);
  if (state.params.is_test != config_.is_test)
    return fail("the root contract is of a {} network, this proxy is configured for the other kind",
                state.params.is_test ? "test" : "production");
  if (root_ && state.params.params_version == root_->params.params_version) {
    root_ = state;
    worker_images_.adopt(state.worker_hashes, now);
    return Adopted::lists;
  }
  TRY_ASSIGN(auto contract, ton::ProxyInstance::make(state.params, config_.owner, public_key_, config_.root));
  contract_ = std::move(contract);
  root_ = state;
  worker_images_.adopt(state.worker_hashes, now);
  return Adopted::contract;
}

std::uint64_t Instance::tokens_to_reserve(std::int64_t max_tokens, std::size_t query_bytes,
                                          std::int64_t max_coefficient) const {
  const auto bytes = static_cast<std::int64_t>(query_bytes);
  const auto& m = root_->params.multipliers;
  const std::int64_t multiplier =
      config_.reserve_largest_multiplier ? std::max({m.prompt, m.cached, m.completion, m.reasoning, 10000u}) : 10000;
  return static_cast<std::uint64_t>(market::adjust_tokens(max_tokens + bytes, max_coefficient, multiplier));
}

std::string Instance::text(const ton::Address& address) const {
  return ton::to_friendly_text(address, {.bounceable = false, .testnet = config_.testnet});
}

wire::proxy::Params Instance::wire_params(std::int32_t version) const {
  wire::proxy::Params p;
  p.proxy_public_key = public_key_;
  p.proxy_owner_address = text(config_.owner);
  p.proxy_sc_address = text(contract_->address());
  p.set_is_test(config_.is_test);
  p.set_proto_version(version);
  return p;
}

}  // namespace cocoon::proxy
