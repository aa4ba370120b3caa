// Signatures for what is committed, and the messages that carry them to contracts (contracts.md 3, 6.3 step 10).
#include <algorithm>

#include "base/assert.hpp"
#include "ledger/ledger.hpp"
#include "ton/boc.hpp"
#include "ton/contracts/arithmetic.hpp"

namespace cocoon::ledger {

ton::SignedMessage Ledger::signed_message(const Account& a, std::uint32_t opcode, crypto::Random& random) const {
  const ton::PaymentPayload payload{opcode, random.u64(), a.tokens.chain, a.contract};
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

void Ledger::settling(Account& a, const AccountName& name, std::uint64_t tokens, Time now) {
  COCOON_ASSERT(tokens >= a.expected);  // E never goes back
  a.expected = tokens;
  a.retry_at = now + config_.settle_retry * (1 << std::min(a.failures, 6));
  ++a.failures;
  retries_.insert({*a.retry_at, name});
}

std::optional<Settlement> Ledger::due_client(const ton::Address& owner, Client& c, Time now, crypto::Random& random) {
  if (c.retry_at && now < *c.retry_at) return std::nullopt;
  const Counters& t = c.tokens;
  if (c.chain.state == ton::ContractState::closing) {
    // 3.9: the refund says all that was ever used (I10), so nothing may be running or uncommitted.
    if (c.reserved != 0 || t.max != t.chain) return std::nullopt;
    const auto message = signed_message(c, ton::op::client_grant_refund_signed, random);
    c.tokens.sent = t.chain;
    c.refund_sent = true;
    settling(c, {false, owner}, t.chain, now);
    return Settlement{SettlementKind::grant_refund, owner, c.contract, t.chain, ton::build_signed_message(message)};
  }
  if (c.chain.state != ton::ContractState::normal || t.chain <= t.charged) return std::nullopt;
  const auto worth = ton::saturating_mul(t.chain - t.charged, instance_.params().price_per_token);
  if (worth < config_.charge_client_at || !sign(c, ton::op::client_charge_signed, random)) return std::nullopt;
  settling(c, {false, owner}, t.chain, now);
  return Settlement{SettlementKind::charge, owner, c.contract, t.chain, ton::build_signed_message(*c.signature)};
}

std::optional<Settlement> Ledger::due_worker(const ton::Address& owner, Worker& w, Time now, crypto::Random& random) {
  if (w.retry_at && now < *w.retry_at) return std::nullopt;
  const Counters& t = w.tokens;
  const auto& params = instance_.params();
  if (w.state != ton::ContractState::normal || t.chain <= t.charged) return std::nullopt;
  if (params.worker_fee_per_token > params.price_per_token) return std::nullopt;  // every payout would abort (1.3)
  const auto worth = ton::saturating_mul(t.chain - t.charged, params.worker_fee_per_token);
  if (worth < config_.pay_worker_at || !sign(w, ton::op::worker_payout_signed, random)) return std::nullopt;
  settling(w, {true, owner}, t.chain, now);
  return Settlement{SettlementKind::payout, owner, w.contract, t.chain, ton::build_signed_message(*w.signature)};
}

void Ledger::settlement_failed(SettlementKind kind, const ton::Address& owner, Time now) {
  const bool is_worker = kind == SettlementKind::payout;
  Account* a = nullptr;
  if (is_worker) {
    if (const auto it = workers_.find(owner); it != workers_.end()) a = &it->second;
  } else {
    if (const auto it = clients_.find(owner); it != clients_.end()) a = &it->second;
  }
  if (!a || !a->retry_at) return;
  a->retry_at = std::min(*a->retry_at, now + config_.settle_retry);
  retries_.insert({*a->retry_at, {is_worker, owner}});
}

Time Ledger::wake_at() const {
  if (!ready_) return Time::max();
  if (!to_settle_.empty()) return Time::min();
  return retries_.empty() ? Time::max() : retries_.begin()->first;
}

}  // namespace cocoon::ledger
