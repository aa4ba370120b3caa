// Signatures for what is committed, and the messages that carry them to contracts (contracts.md 3, 6.3 step 10).
#include <algorithm>

#include "base/assert.hpp"
#include "base/mutation.hpp"
#include "ledger/ledger.hpp"
#include "ton/boc.hpp"
#include "ton/contracts/arithmetic.hpp"

namespace cocoon::ledger {

ton::SignedMessage Ledger::signed_message(const Account& a, std::uint32_t opcode, crypto::Random& random) const {
  const auto tokens = mutated("I5-sign-uncommitted") ? a.tokens.max : a.tokens.chain;
  const ton::PaymentPayload payload{opcode, random.u64(), tokens, a.contract};
  return ton::sign_payload(ton::build_signed_payload(payload), config_.wallet, key_);
}

// I5: the one place where signatures for tokens are made, and it knows K only.
bool Ledger::sign(Account& a, std::uint32_t opcode, crypto::Random& random) {
  if (!ready_ || a.tokens.chain == 0) return false;
  if (!a.signature) {
    a.signature = signed_message(a, opcode, random);
    a.signature_boc = ton::write_boc(ton::build_signed_message(*a.signature));
  }
  a.tokens.sent = a.tokens.chain;
  check(a);
  return true;
}

std::optional<Bytes> Ledger::sign_for_client(const ton::Address& owner, crypto::Random& random) {
  const auto it = clients_.find(owner);
  if (it == clients_.end() || !sign(it->second, ton::op::client_charge_signed, random)) return std::nullopt;
  return it->second.signature_boc;
}

std::optional<Bytes> Ledger::sign_for_worker(const ton::Address& owner, crypto::Random& random) {
  const auto it = workers_.find(owner);
  if (it == workers_.end() || !sign(it->second, ton::op::worker_payout_signed, random)) return std::nullopt;
  return it->second.signature_boc;
}

std::optional<Bytes> Ledger::cached_for_client(const ton::Address& owner) const {
  const auto it = clients_.find(owner);
  if (it == clients_.end() || !it->second.signature) return std::nullopt;
  return it->second.signature_boc;
}

std::optional<Bytes> Ledger::cached_for_worker(const ton::Address& owner) const {
  const auto it = workers_.find(owner);
  if (it == workers_.end() || !it->second.signature) return std::nullopt;
  return it->second.signature_boc;
}

// --- settlement

void Ledger::look_at_all() {
  for (const auto& [owner, c] : clients_) look_at(false, owner);
  for (const auto& [owner, w] : workers_) look_at(true, owner);
}

std::vector<Settlement> Ledger::due(Time now, crypto::Random& random) {
  while (!retries_.empty() && retries_.begin()->first <= now) {
    to_settle_.insert(retries_.begin()->second);
    retries_.erase(retries_.begin());
  }
  std::vector<Settlement> out;
  if (!ready_) return out;
  for (const auto& [is_worker, owner] : std::exchange(to_settle_, {})) {
    auto settlement = is_worker ? due_worker(owner, workers_.at(owner), now, random)
                                : due_client(owner, clients_.at(owner), now, random);
    if (settlement) out.push_back(*std::move(settlement));
  }
  return out;
}

void Ledger::settling(Account& a, std::uint64_t tokens) {
  COCOON_ASSERT(tokens >= a.expected);  // E never goes back
  a.expected = tokens;
  a.retry_at = Time::max();  // while it waits in the wallet it is not sent again (W-12)
}

// The refund says all that was ever used (I10), so nothing may be running or uncommitted (3.9).
bool Ledger::refund_wanted(const Client& c) const {
  if (c.chain.state == ton::ContractState::closing) return true;
  return retired_ && c.chain.state == ton::ContractState::normal && c.chain.balance > 0;
}

bool Ledger::last_payout_wanted(const Worker& w) const {
  // Where the fee is above the price every payout aborts (1.3).
  return w.state == ton::ContractState::normal && w.tokens.max > w.tokens.charged &&
         instance_.params().worker_fee_per_token <= instance_.params().price_per_token;
}

std::uint64_t Ledger::charge_at() const {
  if (cover_ == 0) return config_.charge_client_at;  // there is nothing to stay within
  const auto share = cover_ / std::max<std::size_t>(owing_, 1);
  return std::clamp(share, config_.charge_client_at / 4, config_.charge_client_at);
}

std::optional<Settlement> Ledger::due_client(const ton::Address& owner, Client& c, Time now, crypto::Random& random) {
  if (c.retry_at && now < *c.retry_at) return std::nullopt;
  const Counters& t = c.tokens;
  if (refund_wanted(c)) {
    if (!mutated("I10-refund-early") && (c.reserved != 0 || t.max != t.chain)) return std::nullopt;
    const auto message = signed_message(c, ton::op::client_grant_refund_signed, random);
    c.tokens.sent = t.chain;
    c.refund_sent = true;
    settling(c, t.chain);
    return Settlement{SettlementKind::grant_refund, owner, c.contract, t.chain, ton::build_signed_message(message)};
  }
  if (c.chain.state != ton::ContractState::normal || t.chain <= t.charged) return std::nullopt;
  const auto worth = ton::saturating_mul(t.chain - t.charged, instance_.params().price_per_token);
  if (!(c.now || worth >= charge_at()) || !sign(c, ton::op::client_charge_signed, random)) return std::nullopt;
  settling(c, t.chain);
  return Settlement{SettlementKind::charge, owner, c.contract, t.chain, ton::build_signed_message(*c.signature)};
}

std::optional<Settlement> Ledger::due_worker(const ton::Address& owner, Worker& w, Time now, crypto::Random& random) {
  if (w.retry_at && now < *w.retry_at) return std::nullopt;
  const Counters& t = w.tokens;
  if (!last_payout_wanted(w) || t.chain <= t.charged) return std::nullopt;
  if (retired_) {
    if (t.max != t.chain) return std::nullopt;
    const auto message = signed_message(w, ton::op::worker_last_payout_signed, random);
    w.tokens.sent = t.chain;
    settling(w, t.chain);
    return Settlement{SettlementKind::last_payout, owner, w.contract, t.chain, ton::build_signed_message(message)};
  }
  const auto worth = ton::saturating_mul(t.chain - t.charged, instance_.params().worker_fee_per_token);
  if (!(w.now || worth >= config_.pay_worker_at) || !sign(w, ton::op::worker_payout_signed, random))
    return std::nullopt;
  settling(w, t.chain);
  return Settlement{SettlementKind::payout, owner, w.contract, t.chain, ton::build_signed_message(*w.signature)};
}

bool Ledger::settle_now(bool workers, const std::optional<ton::Address>& owner) {
  bool any = false;
  const auto each = [&](auto& accounts) {
    for (auto& [name, a] : accounts) {
      if ((owner && *owner != name) || a.tokens.chain <= a.tokens.charged) continue;
      a.now = true;
      look_at(workers, name);
      any = true;
    }
  };
  workers ? each(workers_) : each(clients_);
  return any;
}

void Ledger::retire() {
  for (const auto& [owner, c] : clients_) COCOON_ASSERT(c.reserved == 0);
  retired_ = true;
  dirty_ = true;
  look_at_all();
}

std::size_t Ledger::unsettled() const {
  // A contract that takes no message must not keep everybody else's money: after so many tries it is on its own.
  constexpr int kGiveUp = 8;
  const auto clients = std::count_if(clients_.begin(), clients_.end(), [&](const auto& e) {
    return e.second.delivered < kGiveUp && refund_wanted(e.second);
  });
  const auto workers = std::count_if(workers_.begin(), workers_.end(), [&](const auto& e) {
    return e.second.delivered < kGiveUp && last_payout_wanted(e.second);
  });
  return static_cast<std::size_t>(clients + workers);
}

Ledger::Account* Ledger::settling_account(SettlementKind kind, const ton::Address& owner) {
  const bool is_worker = kind == SettlementKind::payout || kind == SettlementKind::last_payout;
  Account* a = nullptr;
  if (is_worker) {
    if (const auto it = workers_.find(owner); it != workers_.end()) a = &it->second;
  } else {
    if (const auto it = clients_.find(owner); it != clients_.end()) a = &it->second;
  }
  return a != nullptr && a->retry_at ? a : nullptr;
}

void Ledger::retry_settlement(Account& a, SettlementKind kind, const ton::Address& owner, Time when) {
  a.retry_at = std::min(*a.retry_at, when);
  retries_.insert({*a.retry_at, {kind == SettlementKind::payout || kind == SettlementKind::last_payout, owner}});
}

void Ledger::settlement_sent(SettlementKind kind, const ton::Address& owner, Time now) {
  Account* a = settling_account(kind, owner);
  if (a == nullptr) return;
  ++a->delivered;
  retry_settlement(*a, kind, owner, now + config_.settle_retry * (1 << std::min(a->failures, 6)));
  ++a->failures;
}

void Ledger::settlement_failed(SettlementKind kind, const ton::Address& owner, Time now) {
  if (Account* a = settling_account(kind, owner)) retry_settlement(*a, kind, owner, now + config_.settle_retry);
}

Time Ledger::wake_at() const {
  if (!ready_) return Time::max();
  if (!to_settle_.empty()) return Time::min();
  return retries_.empty() ? Time::max() : retries_.begin()->first;
}

}  // namespace cocoon::ledger
