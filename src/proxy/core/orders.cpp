// What an operator may order of a proxy contract (role/operator.hpp): the plan, and when it is done.
#include <algorithm>

#include "ledger/costs.hpp"
#include "proxy/core/book.hpp"
#include "ton/contracts/arithmetic.hpp"

namespace cocoon::proxy {
namespace {

namespace cost = ledger::cost;
using role::OrderKind;

constexpr std::size_t kMaxOrders = 64;

std::string in_ton(std::uint64_t nano) { return fmt::format("{:.3f} TON", static_cast<double>(nano) / 1e9); }

}  // namespace

Result<role::Plan> Book::plan(const role::Order& o) const {
  if (!contract_ || !contract_->deployed) return fail("our proxy contract is not on chain yet");
  if (!ledger_.ready()) return fail("our first commit has not been seen on chain yet");
  if (orders_.size() >= kMaxOrders) return fail("too many orders wait");
  if (retiring()) return fail("our proxy contract is being closed: everybody is settled with as it is");
  switch (o.kind) {
    case OrderKind::proxy_charge:
      return plan_charges(o);
    case OrderKind::proxy_payout:
      return plan_payouts(o);
    case OrderKind::proxy_withdraw:
      return plan_withdraw();
    case OrderKind::proxy_stake:
      return plan_stake(o.amount);
    case OrderKind::proxy_retire:
      return plan_retire();
    default:
      return fail("a proxy does not take this order");
  }
}

Result<role::Plan> Book::plan_charges(const role::Order& o) const {
  role::Plan plan;
  for (const auto& owner : ledger_.clients()) {
    const auto c = *ledger_.client(owner);
    if (o.contract && *o.contract != c.contract && *o.contract != owner) continue;
    if (c.tokens.chain <= c.tokens.charged) continue;
    const auto tokens = c.tokens.chain - c.tokens.charged;
    const auto nano = std::min(ton::saturating_mul(tokens, instance().params().price_per_token), c.chain.balance);
    plan.messages.push_back({.operation = "client_charge_signed",
                             .to = c.contract,
                             .attached = cost::charge.attached,
                             .fees = cost::charge.fee,
                             .arrives_at = {},
                             .effect = fmt::format("charges {} tokens, {}", tokens, in_ton(nano))});
  }
  if (plan.messages.empty()) return fail("no client has tokens that are committed and not charged");
  return plan;
}

Result<role::Plan> Book::plan_payouts(const role::Order& o) const {
  const auto& params = instance().params();
  if (params.worker_fee_per_token > params.price_per_token)
    return fail("the fee of workers is above the price of clients: every payout would fail");
  role::Plan plan;
  for (const auto& owner : ledger_.workers()) {
    const auto w = ledger_.worker(owner);
    if (o.contract && *o.contract != w.contract && *o.contract != owner) continue;
    if (w.state != ton::ContractState::normal || w.tokens.chain <= w.tokens.charged) continue;
    const auto tokens = w.tokens.chain - w.tokens.charged;
    const auto parts = ton::payout_parts(tokens, params.price_per_token, params.worker_fee_per_token);
    plan.messages.push_back(
        {.operation = "worker_payout_signed",
         .to = w.contract,
         .attached = cost::payout.attached,
         .fees = cost::payout.fee,
         .arrives = parts.worker,
         .arrives_at = owner,
         .effect = fmt::format("pays for {} tokens; {} become commission", tokens, in_ton(parts.proxy))});
  }
  if (plan.messages.empty()) return fail("no worker has tokens that are committed and not paid");
  return plan;
}

Result<role::Plan> Book::plan_withdraw() const {
  const auto commission = contract_->state.balance;
  if (commission == 0) return fail("the proxy contract holds no commission");
  role::Plan plan;
  plan.messages.push_back({.operation = "proxy_payout_request",
                           .to = address(),
                           .attached = cost::withdraw_commission.attached,
                           .fees = cost::withdraw_commission.fee,
                           .arrives = commission,
                           .arrives_at = instance().owner(),
                           .effect = in_ton(commission) + " of commission go to the proxy's owner"});
  return plan;
}

Result<role::Plan> Book::plan_stake(std::uint64_t amount) const {
  if (amount == 0) return fail("how much is to be added?");
  if (amount > INT64_MAX - cost::add_stake.attached) return fail("there is not that much TON");
  role::Plan plan;
  plan.messages.push_back({.operation = "proxy_increase_stake",
                           .to = address(),
                           .attached = amount + cost::add_stake.attached,
                           .moved = amount,
                           .fees = cost::add_stake.fee,
                           .arrives_at = {},
                           .effect = fmt::format("the stake is {} instead of {}",
                                                 in_ton(ton::saturating_add(contract_->state.stake, amount)),
                                                 in_ton(contract_->state.stake))});
  return plan;
}

Result<role::Plan> Book::plan_retire() const {
  const auto& params = instance().params();
  const auto step = [this](const char* operation, std::string effect) {
    return role::PlannedMessage{.operation = operation,
                                .to = address(),
                                .attached = cost::close_step.attached,
                                .fees = cost::close_step.fee,
                                .arrives_at = {},
                                .effect = std::move(effect)};
  };
  role::Plan plan;
  plan.messages.push_back(step("proxy_close_request_signed", "the proxy contract starts closing"));
  for (const auto& owner : ledger_.clients()) {
    const auto c = *ledger_.client(owner);
    if (c.chain.state == ton::ContractState::closed || c.chain.balance == 0) continue;
    const auto left =
        ton::balance_after_charge(c.chain.balance, c.tokens.charged, c.tokens.max, params.price_per_token);
    plan.messages.push_back({.operation = "client_grant_refund_signed",
                             .to = c.contract,
                             .attached = cost::grant_refund.attached,
                             .fees = cost::grant_refund.fee,
                             .arrives = left,
                             .arrives_at = owner,
                             .effect = "charges what was used, refunds the rest"});
  }
  for (const auto& owner : ledger_.workers()) {
    const auto w = ledger_.worker(owner);
    if (w.state != ton::ContractState::normal || w.tokens.max <= w.tokens.charged) continue;
    const auto parts =
        ton::payout_parts(w.tokens.max - w.tokens.charged, params.price_per_token, params.worker_fee_per_token);
    plan.messages.push_back({.operation = "worker_last_payout_signed",
                             .to = w.contract,
                             .attached = cost::payout.attached,
                             .fees = cost::payout.fee,
                             .arrives = parts.worker,
                             .arrives_at = owner,
                             .effect = "pays for all that was done"});
  }
  auto last = step("proxy_close_complete_signed", "commission and stake go to the proxy's owner");
  last.arrives = ton::saturating_add(contract_->state.balance, contract_->state.stake);
  last.arrives_at = instance().owner();
  plan.messages.push_back(std::move(last));
  plan.note = fmt::format(
      "what runs is ended first; the last message leaves {} s after the first; this proxy serves "
      "again when the network has new parameters",
      params.proxy_delay_before_close);
  return plan;
}

void Book::order(Io&, const role::Order& o) {
  OpenOrder open{.id = o.id, .kind = o.kind, .targets = {}, .query_id = 0, .what = {}};
  const auto settle = [&](bool workers, const ton::Address& owner, const ledger::Counters& t) {
    if (ledger_.settle_now(workers, owner)) open.targets.emplace_back(owner, t.chain);
  };
  switch (o.kind) {
    case OrderKind::proxy_charge:
      for (const auto& owner : ledger_.clients()) {
        const auto c = *ledger_.client(owner);
        if (!o.contract || *o.contract == c.contract || *o.contract == owner) settle(false, owner, c.tokens);
      }
      open.what = fmt::format("{} clients charged", open.targets.size());
      break;
    case OrderKind::proxy_payout:
      for (const auto& owner : ledger_.workers()) {
        const auto w = ledger_.worker(owner);
        if (!o.contract || *o.contract == w.contract || *o.contract == owner) settle(true, owner, w.tokens);
      }
      open.what = fmt::format("{} workers paid", open.targets.size());
      break;
    case OrderKind::proxy_withdraw:
      open.query_id = random_.u64() | 1;
      open.what = in_ton(contract_->state.balance) + " of commission withdrawn";
      withdraw(open.query_id, ordered_);
      break;
    case OrderKind::proxy_stake:
      open.query_id = random_.u64() | 1;
      open.what = "the stake has grown by " + in_ton(o.amount);
      add_stake(o.amount, open.query_id, ordered_);
      break;
    default:  // proxy_retire: Money retires the book when nothing runs any more
      open.what = "the proxy contract is closed, everybody has got what is theirs";
      break;
  }
  orders_.push_back(std::move(open));
}

// A message of ours has arrived, with success or without.
void Book::answered(Io& io, const ton::Transaction& transaction) {
  const auto call = ton::read_call(wallet_, transaction);
  if (!call) return;
  std::erase_if(orders_, [&](const OpenOrder& o) {
    if (o.query_id == 0 || o.query_id != call->query_id) return false;
    Result<std::string> outcome = o.what;
    if (!call->succeeded) outcome = fail("the proxy contract refused it with exit code {}", call->exit_code);
    io.emit(role::OrderDone{o.id, std::move(outcome)});
    return true;
  });
}

void Book::finish_orders(Io& io) {
  std::erase_if(orders_, [&](const OpenOrder& o) {
    if (o.query_id != 0) return false;
    const bool workers = o.kind == OrderKind::proxy_payout;
    const bool done = o.kind == OrderKind::proxy_retire
                          ? over()
                          : std::all_of(o.targets.begin(), o.targets.end(), [&](const auto& target) {
                              const auto& [owner, tokens] = target;
                              return (workers ? ledger_.worker(owner).tokens.charged
                                              : ledger_.client(owner)->tokens.charged) >= tokens;
                            });
    if (done) io.emit(role::OrderDone{o.id, o.what});
    return done;
  });
}

}  // namespace cocoon::proxy
