// One proxy contract and its accounts: keeps it deployed, commits, charges, pays, withdraws commission; and, when the
// contract is to be left, settles with everybody and closes it (contracts.md 3.9, 6.3, 6.4). Every step is done when
// the contract's state says so, never when a message was sent (W-11). `Money` owns the books, the wallet and the disk.
#pragma once
#include <array>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "ledger/ledger.hpp"
#include "proxy/core/config.hpp"
#include "proxy/core/io.hpp"
#include "role/operator.hpp"
#include "ton/contracts/wallet.hpp"

namespace cocoon::proxy {

// The proxy contract as the chain showed it last.
struct ContractSeen {
  bool deployed = false;
  ton::ProxyState state;
  std::uint64_t coins = 0;  // nanoTON
};

// What of a book must survive beside its ledger: enough to know the contract again when the root contract has moved on.
struct BookRecord {
  ton::Params params;  // of the root contract, when the book was opened
  ton::Address owner;
  bool retiring = false;
  std::int64_t closing_since = 0;  // chain time at which the contract was first seen closing; 0: not yet

  friend bool operator==(const BookRecord&, const BookRecord&) = default;
};
Bytes encode(const BookRecord&);
Result<BookRecord> decode_book_record(BytesView);

// What the snapshot of the contract of the day carries beside its accounts (ledger::Snapshot::extra): its own record,
// and the books of the contracts before it, each a snapshot of its own with its record as extra.
struct StoredBooks {
  std::uint32_t root_version = 0;  // of the root contract, when it was written
  BookRecord record;
  std::vector<ledger::Snapshot> earlier;

  friend bool operator==(const StoredBooks&, const StoredBooks&) = default;
};
Bytes encode(const StoredBooks&);
Result<StoredBooks> decode_stored_books(BytesView);

class Book {
 public:
  // What a message in the wallet's queue is for.
  struct Deploy {};
  struct Commit {
    std::int32_t seqno = 0;
  };
  struct Settle {
    ledger::SettlementKind kind{};
    ton::Address owner;
  };
  struct Withdraw {
    std::uint64_t query_id = 0;
  };
  struct AddStake {
    std::uint64_t query_id = 0;
  };
  struct Close {};
  using Purpose = std::variant<Deploy, Commit, Settle, Withdraw, AddStake, Close>;
  struct Outgoing {
    Purpose purpose;
    ton::OutgoingMessage message;
  };
  struct News {  // about a client contract
    ton::Address owner;
    std::optional<std::uint64_t> nonce;  // of a register message
  };

  Book(const Config&, crypto::Random&, const ton::Address& wallet, ledger::Ledger, BookRecord);
  Book(const Book&) = delete;
  Book& operator=(const Book&) = delete;

  const ton::ProxyInstance& instance() const { return ledger_.instance(); }
  const ton::Address& address() const { return instance().address(); }
  ledger::Ledger& ledger() { return ledger_; }
  const ledger::Ledger& ledger() const { return ledger_; }
  const BookRecord& record() const { return record_; }
  // Nothing before the chain has shown it.
  const std::optional<ContractSeen>& contract() const { return contract_; }
  std::uint64_t commits_sent() const { return static_cast<std::uint64_t>(last_commit_sent_); }
  std::int64_t last_commit_sent() const { return last_commit_sent_; }
  std::int64_t last_commit_seen() const { return last_commit_seen_; }

  void watch(Io&) const;
  // An error is a fault of the ledger, or a history that cannot be read: the book must not be used any further.
  Result<> observed(Io&, const role::AccountObserved&, std::vector<News>&);

  // Tokens were added: the next commit has something to say.
  void used() { uncommitted_ = true; }

  // --- durability: Money writes the snapshots of all books as one
  bool wants_commit(Time now) const;
  // With a commit in it when one is wanted. `clean`: see Ledger::snapshot.
  ledger::Snapshot snapshot(Time now, bool clean);
  void durable(std::int32_t seqno) { ledger_.snapshot_durable(seqno); }
  void not_durable(std::int32_t seqno, Time now);
  Time commit_wake_at() const;

  // --- what is due on chain
  void tick(Io&, std::vector<Outgoing>&);
  Time wake_at() const;
  // What the wallet has told of a message: it has left, or it cannot.
  void sent(const Purpose&, Time now);
  void not_sent(Io&, const Purpose&, const std::string& why);

  // The contract is to be left for good. No request may be running.
  void retire(Io&);
  bool retiring() const { return record_.retiring; }
  // Everybody has got what is theirs and the contract is closed, or there never was one.
  bool over() const;
  std::string stage() const;  // of a retirement, in words

  // --- orders of the operator
  Result<role::Plan> plan(const role::Order&) const;
  // After plan() said yes; OrderDone follows from a later tick() or observed().
  void order(Io&, const role::Order&);

 private:
  struct OpenOrder {
    role::OrderId id = 0;
    role::OrderKind kind{};
    std::vector<std::pair<ton::Address, std::uint64_t>> targets;  // owner, tokens the contract is to count
    std::uint64_t query_id = 0;                                   // of the message, for orders that are one
    std::string what;                                             // it comes to, in words
  };

  void deploy(Io&, std::vector<Outgoing>&);
  void send_commit(Io&, std::vector<Outgoing>&);
  void settle(Io&, std::vector<Outgoing>&);
  void care_for_contract(Io&, std::vector<Outgoing>&);
  void withdraw(std::uint64_t query_id, std::vector<Outgoing>&);
  void add_stake(std::uint64_t amount, std::uint64_t query_id, std::vector<Outgoing>&);
  void close(Io&, std::vector<Outgoing>&);
  bool may_complete() const;
  bool commit_ready_to_send() const;
  bool waits_in_wallet(const Purpose& kind) const { return in_wallet_[kind.index()]; }
  void answered(Io&, const ton::Transaction&);
  void state_observed(Io&, const role::AccountObserved&);
  void finish_orders(Io&);
  Result<role::Plan> plan_charges(const role::Order&) const;
  Result<role::Plan> plan_payouts(const role::Order&) const;
  Result<role::Plan> plan_withdraw() const;
  Result<role::Plan> plan_stake(std::uint64_t amount) const;
  Result<role::Plan> plan_retire() const;

  const Config& config_;
  crypto::Random& random_;
  ton::Address wallet_;
  crypto::KeyPair payment_key_;
  ledger::Ledger ledger_;
  BookRecord record_;
  std::optional<ContractSeen> contract_;
  std::int64_t chain_time_ = 0;
  bool uncommitted_ = true;      // tokens since the last commit was prepared, or no commit of this session yet
  bool writing_commit_ = false;  // the snapshot on its way to the disk has one
  Time next_commit_{};
  Time next_commit_message_{}, next_deploy_{}, next_withdraw_{}, next_stake_{}, next_close_{};  // not before
  std::int64_t last_commit_sent_ = 0, last_commit_seen_ = 0;
  // By kind of purpose, of those that are not settlements: while one waits in the wallet, however long that is empty,
  // no second one is queued.
  std::array<bool, std::variant_size_v<Purpose>> in_wallet_{};
  std::vector<OpenOrder> orders_;
  std::vector<Outgoing> ordered_;  // to be sent with the next tick
};

}  // namespace cocoon::proxy
