// The chain as everybody in the simulation sees it: the devnet's chain with the official TVM and the real contracts,
// a pool of external messages in front of it, and an archive of every account at every block, from which liteservers
// show what they like.
#pragma once
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "devnet/chain.hpp"
#include "faults.hpp"
#include "schedule.hpp"
#include "trace.hpp"

namespace cocoon::sim {

// An account after some block.
struct AccountView {
  std::int32_t seqno = 0;  // of the block that last changed it
  std::optional<ton::Account> account;
  std::uint64_t last_lt = 0;
};

// One transaction, with the account before and after it.
struct Happened {
  std::int32_t seqno = 0;
  ton::Transaction transaction;
};

class SimChain {
 public:
  SimChain(Schedule& schedule, Trace& trace, Dice& dice, Faults& faults, const Bits256& treasury_seed);

  // --- what goes in
  void faucet(const ton::Address& to, std::uint64_t nano);
  // Hands a message over; whether and when it arrives is chance.
  void send(Bytes boc);
  // Makes a block out of what has arrived.
  void make_block();

  // --- what can be read
  std::int32_t head() const { return chain_.head().step.seqno; }
  std::int64_t time_of(std::int32_t seqno) const { return times_.at(static_cast<std::size_t>(seqno)); }
  const AccountView* account(const Bits256& id, std::int32_t at_seqno) const;  // null: no such account then
  const AccountView* account(const Bits256& id) const { return account(id, head()); }
  // Of one account, in (after_lt, up to block at_seqno], oldest first.
  std::vector<const Happened*> transactions(const Bits256& id, std::uint64_t after_lt, std::int32_t at_seqno) const;
  // Of the last block, in the order in which they happened.
  const std::vector<const Happened*>& latest() const { return latest_; }
  bool messages_wait() const { return chain_.waiting_messages() > 0; }
  std::size_t pool() const { return pool_.size(); }
  std::uint64_t transaction_count() const { return chain_.counters().transactions; }
  std::uint64_t dropped_messages() const { return chain_.counters().messages_dropped; }
  std::uint64_t supply_at_birth() const { return settings_.treasury_nano; }
  // Nothing is paid out by the treasury that was not asked for with faucet().
  const ton::Address& treasury() const { return chain_.treasury(); }
  // All accounts that ever were.
  const auto& archive() const { return archive_; }
  struct History {
    std::vector<AccountView> states;                    // one per block that changed it
    std::vector<std::unique_ptr<Happened>> happenings;  // oldest first
  };

 private:
  void keep(const devnet::BlockDelta& delta);
  void arrive(Bytes boc) { pool_.push_back(std::move(boc)); }

  Schedule& schedule_;
  Trace& trace_;
  Dice& dice_;
  Faults& faults_;
  devnet::ChainSettings settings_;
  devnet::Chain chain_;
  std::vector<Bytes> pool_;
  std::vector<std::int64_t> times_;  // by seqno
  std::unordered_map<Bits256, History> archive_;
  std::vector<const Happened*> latest_;
};

}  // namespace cocoon::sim
