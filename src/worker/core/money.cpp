#include "worker/core/money.hpp"

#include <algorithm>
#include <limits>

#include "base/assert.hpp"
#include "ton/contracts/bodies.hpp"

namespace cocoon::worker {
namespace {

constexpr Duration kFirstPause = std::chrono::seconds(10);
constexpr Duration kLongestPause = std::chrono::hours(1);
constexpr std::uint64_t kLastPayoutAt = ton::kTon / 100;  // from a contract of earlier parameters (contracts.md 1.6)

std::string in_ton(std::uint64_t nano) { return fmt::format("{:.3f} TON", static_cast<double>(nano) / 1e9); }

std::uint64_t multiply(std::uint64_t a, std::uint64_t b) {
  std::uint64_t out = 0;
  return __builtin_mul_overflow(a, b, &out) ? std::numeric_limits<std::uint64_t>::max() : out;
}

}  // namespace

Money::Money(Config config)
    : config_(std::move(config)), queue_({config_.wallet_seed, config_.wallet_owner, config_.wallet_code}) {}

void Money::start(Effects& out) {
  if (std::exchange(started_, true)) return;
  out.emplace_back(role::Watch{queue_.address(), 0});
}

void Money::adopt_root(const ton::Address& address, const ton::RootState& root, Time now) {
  root_address_ = address;
  root_ = root;
  // The proxy settles its earlier contracts by itself; what it has not paid in good time is fetched (contracts.md 1.6).
  for (auto& [self, c] : contracts_) {
    if (c.outdated || c.proxy.params().params_version == root.params.params_version) continue;
    c.outdated = true;
    reconsider(c, now);
  }
}

Money::Contract* Money::find(const ton::Address& proxy_contract) {
  for (auto& [self, c] : contracts_)
    if (c.proxy.address() == proxy_contract) return &c;
  return nullptr;
}

const Money::Contract* Money::find(const ton::Address& proxy_contract) const {
  return const_cast<Money*>(this)->find(proxy_contract);
}

Result<> Money::meet_proxy(const Bits256& proxy_key, const ton::Address& proxy_owner,
                           const ton::Address& proxy_contract, const ton::Address& worker_contract, Effects& out) {
  if (!root_) return fail("the root contract has not been read yet");
  TRY_ASSIGN(auto instance, ton::ProxyInstance::make(root_->params, proxy_owner, proxy_key, root_address_));
  if (instance.address() != proxy_contract)
    return fail("the proxy's contract address does not follow from its key, its owner and the root contract");
  const auto self = instance.worker_address(config_.owner);
  if (self != worker_contract) return fail("the proxy names another worker contract than follows from our owner");
  const auto [it, fresh] =
      contracts_.try_emplace(self, Contract{.proxy = instance,
                                            .self = self,
                                            .payments = {ton::op::worker_payout_signed, self, instance.proxy_key()}});
  if (fresh) out.emplace_back(role::Watch{self, 0});
  return {};
}

const ton::Params& Money::params_of(const ton::Address& proxy_contract) const {
  const auto* c = find(proxy_contract);
  COCOON_ASSERT(c != nullptr);
  return c->proxy.params();
}

Money::Counters Money::counters(const ton::Address& proxy_contract) const {
  const auto* c = find(proxy_contract);
  return c == nullptr ? Counters{} : c->tokens;
}

void Money::keep(Contract& c, const ton::VerifiedPayment& payment, Time now) {
  if (payment.payload.tokens <= c.tokens.chain) return;
  c.tokens.chain = payment.payload.tokens;
  c.payment = payment.message;
  reconsider(c, now);
}

void Money::take(const ton::Address& proxy_contract, const wire::proxy::AnySignedPayment& payment, Time now) {
  auto* c = find(proxy_contract);
  const auto* given = std::get_if<wire::proxy::SignedPayment>(&payment);
  if (c == nullptr || given == nullptr) return;
  if (const auto& verified = c->payments.verify(given->data)) keep(*c, *verified, now);
}

void Money::take_counters(const ton::Address& proxy_contract, std::int64_t db_tokens, std::int64_t max_tokens) {
  auto* c = find(proxy_contract);
  if (c == nullptr || db_tokens < 0 || max_tokens < 0) return;
  c->tokens.db = std::max(c->tokens.db, static_cast<std::uint64_t>(db_tokens));
  c->tokens.max = std::max(c->tokens.max, static_cast<std::uint64_t>(max_tokens));
}

Result<> Money::take_strictly(const ton::Address& proxy_contract, const wire::proxy::AnySignedPayment& payment,
                              std::int64_t db_tokens, std::int64_t max_tokens, Time now) {
  auto* c = find(proxy_contract);
  if (c == nullptr) return fail("payment of a proxy that has not said who it is");
  const auto* given = std::get_if<wire::proxy::SignedPayment>(&payment);
  if (given == nullptr) return fail("signed payment refused: no signed payment");
  const auto& verified = c->payments.verify(given->data);
  if (!verified) return std::unexpected(Error(verified.error()).within("signed payment refused"));
  if (verified->payload.tokens < c->tokens.chain)
    return fail("signed payment for {} tokens after one for {}", verified->payload.tokens, c->tokens.chain);
  if (db_tokens < 0 || static_cast<std::uint64_t>(db_tokens) < c->tokens.db)
    return fail("{} tokens in the proxy's database after {}", db_tokens, c->tokens.db);
  if (max_tokens < 0 || static_cast<std::uint64_t>(max_tokens) < c->tokens.max)
    return fail("{} tokens accounted by the proxy after {}", max_tokens, c->tokens.max);
  c->tokens.db = static_cast<std::uint64_t>(db_tokens);
  c->tokens.max = static_cast<std::uint64_t>(max_tokens);
  keep(*c, *verified, now);
  return {};
}

Result<bool> Money::compare(const ton::Address& proxy_contract, const wire::worker::CompareBalanceWithProxyResult& m,
                            Time now) {
  auto* c = find(proxy_contract);
  if (c == nullptr) return fail("comparison with a proxy that has not said who it is");
  const auto before = c->tokens.max;
  const bool smaller = m.max_tokens >= 0 && static_cast<std::uint64_t>(m.max_tokens) < before;
  if (smaller) c->tokens.max = 0;
  auto taken = take_strictly(proxy_contract, m.signed_payment, m.tokens_committed_to_db, m.max_tokens, now);
  if (!taken) {
    c->tokens.max = before;
    return std::unexpected(std::move(taken).error());
  }
  return smaller;
}

std::uint64_t Money::unpaid_nano(const Contract& c) const {
  if (c.tokens.chain <= c.paid()) return 0;
  return multiply(c.tokens.chain - c.paid(), c.proxy.params().worker_fee_per_token);
}

// When a payout of our own is due: a while after the sum was first large enough, since the proxy normally pays by
// itself.
void Money::reconsider(Contract& c, Time now) {
  const auto unpaid = unpaid_nano(c);
  const bool possible =
      c.observed && c.payment && unpaid > 0 && !(c.state && c.state->state != ton::ContractState::normal);
  const auto enough = c.outdated ? std::min(config_.payout_at, kLastPayoutAt) : config_.payout_at;
  const bool wanted = !c.orders.empty() || (config_.payout_at != 0 && unpaid >= enough);
  if (!possible || !wanted) {
    c.due_at = Time::max();
  } else if (c.due_at == Time::max()) {
    const auto patience = std::chrono::seconds(c.proxy.params().client_delay_before_close / 2);
    c.due_at = now + (c.outdated ? std::max<Duration>(config_.patience, patience) : config_.patience);
  }
}

void Money::observe(const role::AccountObserved& e, Time now, Effects& out) {
  if (e.address == queue_.address()) {
    if (e.more)
      queue_.observe(e.transactions);
    else
      queue_.observe(e.account, e.transactions, e.chain_time);
    wallet_reports(now, out);
  } else if (const auto it = contracts_.find(e.address); it != contracts_.end()) {
    observe_contract(it->second, e, now, out);
  }
}

void Money::wallet_reports(Time now, Effects& out) {
  for (const auto& done : queue_.take_done()) {
    const auto it = std::find_if(contracts_.begin(), contracts_.end(), [&](const auto& entry) {
      return entry.second.running && entry.second.running->in_wallet == done.id;
    });
    if (it == contracts_.end()) continue;
    auto& c = it->second;
    if (!done.sent) {
      payout_over(c, false, done.why_not, now, out);
      continue;
    }
    c.running->in_wallet.reset();
    c.running->give_up_at = now + config_.retry;
  }
}

void Money::external_result(const role::ExternalResult& e) {
  // Refusals are expected while an external is resent after it was included. Inclusion is seen on chain, not here.
  if (!e.result) last_refusal_ = e.result.error().what;
}

void Money::observe_contract(Contract& c, const role::AccountObserved& e, Time now, Effects& out) {
  const bool moved = !e.more && observe_state(c, e, out);
  for (const auto& t : e.transactions) {
    if (!c.running || !t.in_msg || !t.in_msg->message) continue;
    const auto* info = t.in_msg->message->internal();
    if (info == nullptr || info->src != queue_.address()) continue;
    const auto header = ton::read_body_header(t.in_msg->message->body);
    if (!header || header->query_id != c.running->query_id) continue;
    payout_over(c, t.succeeded(), fmt::format("exit code {}", t.description.compute.exit_code), now, out);
  }
  // The proxy may have paid what was ordered.
  if (!e.more && !c.running && unpaid_nano(c) == 0) end_orders(c, {}, out);
  if (moved) reconsider(c, now);
}

bool Money::observe_state(Contract& c, const role::AccountObserved& e, Effects& out) {
  std::optional<ton::WorkerState> state;
  if (const auto* init = e.account ? e.account->active() : nullptr; init != nullptr && init->data) {
    if (auto parsed = ton::parse_worker_state(*init->data))
      state = *parsed;
    else
      out.emplace_back(role::Log{3, "our worker contract cannot be read: " + parsed.error().what});
  }
  if (state && state->tokens > c.paid())
    out.emplace_back(
        role::Log{2, fmt::format("paid on chain: {} adjusted tokens, {}", state->tokens - c.paid(),
                                 in_ton(multiply(state->tokens - c.paid(), c.proxy.params().worker_fee_per_token)))});
  const bool moved = !c.observed || state != c.state;
  c.observed = true;
  c.state = state;
  return moved;
}

// A failed payout is tried again, but ever more slowly: each attempt costs fees.
void Money::payout_over(Contract& c, bool success, const std::string& why, Time now, Effects& out) {
  c.running.reset();
  c.due_at = Time::max();
  if (success) {
    c.pause = {};
    end_orders(c, {}, out);
    return reconsider(c, now);
  }
  end_orders(c, fail("the payout failed: {}", why), out);
  c.pause = std::clamp<Duration>(2 * c.pause, kFirstPause, kLongestPause);
  reconsider(c, now);
  if (c.due_at != Time::max()) c.due_at = now + c.pause;
  out.emplace_back(role::Log{3, fmt::format("our payout failed ({}); again in {:.0f} s", why, to_seconds(c.pause))});
}

void Money::pay_out(Contract& c, Effects& out) {
  if (queue_.spendable() < config_.gas + ton::kTon / 10) return;
  auto message = *c.payment;
  message.excesses_to = queue_.address();
  ton::OutgoingMessage m{c.self, config_.gas, ton::build_signed_message(message), std::nullopt};
  if (!c.state) m.init = c.proxy.worker_state_init(config_.owner);
  const auto id = queue_.send(std::move(m));
  if (!id) return;
  c.running = Operation{.query_id = message.query_id, .in_wallet = id};
  out.emplace_back(role::Log{2, fmt::format("paying ourselves {} that the proxy signed for", in_ton(unpaid_nano(c)))});
}

void Money::advance(Time now, Effects& out) {
  for (auto& [self, c] : contracts_) {
    if (c.running && now >= c.running->give_up_at) payout_over(c, false, "no effect was seen on chain", now, out);
    if (!c.running && now >= c.due_at) pay_out(c, out);
    if (!c.running && !c.orders.empty() && c.due_at == Time::max())
      end_orders(c, fail("the worker contract is closed, or nothing is owed any more"), out);
  }
  while (auto external = queue_.poll(now))
    out.emplace_back(role::SendExternal{std::move(external->boc), external->body_hash});
}

Time Money::wake_at() const {
  Time at = queue_.wake_at();
  const bool can_pay = queue_.spendable() >= config_.gas + ton::kTon / 10;
  for (const auto& [self, c] : contracts_) {
    // Without money in the wallet a payout waits for the wallet to be observed again, not for a time.
    if (c.running)
      at = std::min(at, c.running->give_up_at);
    else if (can_pay)
      at = std::min(at, c.due_at);
  }
  return at;
}

Money::Status Money::status() const {
  Status st;
  st.wallet = queue_.address();
  st.wallet_balance = queue_.balance();
  st.wallet_seqno = queue_.seqno();
  st.wallet_pending = queue_.pending();
  st.wallet_waits_for = queue_.waiting_for();
  st.last_refusal = last_refusal_;
  for (const auto& [self, c] : contracts_)
    st.contracts.push_back({c.proxy.address(), self, c.proxy.proxy_key(), c.proxy.params().params_version,
                            c.state.has_value(), c.tokens, c.paid(), unpaid_nano(c), c.running.has_value()});
  return st;
}

}  // namespace cocoon::worker
