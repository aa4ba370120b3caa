// The worker's side of the money: what each proxy owes, proved by signatures, and the payouts of its own when a proxy
// is slow to pay (contracts.md 1.5, 1.6, 2.5, 3.4, 3.7; wire.md 4.6, 4.8).
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "crypto/crypto.hpp"
#include "ledger/wallet_queue.hpp"
#include "ton/contracts/root.hpp"
#include "ton/contracts/signed.hpp"
#include "ton/contracts/state.hpp"
#include "wire/messages.hpp"
#include "worker/core/events.hpp"

namespace cocoon::worker {

class Money {
 public:
  struct Config {
    crypto::Seed wallet_seed;   // of the node's wallet, which pays the gas of our own payouts
    ton::Address wallet_owner;  // whose wallet it is: may sweep and block it
    ton::Cell wallet_code;
    ton::Address owner;                             // gets what the worker earns
    std::uint64_t payout_at = 10 * ton::kTon;       // nanoTON committed and unpaid; 0: leave payouts to the proxies
    std::uint64_t gas = ton::kTon / 2;              // attached to a payout; what is not used comes back
    Duration patience = std::chrono::seconds(120);  // the proxy gets so long to pay before we do it
    Duration retry = std::chrono::seconds(120);     // a payout that shows no effect for so long is tried again
  };

  // Adjusted tokens, cumulative, as a proxy told and proved them; never decreasing.
  struct Counters {
    std::uint64_t chain = 0;  // in the newest signed payment
    std::uint64_t db = 0;
    std::uint64_t max = 0;
    friend bool operator==(const Counters&, const Counters&) = default;
  };

  explicit Money(Config config);

  const ton::Address& wallet() const { return queue_.address(); }
  const ton::Address& owner() const { return config_.owner; }

  void start(Effects&);  // begins to watch the wallet; idempotent
  void adopt_root(const ton::Address&, const ton::RootState&, Time);
  void observe(const role::AccountObserved&, Time, Effects&);
  void external_result(const role::ExternalResult&);
  // Answers at once (OrderAnswer); OrderDone follows when the chain shows what came of it.
  void order(const role::Order&, Time, Effects&);
  void advance(Time, Effects&);  // payouts that are due, externals to send
  Time wake_at() const;

  // Checks what a proxy says of itself and of us against what follows from the root contract (wire.md 4.4, step 5), and
  // begins to watch our contract there.
  Result<> meet_proxy(const Bits256& proxy_key, const ton::Address& proxy_owner, const ton::Address& proxy_contract,
                      const ton::Address& worker_contract, Effects&);
  // The parameters that requests of that proxy are priced by: those its contract was made with. The proxy must have
  // been met.
  const ton::Params& params_of(const ton::Address& proxy_contract) const;
  Counters counters(const ton::Address& proxy_contract) const;

  // Keeps a payment if it verifies and is larger than the one we have; anything else is passed over.
  void take(const ton::Address& proxy_contract, const wire::proxy::AnySignedPayment&, Time);
  void take_counters(const ton::Address& proxy_contract, std::int64_t db_tokens, std::int64_t max_tokens);
  // The same where the protocol demands a payment that is valid and not older, and counters that do not go down
  // (wire.md 4.6). Nothing is kept when it is refused.
  Result<> take_strictly(const ton::Address& proxy_contract, const wire::proxy::AnySignedPayment&,
                         std::int64_t db_tokens, std::int64_t max_tokens, Time);
  // The handshake's comparison: as take_strictly, but a smaller max is not refused; it becomes ours (wire.md D9).
  // Says whether it was smaller.
  Result<bool> compare(const ton::Address& proxy_contract, const wire::worker::CompareBalanceWithProxyResult&, Time);

  struct Status {
    ton::Address wallet;
    std::optional<std::uint64_t> wallet_balance;  // nanoTON; nothing: no such account yet
    std::uint32_t wallet_seqno = 0;
    std::size_t wallet_pending = 0;
    std::string wallet_waits_for;
    std::string last_refusal;
    struct Contract {
      ton::Address proxy_contract, self;
      Bits256 proxy_key;
      std::uint32_t params_version = 0;
      bool deployed = false;
      Counters tokens;
      std::uint64_t paid = 0;    // adjusted tokens, in the contract
      std::uint64_t unpaid = 0;  // nanoTON signed and not paid
      bool paying_now = false;   // by us
    };
    std::vector<Contract> contracts;
  };
  Status status() const;

 private:
  struct Operation {
    std::uint64_t query_id = 0;
    std::optional<ledger::WalletQueue::MessageId> in_wallet;  // still in the wallet's queue
    Time give_up_at = Time::max();                            // set once the wallet has sent it
  };
  struct Contract {
    ton::ProxyInstance proxy;
    ton::Address self;
    ton::PaymentVerifier payments;
    bool observed = false;
    std::optional<ton::WorkerState> state;  // nothing: not deployed
    Counters tokens;
    std::optional<ton::SignedMessage> payment;  // for tokens.chain
    std::optional<Operation> running;
    Time due_at = Time::max();  // when we pay ourselves
    Duration pause{};
    bool outdated = false;              // of earlier parameters: whatever is left is fetched
    std::vector<role::OrderId> orders;  // that wait for a payout of this contract
    std::uint64_t paid() const { return state ? state->tokens : 0; }
  };

  Contract* find(const ton::Address& proxy_contract);
  const Contract* find(const ton::Address& proxy_contract) const;
  void keep(Contract&, const ton::VerifiedPayment&, Time);
  void reconsider(Contract&, Time);
  std::uint64_t unpaid_nano(const Contract&) const;
  void wallet_reports(Time, Effects&);
  void observe_contract(Contract&, const role::AccountObserved&, Time, Effects&);
  bool observe_state(Contract&, const role::AccountObserved&, Effects&);  // whether it changed
  void payout_over(Contract&, bool success, const std::string& why, Time, Effects&);
  void pay_out(Contract&, Effects&);
  // orders.cpp
  Result<std::vector<Contract*>> payable(const role::Order&);
  Result<role::Plan> plan(const std::vector<Contract*>&) const;
  void end_orders(Contract&, const Result<>&, Effects&);

  Config config_;
  ledger::WalletQueue queue_;
  std::optional<ton::RootState> root_;
  ton::Address root_address_;
  bool started_ = false;
  struct OpenOrder {
    std::size_t contracts = 0;  // that are not paid yet
    std::string failure;        // the first one
  };
  std::map<role::OrderId, OpenOrder> orders_;
  std::string last_refusal_;                    // of an external, by a liteserver
  std::map<ton::Address, Contract> contracts_;  // by our own contract's address
};

}  // namespace cocoon::worker
