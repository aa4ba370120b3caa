// The client's side of the money: its wallet, its contract at each proxy it met, the signed payments it was given
// (contracts.md 1.5, 1.6, 2.4, 3.4, 3.8). A step counts as done when a contract's state or transactions show it.
#pragma once
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "client/core/events.hpp"
#include "crypto/crypto.hpp"
#include "ledger/wallet_queue.hpp"
#include "ton/contracts/root.hpp"
#include "ton/contracts/signed.hpp"
#include "ton/contracts/state.hpp"

namespace cocoon::client {

class Money {
 public:
  struct Config {
    crypto::Seed node_seed;  // the wallet's key
    ton::Address owner;      // whose wallet it is: may sweep and block it
    ton::Cell wallet_code;
    Bits256 secret_hash;                         // to be written into each client contract; set by the core
    bool auto_top_up = true;                     // keep half a stake paid ahead; else only by command
    std::uint64_t top_up = 0;                    // nanoTON per top-up; 0: one stake
    std::uint64_t gas = 7 * ton::kTon / 10;      // attached to an operation; what is not used comes back
    std::uint64_t register_value = ton::kTon;    // attached to a registration, with or without deploying
    Duration retry = std::chrono::seconds(120);  // an operation that shows no effect for so long is tried again
    // Code of proxy contracts that pay a forced refund out of the client's own deposit (contracts.md W-1): from others
    // it is forced by itself only if their stake covers it, since what they do not pay is lost.
    std::optional<Bits256> refunding_proxy_code;
    std::vector<Bytes> remembered;  // records of Remember that were not forgotten
  };

  Money(Config config, const crypto::Random& random);

  const ton::Address& wallet() const { return queue_.address(); }

  void start(Effects&);  // begins to watch the wallet; idempotent
  void adopt_root(const ton::Address&, const ton::RootState&, Time, Effects&);
  void observe(const role::AccountObserved&, Time, Effects&);
  void external_result(const role::ExternalResult&, Time);
  void remembered(const Remembered&, Time, Effects&);
  // Answers at once (OrderAnswer); OrderDone follows when the chain shows what came of it.
  void order(const role::Order&, Time, Effects&);
  // Whatever is due: top-ups, charges, externals to send.
  void advance(Time, Effects&);
  Time wake_at() const;

  // Checks what a proxy says of itself and of us against what follows from the root contract (wire.md 4.4, step 5), and
  // begins to watch our contract there. Money goes only to contracts of proxies that have been met and not left.
  Result<> meet_proxy(const Bits256& proxy_key, const ton::Address& proxy_owner, const ton::Address& proxy_contract,
                      const ton::Address& client_contract, Effects&);
  void leave_proxy(const ton::Address& proxy_contract);
  // Sends the registration as soon as the wallet can pay for it, deploying our contract with it if need be, and again
  // if it fails on chain; until it is forgotten.
  void want_register(const ton::Address& proxy_contract, std::uint64_t nonce);
  bool register_sent(const ton::Address& proxy_contract, std::uint64_t nonce) const;
  void forget_register(const ton::Address& proxy_contract, std::uint64_t nonce);
  // A signed payment from that proxy: kept if it verifies and is larger than the one we have.
  void take_payment(const ton::Address& proxy_contract, BytesView boc, Effects&);
  void take_counters(const ton::Address& proxy_contract, std::int64_t db_tokens, std::int64_t max_tokens);

  // Empty when requests can be paid at this proxy; else what is being waited for, in words.
  std::string why_not_funded(const ton::Address& proxy_contract) const;
  bool is_funded(const ton::Address& proxy_contract) const;
  // Why our contract, as last seen on chain, cannot cover so many adjusted tokens; empty when it can or nothing is
  // known.
  std::string why_not_covered(const ton::Address& proxy_contract, std::int64_t tokens) const;
  std::string why_wallet_waits() const;
  // When the chain last showed a change of our contract at this proxy. The proxy may see it some seconds later.
  Time last_news(const ton::Address& proxy_contract) const;

  struct Status {
    ton::Address wallet;
    std::optional<std::uint64_t> wallet_balance;  // nanoTON; nothing: no such account yet
    std::uint32_t wallet_seqno = 0;
    std::size_t wallet_pending = 0;
    std::string last_refusal;
    struct Contract {
      ton::Address proxy_contract, self;
      Bits256 proxy_key;
      std::optional<ton::ClientState> state;  // as last seen on chain
      std::uint64_t signed_tokens = 0;        // newest verified signed payment
      std::uint64_t db_tokens = 0, max_tokens = 0;
      bool in_use = false;           // a session with this proxy exists
      std::string operation;         // what is under way on chain, in words; empty: nothing
      bool leaving = false;          // it is being closed
      std::uint64_t refund_due = 0;  // nanoTON that the proxy contract was asked to pay us and that did not arrive yet
    };
    std::vector<Contract> contracts;
  };
  Status status() const;

