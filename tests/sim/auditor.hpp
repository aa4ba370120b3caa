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
#include "wire/messages.hpp"

namespace cocoon::sim {

class Auditor final : public Observer {
 public:
  Auditor(Schedule& schedule, Trace& trace, SimChain& chain) : schedule_(schedule), trace_(trace), chain_(chain) {}

  // Who there is. A proxy has a book per proxy contract: one at a time that it serves, and those that it is leaving.
  void add_book(std::size_t proxy, const ton::ProxyInstance& instance, const ton::Address& wallet);
  void add_client(const ton::Address& owner);
  void add_worker(const ton::Address& owner);

  ProcessId proxy_started(std::size_t proxy, std::uint64_t image) override;
  void proxy_ended(ProcessId) override;
  void proxy_writes(ProcessId, std::uint64_t image, BytesView data) override;
  void image_is_durable(ProcessId, std::uint64_t image) override;
  void proxy_says(ProcessId, BytesView object) override;
  void proxy_carries(BytesView object) override;
  void proxy_sends(ProcessId, BytesView external) override;
  void worker_says(BytesView object) override;
  void worker_hears(std::size_t worker, BytesView object) override;
  void client_hears(std::size_t client, BytesView object) override;
  void worker_forgets(std::size_t worker) override;
  void client_forgets(std::size_t client) override;

  void block_made();  // after each block

  // --- for whoever drives the scenario
  struct Client {
    ton::Address contract, owner;
    std::size_t book = 0;
    bool deployed = false;
    std::uint8_t state = 0;
    std::uint64_t balance = 0, tokens = 0;  // as in the contract
    std::uint64_t holds = 0;                // tokens of the newest signed payment that the living process has
    std::uint64_t deposited = 0, refunded = 0, forced = 0;  // nanoTON that came to and left the proxy contract
  };
  struct Worker {
    ton::Address contract, owner;
    std::size_t book = 0, index = 0;
    bool deployed = false;
    std::uint8_t state = 0;
    std::uint64_t tokens = 0;
    std::uint64_t received = 0;  // nanoTON by its owner
    std::uint64_t holds = 0;     // tokens of the newest signed payment that the living process has
  };
  struct Book {
    std::size_t proxy = 0;
    ton::ProxyInstance instance;
    ton::Address wallet;
    std::uint64_t commission_paid = 0;
    std::uint8_t state = 0;  // of the proxy contract
    std::uint64_t stake = 0;
    bool deployed = false;
  };
  const std::vector<Book>& books() const { return books_; }
  const std::map<ton::Address, Client>& clients() const { return clients_; }
  const std::map<ton::Address, Worker>& workers() const { return workers_; }
  // What a process has counted for a contract, as far as its peers were told.
  std::uint64_t counted(ProcessId, const ton::Address& contract) const;
  // Signed payments seen, to be brought again by cheats: body and contract.
  struct Seen {
    ton::Address contract;
    ton::Cell body;
    std::uint64_t tokens = 0;
    bool fresh = true;  // seen for the first time
  };
  const std::vector<Seen>& signed_payments() const { return seen_; }
  std::uint64_t paid_nano() const;

  // Everything has come to rest, and the proxy runs as `process` with a database that knows this book.
  void at_rest(std::size_t book, ProcessId process);
  // The same for a book that no database knows any more: what was signed must be worth its money all the same.
  void at_rest_without(std::size_t book);
  void complain(std::string what);
  const std::vector<std::string>& violations() const { return violations_; }

 private:
  using Tokens = std::map<ton::Address, std::uint64_t>;  // by contract
  struct Image {
    Bytes data;
    Tokens counted;
    ProcessId by = 0;
  };
  struct Process {
    std::size_t proxy = 0;
    bool alive = true;
    std::uint64_t others = 0;  // processes of this proxy that ran when it started
    Tokens counted;
    std::uint64_t durable = 0;
    Tokens signed_last;
  };

  void open_client(std::size_t book, const ton::Address& owner);
  void open_worker(std::size_t book, std::size_t index);
  void check_received(const Worker&);
  std::optional<Seen> read_signed(const ton::Cell& body);
  std::optional<Seen> payment_in(BytesView object);
  void check_signed(const Seen&, ProcessId by);
  void check_paid(const wire::proxy::WorkerRequestPayment&, const Client&);
  void check_told(const Process&, const ton::Address& contract, std::int64_t db, std::int64_t max, std::uint64_t more);
  void look_at_transaction(const Happened&);
  void proxy_transaction(Book&, const ton::Transaction&);
  void commit_arrived(const Book&, const ton::ProxySaveState&);
  std::optional<std::uint64_t> image_of(ProcessId, const ton::ProxySaveState&) const;
  void read_states();
  void check_coins();
  void check_solvency(std::size_t book);

  Schedule& schedule_;
  Trace& trace_;
  SimChain& chain_;
  std::vector<Book> books_;
  std::map<ton::Address, std::size_t> book_of_;  // by contract of the proxy
  std::vector<ton::Address> client_owners_, worker_owners_;
  std::map<ton::Address, Client> clients_;  // by contract
  std::map<ton::Address, Worker> workers_;
  std::map<ProcessId, Process> processes_;
  ProcessId next_process_ = 1;
  std::map<std::uint64_t, Image> images_;  // every snapshot ever written
  std::set<std::uint64_t> durable_;
  std::map<std::tuple<ton::Address, std::int32_t, Bits256>, std::uint64_t> sent_commits_;  // image
  std::map<ton::Address, std::set<std::uint64_t>> committed_;                              // amounts that may be signed
  std::map<ton::Address, std::uint64_t> signed_most_;
  std::map<Bits256, std::int64_t> claims_;     // of workers, by request
  std::map<Bits256, std::int64_t> delivered_;  // as counted with the part that went to the client last
  std::set<Bits256> disowned_;                 // requests for which a worker wants nothing
  std::set<Bits256> known_bodies_;
  std::vector<Seen> seen_;
  std::map<Bits256, int> on_their_way_;  // internal messages sent and not yet received
  std::vector<std::string> violations_;
};

}  // namespace cocoon::sim
