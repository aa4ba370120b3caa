#include "client/core/money.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "client/core/contract_record.hpp"
#include "market/prices.hpp"
#include "ton/contracts/arithmetic.hpp"
#include "ton/contracts/bodies.hpp"

namespace cocoon::client {
namespace {

ledger::WalletQueue::Config queue_config(const Money::Config& c) { return {c.node_seed, c.owner, c.wallet_code}; }

constexpr Duration kFirstPause = std::chrono::seconds(10);
constexpr Duration kLongestPause = std::chrono::hours(1);

std::string in_ton(std::uint64_t nano) { return fmt::format("{:.3f} TON", static_cast<double>(nano) / 1e9); }

// A charge does not: it takes from the balance what tokens cost.
bool may_cover_more(const std::optional<ton::ClientState>& before, const std::optional<ton::ClientState>& now) {
  if (!before || !now) return before != now;
  auto charged = *before;
  charged.tokens_used = now->tokens_used;
  charged.balance = std::min(before->balance, now->balance);
  return charged != *now;
}

}  // namespace

Money::Money(Config config, const crypto::Random& random)
    : config_(std::move(config)), random_(random), queue_(queue_config(config_)) {}

void Money::start(Effects& out) {
  if (std::exchange(started_, true)) return;
  out.emplace_back(role::Watch{queue_.address(), 0});
}

void Money::adopt_root(const ton::Address& address, const ton::RootState& root, Time now, Effects& out) {
  root_address_ = address;
  if (!root_) recall(out);
  root_ = root;
  // A proxy refunds the clients of its earlier contracts by itself; one that is gone does not (contracts.md 1.6).
  for (auto& [self, c] : contracts_) {
    if (is_current(c) || c.close_at != Time::max()) continue;
    const auto& p = c.proxy.params();
    const auto slack =
        std::max<std::int64_t>(0, std::int64_t{p.proxy_delay_before_close} - std::int64_t{p.client_delay_before_close});
    c.close_at = now + std::chrono::seconds(slack / 2);
  }
}

// Contracts that the process before had met: its proxy may be gone, the parameters others.
void Money::recall(Effects& out) {
  for (const auto& record : std::exchange(config_.remembered, {})) {
    auto proxy = decode_contract_record(record);
    if (!proxy) {
      out.emplace_back(role::Log{4, "a record of a contract of ours is damaged: " + proxy.error().what});
      continue;
    }
    if (proxy->root() != root_address_) continue;  // of another network
    add_contract(*std::move(proxy), out).remembered = true;
  }
}

Money::Contract& Money::add_contract(ton::ProxyInstance proxy, Effects& out) {
  const auto self = proxy.client_address(queue_.address());
  const auto key = proxy.proxy_key();
  const auto [it, fresh] = contracts_.try_emplace(
      self, Contract{.proxy = std::move(proxy), .self = self, .payments = {ton::op::client_charge_signed, self, key}});
  if (fresh) out.emplace_back(role::Watch{self, 0});
  return it->second;
}

void Money::remember(Contract& c, Time now, Effects& out) {
  if (c.remembered || c.remembering || now < c.not_before) return;
  c.remembering = true;
  out.emplace_back(Remember{c.self, encode_contract_record(c.proxy)});
}

void Money::remembered(const Remembered& e, Time now, Effects& out) {
  const auto it = contracts_.find(e.contract);
  if (it == contracts_.end()) return;
  auto& c = it->second;
  c.remembering = false;
  c.remembered = e.result.has_value();
  if (c.remembered) {
    c.pause = {};
    return;
  }
  pause(c, now);
  out.emplace_back(role::Log{4, fmt::format("our contract with a proxy could not be written to disk ({}): no money is "
                                            "sent there; again in {:.0f} s",
                                            e.result.error().what, to_seconds(c.pause))});
}

// Nothing is left in a closed contract, and one of earlier parameters is never opened again.
void Money::forget_closed(Effects& out) {
  std::erase_if(contracts_, [&](const auto& entry) {
    const auto& c = entry.second;
    const bool over = c.users == 0 && !is_current(c) && c.state && c.state->state == ton::ContractState::closed &&
                      !c.running && c.refunds.empty() && c.wishes.empty() && c.closing_orders.empty();
    if (!over) return false;
    out.emplace_back(role::Unwatch{c.self});
    if (c.leaving) out.emplace_back(role::Unwatch{c.proxy.address()});
    out.emplace_back(Remember{c.self, {}});
    return true;
  });
}

void Money::observe(const role::AccountObserved& e, Time now, Effects& out) {
  chain_time_ = std::max(chain_time_, e.chain_time);
  if (e.address == queue_.address()) {
    if (e.more)
      queue_.observe(e.transactions);
    else
      queue_.observe(e.account, e.transactions, e.chain_time);
    wallet_reports(now, out);
    observe_payouts(e, out);
  } else if (const auto it = contracts_.find(e.address); it != contracts_.end()) {
    observe_contract(it->second, e, now, out);
  } else if (!e.more) {
    observe_proxy(e);
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
      operation_over(c, false, done.why_not, now, out);
      continue;
    }
    c.running->in_wallet.reset();
    c.running->give_up_at = now + config_.retry;
  }
}

