// Accounts as the chain keeps them.
#pragma once
#include <variant>

#include "ton/currency.hpp"
#include "ton/state_init.hpp"

namespace cocoon::ton {

struct AccountUninit {
  friend bool operator==(const AccountUninit&, const AccountUninit&) = default;
};
struct AccountFrozen {
  Bits256 state_hash;
  friend bool operator==(const AccountFrozen&, const AccountFrozen&) = default;
};
using AccountState = std::variant<AccountUninit, AccountFrozen, StateInit>;  // StateInit: active

struct Account {
  Address address;
  std::uint64_t used_cells = 0, used_bits = 0;
  std::optional<Bits256> storage_dict_hash;
  std::uint32_t last_paid = 0;               // unix seconds
  std::optional<std::uint64_t> due_payment;  // nanoTON of storage owed
  std::uint64_t last_trans_lt = 0;           // lt of the account's end of its last transaction
  Currency balance;
  AccountState state;

  const StateInit* active() const { return std::get_if<StateInit>(&state); }
};

// `account_none` is an absent account.
Result<std::optional<Account>> parse_account(const Cell&);
Cell build_account(const std::optional<Account>&);

// An account with the name of its last transaction.
struct ShardAccount {
  std::optional<Account> account;
  Bits256 last_trans_hash;
  std::uint64_t last_trans_lt = 0;
};

Result<ShardAccount> parse_shard_account(const Cell&);
Cell build_shard_account(const ShardAccount&);

}  // namespace cocoon::ton
