// Who owes whom (contracts.md 6): the accounts of one proxy instance, what is durable, what is committed on chain, what
// may be signed, and what is to be charged and paid out.
//
// The order of money (6.3), as the core that owns a ledger drives it:
//
//   reserve -> finish                    tokens are in memory (M)
//   snapshot -> durable                  tokens are on disk (D); with a commit: its message may go to the chain
//   apply(transaction with the commit)   tokens are beyond recall (K): only now signatures for them leave
//   due -> sent / failed                 signed K goes to client and worker contracts, apply() sees it arrive (X)
//
// At start it says how the session before ended (StartUp), and finds out by what the chain shows whether it may go on
// at all (namespace fault).
//
// Pure: no clock, no database, no randomness but what is passed in. Invariants I1 to I5 and I10 are asserted; nothing
// that a peer or the chain says can break them: a chain that contradicts the ledger is an error (see Fault).
#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "crypto/crypto.hpp"
#include "ledger/snapshot.hpp"
#include "ton/contracts/notices.hpp"
#include "ton/contracts/signed.hpp"
#include "ton/transaction.hpp"

namespace cocoon::ledger {

// Adjusted tokens, cumulative; always charged <= sent <= chain <= db <= max.
struct Counters {
  std::uint64_t max = 0;      // M: all finished requests
  std::uint64_t db = 0;       // D: in a durable snapshot
  std::uint64_t chain = 0;    // K: in a snapshot whose commit was seen on chain
  std::uint64_t sent = 0;     // S: in the newest signature handed to anyone; after a restart what may have been: K
  std::uint64_t charged = 0;  // X: in the contract
  friend bool operator==(const Counters&, const Counters&) = default;
};

struct ClientView {
  ton::Address contract;
  ton::ClientState chain;  // as the contract last told it
  Counters tokens;
  std::uint64_t expected = 0;  // E: what the contract counts once the message on its way has arrived
  std::uint64_t reserved = 0;  // R: running requests
  std::int64_t available = 0;  // what a new request may reserve; negative when overdrawn
  std::int64_t last_request = 0;
  bool open() const { return chain.state == ton::ContractState::normal; }
};

struct WorkerView {
  ton::Address contract;
  ton::ContractState state = ton::ContractState::normal;
  Counters tokens;
  std::uint64_t expected = 0;  // E
  std::int64_t last_request = 0;
};

// How the session before this one ended, as far as the disk says.
enum class StartUp {
  fresh,    // there was none: a new database
  clean,    // in order: nothing was left in memory
  crashed,  // not in order: what was never on disk is lost, which nobody was ever given a signature for (I5)
};

struct Config {
  ton::Address wallet;                                // of this proxy: gets the excesses, sends the commits
  std::uint64_t charge_client_at = ton::kTon;         // nanoTON committed and not yet charged (1.6); see cover()
  std::uint64_t pay_worker_at = 10 * ton::kTon;       // nanoTON committed and not yet paid
  Duration settle_retry = std::chrono::seconds(120);  // without effect in the contract; doubles, at most 64 times this
  std::size_t max_clients = 1u << 16;
  std::size_t max_workers = 1u << 16;
};

enum class SettlementKind { charge, grant_refund, payout, last_payout };

// A signed message that should go to a contract now.
struct Settlement {
  SettlementKind kind{};
  ton::Address owner;        // names the account
  ton::Address contract;     // where it goes
  std::uint64_t tokens = 0;  // cumulative, as signed
  ton::Cell body;
};

// Codes of errors. All but `gap` say: this ledger must not be used any further, only a person can decide what to do.
namespace fault {
// The chain holds a commit or a counter from before this start that this database does not know: it is an old copy
// (6.4).
inline constexpr int rolled_back = 1;
// The stored snapshot is damaged, forged, or of another machine.
inline constexpr int damaged = 2;
// The stored snapshot is of another instance: other parameters, owner, root or key.
inline constexpr int another_instance = 3;
// Transactions between the anchor and this one are missing: ask the chain again from the anchor.
inline constexpr int gap = 4;
// While this session runs, somebody else commits or charges with our keys: a second copy of this machine (I8).
inline constexpr int cloned = 5;
// The database is new, but the contract has commits or counters: the database that made them is missing (W-21).
inline constexpr int fresh_database = 6;
// What the person who operates this proxy should know and do, in a sentence.
const char* advice(int code);
}  // namespace fault

class Ledger {
 public:
  // `stored`: the newest durable snapshot of this instance, nothing for a new one. `first_seqno`: what the first
  // snapshot of a new instance counts from (a new instance goes on where the last one was). `session`: random, new for
  // every start. `seal_key`: see seal(). Loads D = K = M = stored; not ready before this session's own commit is seen.
  static Result<Ledger> open(const Config&, const ton::ProxyInstance&, const crypto::KeyPair& payment_key,
                             const Bits256& session, const Bits256& seal_key, const std::optional<Snapshot>& stored,
                             std::int32_t first_seqno = 0);

