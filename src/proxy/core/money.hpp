// The money of the proxy: drives the ledger through snapshots, commits and settlements, keeps the proxy contract
// deployed, and sends everything through the node's wallet (contracts.md 6.3, 6.4; wire.md 4.8).
#pragma once
#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "ledger/ledger.hpp"
#include "ledger/wallet_queue.hpp"
#include "proxy/core/config.hpp"
#include "proxy/core/instance.hpp"
#include "proxy/core/io.hpp"
#include "proxy/core/status.hpp"

namespace cocoon::proxy {

// Tokens as the wire carries them.
inline std::int64_t wire_tokens(std::uint64_t tokens) {
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return static_cast<std::int64_t>(std::min(tokens, kMost));
}

// What an account's owner is told: the newest signature for the chain counter, db and max (wire.md 4.8).
struct PaymentState {
  wire::proxy::AnySignedPayment payment;
  std::int64_t db = 0;
  std::int64_t max = 0;
};

// The proxy contract as the chain showed it last.
struct ContractSeen {
  bool deployed = false;
  ton::ProxyState state;
  std::uint64_t coins = 0;  // nanoTON
};

class Money {
 public:
  Money(const Config& config, const Instance& instance, crypto::Random& random);

  // Data of the newest durable WriteSnapshot. Before start().
  Result<> restore(BytesView stored);
  void start(Io&);
  // The root contract names another proxy contract, or the first. No request may be running.
  void new_contract(Io&);
  // Of the root contract, at the last snapshot of the run before: older ones are not believed (contracts.md V5).
  std::uint32_t stored_root_version() const { return stored_root_version_; }
  // Empty when clients and workers may be served; otherwise why not, in words.
  std::string why_not_ready() const;

  // --- accounts. Before a contract is known nobody has one.
  std::optional<ledger::ClientView> client(const ton::Address& owner) const;
  bool accepts_worker(const ton::Address& owner) const;  // false: too many accounts
  ledger::Counters worker_counters(const ton::Address& owner) const;
  Result<> reserve(const ton::Address& client, std::uint64_t tokens);
  // Tokens charged to the client and credited to the worker: at most what was reserved.
  std::uint64_t finish(const ton::Address& client, const ton::Address& worker, std::uint64_t reserved,
                       std::uint64_t tokens, Time now);

  PaymentState client_payment(const ton::Address& owner);  // freshly signed
  PaymentState worker_payment(const ton::Address& owner);
  wire::proxy::AnySignedPayment cached_for_client(const ton::Address& owner) const;
  wire::proxy::AnySignedPayment cached_for_worker(const ton::Address& owner) const;

  // --- events
  struct News {  // about a client contract
    ton::Address owner;
    std::optional<std::uint64_t> nonce;  // of a register message
  };
  std::vector<News> observed(Io&, const role::AccountObserved&);  // wallet and proxy contract; others are ignored
  void durable(Io&, std::uint64_t number);
  void not_durable(Io&, std::uint64_t number);
  void tick(Io&);
  Time wake_at() const;
  // Before a stop: nothing waits for its interval any more. True when all is on disk.
  void hurry() { hurry_ = true; }
  bool settled() const { return !ledger_ || !contract_ || !(ledger_->dirty() || ledger_->writing()); }

  void fill(Status&) const;

 private:
  // What a message in the wallet's queue is for.
  struct Deploy {};
  struct Commit {
    std::int32_t seqno = 0;
  };
  struct Settle {
    ledger::SettlementKind kind{};
    ton::Address owner;
  };
  struct Withdraw {};
  struct AddStake {};
  using Purpose = std::variant<Deploy, Commit, Settle, Withdraw, AddStake>;

  Result<> open_ledger(const std::optional<ledger::Snapshot>& stored, std::int32_t first_seqno);
  void retire();
  void fail(Io&, const Error&);
  void contract_observed(Io&, const role::AccountObserved&, std::vector<News>&);
  void wallet_results(Io&);
  void not_sent(Io&, const Purpose&, const std::string& why);
  void send(Io&, Purpose, ton::OutgoingMessage);
  void deploy(Io&);
  void write_snapshot(Io&);
  void send_commit(Io&);
  void settle(Io&);
  void care_for_contract(Io&);
  bool commit_ready_to_send() const;
  Bytes extra() const;
  Result<> read_extra(BytesView);
  wire::proxy::AnySignedPayment sign(const ton::Address& contract, std::uint32_t opcode, std::optional<Bytes> boc);

  const Config& config_;
  const Instance& instance_;
  crypto::Random& random_;
  crypto::KeyPair payment_key_;
  Bits256 seal_key_;
  Bits256 session_;
  ledger::WalletQueue wallet_;
  std::optional<ledger::Snapshot> stored_;  // until the contract it belongs to is known
  std::uint32_t stored_root_version_ = 0;
  std::vector<Bytes> retired_;  // last snapshots of earlier contracts: who is still owed what
  std::optional<ledger::Ledger> ledger_;
  std::optional<ContractSeen> contract_;  // nothing before the chain has shown it
  std::string fault_;                     // why this database must not be used any more
  std::map<ledger::WalletQueue::MessageId, Purpose> messages_;
  std::map<ton::Address, Bytes> zero_payments_;  // by contract, of accounts without a committed token
  bool hurry_ = false;
  bool uncommitted_ = false;     // tokens since the last commit was prepared, or no commit of this session yet
  std::int32_t writing_ = 0;     // number of the snapshot on its way to the disk
  bool writing_commit_ = false;  // with a commit
  Time next_snapshot_{}, next_commit_{};
  Time next_commit_message_{}, next_deploy_{}, next_withdraw_{}, next_stake_{};  // not to be sent before
  std::uint64_t snapshots_ = 0;
  std::int64_t last_commit_sent_ = 0, last_commit_seen_ = 0;
};

}  // namespace cocoon::proxy
