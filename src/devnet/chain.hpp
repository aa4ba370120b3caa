// The chain: accounts, messages on their way, blocks. Pure and deterministic: the same calls with the same times give
// the same chain, whatever the machine; who wants it on disk keeps what make_block() returns (chain_store.hpp).
//
// One shard of workchain 0 and a masterchain that names its blocks, both one block per step. A block takes the faucet's
// payments, then external messages in order of arrival, then internal messages in order of logical time, including
// those it has just made, up to a limit; the rest waits for the next block. Every transaction is the official TVM's.
// Messages to other workchains leave the chain and are counted.
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/time.hpp"
#include "crypto/crypto.hpp"
#include "devnet/block_cells.hpp"
#include "devnet/tvm.hpp"
#include "ton/account.hpp"
#include "ton/transaction.hpp"

namespace cocoon::devnet {

// The configuration a new devnet starts with: mainnet's parameters without those that only slow the TVM down
// (validators, suspended addresses, bridges) and with our own global id.
Result<ton::Cell> genesis_config(std::int32_t global_id);

struct ChainSettings {
  std::int32_t global_id = -7310;  // parameter 19; mainnet has -239
  crypto::Seed treasury_seed;
  std::uint64_t treasury_nano = 4'000'000'000'000'000'000;  // nanoTON at genesis
  std::size_t block_transactions = 400;                     // at most, per block
  std::size_t waiting_externals = 512;                      // accepted and not yet in a block
  std::size_t waiting_messages = 100'000;                   // internal, not yet delivered
  std::size_t recent_states = 128;                          // blocks whose states can still be asked for
  std::size_t recent_blocks = 5'000;                        // blocks that can still be looked up
  std::size_t account_history = 20'000;                     // transactions kept per account
};

// What remains of one step: the two blocks, by name and by bytes.
struct BlockRecord {
  StepInfo step;
  lite::BlockIdExt shard, masterchain;
  Bytes shard_boc, masterchain_boc;
  Bits256 masterchain_state;  // root hash of the state after it
};

struct TransactionRecord {
  Bits256 account;
  std::uint64_t lt = 0;
  Bits256 hash;
  Bits256 prev_hash;
  std::uint64_t prev_lt = 0;
  Bytes boc;
  lite::BlockIdExt block;
};

// An internal message on its way, ordered by when it was made.
struct WaitingMessage {
  std::uint64_t lt = 0;
  Bits256 hash;
  Bits256 destination;
  ton::Cell message;
};

// What one block changed: enough to bring a copy of the chain from the block before to this one.
struct BlockDelta {
  BlockRecord block;
  std::map<Bits256, std::optional<ton::Cell>> accounts;  // ShardAccount; absent: gone
  std::vector<TransactionRecord> transactions;           // in the order in which they happened
  std::vector<WaitingMessage> waiting;                   // all that now wait
  std::vector<std::string> notes;                        // for the log: what was dropped and why
};

// A chain at rest.
struct ChainImage {
  std::int32_t global_id = 0;
  ton::Cell config;
  lite::ZeroStateIdExt zero_state;
  std::vector<BlockRecord> blocks;  // at least the last two, oldest first
  std::map<Bits256, ton::Cell> accounts;
  std::vector<TransactionRecord> transactions;  // per account oldest first
  std::vector<WaitingMessage> waiting;
};

struct ChainCounters {
  std::uint64_t transactions = 0, externals_refused = 0, messages_dropped = 0, tvm_discarded = 0;
};

// The state of the chain after one of the recent steps.
struct ChainState {
  ton::Cell shard, masterchain;
};

// Exit code of a get-method on an account that has no code to run, as mainnet's liteservers answer it.
inline constexpr int kNotAContract = -256;

class Chain {
 public:
  static constexpr std::size_t kMaxExternalBytes = 65'535;  // what mainnet's validators take
  static constexpr unsigned kMaxExternalDepth = 512;
  static constexpr std::size_t kMaxExternalCells = 8'192;