void Money::external_result(const role::ExternalResult& e, Time) {
  // Refusals are expected while an external is resent after it was included. Inclusion is seen on chain, not here.
  if (!e.result) last_refusal_ = e.result.error().what;
}

void Money::observe_contract(Contract& c, const role::AccountObserved& e, Time now, Effects& out) {
  if (!e.more) observe_state(c, e, now, out);
  observe_refunds(c, e, now);
  for (const auto& t : e.transactions) {
    if (!c.running || !t.in_msg || !t.in_msg->message) continue;
    const auto* info = t.in_msg->message->internal();
    if (info == nullptr || info->src != queue_.address()) continue;
    const auto header = ton::read_body_header(t.in_msg->message->body);
    if (!header || header->query_id != c.running->query_id) continue;
    operation_over(c, t.succeeded(), fmt::format("exit code {}", t.description.compute.exit_code), now, out);
  }
  if (!e.more) finish_closing(c, out);
}

void Money::observe_state(Contract& c, const role::AccountObserved& e, Time now, Effects& out) {
  std::optional<ton::ClientState> state;
  if (const auto* init = e.account ? e.account->active() : nullptr; init != nullptr && init->data) {
    if (auto parsed = ton::parse_client_state(*init->data))
      state = *parsed;
    else if (!c.observed || c.state)
      out.emplace_back(role::Log{3, "our client contract cannot be read: " + parsed.error().what});
  }
  if (!c.observed || may_cover_more(c.state, state)) c.news = now;
  c.observed = true;
  c.state = state;
  if (state && state->state == ton::ContractState::closing && !c.leaving) start_closing(c, out);
}

// A failed operation is tried again, but ever more slowly: each attempt costs fees.
void Money::operation_over(Contract& c, bool success, const std::string& why, Time now, Effects& out) {
  const auto op = std::move(*c.running);
  c.running.reset();
  if (success) {
    c.pause = {};
    // What the contract passed on to be paid out is over when the wallet has it (observe_refunds()).
    const auto refund =
        std::find_if(c.refunds.begin(), c.refunds.end(), [&](const Refund& r) { return r.query_id == op.query_id; });
    if (op.order && refund != c.refunds.end())
      refund->order = op.order;
    else if (op.order)
      order_over(*op.order, fmt::format("{}: done; {}", op.name, balance_text(c)), out);
    return;
  }
  if (op.order) order_over(*op.order, fail("{} failed in our client contract: {}", op.name, why), out);
  pause(c, now);
  out.emplace_back(role::Log{
      3, fmt::format("{} failed in our client contract ({}); again in {:.0f} s", op.name, why, to_seconds(c.pause))});
  if (!op.nonce) return;
  for (auto& r : c.registrations)
    if (r.nonce == *op.nonce) r.sent = false;
}

void Money::pause(Contract& c, Time now) {
  c.pause = std::clamp<Duration>(2 * c.pause, kFirstPause, kLongestPause);
  c.not_before = now + c.pause;
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
                           const ton::Address& proxy_contract, const ton::Address& client_contract, Effects& out) {
  if (!root_) return fail("the root contract has not been read yet");
  TRY_ASSIGN(auto instance, ton::ProxyInstance::make(root_->params, proxy_owner, proxy_key, root_address_));
  if (instance.address() != proxy_contract)
    return fail("the proxy's contract address does not follow from its key, its owner and the root contract");
  const auto self = instance.client_address(queue_.address());
  if (self != client_contract) return fail("the proxy names another client contract than follows from our wallet");
  ++add_contract(std::move(instance), out).users;
  return {};
}

void Money::leave_proxy(const ton::Address& proxy_contract) {
  auto* c = find(proxy_contract);
  COCOON_ASSERT(c != nullptr && c->users > 0);
  --c->users;
}

void Money::want_register(const ton::Address& proxy_contract, std::uint64_t nonce) {
  if (auto* c = find(proxy_contract)) c->registrations.push_back({nonce, false});
}

