#include "cli/wallet_rotation.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <set>

#include "node/secrets.hpp"
#include "ton/boc.hpp"
#include "ton/contracts/state.hpp"
#include "ton/contracts/wallet.hpp"

namespace cocoon::cli {
namespace {

constexpr std::uint8_t kCarryAll = 128;  // send mode: the whole balance
constexpr std::uint32_t kLifetime = 60;  // seconds, of the external message
constexpr Duration kPatience = std::chrono::seconds(120);
constexpr std::size_t kHistory = 10'000;  // transactions of the wallet that are looked through

// A client contract names its owner in the first reference of its data (contracts.md 2.1).
bool is_client_of(const ton::Cell& data, const ton::Address& owner) {
  ton::CellSlice slice(data);
  if (slice.refs_left() < 2) return false;
  ton::CellSlice constants(slice.load_ref());
  const auto named = constants.load_address();
  return constants.ok() && named == owner;
}

Result<> no_contracts_with_money(Chain& chain, const ton::Address& wallet) {
  TRY_ASSIGN(const auto history, chain.history(wallet, 0, kHistory));
  std::set<ton::Address> sent_to;
  for (const auto& t : history)
    for (const auto& m : t.out_msgs)
      if (m.message)
        if (const auto* info = m.message->internal()) sent_to.insert(info->dest);
  for (const auto& address : sent_to) {
    TRY_ASSIGN(const auto view, chain.account(address));
    const auto* init = view.account ? view.account->active() : nullptr;
    if (init == nullptr || !init->data || !is_client_of(*init->data, wallet)) continue;
    const auto state = ton::parse_client_state(*init->data);
    if (!state || state->state == ton::ContractState::closed || state->balance == 0) continue;
    return fail("client contract {} belongs to this wallet and holds {}: `cocoon client close` first",
                ton::to_friendly_text(address), ton_text(state->balance));
  }
  return {};
}

Result<> rename_file(const std::string& from, const std::string& to) {
  if (std::rename(from.c_str(), to.c_str()) == 0) return {};
  return fail("{}: cannot be renamed to {}: {}", from, to, std::strerror(errno));
}

}  // namespace

Result<WalletRotation> WalletRotation::prepare(Chain& chain, const NodeAddress& where) {
  WalletRotation out;
  TRY_ASSIGN(out.config_, where.wallet());
  const ledger::WalletQueue wallet(out.config_);
  out.old_address_ = wallet.address();
  out.key_file_ = where.common.wallet_key_file;
  out.new_key_file_ = out.key_file_ + ".next";
  out.old_key_file_ = fmt::format("{}.{}", out.key_file_, to_hex(out.old_address_.hash).substr(0, 8));
  TRY(no_contracts_with_money(chain, out.old_address_));
  TRY_ASSIGN(out.moved_, chain.balance(out.old_address_));
  if (out.moved_ > 0 && out.moved_ < ton::kWalletMinimum)
    return fail("the wallet holds {}; below 2 TON it takes no order from its node (its owner can sweep it)",
                ton_text(out.moved_));
  return out;
}

Result<> WalletRotation::carry_out(Chain& chain) {
  TRY_ASSIGN(const auto seed, node::load_or_create_seed(new_key_file_));
  const auto init = ton::wallet_state_init(config_.code, crypto::KeyPair(seed).public_key(), config_.owner);
  new_address_ = ton::address_of(init);
  if (moved_ > 0) TRY(send_everything(chain, init));
  TRY_ASSIGN(moved_, chain.balance(new_address_));
  TRY(rename_file(key_file_, old_key_file_));
  return rename_file(new_key_file_, key_file_);
}

Result<> WalletRotation::send_everything(Chain& chain, const ton::StateInit& new_wallet) {
  TRY_ASSIGN(const auto view, chain.account(old_address_));
  std::uint32_t seqno = 0;
  std::optional<ton::StateInit> deploy;
  const crypto::KeyPair key(config_.seed);
  if (const auto* active = view.account ? view.account->active() : nullptr; active != nullptr && active->data) {
    TRY_ASSIGN(seqno, ton::parse_wallet_seqno(*active->data));
  } else {
    deploy = ton::wallet_state_init(config_.code, key.public_key(), config_.owner);
  }
  ton::WalletRequest request;
  request.seqno = seqno;
  request.valid_until = static_cast<std::uint32_t>(view.time) + kLifetime;
  request.orders.push_back({kCarryAll, ton::build_outgoing({new_address_, 0, std::nullopt, new_wallet})});
  const auto external = ton::build_wallet_external(old_address_, ton::build_wallet_body(request, key), deploy);
  TRY(chain.send_external(ton::write_boc(external)));
  const auto arrived = [&]() -> Result<bool> {
    TRY_ASSIGN(const auto left, chain.balance(old_address_));
    TRY_ASSIGN(const auto there, chain.balance(new_address_));
    return left < moved_ / 2 && there > 0;
  };
  return chain.wait_until(arrived, kPatience, "the move to the new wallet");
}

}  // namespace cocoon::cli
