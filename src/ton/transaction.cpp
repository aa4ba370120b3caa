#include "ton/transaction.hpp"

#include "ton/dict.hpp"

namespace cocoon::ton {

namespace {

constexpr std::size_t kMaxOutMessages = 1u << 15;

void skip_status_change(CellSlice& s) {
  if (s.load_bit()) s.load_bit();  // unchanged 0, frozen 10, deleted 11
}

std::optional<std::uint64_t> load_maybe_coins(CellSlice& s) {
  if (!s.load_bit()) return std::nullopt;
  return s.load_coins();
}

StoragePhase load_storage_phase(CellSlice& s) {
  StoragePhase out;
  out.fees_collected = s.load_coins();
  out.fees_due = load_maybe_coins(s);
  skip_status_change(s);
  return out;
}

SkipReason load_skip_reason(CellSlice& s) {
  switch (s.load_uint(2)) {
    case 0:
      return SkipReason::no_state;
    case 1:
      return SkipReason::bad_state;
    case 2:
      return SkipReason::no_gas;
    default:
      if (s.load_bit()) s.reject("an unknown reason to skip the compute phase");
      return SkipReason::suspended;
  }
}

ComputePhase load_compute_phase(CellSlice& s) {
  ComputePhase out;
  if (!s.load_bit()) {
    out.skipped = load_skip_reason(s);
    return out;
  }
  out.success = s.load_bit();
  s.load_uint(2);  // message's state used, account activated
  out.gas_fees = s.load_coins();
  CellSlice d = s.load_ref_slice();
  out.gas_used = d.load_var_uint(3);
  out.gas_limit = d.load_var_uint(3);
  if (d.load_bit()) d.load_var_uint(2);  // gas credit
  d.load_int(8);                         // mode
  out.exit_code = static_cast<std::int32_t>(d.load_int(32));
  if (d.load_bit()) d.load_int(32);  // exit argument
  out.vm_steps = d.load_u32();
  d.load_bits256();  // state hashes of the machine
  d.load_bits256();
  if (!d.end()) s.reject("a malformed compute phase");
  return out;
}

Result<ActionPhase> parse_action_phase(const Cell& c) {
  CellSlice s(c);
  ActionPhase out;
  out.success = s.load_bit();
  out.valid = s.load_bit();
  out.no_funds = s.load_bit();
  skip_status_change(s);
  out.forward_fees = load_maybe_coins(s).value_or(0);
  out.action_fees = load_maybe_coins(s).value_or(0);
  out.result_code = static_cast<std::int32_t>(s.load_int(32));
  if (s.load_bit()) s.load_int(32);  // result argument
  out.actions = static_cast<std::uint16_t>(s.load_uint(16));
  out.special = static_cast<std::uint16_t>(s.load_uint(16));
  out.skipped = static_cast<std::uint16_t>(s.load_uint(16));
  out.messages = static_cast<std::uint16_t>(s.load_uint(16));
  s.load_bits256();    // hash of the action list
  s.load_var_uint(3);  // cells and bits of all messages
  s.load_var_uint(3);
  TRY(s.end());
  return out;
}

BouncePhase load_bounce_phase(CellSlice& s) {
  BouncePhase out = BouncePhase::bounced;
  if (!s.load_bit()) out = s.load_bit() ? BouncePhase::no_funds : BouncePhase::negative_funds;
  if (out == BouncePhase::negative_funds) return out;
  s.load_var_uint(3);  // cells and bits of the message
  s.load_var_uint(3);
  s.load_coins();
  if (out == BouncePhase::bounced) s.load_coins();
  return out;
}

Result<> load_action(CellSlice& s, TransactionDescription& out) {
  if (!s.load_bit()) return {};
  const Cell c = s.load_ref();
  TRY(s.status());
  TRY_ASSIGN(out.action, parse_action_phase(c));
  return {};
}

Result<> load_ordinary(CellSlice& s, TransactionDescription& out) {
  s.load_bit();  // was the value credited before storage was paid
  if (s.load_bit()) out.storage = load_storage_phase(s);
  if (s.load_bit()) {
    load_maybe_coins(s);
    out.credit = load_currency(s);
  }
  out.compute = load_compute_phase(s);
  TRY(load_action(s, out));
  out.aborted = s.load_bit();
  if (s.load_bit()) out.bounce = load_bounce_phase(s);
  out.destroyed = s.load_bit();
  return s.end();
}

Result<> load_tick_tock(CellSlice& s, TransactionDescription& out) {
  out.kind = TransactionKind::tick_tock;
  s.load_bit();  // tick or tock
  out.storage = load_storage_phase(s);
  out.compute = load_compute_phase(s);
  TRY(load_action(s, out));
  out.aborted = s.load_bit();
  out.destroyed = s.load_bit();
  return s.end();
}

Result<TransactionDescription> parse_description(const Cell& c) {
  TransactionDescription out;
  CellSlice s(c);
  if (s.peek_uint(3) == 0b001) {
    s.load_uint(3);
    TRY(load_tick_tock(s, out));
    return out;
  }
  switch (s.load_uint(4)) {
    case 0b0000:
      TRY(load_ordinary(s, out));
      break;
    case 0b0001:
      out.kind = TransactionKind::storage;
      out.storage = load_storage_phase(s);
      TRY(s.end());
      break;
    case 0b0100:
    case 0b0101:
    case 0b0110:
    case 0b0111:
      out.kind = TransactionKind::split_or_merge;  // never happened on TON; nothing of it concerns a contract of ours
      TRY(s.status());
      break;
    default:
      return fail("a transaction of an unknown kind");
  }
  return out;
}

TransactionMessage read_message(const Cell& c) {
  TransactionMessage out{c, std::nullopt};
  if (auto parsed = parse_message(c)) out.message = *std::move(parsed);
  return out;
}

Result<> load_messages(CellSlice s, unsigned out_count, Transaction& out) {
  const auto in = s.load_maybe_ref();
  const Dict sent = Dict::load(s, 15);
  TRY(s.end());
  if (in) out.in_msg = read_message(*in);
  TRY_ASSIGN(auto entries, sent.entries(kMaxOutMessages));
  if (entries.size() != out_count) return fail("a transaction with {} messages says {}", entries.size(), out_count);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].key.to_uint() != i) return fail("a transaction numbers its messages wrongly");
    const Cell message = entries[i].value.load_ref();
    TRY(entries[i].value.end());
    out.out_msgs.push_back(read_message(message));
  }
  return {};
}

}  // namespace

