// Transactions: what happened to an account, and why not more.
#pragma once
#include <vector>

#include "ton/message.hpp"

namespace cocoon::ton {

enum class AccountStatus : std::uint8_t { uninit = 0, frozen = 1, active = 2, nonexist = 3 };

enum class SkipReason : std::uint8_t { none, no_state, bad_state, no_gas, suspended };

struct StoragePhase {
  std::uint64_t fees_collected = 0;  // nanoTON
  std::optional<std::uint64_t> fees_due;
};

struct ComputePhase {
  SkipReason skipped = SkipReason::none;  // if not none, nothing below says anything
  bool success = false;
  std::int32_t exit_code = 0;
  std::uint64_t gas_fees = 0;  // nanoTON
  std::uint64_t gas_used = 0, gas_limit = 0;
  std::uint32_t vm_steps = 0;
};

struct ActionPhase {
  bool success = false, valid = false, no_funds = false;
  std::int32_t result_code = 0;
  std::uint64_t forward_fees = 0, action_fees = 0;  // nanoTON
  std::uint16_t actions = 0, special = 0, skipped = 0, messages = 0;
};

enum class BouncePhase : std::uint8_t { none, negative_funds, no_funds, bounced };

enum class TransactionKind : std::uint8_t { ordinary, storage, tick_tock, split_or_merge };

struct TransactionDescription {
  TransactionKind kind = TransactionKind::ordinary;
  std::optional<StoragePhase> storage;
  std::optional<Currency> credit;
  ComputePhase compute;
  std::optional<ActionPhase> action;
  bool aborted = false;
  BouncePhase bounce = BouncePhase::none;
  bool destroyed = false;
};

// A message inside of a transaction. `message` is absent if it has a form that we do not read: a stranger can put one
// into the history of any contract, and it must not hide the rest.
struct TransactionMessage {
  Cell cell;
  std::optional<Message> message;
};

struct Transaction {
  Bits256 hash;     // of the transaction's cell: with `lt` its name
  Bits256 account;  // without workchain, which the asker knows
  std::uint64_t lt = 0;
  Bits256 prev_hash;  // the account's transaction before; lt 0: this is the first
  std::uint64_t prev_lt = 0;
  std::uint32_t now = 0;  // unix seconds
  AccountStatus status_before = AccountStatus::nonexist, status_after = AccountStatus::nonexist;
  std::optional<TransactionMessage> in_msg;
  std::vector<TransactionMessage> out_msgs;  // in the order in which they were sent
  Currency total_fees;
  Bits256 state_hash_before, state_hash_after;
  TransactionDescription description;

  // Computed and acted without error: the new state stands. What a contract may leave out, action->skipped counts.
  bool succeeded() const;
};

Result<Transaction> parse_transaction(const Cell&);

}  // namespace cocoon::ton
