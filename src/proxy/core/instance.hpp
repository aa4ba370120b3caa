// What the root contract says, and the proxy contract that follows from it (contracts.md 2.1, 4; wire.md 0).
#pragma once
#include <optional>
#include <string>

#include "crypto/crypto.hpp"
#include "proxy/core/config.hpp"
#include "role/image_list.hpp"
#include "ton/contracts/root.hpp"
#include "ton/contracts/state.hpp"
#include "wire/messages.hpp"

namespace cocoon::proxy {

class Instance {
 public:
  explicit Instance(const Config& config)
      : config_(config),
        public_key_(crypto::KeyPair(config.machine_seed).public_key()),
        worker_images_(config.image_grace) {}

  enum class Adopted { nothing, lists, contract };  // what a new state of the root contract changed
  // Rules V1 and V2 of contracts.md 4.4: only a greater version counts, and only a greater params_version makes another
  // proxy contract. An error leaves everything as it was.
  Result<Adopted> adopt(const ton::RootState&, Time now);

  bool known() const { return contract_.has_value(); }  // nothing below may be asked before
  const ton::RootState& root() const { return *root_; }
  const ton::ProxyInstance& contract() const { return *contract_; }
  std::uint32_t config_version() const { return root_->version; }
  std::uint64_t price() const { return root_->params.price_per_token; }
  std::uint64_t fee() const { return root_->params.worker_fee_per_token; }

  const Bits256& public_key() const { return public_key_; }
  ton::Address client_contract(const ton::Address& owner) const { return contract_->client_address(owner); }
  ton::Address worker_contract(const ton::Address& owner) const { return contract_->worker_address(owner); }
  const role::ImageList& worker_images() const { return worker_images_; }
  bool lists_model(const Bits256& hash) const { return root_->model_hashes.contains(hash); }

  // Adjusted tokens to set aside for a request (wire.md 5.6, contracts.md W-6).
  std::uint64_t tokens_to_reserve(std::int64_t max_tokens, std::size_t query_bytes, std::int64_t max_coefficient) const;

  // Addresses as peers expect them: friendly and not bounceable (wire.md 0).
  std::string text(const ton::Address&) const;
  // How we introduce ourselves to a peer that speaks `version`.
  wire::proxy::Params wire_params(std::int32_t version) const;

 private:
  const Config& config_;
  Bits256 public_key_;
  std::optional<ton::RootState> root_;
  role::ImageList worker_images_;
  std::optional<ton::ProxyInstance> contract_;
};

}  // namespace cocoon::proxy