bool Money::register_sent(const ton::Address& proxy_contract, std::uint64_t nonce) const {
  const auto* c = find(proxy_contract);
  return c != nullptr && std::any_of(c->registrations.begin(), c->registrations.end(),
                                     [&](const auto& r) { return r.nonce == nonce && r.sent; });
}

void Money::forget_register(const ton::Address& proxy_contract, std::uint64_t nonce) {
  if (auto* c = find(proxy_contract)) std::erase_if(c->registrations, [&](const auto& r) { return r.nonce == nonce; });
}

bool Money::wallet_can_spend(std::uint64_t nano) const { return queue_.spendable() >= nano + ton::kTon / 10; }

void Money::send(Contract& c, std::string name, std::uint64_t value, std::uint64_t query_id, ton::Cell body,
                 Effects& out) {
  ton::OutgoingMessage m{c.self, value, std::move(body), std::nullopt};
  if (!c.state) m.init = c.proxy.client_state_init(queue_.address());
  const auto id = queue_.send(std::move(m));
  if (!id) return;
  out.emplace_back(role::Log{2, fmt::format("{} ({} attached)", name, in_ton(value))});
  c.running = Operation{.name = std::move(name), .query_id = query_id, .nonce = {}, .in_wallet = id};
}

void Money::register_when_wanted(Contract& c, Effects& out) {
  const auto next = std::find_if(c.registrations.begin(), c.registrations.end(), [](const auto& r) { return !r.sent; });
  if (next == c.registrations.end() || !wallet_can_spend(config_.register_value)) return;
  ton::ClientRegister body;
  body.query_id = random_.u64() | 1;
  body.nonce = next->nonce;
  body.excesses_to = queue_.address();
  send(c, "registering with the proxy", config_.register_value, body.query_id, ton::build_body(body), out);
  if (!c.running) return;
  c.running->nonce = next->nonce;
  next->sent = true;
}

void Money::take_payment(const ton::Address& proxy_contract, BytesView boc, Effects& out) {
  auto* c = find(proxy_contract);
  if (c == nullptr) return;
  const auto& payment = c->payments.verify(boc);
  if (!payment) {
    if (!std::exchange(c->bad_payment_told, true))
      out.emplace_back(role::Log{3, "signed payments of the proxy are ignored: " + payment.error().what});
    return;
  }
  if (payment->payload.tokens <= c->signed_tokens) return;
  c->signed_tokens = payment->payload.tokens;
  c->payment = payment->message;
}

void Money::take_counters(const ton::Address& proxy_contract, std::int64_t db_tokens, std::int64_t max_tokens) {
  auto* c = find(proxy_contract);
  if (c == nullptr || db_tokens < 0 || max_tokens < 0) return;
  c->db_tokens = std::max(c->db_tokens, static_cast<std::uint64_t>(db_tokens));
  c->max_tokens = std::max(c->max_tokens, static_cast<std::uint64_t>(max_tokens));
}

std::uint64_t Money::top_up_amount(const Contract& c) const {
  const auto price = c.proxy.params().price_per_token;
  const auto stake = std::max(c.state ? c.state->stake : 0, c.proxy.params().min_client_stake);
  const auto amount = config_.top_up != 0 ? config_.top_up : stake;
  return price == 0 ? amount : std::max(amount - amount % price, price);
}

// Half a stake is kept paid ahead (contracts.md 1.6); the secret's hash travels with the first top-up.
void Money::keep_funded(Contract& c, Effects& out) {
  if (!c.state || c.state->state != ton::ContractState::normal || c.leaving) return;
  const bool secret_differs = c.state->secret_hash != config_.secret_hash;
  const bool low = config_.auto_top_up && c.state->balance < (c.state->stake + 1) / 2;
  const auto amount = low ? top_up_amount(c) : 0;
  if (!(low || secret_differs) || !wallet_can_spend(amount + config_.gas)) return;
  const auto query = random_.u64() | 1;
  const auto self = queue_.address();
  const auto body = low && secret_differs
                        ? ton::build_body(ton::ClientChangeSecretAndTopUp{query, amount, config_.secret_hash, self})
                    : low ? ton::build_body(ton::ClientTopUp{query, amount, self})
                          : ton::build_body(ton::ClientChangeSecret{query, config_.secret_hash, self});
  send(c, low ? "topping up " + in_ton(amount) : "writing the secret's hash", amount + config_.gas, query, body, out);
}

bool Money::owes(const Contract& c) { return c.payment && c.signed_tokens > c.state->tokens_used; }

