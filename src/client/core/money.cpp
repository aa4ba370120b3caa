#include "client/core/money.hpp"

#include <algorithm>

#include "ton/contracts/bodies.hpp"

namespace cocoon::client {
namespace {

ledger::WalletQueue::Config queue_config(const Money::Config& c) { return {c.node_seed, c.owner, c.wallet_code}; }

std::string in_ton(std::uint64_t nano) { return fmt::format("{:.3f} TON", static_cast<double>(nano) / 1e9); }

}  // namespace

Money::Money(Config config, crypto::Random random)
    : config_(std::move(config)), random_(std::move(random)), queue_(queue_config(config_)) {}

void Money::start(Effects& out) {
  if (std::exchange(started_, true)) return;
  out.emplace_back(role::Watch{queue_.address(), 0});
}

void Money::adopt_root(const ton::Address& address, const ton::RootState& root) {
  root_address_ = address;
  root_ = root;
}

void Money::observe(const role::AccountObserved& e, Time now, Effects& out) {
  if (e.address == queue_.address()) {
    queue_.observe(e.account, e.transactions, e.chain_time);
    for (const auto& done : queue_.take_done())
      if (!done.sent) out.emplace_back(role::Log{3, "wallet: a message was not sent: " + done.why_not});
  } else if (const auto it = contracts_.find(e.address); it != contracts_.end()) {
    observe_contract(it->second, e, out);
  }
  advance(now, out);
}

void Money::external_result(const role::ExternalResult& e, Time) {
  // Refusals are expected while an external is resent after it was included. Inclusion is seen on chain, not here.
  if (!e.result) last_refusal_ = e.result.error().what;
}

void Money::observe_contract(Contract& c, const role::AccountObserved& e, Effects& out) {
  c.observed = true;
  c.state.reset();
  if (e.account) {
    if (const auto* init = e.account->active(); init != nullptr && init->data) {
      if (auto state = ton::parse_client_state(*init->data))
        c.state = *state;
      else
        out.emplace_back(role::Log{3, "our client contract cannot be read: " + state.error().what});
    }
  }
  for (const auto& t : e.transactions) {
    if (!t.in_msg || !t.in_msg->message) continue;
    const auto* info = t.in_msg->message->internal();
    if (info == nullptr || info->src != queue_.address()) continue;
    const auto header = ton::read_body_header(t.in_msg->message->body);
    if (!header || header->query_id != c.pending_query || c.pending_query == 0) continue;
    if (!t.succeeded())
      out.emplace_back(role::Log{3, fmt::format("{} failed in our client contract with code {}", c.pending_name,
                                                t.description.compute.exit_code)});
    c.pending_query = 0;
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
                           const ton::Address& proxy_contract, const ton::Address& client_contract, Effects& out) {
  if (!root_) return fail("the root contract has not been read yet");
  TRY_ASSIGN(auto instance, ton::ProxyInstance::make(root_->params, proxy_owner, proxy_key, root_address_));
  if (instance.address() != proxy_contract)
    return fail("the proxy's contract address does not follow from its key, its owner and the root contract");
  const auto self = instance.client_address(queue_.address());
  if (self != client_contract) return fail("the proxy names another client contract than follows from our wallet");
  if (contracts_.contains(self)) return {};
  contracts_.emplace(self, Contract{.proxy = std::move(instance), .self = self});
  out.emplace_back(role::Watch{self, 0});
  return {};
}

bool Money::wallet_can_spend(std::uint64_t nano) const { return queue_.spendable() >= nano + ton::kTon / 10; }

void Money::send(Contract& c, std::string name, std::uint64_t value, std::uint64_t query_id, ton::Cell body, Time now,
                 Effects& out) {
  ton::OutgoingMessage m{c.self, value, std::move(body), std::nullopt};
  if (!c.state) m.init = c.proxy.client_state_init(queue_.address());
  if (!queue_.send(std::move(m))) return;
  out.emplace_back(role::Log{2, fmt::format("{} ({} attached)", name, in_ton(value))});
  c.pending_query = query_id;
  c.pending_until = now + config_.retry;
  c.pending_name = std::move(name);
}

bool Money::send_register(const ton::Address& proxy_contract, std::uint64_t nonce, Time now, Effects& out) {
  auto* c = find(proxy_contract);
  if (c == nullptr || !c->observed || c->pending_query != 0 || !wallet_can_spend(config_.register_value)) return false;
  ton::ClientRegister body;
  body.query_id = random_.u64() | 1;
  body.nonce = nonce;
  body.excesses_to = queue_.address();
  send(*c, "registering with the proxy", config_.register_value, body.query_id, ton::build_body(body), now, out);
  return c->pending_query != 0;
}

void Money::take_payment(const ton::Address& proxy_contract, BytesView boc, Effects& out) {
  auto* c = find(proxy_contract);
  if (c == nullptr) return;
  auto payment = ton::verify_payment(boc, ton::op::client_charge_signed, c->self, c->proxy.proxy_key());
  if (!payment) {
    out.emplace_back(role::Log{3, "a signed payment was ignored: " + payment.error().what});
    return;
  }
  if (payment->payload.tokens <= c->signed_tokens) return;
  c->signed_tokens = payment->payload.tokens;
  c->payment = std::move(payment->message);
}

void Money::take_counters(const ton::Address& proxy_contract, std::int64_t db_tokens, std::int64_t max_tokens) {
  auto* c = find(proxy_contract);
  if (c == nullptr || db_tokens < 0 || max_tokens < 0) return;
  c->db_tokens = std::max(c->db_tokens, static_cast<std::uint64_t>(db_tokens));
  c->max_tokens = std::max(c->max_tokens, static_cast<std::uint64_t>(max_tokens));
}

std::uint64_t Money::top_up_amount(const Contract& c) const {
  const auto price = c.proxy.params().price_per_token;
  const auto amount =
      config_.top_up != 0 ? config_.top_up : std::max(c.state->stake, c.proxy.params().min_client_stake);
  return price == 0 ? amount : amount - amount % price;
}

// Half a stake is kept paid ahead (contracts.md 1.6); the secret's hash travels with the first top-up.
void Money::keep_funded(Contract& c, Time now, Effects& out) {
  if (c.pending_query != 0 || !c.state || c.state->state != ton::ContractState::normal) return;
  const bool secret_differs = c.state->secret_hash != config_.secret_hash;
  const bool low = config_.auto_top_up && c.state->balance < (c.state->stake + 1) / 2;
  const auto amount = top_up_amount(c);
  const auto query = random_.u64() | 1;
  if (low && wallet_can_spend(amount + config_.gas)) {
    if (secret_differs) {
      ton::ClientChangeSecretAndTopUp body;
      body.query_id = query;
      body.amount = amount;
      body.secret_hash = config_.secret_hash;
      body.excesses_to = queue_.address();
      send(c, "topping up " + in_ton(amount), amount + config_.gas, query, ton::build_body(body), now, out);
    } else {
      ton::ClientTopUp body;
      body.query_id = query;
      body.amount = amount;
      body.excesses_to = queue_.address();
      send(c, "topping up " + in_ton(amount), amount + config_.gas, query, ton::build_body(body), now, out);
    }
  } else if (secret_differs && !low && wallet_can_spend(config_.gas)) {
    ton::ClientChangeSecret body;
    body.query_id = query;
    body.secret_hash = config_.secret_hash;
    body.excesses_to = queue_.address();
    send(c, "writing the secret's hash", config_.gas, query, ton::build_body(body), now, out);
  }
}

// More than half a stake used and not charged, and a committed signature to charge with: the client does it itself, so
// that the proxy has no reason to refuse the next request.
void Money::charge_when_due(Contract& c, Time now, Effects& out) {
  if (c.pending_query != 0 || !c.state || !c.payment || c.signed_tokens <= c.state->tokens_used) return;
  const auto price = c.proxy.params().price_per_token;
  if (price == 0 || c.max_tokens <= c.state->tokens_used) return;
  if (c.max_tokens - c.state->tokens_used <= c.state->stake / price / 2) return;
  if (!wallet_can_spend(config_.gas)) return;
  auto message = *c.payment;
  message.excesses_to = queue_.address();
  send(c, "charging ourselves what was used", config_.gas, message.query_id, ton::build_signed_message(message), now,
       out);
}

void Money::advance(Time now, Effects& out) {
  for (auto& [self, c] : contracts_) {
    if (c.pending_query != 0 && now >= c.pending_until) {
      out.emplace_back(role::Log{3, c.pending_name + " has shown no effect on chain; trying again"});
      c.pending_query = 0;
    }
    charge_when_due(c, now, out);
    keep_funded(c, now, out);
  }
  while (auto external = queue_.poll(now))
    out.emplace_back(role::SendExternal{std::move(external->boc), external->body_hash});
}

Time Money::wake_at() const {
  Time at = queue_.wake_at();
  for (const auto& [self, c] : contracts_)
    if (c.pending_query != 0) at = std::min(at, c.pending_until);
  return at;
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

Money::Status Money::status() const {
  Status st;
  st.wallet = queue_.address();
  st.wallet_balance = queue_.balance();
  st.wallet_seqno = queue_.seqno();
  st.wallet_pending = queue_.pending();
  st.last_refusal = last_refusal_;
  for (const auto& [self, c] : contracts_)
    st.contracts.push_back(
        {c.proxy.address(), self, c.proxy.proxy_key(), c.state, c.signed_tokens, c.db_tokens, c.max_tokens});
  return st;
}

}  // namespace cocoon::client