  // A new chain, whose first block is already made: `first` receives what to keep.
  static Result<Chain> create(const ChainSettings& settings, Time now, BlockDelta& first);
  // Fails if the image contradicts itself: the accounts must give the state that the last block names.
  static Result<Chain> restore(ChainSettings settings, const ChainImage& image);

  // Takes an external message if its account would accept it now; the error says why not, with the contract's exit code
  // if it has one. Acceptance is not inclusion: the account may have changed when the next block is made.
  Result<> submit(BytesView boc, Time now);
  // A payment from the treasury in the next block.
  Result<> faucet(const ton::Address& to, std::uint64_t nano);
  // The next block. Times that go backwards count as standing still.
  BlockDelta make_block(Time now);

  // --- reading
  const BlockRecord& head() const { return blocks_.back(); }
  const ChainState& head_state() const { return states_.back(); }
  const lite::ZeroStateIdExt& zero_state() const { return zero_state_; }
  const ton::Cell& config() const { return config_; }
  const ton::Address& treasury() const { return treasury_; }
  // By seqno, while it is remembered. Both blocks of a step have the same.
  const BlockRecord* block(std::int32_t seqno) const;
  const ChainState* state(std::int32_t seqno) const;
  // The block that holds a logical time, or the last one made at or before a Unix time.
  const BlockRecord* block_by_lt(std::uint64_t lt) const;
  const BlockRecord* block_by_time(std::uint32_t utime) const;
  // Newest first, from the one with this lt on. Empty if that is not known.
  std::vector<const TransactionRecord*> transactions(const Bits256& account, std::uint64_t lt, std::size_t count) const;
  // The account after the last block; absent if there is none.
  Result<std::optional<ton::Account>> account(const Bits256& account) const;
  // Runs a get-method on an account's code and data as they were after `seqno`.
  Result<GetMethodOutcome> run_get_method(std::int32_t seqno, const Bits256& account, std::uint64_t method_id,
                                          BytesView stack);
  std::size_t waiting_externals() const { return externals_.size(); }
  std::size_t waiting_messages() const { return waiting_.size(); }
  ChainCounters counters() const;

 private:
  struct Payment {
    ton::Address to;
    std::uint64_t nano = 0;
  };
  struct External {
    Bits256 hash;
    Bits256 destination;
    ton::Cell message;
  };
  struct Work;  // one block in the making

  Chain(const ChainSettings& settings, Tvm tvm, const ton::Cell& config);
  Result<> make_zero_state(Time now);
  Result<External> read_external(BytesView boc) const;
  Result<ton::Cell> shard_account(const Bits256& account) const;
  StepInfo next_step(Time now) const;
  std::uint64_t next_lt(const ton::Cell& shard_account, std::uint64_t at_least) const;
  Result<TransactionOutcome> run(const ton::Cell& shard_account, const ton::Cell& message, std::uint64_t lt,
                                 const StepInfo& step);

  void take_payments(Work& work);
  void take_externals(Work& work);
  void take_messages(Work& work);
  Result<> execute(Work& work, const Bits256& account, const ton::Cell& message, std::uint64_t message_lt);
  Result<> apply(Work& work, const Bits256& account, const TransactionOutcome& outcome);
  void send(Work& work, const ton::TransactionMessage& message);
  void seal(Work& work);
  void remember(const TransactionRecord& record);
  void trim();

  ChainSettings settings_;
  Tvm tvm_;
  ton::Cell config_;
  crypto::KeyPair treasury_key_;
  ton::Address treasury_;
  lite::ZeroStateIdExt zero_state_;
  BlockRef last_shard_, last_masterchain_;

  lite::AugDict accounts_{lite::kShardAccountsShape};
  std::map<std::pair<std::uint64_t, Bits256>, WaitingMessage> waiting_;
  std::deque<External> externals_;
  std::set<Bits256> external_hashes_;
  std::deque<Payment> payments_;

  std::deque<BlockRecord> blocks_;
  std::deque<ChainState> states_;  // of the last of blocks_
  std::unordered_map<Bits256, std::deque<TransactionRecord>> history_;
  ChainCounters counters_;
};

}  // namespace cocoon::devnet
