// What the operator orders of the money side, and how a client contract is closed (contracts.md 2.4, 3.9;
// role/operator.hpp).
#include <algorithm>

#include "client/core/money.hpp"
#include "ledger/costs.hpp"
#include "ton/contracts/arithmetic.hpp"
#include "ton/contracts/bodies.hpp"

namespace cocoon::client {
namespace {

namespace cost = ledger::cost;
using role::OrderKind;

constexpr std::size_t kMaxWishes = 16;
constexpr std::size_t kMaxPayouts = 64;     // of the wallet, remembered until their contract is looked at
constexpr std::int64_t kUnlockMargin = 10;  // seconds; the contract wants its time to be over
constexpr Duration kRefundTime = std::chrono::minutes(3);  // from our contract over the proxy contract to the wallet

std::string in_ton(std::uint64_t nano) { return fmt::format("{:.3f} TON", static_cast<double>(nano) / 1e9); }

std::uint64_t above_stake(const ton::ClientState& s) { return s.balance > s.stake ? s.balance - s.stake : 0; }

}  // namespace

void Money::order(const role::Order& o, Time, Effects& out) {
  const Wish wish{o.id, o.kind, o.amount};
  auto c = contract_for(o);
  auto plan = c ? this->plan(**c, wish) : Result<role::Plan>(std::unexpected(c.error()));
  if (plan && !o.dry_run) {
    if ((*c)->wishes.size() < kMaxWishes)
      (*c)->wishes.push_back(wish);
    else
      plan = fail("too many orders wait for this contract");
  }
  out.emplace_back(role::OrderAnswer{o.id, std::move(plan)});
}

Result<Money::Contract*> Money::contract_for(const role::Order& o) {
  if (o.contract) {
    if (auto* c = find(*o.contract)) return c;
    if (const auto it = contracts_.find(*o.contract); it != contracts_.end()) return &it->second;
    return fail("this client has no contract at {}", ton::to_friendly_text(*o.contract));
  }
  Contract* found = nullptr;
  for (auto& [self, c] : contracts_) {
    if (c.users == 0 && contracts_.size() > 1) continue;
    if (found != nullptr) return fail("there are several contracts: name the proxy's");
    found = &c;
  }
  if (found == nullptr) return fail("this client is connected to no proxy");
  return found;
}

Result<> Money::can_pay(std::uint64_t nano) const {
  if (wallet_can_spend(nano)) return {};
  if (auto why = queue_.waiting_for(); !why.empty()) return fail("{}", why);
  return fail("{} and fees are needed, wallet {} holds {}", in_ton(nano), ton::to_friendly_text(queue_.address()),
              in_ton(queue_.spendable()));
}

// What the order comes to by the contract's state of now. The same is asked when its turn has come.
Result<role::Plan> Money::plan(const Contract& c, const Wish& wish) const {
  if (!c.observed) return fail("the chain has not shown our client contract yet");
  switch (wish.kind) {
    case OrderKind::client_top_up:
      return plan_top_up(c, wish.amount != 0 ? wish.amount : top_up_amount(c));
    case OrderKind::client_stake:
      return plan_stake(c, wish.amount);
    case OrderKind::client_withdraw:
      return plan_withdraw(c);
    case OrderKind::client_close:
      return plan_close(c);
    case OrderKind::client_charge:
      return plan_charge(c);
    default:
      return fail("a client does not take this order");
  }
}

Result<role::Plan> Money::plan_top_up(const Contract& c, std::uint64_t amount) const {
  if (c.leaving || (c.state && c.state->state != ton::ContractState::normal))
    return fail("our client contract is closing or closed");
  if (!is_current(c)) return fail("the network's parameters have changed: no proxy serves this contract any more");
  if (!c.remembered) return fail("our database has not taken note of this contract yet");
  if (amount > INT64_MAX - config_.gas) return fail("there is not that much TON");
  TRY(can_pay(amount + config_.gas));
  role::Plan plan;
  plan.messages.push_back({.operation = "client_top_up",
                           .to = c.self,
                           .attached = amount + config_.gas,
                           .moved = amount,
                           .fees = cost::top_up.fee,
                           .arrives_at = {},
                           .effect = "the balance of our client contract grows by " + in_ton(amount)});
  if (!c.state) plan.note = "our client contract is deployed with it";
  return plan;
}

Result<role::Plan> Money::plan_stake(const Contract& c, std::uint64_t stake) const {
  if (!c.state) return fail("our client contract is not deployed");
  if (c.leaving || c.state->state == ton::ContractState::closed)
    return fail("our client contract is closing or closed");
  if (stake <= c.state->stake) return fail("the stake is {} already, and can only grow", in_ton(c.state->stake));
  TRY(can_pay(config_.gas));
  role::Plan plan;
  plan.messages.push_back({.operation = "client_increase_stake",
                           .to = c.self,
                           .attached = config_.gas,
                           .fees = cost::increase_stake.fee,
                           .arrives_at = {},
                           .effect = fmt::format("the stake is {} instead of {}: so much of the balance cannot be "
                                                 "withdrawn, so much may be used before it is charged",
                                                 in_ton(stake), in_ton(c.state->stake))});
  return plan;
}

Result<role::Plan> Money::plan_withdraw(const Contract& c) const {
  if (!c.state) return fail("our client contract is not deployed");
  if (c.state->state != ton::ContractState::normal) return fail("our client contract is closing or closed");
  const auto amount = above_stake(*c.state);
  if (amount == 0)
    return fail("our client contract holds {}, not more than its stake of {}", in_ton(c.state->balance),
                in_ton(c.state->stake));
  TRY(can_pay(config_.gas));
  role::Plan plan;
  plan.messages.push_back({.operation = "client_withdraw",
                           .to = c.self,
                           .attached = config_.gas,
                           .fees = cost::withdraw.fee,
                           .arrives = amount,
                           .arrives_at = queue_.address(),
                           .effect = in_ton(amount) + " above the stake come back to the wallet"});
  return plan;
}

Result<role::Plan> Money::plan_close(const Contract& c) const {
  if (!c.state) return fail("our client contract is not deployed");
  const auto& s = *c.state;
  if (s.state == ton::ContractState::closed) return fail("our client contract is closed");
  TRY(can_pay(config_.gas));
  role::Plan plan;
  role::PlannedMessage message{.operation = "client_request_refund",
                               .to = c.self,
                               .attached = config_.gas,
                               .fees = cost::request_refund.fee,
                               .arrives_at = queue_.address(),
                               .effect = {}};
  if (s.state == ton::ContractState::normal) {
    message.arrives = above_stake(s);
    message.effect = "our client contract starts closing; what is above its stake comes back at once";
    plan.messages.push_back(message);
    plan.note = fmt::format(
        "the proxy charges what was used and grants the rest; if it does not, the refund can be "
        "forced after {} s",
        c.proxy.params().client_delay_before_close);
    return plan;
  }
  if (chain_time_ <= std::int64_t{s.unlock_ts} + kUnlockMargin)
    plan.note = fmt::format(
        "our client contract is closing: the proxy is waited for; the refund can be forced at {} "
        "(unix time)",
        s.unlock_ts);
  if (!plan.note.empty()) return plan;
  if (owes(c)) plan.messages.push_back(planned_charge(c));
  message.arrives = s.balance - (owes(c) ? signed_cost(c) : 0);
  message.effect = in_ton(message.arrives) + " are demanded without the proxy's consent";
  plan.messages.push_back(message);
  return plan;
}

// What the newest signed payment takes from our contract's balance.
std::uint64_t Money::signed_cost(const Contract& c) {
  const auto tokens = c.signed_tokens - c.state->tokens_used;
  return std::min(ton::saturating_mul(tokens, c.proxy.params().price_per_token), c.state->balance);
}

role::PlannedMessage Money::planned_charge(const Contract& c) const {
  return {.operation = "client_charge_signed",
          .to = c.self,
          .attached = config_.gas,
          .fees = cost::charge.fee,
          .arrives_at = {},
          .effect =
              fmt::format("{} tokens are charged, {}", c.signed_tokens - c.state->tokens_used, in_ton(signed_cost(c)))};
}

Result<role::Plan> Money::plan_charge(const Contract& c) const {
  if (!c.state || c.state->state == ton::ContractState::closed) return fail("our client contract is not open");
  if (!owes(c)) return fail("no signed payment is newer than what is charged: {} tokens", c.state->tokens_used);
  TRY(can_pay(config_.gas));
  role::Plan plan;
  plan.messages.push_back(planned_charge(c));
  return plan;
}

// --- carrying orders out: one message to a contract at a time, orders before what is done by itself

void Money::do_wish(Contract& c, Effects& out) {
  if (c.wishes.empty()) return;
  const Wish wish = c.wishes.front();
  c.wishes.pop_front();
  if (const auto still = plan(c, wish); !still) return order_over(wish.id, std::unexpected(still.error()), out);
  const auto query = random_.u64() | 1;
  const auto self = queue_.address();
  switch (wish.kind) {
    case OrderKind::client_top_up: {
      const auto amount = wish.amount != 0 ? wish.amount : top_up_amount(c);
      send(c, "topping up " + in_ton(amount), amount + config_.gas, query,
           ton::build_body(ton::ClientTopUp{query, amount, self}), out);
      break;
    }
    case OrderKind::client_stake:
      send(c, "raising the stake to " + in_ton(wish.amount), config_.gas, query,
           ton::build_body(ton::ClientIncreaseStake{query, wish.amount, self}), out);
      break;
    case OrderKind::client_withdraw:
      send(c, "withdrawing " + in_ton(above_stake(*c.state)), config_.gas, query,
           ton::build_body(ton::ClientWithdraw{query, self}), out);
      break;
    case OrderKind::client_charge:
      charge_ourselves(c, out);
      break;
    default:
      // Closing takes its time, and goes on by itself from here (close_when_due()).
      c.closing_orders.push_back(wish.id);
      c.force = c.force || c.state->state == ton::ContractState::closing;
      return start_closing(c, out);
  }
  if (c.running)
    c.running->order = wish.id;
  else
    order_over(wish.id, fail("the queue of the wallet is full"), out);
}

void Money::order_over(role::OrderId id, Result<std::string> outcome, Effects& out) const {
  out.emplace_back(role::OrderDone{id, std::move(outcome)});
}

void Money::charge_ourselves(Contract& c, Effects& out) {
  auto message = *c.payment;
  message.excesses_to = queue_.address();
  send(c, "charging ourselves what was used", config_.gas, message.query_id, ton::build_signed_message(message), out);
}

// --- closing

void Money::start_closing(Contract& c, Effects& out) {
  if (std::exchange(c.leaving, true)) return;
  // Whether a forced refund is worth its price depends on what the proxy contract holds for it.
  out.emplace_back(role::Watch{c.proxy.address(), 0});
}

void Money::observe_proxy(const role::AccountObserved& e) {
  auto* c = find(e.address);
  const auto* init = c != nullptr && e.account ? e.account->active() : nullptr;
  if (init == nullptr || !init->data) return;
  if (const auto state = ton::parse_proxy_state(*init->data)) c->proxy_state = *state;
}

// A forced refund takes our claim from our contract whatever the proxy contract then pays (W-1): nothing is forced that
// would not be paid, unless the operator says so.
bool Money::may_force(const Contract& c) const {
  if (c.force) return true;
  if (!c.proxy_state) return false;
  const auto& code = c.proxy.params().proxy_code;
  if (config_.refunding_proxy_code && code && code->hash() == *config_.refunding_proxy_code) return true;
  return c.proxy_state->state == ton::ContractState::closed || c.proxy_state->stake >= c.state->balance;
}

void Money::close_when_due(Contract& c, Time now, Effects& out) {
  if (now >= c.close_at && !c.leaving && c.state && c.state->state == ton::ContractState::normal &&
      c.state->balance > 0)
    start_closing(c, out);
  if (!c.leaving || !c.state || !wallet_can_spend(config_.gas)) return;
  if (c.state->state == ton::ContractState::normal) return request_refund(c, out);
  const bool unlocked = chain_time_ > std::int64_t{c.state->unlock_ts} + kUnlockMargin;
  if (c.state->state != ton::ContractState::closing || !unlocked || c.state->balance == 0 || !may_force(c)) return;
  // Workers may have been paid for it already: what we kept would be missing from the deposits of others.
  if (owes(c)) return charge_ourselves(c, out);
  request_refund(c, out);
}

void Money::request_refund(Contract& c, Effects& out) {
  const bool forced = c.state->state == ton::ContractState::closing;
  const auto query = random_.u64() | 1;
  send(c, forced ? "forcing the refund" : "asking for the refund", config_.gas, query,
       ton::build_body(ton::ClientRequestRefund{query, queue_.address()}), out);
}

// --- refunds on their way

// Our contract's messages to the proxy contract say what we are to be paid.
void Money::observe_refunds(Contract& c, const role::AccountObserved& e, Time now) {
  for (const auto& t : e.transactions) {
    for (const auto& m : t.out_msgs) {
      const auto* info = m.message ? m.message->internal() : nullptr;
      if (info == nullptr || info->dest != c.proxy.address()) continue;
      const auto request = ton::parse_client_request(m.message->body);
      const auto* refund = request ? std::get_if<ton::RefundPayload>(&request->payload) : nullptr;
      if (refund == nullptr || refund->amount == 0) continue;
      c.refunds.push_back({request->query_id, refund->amount, now + kRefundTime, {}});
    }
  }
}

void Money::observe_payouts(const role::AccountObserved& e, Effects& out) {
  for (const auto& t : e.transactions) {
    const auto* info = t.in_msg && t.in_msg->message ? t.in_msg->message->internal() : nullptr;
    if (info == nullptr) continue;
    const auto body = ton::read_body_header(t.in_msg->message->body);
    if (!body || body->opcode != ton::op::payout) continue;
    // Anybody can send us coins with this opcode; from a proxy contract of ours it is a refund.
    if (!info->src || find(*info->src) == nullptr) continue;
    if (payouts_.size() >= kMaxPayouts) payouts_.erase(payouts_.begin());
    payouts_[body->query_id] = info->value.coins;
  }
  for (auto& [self, c] : contracts_) finish_closing(c, out);
}

void Money::finish_closing(Contract& c, Effects& out) {
  std::erase_if(c.refunds, [&](const Refund& r) {
    const auto paid = payouts_.find(r.query_id);
    if (paid == payouts_.end()) return false;
    out.emplace_back(role::Log{2, fmt::format("the proxy contract paid us {}", in_ton(paid->second))});
    if (r.order) order_over(*r.order, fmt::format("{} arrived; {}", in_ton(paid->second), balance_text(c)), out);
    payouts_.erase(paid);
    return true;
  });
  if (!c.state || c.state->state != ton::ContractState::closed || !c.refunds.empty() || c.running) return;
  for (const auto id : std::exchange(c.closing_orders, {}))
    order_over(id, std::string("our client contract is closed, and what it held has arrived"), out);
}

void Money::expire_refunds(Contract& c, Time now, Effects& out) {
  bool lost = false;
  std::erase_if(c.refunds, [&](const Refund& r) {
    if (now < r.until) return false;
    lost = true;
    const auto why = fmt::format("the proxy contract was asked to pay us {}, which did not arrive", in_ton(r.amount));
    out.emplace_back(role::Log{3, why});
    if (r.order) order_over(*r.order, fail("{}", why), out);
    return true;
  });
  if (!lost || !c.state || c.state->state != ton::ContractState::closed) return;
  for (const auto id : std::exchange(c.closing_orders, {}))
    order_over(id, fail("our client contract is closed, but its refund did not arrive"), out);
}

std::string Money::balance_text(const Contract& c) const {
  if (!c.state) return "our client contract is not deployed";
  return fmt::format("our client contract holds {}", in_ton(c.state->balance));
}

}  // namespace cocoon::client
