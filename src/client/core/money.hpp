// The client's side of the money: its wallet, its contract at each proxy it met, the signed payments it was given
// (contracts.md 1.5, 1.6, 2.4, 3.4, 3.8). A step counts as done when a contract's state or transactions show it.
#pragma once
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
    Bits256 secret_hash;                         // SHA-256 of the secret, to be written into each client contract
    bool auto_top_up = true;                     // keep half a stake paid ahead; else only by command
    std::uint64_t top_up = 0;                    // nanoTON per top-up; 0: one stake
    std::uint64_t gas = 7 * ton::kTon / 10;      // attached to an operation; what is not used comes back
    std::uint64_t register_value = ton::kTon;    // attached to a registration, with or without deploying
    Duration retry = std::chrono::seconds(120);  // an operation that shows no effect for so long is tried again
  };

  Money(Config config, crypto::Random random);

  const ton::Address& wallet() const { return queue_.address(); }

  void start(Effects&);  // begins to watch the wallet; idempotent
  void adopt_root(const ton::Address&, const ton::RootState&);
  void observe(const role::AccountObserved&, Time, Effects&);
  void external_result(const role::ExternalResult&, Time);
  // Whatever is due: top-ups, charges, externals to send.
  void advance(Time, Effects&);
  Time wake_at() const;

  // Checks what a proxy says of itself and of us against what follows from the root contract (wire.md 4.4, step 5), and
  // begins to watch our contract there.
  Result<> meet_proxy(const Bits256& proxy_key, const ton::Address& proxy_owner, const ton::Address& proxy_contract,
                      const ton::Address& client_contract, Effects&);
  // Queues the registration (deploying our contract with it if need be). False: not yet possible, ask again later.
  bool send_register(const ton::Address& proxy_contract, std::uint64_t nonce, Time, Effects&);
  // A signed payment from that proxy: kept if it verifies and is larger than the one we have.
  void take_payment(const ton::Address& proxy_contract, BytesView boc, Effects&);
  void take_counters(const ton::Address& proxy_contract, std::int64_t db_tokens, std::int64_t max_tokens);

  // Empty when requests can be paid at this proxy; else what is being waited for, in words.
  std::string why_not_funded(const ton::Address& proxy_contract) const;
  std::string why_wallet_waits() const;

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
    };
    std::vector<Contract> contracts;
  };
  Status status() const;

 private:
  struct Contract {
    ton::ProxyInstance proxy;
    ton::Address self;
    bool observed = false;                  // the chain has been asked at least once
    std::optional<ton::ClientState> state;  // nothing: not deployed
    std::uint64_t signed_tokens = 0;
    std::optional<ton::SignedMessage> payment;
    std::uint64_t db_tokens = 0, max_tokens = 0;
    // One operation at a time; it ends when our contract shows a transaction with its query id.
    std::uint64_t pending_query = 0;
    Time pending_until{};
    std::string pending_name;
  };

  Contract* find(const ton::Address& proxy_contract);
  const Contract* find(const ton::Address& proxy_contract) const;
  bool wallet_can_spend(std::uint64_t nano) const;
  void observe_contract(Contract&, const role::AccountObserved&, Effects&);
  void keep_funded(Contract&, Time, Effects&);
  void charge_when_due(Contract&, Time, Effects&);
  void send(Contract&, std::string name, std::uint64_t value, std::uint64_t query_id, ton::Cell body, Time, Effects&);
  std::uint64_t top_up_amount(const Contract&) const;

  Config config_;
  crypto::Random random_;
  ledger::WalletQueue queue_;
  std::optional<ton::RootState> root_;
  ton::Address root_address_;
  bool started_ = false;
  std::string last_refusal_;                    // of an external, by a liteserver
  std::map<ton::Address, Contract> contracts_;  // by our own contract's address
};

}  // namespace cocoon::client