  const ton::ProxyInstance& instance() const { return instance_; }

  // --- chain in

  // One transaction of the proxy contract; oldest first, each once (those at or before the anchor are ignored). Gives
  // the notice that it held, if any. Errors are faults: the transaction was not taken in.
  Result<std::optional<ton::Notice>> apply(const ton::Transaction&);
  // The state of a client's or worker's contract, for cores that look at it directly. Same errors.
  Result<> client_state(const ton::Address& owner, const ton::ClientState&);
  Result<> worker_state(const ton::Address& owner, const ton::WorkerState&);
  const Anchor& anchor() const { return anchor_; }
  // The history that was there at the start has been taken in: what is foreign from here on is being made now.
  void caught_up() { caught_up_ = true; }
  StartUp start_up() const { return start_up_; }

  // This session's own commit is on chain: signatures may leave, clients and workers may be served (6.4, step 5).
  bool ready() const { return ready_; }

  // --- requests

  // Nothing for an owner whose client contract never told us anything.
  std::optional<ClientView> client(const ton::Address& owner) const;
  // Zeros for a worker that never worked for us.
  WorkerView worker(const ton::Address& owner) const;
  // Is there, or may there be, an account for this worker? To be asked before it gets its first request.
  bool accepts_worker(const ton::Address& owner) const;
  std::vector<ton::Address> clients() const;
  std::vector<ton::Address> workers() const;

  // I4. Refused with a reason when the client is unknown, its contract is not open, or less is available. The amount
  // is what the request may cost at most: the largest multiplier is the caller's to count in (W-6).
  Result<> reserve(const ton::Address& client, std::uint64_t tokens);
  // Ends a reservation: tokens, but at most what was reserved and what the client can still pay for (W-6), are added to
  // client and worker alike (I3), and returned. `reserved` is what reserve() was asked for.
  std::uint64_t finish(const ton::Address& client, const ton::Address& worker, std::uint64_t reserved,
                       std::uint64_t tokens, Time now);

  // --- durability

  // Has anything changed since the last snapshot was taken?
  bool dirty() const { return dirty_; }
  bool writing() const { return in_flight_.has_value(); }       // a snapshot is on its way to the disk
  bool committing() const { return outstanding_.has_value(); }  // a commit is on its way to the chain
  // Would a commit change anything: not ready yet, or tokens that are not committed?
  bool commit_wanted() const;
  // A value to write now; only when none is being written. `commit`: also prepare a commit of it, only when none is
  // outstanding. `clean`: this session ends with it.
  Snapshot snapshot(bool commit, bool clean = false);
  void snapshot_durable(std::int32_t seqno);
  void snapshot_failed(std::int32_t seqno);  // nothing became durable; the next snapshot holds it all
  // The commit whose snapshot is durable and which was not yet seen on chain: its message is to be sent, and sent again
  // if the wallet failed to.
  std::optional<PendingCommit> commit_to_send() const;
  ton::Cell commit_body(const PendingCommit&) const;
  std::int32_t seqno() const { return seqno_; }
  void set_extra(Bytes);  // carried in every snapshot from now on
  const Bytes& extra() const { return extra_; }

  // --- signatures: bags of cells with the signed message for K, as peers get them (3.7). Made when first asked for,
  // the same bytes while K stays. Nothing while nothing is committed, or before ready().
  std::optional<Bytes> sign_for_client(const ton::Address& owner, crypto::Random&);
  std::optional<Bytes> sign_for_worker(const ton::Address& owner, crypto::Random&);
  // Only what has been signed already.
  std::optional<Bytes> cached_for_client(const ton::Address& owner) const;
  std::optional<Bytes> cached_for_worker(const ton::Address& owner) const;

  // --- settlement

  // What should be sent to contracts now: at most one message per account at a time. Each one returned is outstanding
  // until its contract shows the tokens, or it was sent and settle_retry is over, or settlement_failed().
  std::vector<Settlement> due(Time now, crypto::Random&);
  // nanoTON: the proxy contract's stake, out of which workers are paid for what clients were never charged, if this
  // proxy is lost. All that is committed and not charged is to stay within it: the more clients owe, the earlier each
  // is charged, down to a quarter of charge_client_at (below that fees would eat the commission).
  void cover(std::uint64_t stake) { cover_ = stake; }
  // Whatever is committed and not settled is due now, however little: of one account, or (no owner) of all of a kind.
  // False: there is nothing.
  bool settle_now(bool workers, const std::optional<ton::Address>& owner);
  // This instance is over: no more requests; every client is refunded, every worker paid for the last time, with what
  // is committed (I10, 3.9). No reservation may be left.
  void retire();
  bool retired() const { return retired_; }
  // Of a retired instance: how many accounts have not got what they are due.
  std::size_t unsettled() const;
  void settlement_sent(SettlementKind, const ton::Address& owner, Time now);    // the wallet has, on chain
  void settlement_failed(SettlementKind, const ton::Address& owner, Time now);  // the wallet could not
  Time wake_at() const;  // when due() may have something again by time alone

