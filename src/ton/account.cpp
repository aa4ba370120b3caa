#include "ton/account.hpp"

namespace cocoon::ton {

namespace {

AccountState load_state(CellSlice& s) {
  if (s.load_bit()) return load_state_init(s);
  if (s.load_bit()) return AccountFrozen{s.load_bits256()};
  return AccountUninit{};
}

void store_state(CellBuilder& b, const AccountUninit&) { b.store_uint(0b00, 2); }
void store_state(CellBuilder& b, const AccountFrozen& f) { b.store_uint(0b01, 2).store_bytes(f.state_hash); }
void store_state(CellBuilder& b, const StateInit& active) {
  b.store_bit(true);
  store_state_init(b, active);
}

// Since 2025 the third number of the storage record names the dictionary of the account's cells: 000 none, 001 a hash.
std::optional<Bits256> load_storage_extra(CellSlice& s) {
  switch (s.load_uint(3)) {
    case 0:
      return std::nullopt;
    case 1:
      return s.load_bits256();
    default:
      s.reject("an unknown storage record of an account");
      return std::nullopt;
  }
}

}  // namespace

Result<std::optional<Account>> parse_account(const Cell& c) {
  CellSlice s(c);
  if (!s.load_bit()) {
    TRY(s.end());
    return std::nullopt;
  }
  Account out;
  out.address = s.load_address();
  out.used_cells = s.load_var_uint(3);
  out.used_bits = s.load_var_uint(3);
  out.storage_dict_hash = load_storage_extra(s);
  out.last_paid = s.load_u32();
  if (s.load_bit()) out.due_payment = s.load_coins();
  out.last_trans_lt = s.load_u64();
  out.balance = load_currency(s);
  out.state = load_state(s);
  TRY(s.end());
  return out;
}

Cell build_account(const std::optional<Account>& account) {
  CellBuilder b;
  b.store_bit(account.has_value());
  if (!account) return b.must_finish();
  const Account& a = *account;
  b.store_address(a.address).store_var_uint(a.used_cells, 3).store_var_uint(a.used_bits, 3);
  b.store_uint(a.storage_dict_hash ? 1 : 0, 3);
  if (a.storage_dict_hash) b.store_bytes(*a.storage_dict_hash);
  b.store_uint(a.last_paid, 32).store_bit(a.due_payment.has_value());
  if (a.due_payment) b.store_coins(*a.due_payment);
  b.store_uint(a.last_trans_lt, 64);
  store_currency(b, a.balance);
  std::visit([&](const auto& state) { store_state(b, state); }, a.state);
  return b.must_finish();
}

Result<ShardAccount> parse_shard_account(const Cell& c) {
  CellSlice s(c);
  const Cell account = s.load_ref();
  ShardAccount out;
  out.last_trans_hash = s.load_bits256();
  out.last_trans_lt = s.load_u64();
  TRY(s.end());
  TRY_ASSIGN(out.account, parse_account(account));
  return out;
}

Cell build_shard_account(const ShardAccount& a) {
  return CellBuilder()
      .store_ref(build_account(a.account))
      .store_bytes(a.last_trans_hash)
      .store_uint(a.last_trans_lt, 64)
      .must_finish();
}

}  // namespace cocoon::ton
