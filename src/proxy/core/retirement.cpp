// Leaving a proxy contract for good (contracts.md 3.9): close request, a refund for every client, a last payout for
// every worker, the delay, completion. Each step waits for the contract's state to show the one before.
#include <algorithm>

#include "ledger/costs.hpp"
#include "proxy/core/book.hpp"

namespace cocoon::proxy {

void Book::retire(Io& io) {
  if (std::exchange(record_.retiring, true)) return;
  ledger_.retire();
  next_commit_ = Time{};
  uncommitted_ = uncommitted_ || ledger_.commit_wanted();
  io.info("proxy contract {} is being left: {} accounts to settle", ton::to_raw_text(address()), ledger_.unsettled());
}

bool Book::over() const {
  if (!retiring() || !contract_) return false;
  // It never was on chain, so nobody can have put anything in.
  if (!contract_->deployed) return ledger_.clients().empty();
  return contract_->state.state == ton::ContractState::closed && ledger_.unsettled() == 0;
}

// The contract may say when; those that do not are given the delay of the parameters, so that clients can force their
// refunds before our stake has left.
bool Book::may_complete() const {
  if (contract_->state.state != ton::ContractState::closing || ledger_.unsettled() != 0) return false;
  const auto delay = std::int64_t{instance().params().proxy_delay_before_close};
  const auto from = record_.closing_since + delay;
  return chain_time_ > std::max(from, std::int64_t{contract_->state.unlock_ts}) + 1;
}

void Book::close(Io& io, std::vector<Outgoing>& out) {
  if (!retiring() || !contract_->deployed || !ledger_.ready() || io.now < next_close_ || waits_in_wallet(Close{}))
    return;
  const bool begin = contract_->state.state == ton::ContractState::normal;
  if (!begin && !may_complete()) return;
  next_close_ = io.now + config_.settle_retry;
  const auto opcode = begin ? ton::op::proxy_close_request_signed : ton::op::proxy_close_complete_signed;
  const ton::ClosePayload payload{opcode, random_.u64(), address()};
  const auto message = ton::sign_payload(ton::build_signed_payload(payload), wallet_, payment_key_);
  io.info("proxy contract {}: {}", ton::to_raw_text(address()), begin ? "closing" : "taking commission and stake home");
  out.push_back({Close{},
                 {.to = address(),
                  .value = ledger::cost::close_step.attached,
                  .body = ton::build_signed_message(message),
                  .init = {}}});
}

std::string Book::stage() const {
  if (!retiring()) return {};
  if (over()) return "over";
  if (!contract_) return "waiting for the chain to show it";
  if (!ledger_.ready()) return "waiting for a commit of this session";
  switch (contract_->state.state) {
    case ton::ContractState::normal:
      return "asking it to close";
    case ton::ContractState::closed:
      return fmt::format("closed, {} accounts cannot be settled", ledger_.unsettled());
    default:
      break;
  }
  if (const auto n = ledger_.unsettled(); n > 0) return fmt::format("settling {} accounts", n);
  return "waiting for the delay to take the stake home";
}

}  // namespace cocoon::proxy