 private:
  struct Account {
    ton::Address contract;
    Counters tokens;
    std::int64_t last_request = 0;
    std::optional<ton::SignedMessage> signature;  // for tokens.sent
    Bytes signature_boc;
    // Settlement on its way. `expected` is E: what the contract counts once the message has arrived.
    std::uint64_t expected = 0;
    std::optional<Time> retry_at;
    int failures = 0;             // messages without effect since the last one with
    int delivered = 0;            // the same, as far as the wallet has sent them
    bool now = false;             // settle_now()
    std::uint64_t committed = 0;  // K of the newest proof
  };
  struct Client : Account {
    ton::ClientState chain;
    std::uint64_t reserved = 0;
    bool refund_sent = false;  // W-12
  };
  struct Worker : Account {
    ton::ContractState state = ton::ContractState::normal;
  };
  using AccountName = std::pair<bool, ton::Address>;  // worker?, owner
  // M of every account that moved, in one snapshot.
  struct Values {
    std::int32_t seqno = 0;
    bool commit = false;
    CommitProof proof;
    std::vector<std::pair<ton::Address, std::uint64_t>> clients, workers;
  };

  Ledger(const Config&, const ton::ProxyInstance&, const crypto::KeyPair&);
  Result<> load(const Snapshot&);
  Result<> take_notice(const ton::Notice&, std::uint64_t lt);
  Result<> take_commit(const ton::CommitNotice&, std::uint64_t lt);
  std::optional<ton::CommitNotice> own_commit_of_another_wallet(const ton::Transaction&) const;
  std::uint64_t commit_mark(std::int32_t seqno, const Bits256& hash, const ton::Address& wallet) const;
  int foreign() const;
  bool refund_wanted(const Client&) const;
  bool last_payout_wanted(const Worker&) const;
  Result<> charged(Account&, std::uint64_t tokens);
  bool sign(Account&, std::uint32_t opcode, crypto::Random&);
  ton::SignedMessage signed_message(const Account&, std::uint32_t opcode, crypto::Random&) const;
  static void settling(Account&, std::uint64_t tokens);
  Account* settling_account(SettlementKind, const ton::Address& owner);
  void retry_settlement(Account&, SettlementKind, const ton::Address& owner, Time when);
  std::optional<Settlement> due_client(const ton::Address&, Client&, Time now, crypto::Random&);
  std::optional<Settlement> due_worker(const ton::Address&, Worker&, Time now, crypto::Random&);
  void look_at(bool worker, const ton::Address& owner) { to_settle_.insert({worker, owner}); }
  void look_at_all();
  std::uint64_t charge_at() const;
  std::int64_t available(const Client&) const;
  void check(const Account&) const;
  void check_conservation() const;

  Config config_;
  ton::ProxyInstance instance_;
  crypto::KeyPair key_;
  Bits256 session_, seal_key_;
  std::map<ton::Address, Client> clients_;
  std::map<ton::Address, Worker> workers_;
  Anchor anchor_;
  std::int32_t seqno_ = 0;
  std::int32_t last_seen_commit_ = INT32_MIN;
  std::int32_t session_first_seqno_ = 0;  // commits from here on are this session's
  std::map<std::int32_t, Bits256> pending_;
  std::optional<Values> in_flight_;    // the snapshot being written
  std::optional<Values> outstanding_;  // the one being committed; durable unless it is in_flight_ too
  // Accounts whose settlement has to be looked at: at once, or when their retry is due.
  std::set<AccountName> to_settle_;
  std::set<std::pair<Time, AccountName>> retries_;
  std::uint64_t cover_ = UINT64_MAX;
  std::size_t owing_ = 0;       // clients with committed, uncharged tokens at the last commit
  std::uint64_t promised_ = 0;  // M + R of all clients: at most what the wire's signed numbers hold
  Bytes extra_;
  StartUp start_up_ = StartUp::fresh;
  std::optional<CommitProof> proof_;
  bool ready_ = false;
  bool dirty_ = false;
  bool caught_up_ = false;
  bool retired_ = false;
};

}  // namespace cocoon::ledger
