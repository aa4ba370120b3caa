// Checks the money after every step, from what processes say and from the chain's raw transactions and data alone. It
// shares no code with src/ledger, and believes no counter that a node tells: it counts again.
//
//   what it counts itself   tokens per contract, of every proxy process, from the payments that end each request;
//                           the same at each snapshot that was written, by the snapshot's number
//   commits on chain        make the counts of their snapshot the only amounts that may be signed
//   flows on chain          deposits, refunds, payouts, commission of each proxy contract, from its transactions
#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "observer.hpp"
#include "sim_chain.hpp"
#include "ton/contracts/signed.hpp"

namespace cocoon::sim {

class Auditor final : public Observer {
 public:
  Auditor(Schedule& schedule, Trace& trace, SimChain& chain) : schedule_(schedule), trace_(trace), chain_(chain) {}

  // Who there is. All proxies first, then clients and workers.
  void add_proxy(const ton::ProxyInstance& instance, const ton::Address& wallet);
  void add_client(const ton::Address& owner);
  void add_worker(const ton::Address& owner);

  ProcessId proxy_started(std::size_t proxy, std::uint64_t image) override;
  void proxy_ended(ProcessId) override;
  void proxy_writes(ProcessId, std::uint64_t number, std::uint64_t image) override;
  void image_is_durable(ProcessId, std::uint64_t image) override;
  void proxy_says(ProcessId, BytesView object) override;
  void proxy_sends(ProcessId, BytesView external) override;
  void worker_says(BytesView object) override;
  void worker_hears(std::size_t worker, BytesView object) override;
  void worker_forgets(std::size_t worker) override;

  void block_made();  // after each block

  // --- for whoever drives the scenario
  struct Client {
    ton::Address contract, owner;
    std::size_t proxy = 0;
    bool deployed = false;
    std::uint8_t state = 0;
    std::uint64_t balance = 0, tokens = 0;                 // as in the contract
    std::uint64_t deposited = 0, refunded = 0, forced = 0;  // nanoTON that came to and left the proxy contract
  };
  struct Worker {
    ton::Address contract, owner;
    std::size_t proxy = 0, index = 0;
    bool deployed = false;
    std::uint64_t tokens = 0;
    std::uint64_t received = 0;  // nanoTON by its owner
    std::uint64_t holds = 0;     // tokens of the newest signed payment that the living process has
  };
  const std::map<ton::Address, Client>& clients() const { return clients_; }
  const std::map<ton::Address, Worker>& workers() const { return workers_; }
  // What a process has counted for a contract, as far as its peers were told.
  std::uint64_t counted(ProcessId, const ton::Address& contract) const;
  // Signed payments seen, to be brought again by cheats: body and contract.
  struct Seen {
    ton::Address contract;
    ton::Cell body;
    std::uint64_t tokens = 0;
  };
  const std::vector<Seen>& signed_payments() const { return seen_; }
  std::uint64_t paid_nano() const;

  // Everything has come to rest, and the proxy runs as `process` with the database it should have.
  void at_rest(ProcessId process);
  // The same where the proxy cannot go on: what was signed must be worth its money all the same.
  void at_rest_without(std::size_t proxy);
  void complain(std::string what);
  const std::vector<std::string>& violations() const { return violations_; }

 private:
  using Tokens = std::map<ton::Address, std::uint64_t>;  // by contract
  struct Proxy {
    ton::ProxyInstance instance;
    ton::Address wallet;
    std::uint64_t commission_paid = 0;
    std::map<std::int32_t, Bits256> commits;  // on chain
  };
  struct Process {
    std::size_t proxy = 0;
    bool alive = true;
    std::uint64_t others = 0;  // processes of this proxy that ran when it started
    Tokens counted;
    std::map<std::uint64_t, std::uint64_t> writes;  // image by the snapshot's own number
    std::uint64_t durable = 0;
    Tokens signed_last;
  };
  struct SentCommit {
    ProcessId process = 0;
    std::uint64_t image = 0;
  };

  void payment_ended(Process&, const struct PaymentEnd&);
  std::optional<Seen> read_signed(const ton::Cell& body);
  void check_signed(const Seen&, ProcessId by);
  void check_told(const Process&, const ton::Address& contract, std::int64_t db, std::int64_t max, std::uint64_t more);
  void look_at_transaction(const Happened&);
  void proxy_transaction(std::size_t proxy, const ton::Transaction&);
  void commit_arrived(std::size_t proxy, const ton::ProxySaveState&);
  void read_states();
  void check_coins();
  void check_solvency(std::size_t proxy);

  Schedule& schedule_;
  Trace& trace_;
  SimChain& chain_;
  std::vector<Proxy> proxies_;
  std::map<ton::Address, std::size_t> proxy_of_;  // by contract of the proxy
  std::map<ton::Address, Client> clients_;        // by contract
  std::map<ton::Address, Worker> workers_;
  std::size_t worker_count_ = 0;
  std::map<ProcessId, Process> processes_;
  ProcessId next_process_ = 1;
  std::map<std::uint64_t, Tokens> images_;  // counts at each snapshot
  std::set<std::uint64_t> durable_;
  std::map<std::tuple<std::size_t, std::int32_t, Bits256>, SentCommit> sent_commits_;
  std::map<ton::Address, std::set<std::uint64_t>> committed_;  // amounts that may be signed
  std::map<ton::Address, std::uint64_t> signed_most_;
  std::map<Bits256, std::int64_t> claims_;  // of workers, by request
  std::set<Bits256> known_bodies_;
  std::vector<Seen> seen_;
  std::map<Bits256, int> on_their_way_;  // internal messages sent and not yet received
  std::vector<std::string> violations_;
};

}  // namespace cocoon::sim