// More than half a stake used and not charged, and a committed signature to charge with: the client does it itself, so
// that the proxy has no reason to refuse the next request.
void Money::charge_when_due(Contract& c, Effects& out) {
  if (!c.state || c.state->state == ton::ContractState::closed || !owes(c)) return;
  const auto price = c.proxy.params().price_per_token;
  if (price == 0 || c.max_tokens <= c.state->tokens_used) return;
  if (c.max_tokens - c.state->tokens_used <= c.state->stake / price / 2) return;
  if (wallet_can_spend(config_.gas)) charge_ourselves(c, out);
}

// No proxy serves contracts of earlier parameters any more: they are closed (close_when_due()).
bool Money::is_current(const Contract& c) const {
  return root_ && c.proxy.params().params_version == root_->params.params_version;
}

void Money::next_operation(Contract& c, Effects& out) {
  if (!c.running && !c.leaving && c.remembered) register_when_wanted(c, out);
  if (!c.running) charge_when_due(c, out);
  if (!c.running && c.remembered) keep_funded(c, out);
}

void Money::advance(Time now, Effects& out) {
  advanced_ = now;
  for (auto& [self, c] : contracts_) {
    if (c.running && now >= c.running->give_up_at) operation_over(c, false, "no effect was seen on chain", now, out);
    expire_refunds(c, now, out);
    remember(c, now, out);
    if (!c.observed) continue;
    if (!c.running) do_wish(c, out);
    if (now < c.not_before) continue;
    if (!c.running) close_when_due(c, now, out);
    if (c.users > 0 && is_current(c)) next_operation(c, out);
  }
  forget_closed(out);
  while (auto external = queue_.poll(now))
    out.emplace_back(role::SendExternal{std::move(external->boc), external->body_hash});
}

Time Money::wake_at() const {
  Time at = queue_.wake_at();
  for (const auto& [self, c] : contracts_) {
    if (c.running)
      at = std::min(at, c.running->give_up_at);
    else if ((c.users > 0 || c.leaving) && c.not_before > advanced_)
      at = std::min(at, c.not_before);
    if (c.close_at > advanced_) at = std::min(at, c.close_at);
    for (const auto& r : c.refunds) at = std::min(at, r.until);
  }
  return at;
}

Time Money::last_news(const ton::Address& proxy_contract) const {
  const auto* c = find(proxy_contract);
  return c == nullptr ? Time{} : c->news;
}

std::string Money::why_wallet_waits() const { return queue_.waiting_for(); }

std::string Money::why_not_funded(const ton::Address& proxy_contract) const {
  const auto* c = find(proxy_contract);
  if (c == nullptr || !c->observed) return "waiting for the chain to show our client contract";
  if (!c->state) return "waiting for our client contract to be deployed";
  if (c->state->state != ton::ContractState::normal) return "our client contract is closing or closed";
  if (c->state->balance > 0) return {};
  if (auto why = queue_.waiting_for(); !why.empty()) return why;
  return "waiting for the top-up of our client contract";
}

bool Money::is_funded(const ton::Address& proxy_contract) const {
  const auto* c = find(proxy_contract);
  return c != nullptr && c->state && c->state->state == ton::ContractState::normal && c->state->balance > 0;
}

std::string Money::why_not_covered(const ton::Address& proxy_contract, std::int64_t tokens) const {
  const auto* c = find(proxy_contract);
  if (c == nullptr || !c->state || tokens <= 0) return {};
  const auto price = c->proxy.params().price_per_token;
  const auto covered = market::tokens_available({.balance = c->state->balance, .stake = c->state->stake}, price);
  if (tokens <= covered) return {};
  return fmt::format("{:.6f} TON would be reserved, our contract covers {:.6f} TON",
                     static_cast<double>(tokens) * static_cast<double>(price) / 1e9,
                     static_cast<double>(std::min(c->state->balance, c->state->stake)) / 1e9);
}

std::uint64_t Money::refund_due(const Contract& c) {
  std::uint64_t sum = 0;
  for (const auto& r : c.refunds) sum = ton::saturating_add(sum, r.amount);
  return sum;
}

Money::Status Money::status() const {
  Status st;
  st.wallet = queue_.address();
  st.wallet_balance = queue_.balance();
  st.wallet_seqno = queue_.seqno();
  st.wallet_pending = queue_.pending();
  st.last_refusal = last_refusal_;
  for (const auto& [self, c] : contracts_)
    st.contracts.push_back({c.proxy.address(), self, c.proxy.proxy_key(), c.state, c.signed_tokens, c.db_tokens,
                            c.max_tokens, c.users > 0, c.running ? c.running->name : "", c.leaving, refund_due(c)});
  return st;
}

}  // namespace cocoon::client
