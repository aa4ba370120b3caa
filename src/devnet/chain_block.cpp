// How a block is made.
#include <algorithm>

#include "base/assert.hpp"
#include "devnet/chain_work.hpp"
#include "devnet/treasury.hpp"
#include "ton/boc.hpp"

namespace cocoon::devnet {
namespace {

constexpr std::uint64_t kLtStep = 1'000'000;  // logical times of a block start at a multiple of this, as on mainnet

// Accounts, transactions and blocks are our own cells, of shapes that always fit and that we have made ourselves.
template <class T>
T must(Result<T> result) {
  COCOON_ASSERT(result.has_value());
  return *std::move(result);
}

ton::BitString key_of(const Bits256& account) { return ton::BitString::of_bytes(account.view()); }

std::string exit_code_text(const TransactionOutcome& outcome) {
  return outcome.exit_code ? fmt::format(", exitcode={}", *outcome.exit_code) : std::string();
}

}  // namespace

StepInfo Chain::next_step(Time now) const {
  const auto& state = states_.back();
  const auto before = must(lite::read_shard_state(state.shard));
  StepInfo step;
  step.global_id = settings_.global_id;
  step.seqno = before.seqno + 1;
  step.utime = std::max(before.utime, static_cast<std::uint32_t>(std::max<std::int64_t>(0, unix_time(now))));
  step.start_lt = (before.lt / kLtStep + 1) * kLtStep;
  step.end_lt = step.start_lt + 1;
  step.random_seed = crypto::Sha256().update(zero_state_.root_hash.view()).update(state.shard.hash().view()).finish();
  return step;
}

std::uint64_t Chain::next_lt(const ton::Cell& shard_account, std::uint64_t at_least) const {
  const auto entry = ton::parse_shard_account(shard_account);
  return entry && entry->account ? std::max(entry->account->last_trans_lt, at_least) : at_least;
}

Result<TransactionOutcome> Chain::run(const ton::Cell& shard_account, const ton::Cell& message, std::uint64_t lt,
                                      const StepInfo& step) {
  const auto account_boc = ton::write_boc(shard_account), message_boc = ton::write_boc(message);
  TransactionRequest request;
  request.shard_account = account_boc;
  request.message = message_boc;
  request.now = step.utime;
  request.lt = lt;
  request.random_seed = step.random_seed;
  return tvm_.run_transaction(request);
}

BlockDelta Chain::make_block(Time now) {
  Work work;
  work.step = next_step(now);
  work.balance_before = accounts_.sum();
  work.last_lt = work.step.start_lt;
  take_payments(work);
  take_externals(work);
  take_messages(work);
  seal(work);
  return std::move(work.delta);
}

void Chain::take_payments(Work& work) {
  for (; !payments_.empty() && !work.full(settings_); payments_.pop_front()) {
    const auto& payment = payments_.front();
    const auto pay = [&]() -> Result<> {
      TRY_ASSIGN(const auto treasury, account(treasury_.hash));
      if (!treasury) return fail("the treasury is gone");
      TRY_ASSIGN(const auto seqno, treasury_seqno(*treasury));
      TRY_ASSIGN(const auto message, treasury_payment(treasury_key_, treasury_, seqno, payment.to, payment.nano));
      return execute(work, treasury_.hash, message, 0);
    };
    if (auto paid = pay(); !paid) work.delta.notes.push_back("faucet: " + paid.error().what);
  }
}

// Those whose account has changed its mind since are dropped, as validators do.
void Chain::take_externals(Work& work) {
  while (!externals_.empty() && !work.full(settings_)) {
    const auto external = std::move(externals_.front());
    externals_.pop_front();
    external_hashes_.erase(external.hash);
    if (auto done = execute(work, external.destination, external.message, 0); !done) {
      counters_.externals_refused++;
      work.delta.notes.push_back(
          fmt::format("external message {} dropped: {}", to_hex(external.hash), done.error().what));
    }
  }
}

void Chain::take_messages(Work& work) {
  while (!waiting_.empty() && !work.full(settings_)) {
    const auto message = std::move(waiting_.extract(waiting_.begin()).mapped());
    if (auto done = execute(work, message.destination, message.message, message.lt); !done) {
      counters_.messages_dropped++;
      work.delta.notes.push_back(fmt::format("message {} dropped: {}", to_hex(message.hash), done.error().what));
    }
  }
}

Result<> Chain::execute(Work& work, const Bits256& id, const ton::Cell& message, std::uint64_t message_lt) {
  TRY_ASSIGN(const auto before, shard_account(id));
  auto at_least = std::max(work.step.start_lt, message_lt) + 1;
  if (const auto known = work.touched.find(id); known != work.touched.end())
    at_least = std::max(at_least, known->second.next_lt);
  work.executed++;
  TRY_ASSIGN(const auto outcome, run(before, message, next_lt(before, at_least), work.step));
  if (!outcome.accepted) return fail("{}{}", outcome.refusal, exit_code_text(outcome));
  return apply(work, id, outcome);
}

Result<> Chain::apply(Work& work, const Bits256& id, const TransactionOutcome& outcome) {
  TRY_ASSIGN(const auto transaction_cell, ton::read_boc(outcome.transaction));
  TRY_ASSIGN(const auto transaction, ton::parse_transaction(transaction_cell));
  TRY_ASSIGN(const auto after, ton::read_boc(outcome.shard_account));
  TRY_ASSIGN(const auto parsed, ton::parse_shard_account(after));
  TRY_ASSIGN(const auto before, shard_account(id));

  auto& touched = work.touched.try_emplace(id, Work::Touched{before.ref(0)}).first->second;
  touched.next_lt = transaction.lt + transaction.out_msgs.size() + 1;
  TRY(touched.transactions.set(ton::BitString::of_uint(transaction.lt, 64),
                               ton::CellBuilder().store_ref(transaction_cell).must_finish(),
                               transaction.total_fees.coins));
  if (parsed.account) {
    TRY(accounts_.set(key_of(id), after, parsed.account->balance.coins));
    work.delta.accounts.insert_or_assign(id, after);
  } else {
    TRY(accounts_.erase(key_of(id)));
    work.delta.accounts.insert_or_assign(id, std::nullopt);
  }
  work.fees += transaction.total_fees.coins;
  work.last_lt = std::max(work.last_lt, touched.next_lt);
  work.delta.transactions.push_back({id,
                                     transaction.lt,
                                     transaction.hash,
                                     transaction.prev_hash,
                                     transaction.prev_lt,
                                     ton::write_boc(transaction_cell),
                                     {}});
  counters_.transactions++;
  for (const auto& message : transaction.out_msgs) send(work, message);
  return {};
}

// Messages to the outside are the contract's log and stay in the transaction.
void Chain::send(Work& work, const ton::TransactionMessage& out) {
  const auto drop = [&](std::string_view why) {
    counters_.messages_dropped++;
    work.delta.notes.push_back(fmt::format("message {} dropped: {}", to_hex(out.cell.hash()), why));
  };
  if (!out.message) return drop("a form of message that this chain does not carry");
  const auto* info = out.message->internal();
  if (!info) return;
  if (info->dest.workchain != 0) return drop("it leaves workchain 0");
  if (waiting_.size() >= settings_.waiting_messages) return drop("too many messages are waiting");
  waiting_.emplace(std::pair(info->created_lt, out.cell.hash()),
                   WaitingMessage{info->created_lt, out.cell.hash(), info->dest.hash, out.cell});
}

void Chain::seal(Work& work) {
  auto& step = work.step;
  step.end_lt = work.last_lt + 1;
  ShardBlockParts shard;
  for (auto& [id, touched] : work.touched) {
    const auto after = must(shard_account(id)).ref(0);
    const auto block = must(account_block_cell(id, touched.transactions, touched.account_before.hash(), after.hash()));
    COCOON_ASSERT(shard.account_blocks.set(key_of(id), block, touched.transactions.sum()).has_value());
  }
  shard.step = step;
  shard.previous = last_shard_;
  shard.last_masterchain = last_masterchain_;
  shard.state_before = states_.back().shard;
  shard.state_after = shard_state_cell(step, accounts_, last_masterchain_);
  shard.balance_before = work.balance_before;
  shard.balance_after = accounts_.sum();
  shard.fees = work.fees;

  auto& record = work.delta.block;
  record.step = step;
  record.shard = block_id(0, step.seqno, shard_block_cell(shard), record.shard_boc);

  MasterchainBlockParts master;
  master.step = step;
  master.previous = last_masterchain_;
  master.shard_hashes = shard_hashes_root(step, record.shard);
  master.state_before = states_.back().masterchain;
  master.state_after = masterchain_state_cell(step, master.shard_hashes, config_, accounts_.sum());
  record.masterchain = block_id(lite::kMasterchain, step.seqno, masterchain_block_cell(master), record.masterchain_boc);
  record.masterchain_state = master.state_after.hash();

  last_shard_ = {record.shard, step.end_lt};
  last_masterchain_ = {record.masterchain, step.end_lt};
  states_.push_back({shard.state_after, master.state_after});
  blocks_.push_back(record);
  for (auto& transaction : work.delta.transactions) {
    transaction.block = record.shard;
    remember(transaction);
  }
  for (const auto& [key, message] : waiting_) work.delta.waiting.push_back(message);
  trim();
}

}  // namespace cocoon::devnet
