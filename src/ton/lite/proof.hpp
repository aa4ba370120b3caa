// Where "the liteserver says" becomes "the chain says".
//
// An answer about an account is worth something only if its proofs lead from a block that is known to be final to the
// account's state. Every reader of account states passes through check_account_state(), so that what it demands can be
// raised here, in one place. Checked now: that the answer is about the block and account asked for, that both proofs
// have the shape and the hashes they must have, and that the state is the one they lead to. Not checked: that the
// masterchain block itself was signed by the validators (there is no chain of key blocks to start from yet).
#pragma once
#include <cstdint>
#include <optional>

#include "ton/address.hpp"
#include "ton/cell.hpp"
#include "ton/lite/schema.hpp"

namespace cocoon::ton::lite {

// An account as an answer describes it, after the checks.
struct ProvedAccount {
  BlockIdExt block;             // the masterchain block asked for
  BlockIdExt shard_block;       // the block whose state this is
  std::uint32_t time = 0;       // of that state, Unix seconds
  std::optional<Cell> account;  // an Account; absent: the account does not exist
  std::uint64_t last_transaction_lt = 0;
  Bits256 last_transaction_hash;
};

Result<ProvedAccount> check_account_state(const GetAccountState& query, const AccountState& answer);

}  // namespace cocoon::ton::lite
