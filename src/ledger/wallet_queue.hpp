// The node's side of its Cocoon wallet (contracts.md 5): messages queue here and leave in batches inside external
// messages, one external at a time. Pure: time and what the chain shows come in, externals and results come out.
//
// A message counts as sent when it left the wallet in a transaction with our external that has succeeded, action phase
// included (W-25); wallets may leave out what they cannot send (W-8). An external that was not included before it
// expired on chain time is replaced by a new one (W-9). A batch never exceeds what the wallet holds (W-8).
#pragma once
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "ton/account.hpp"
#include "ton/contracts/wallet.hpp"
#include "ton/transaction.hpp"

namespace cocoon::ledger {

class WalletQueue {
 public:
  using MessageId = std::uint64_t;

  struct Config {
    crypto::Seed seed;   // the node's wallet key
    ton::Address owner;  // the wallet's owner: part of its address
    ton::Cell code;
    Duration lifetime = std::chrono::seconds(60);  // of one external
    Duration resend = std::chrono::seconds(3);     // same bytes again, in case they were lost
    std::size_t limit = 1024;                      // messages waiting at once
  };

  explicit WalletQueue(Config config);

  const ton::Address& address() const { return address_; }

  // Queues a message; nothing when the queue is full.
  std::optional<MessageId> send(ton::OutgoingMessage message);

  // The wallet as the chain shows it now, with all transactions since the last call, oldest first.
  // Transactions alone, when the state after them is still to come: the first parts of a long history.
  void observe(std::span<const ton::Transaction> transactions);
  void observe(const std::optional<ton::Account>& account, std::span<const ton::Transaction> transactions,
               std::int64_t chain_time);

  struct External {
    Bytes boc;
    Bits256 body_hash;
  };
  // An external to hand to a liteserver now: a new one, or the one in flight again.
  std::optional<External> poll(Time now);
  Time wake_at() const;

  struct Done {
    MessageId id = 0;
    bool sent = false;
    std::uint64_t lt = 0;  // of the wallet's transaction
    std::string why_not;   // when not sent
  };
  std::vector<Done> take_done();

  // What can be spent on messages: the balance, or 0 when the wallet would not accept an external.
  std::uint64_t spendable() const;
  // Why messages are waiting, in words; empty when nothing is in the way.
  std::string waiting_for() const;

  bool observed() const { return observed_; }
  std::optional<std::uint64_t> balance() const { return balance_; }  // nothing: no account
  std::uint32_t seqno() const { return seqno_; }
  std::size_t pending() const { return waiting_.size() + flying_.size(); }

 private:
  struct Waiting {
    MessageId id;
    ton::OutgoingMessage message;
    int failures = 0;
  };
  struct Attempt {  // one external made for the present seqno
    Bits256 body_hash;
    Bytes boc;
    std::uint32_t valid_until;
    std::vector<MessageId> ids;
  };

  void settle(const ton::Transaction&, const Attempt&);
  void put_back();
  std::vector<Waiting> next_batch();
  void make_attempt(Time now, std::vector<Waiting> batch);

  Config config_;
  crypto::KeyPair key_;
  ton::StateInit init_;
  ton::Address address_;
  MessageId next_id_ = 1;
  std::deque<Waiting> waiting_;
  std::vector<Waiting> flying_;    // the messages of the last attempt, until it is settled or given up
  std::vector<Attempt> attempts_;  // all for the present seqno: an older one may still be the one that is included
  Time next_send_ = Time::max();
  std::vector<Done> done_;
  bool observed_ = false;
  bool deployed_ = false;
  bool blocked_ = false;
  std::optional<std::uint64_t> balance_;
  std::uint32_t seqno_ = 0;
  std::int64_t chain_time_ = 0;
};

}  // namespace cocoon::ledger
