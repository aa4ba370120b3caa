// What the operator orders of the money side (role/operator.hpp): payouts now, not when a threshold is reached.
#include "ledger/costs.hpp"
#include "worker/core/money.hpp"

namespace cocoon::worker {
namespace {

constexpr std::size_t kMaxOrders = 64;

}  // namespace

void Money::order(const role::Order& o, Time now, Effects& out) {
  const auto contracts = payable(o);
  auto plan = contracts ? this->plan(*contracts) : Result<role::Plan>(std::unexpected(contracts.error()));
  if (plan && !o.dry_run && orders_.size() >= kMaxOrders) plan = fail("too many orders wait");
  const bool go = plan && !o.dry_run;
  out.emplace_back(role::OrderAnswer{o.id, std::move(plan)});
  if (!go) return;
  orders_[o.id] = {contracts->size(), {}};
  for (auto* c : *contracts) {
    c->orders.push_back(o.id);
    if (!c->running) c->due_at = now;
  }
}

Result<std::vector<Money::Contract*>> Money::payable(const role::Order& o) {
  if (o.kind != role::OrderKind::worker_payout) return fail("a worker does not take this order");
  std::vector<Contract*> out;
  for (auto& [self, c] : contracts_) {
    if (o.contract && *o.contract != self && *o.contract != c.proxy.address()) continue;
    if (unpaid_nano(c) > 0 && c.payment) out.push_back(&c);
  }
  if (out.empty()) return fail("nothing is signed and unpaid{}", o.contract ? " there" : "");
  return out;
}

Result<role::Plan> Money::plan(const std::vector<Contract*>& contracts) const {
  const auto needed = (config_.gas + ton::kTon / 10) * contracts.size();
  if (queue_.spendable() < config_.gas + ton::kTon / 10) {
    if (auto why = queue_.waiting_for(); !why.empty()) return fail("{}", why);
    return fail("the wallet holds too little for a payout");
  }
  role::Plan plan;
  for (const auto* c : contracts) {
    const auto tokens = c->tokens.chain - c->paid();
    plan.messages.push_back({.operation = "worker_payout_signed",
                             .to = c->self,
                             .attached = config_.gas,
                             .fees = ledger::cost::own_payout.fee,
                             .arrives = unpaid_nano(*c),
                             .arrives_at = config_.owner,
                             .effect = fmt::format("{} tokens are paid out", tokens)});
    if (!c->state) plan.note = "a worker contract is deployed with its first payout";
  }
  if (queue_.spendable() < needed) plan.note = "the wallet cannot pay for all of it at once: the rest waits";
  return plan;
}

void Money::end_orders(Contract& c, const Result<>& result, Effects& out) {
  for (const auto id : std::exchange(c.orders, {})) {
    const auto it = orders_.find(id);
    if (it == orders_.end()) continue;
    if (!result && it->second.failure.empty()) it->second.failure = result.error().what;
    if (--it->second.contracts > 0) continue;
    Result<std::string> outcome = std::string("paid out, as the worker contracts show");
    if (!it->second.failure.empty()) outcome = fail("{}", it->second.failure);
    out.emplace_back(role::OrderDone{id, std::move(outcome)});
    orders_.erase(it);
  }
}

}  // namespace cocoon::worker