 private:
  // One message of ours to one contract at a time. It is over when the contract shows a transaction with its query id,
  // when the wallet says that it could not be sent, or when nothing was seen for too long after it was sent.
  struct Operation {
    std::string name;
    std::uint64_t query_id = 0;
    std::optional<std::uint64_t> nonce;  // of a registration
    std::optional<role::OrderId> order;
    std::optional<ledger::WalletQueue::MessageId> in_wallet;  // still in the wallet's queue
    Time give_up_at = Time::max();                            // set once the wallet has sent it
  };
  struct Registration {
    std::uint64_t nonce = 0;
    bool sent = false;
  };
  // What the operator wants of a contract and what is not sent yet.
  struct Wish {
    role::OrderId id = 0;
    role::OrderKind kind{};
    std::uint64_t amount = 0;
  };
  // Our contract asked the proxy contract to pay us: done when the wallet has received it.
  struct Refund {
    std::uint64_t query_id = 0;
    std::uint64_t amount = 0;  // asked for
    Time until{};              // waited for; then it is told that nothing came
    std::optional<role::OrderId> order;
  };
  struct Contract {
    ton::ProxyInstance proxy;
    ton::Address self;
    ton::PaymentVerifier payments;
    int users = 0;                          // sessions with this proxy
    bool remembered = false;                // on disk; before that no money goes there
    bool remembering = false;               // on its way to the disk
    bool observed = false;                  // the chain has been asked at least once
    std::optional<ton::ClientState> state;  // nothing: not deployed
    Time news{};
    std::uint64_t signed_tokens = 0;
    std::optional<ton::SignedMessage> payment;
    bool bad_payment_told = false;
    std::uint64_t db_tokens = 0, max_tokens = 0;
    std::vector<Registration> registrations;
    std::optional<Operation> running;
    Time not_before{};  // after a failure: when the next operation may start
    Duration pause{};
    std::deque<Wish> wishes;
    std::deque<Refund> refunds;
    bool leaving = false;                       // it is to be closed: nothing is put in any more
    bool force = false;                         // and the refund forced whatever the proxy contract's stake is
    std::vector<role::OrderId> closing_orders;  // over when the contract is closed and the refund has arrived
    Time close_at = Time::max();                // of a contract of earlier parameters
    std::optional<ton::ProxyState> proxy_state;
  };

  Contract* find(const ton::Address& proxy_contract);
  const Contract* find(const ton::Address& proxy_contract) const;
  void recall(Effects&);
  Contract& add_contract(ton::ProxyInstance, Effects&);
  void remember(Contract&, Time, Effects&);
  void forget_closed(Effects&);
  void pause(Contract&, Time);
  bool wallet_can_spend(std::uint64_t nano) const;
  void wallet_reports(Time, Effects&);
  void observe_contract(Contract&, const role::AccountObserved&, Time, Effects&);
  void observe_refunds(Contract&, const role::AccountObserved&, Time);
  void observe_payouts(const role::AccountObserved&, Effects&);
  void observe_proxy(const role::AccountObserved&);
  void observe_state(Contract&, const role::AccountObserved&, Time, Effects&);
  void operation_over(Contract&, bool success, const std::string& why, Time, Effects&);
  void next_operation(Contract&, Effects&);
  void register_when_wanted(Contract&, Effects&);
  void charge_when_due(Contract&, Effects&);
  void keep_funded(Contract&, Effects&);
  bool is_current(const Contract&) const;
  static bool owes(const Contract&);  // a signed payment that is not charged yet; of a deployed contract
  // orders.cpp
  Result<Contract*> contract_for(const role::Order&);
  Result<role::Plan> plan(const Contract&, const Wish&) const;
  Result<role::Plan> plan_top_up(const Contract&, std::uint64_t amount) const;
  Result<role::Plan> plan_withdraw(const Contract&) const;
  Result<role::Plan> plan_close(const Contract&) const;
  Result<role::Plan> plan_charge(const Contract&) const;
  Result<role::Plan> plan_stake(const Contract&, std::uint64_t stake) const;
  static std::uint64_t signed_cost(const Contract&);
  role::PlannedMessage planned_charge(const Contract&) const;
  Result<> can_pay(std::uint64_t nano) const;
  void do_wish(Contract&, Effects&);
  void start_closing(Contract&, Effects&);
  bool may_force(const Contract&) const;
  void close_when_due(Contract&, Time, Effects&);
  void request_refund(Contract&, Effects&);
  void charge_ourselves(Contract&, Effects&);
  void order_over(role::OrderId, Result<std::string>, Effects&) const;
  void finish_closing(Contract&, Effects&);
  void expire_refunds(Contract&, Time, Effects&);
  std::string balance_text(const Contract&) const;
  void send(Contract&, std::string name, std::uint64_t value, std::uint64_t query_id, ton::Cell body, Effects&);
  std::uint64_t top_up_amount(const Contract&) const;
  static std::uint64_t refund_due(const Contract&);

  Config config_;
  crypto::Random random_;
  ledger::WalletQueue queue_;
  std::optional<ton::RootState> root_;
  ton::Address root_address_;
  bool started_ = false;
  Time advanced_{};                                 // up to when everything due has been done
  std::int64_t chain_time_ = 0;                     // unix seconds, of what we saw last
  std::map<std::uint64_t, std::uint64_t> payouts_;  // query id -> nanoTON that our wallet received, of late
  std::string last_refusal_;                        // of an external, by a liteserver
  std::map<ton::Address, Contract> contracts_;      // by our own contract's address
};

}  // namespace cocoon::client