bool Transaction::succeeded() const {
  const auto& d = description;
  return d.kind == TransactionKind::ordinary && !d.aborted && d.compute.skipped == SkipReason::none &&
         d.compute.success && d.action && d.action->success;
}

Result<Transaction> parse_transaction(const Cell& c) {
  CellSlice s(c);
  Transaction out;
  out.hash = c.hash();
  if (s.load_uint(4) != 0b0111) s.reject("a transaction was expected");
  out.account = s.load_bits256();
  out.lt = s.load_u64();
  out.prev_hash = s.load_bits256();
  out.prev_lt = s.load_u64();
  out.now = s.load_u32();
  const auto out_count = static_cast<unsigned>(s.load_uint(15));
  out.status_before = static_cast<AccountStatus>(s.load_uint(2));
  out.status_after = static_cast<AccountStatus>(s.load_uint(2));
  const Cell messages = s.load_ref();
  out.total_fees = load_currency(s);
  CellSlice update = s.load_ref_slice();
  const Cell description = s.load_ref();
  TRY(s.end());
  TRY(load_messages(CellSlice(messages), out_count, out));
  if (update.load_uint(8) != 0x72) update.reject("a state update was expected");
  out.state_hash_before = update.load_bits256();
  out.state_hash_after = update.load_bits256();
  TRY(update.end());
  TRY_ASSIGN(out.description, parse_description(description));
  return out;
}

}  // namespace cocoon::ton
