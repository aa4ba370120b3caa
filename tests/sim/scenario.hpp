// One run: a network out of one seed, so many steps of life with faults, then quiet, then the reckoning.
#pragma once
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "auditor.hpp"
#include "client_node.hpp"
#include "proxy_node.hpp"
#include "ton/contracts/root.hpp"
#include "wallet_user.hpp"
#include "worker_node.hpp"

namespace cocoon::sim {

struct Settings {
  std::uint64_t seed = 1;
  std::uint64_t steps = 4000;  // before the drain
  bool loud = false;
};

struct Outcome {
  std::uint64_t steps = 0;  // all of them
  std::uint64_t hash = 0;   // over every event
  std::uint64_t events = 0;
  FaultCounts faults{};
  std::uint64_t transactions = 0, answered = 0, paid_nano = 0, lost_proxies = 0, kills = 0;
  double simulated_seconds = 0;
  std::vector<std::string> violations;
  std::uint64_t violation_step = 0;
  std::deque<std::string> last;  // events, when there was a violation
};

class Scenario {
 public:
  explicit Scenario(const Settings& settings);
  Outcome run();
  // For the report of a crash.
  const Trace& trace() const { return trace_; }
  std::uint64_t steps() const { return schedule_.steps(); }

 private:
  struct Proxy {
    std::unique_ptr<ProxyNode> node, clone;
    std::unique_ptr<WalletUser> wallet;
    std::vector<Image> spare;  // databases that the operator has put aside
    bool tampered = false;     // somebody has touched its database, or copied the machine
    bool lost = false;         // no database is one that the chain agrees with
    std::size_t tried = 0;     // databases since it last served
  };
  struct Client {
    std::unique_ptr<ClientNode> node;
    std::unique_ptr<WalletUser> wallet;
    bool leaving = false;
    std::set<ton::Address> told_to_leave;
  };
  struct Worker {
    std::unique_ptr<WorkerNode> node;
    ton::Address owner;
  };

  // set_up.cpp
  void draw_network();
  void draw_faults();
  void found_network();
  ton::RootState make_root() const;
  std::unique_ptr<ProxyNode> make_proxy(std::size_t index, const std::string& name, std::uint64_t first_image);
  void add_proxy(std::size_t index, const ton::Params& params);
  void add_client(std::size_t index);
  void add_worker(std::size_t index);

  // scenario.cpp
  bool step();
  void run_for(Duration);
  void plan_block();
  void block();
  void plan_life();
  void client_life(std::size_t index);
  void mischief();
  void change_params();
  void start_clone(Proxy&);
  void end_clone(Proxy&);
  void restart(std::size_t proxy);
  void operator_looks(std::size_t proxy);
  void drain();
  void drain_configs();
  void leave_the_lost();
  ton::Cell refund_request(const Client&);
  bool left(std::size_t book) const;
  bool lost(std::size_t book) const;
  bool settled();
  void reckon();
  Outcome outcome();

  Settings settings_;
  Schedule schedule_;
  Trace trace_;
  Dice dice_;
  Faults faults_;
  SimChain chain_;
  Network network_;
  Ground ground_;
  Auditor auditor_;

  ton::RootState root_;
  ton::Address root_address_;
  std::unique_ptr<WalletUser> operator_, cheat_;
  std::vector<Proxy> proxies_;
  std::vector<Client> clients_;
  std::vector<Worker> workers_;
  std::vector<std::uint64_t> overheard_nonces_;
  std::uint64_t stake_ = 0;                            // nanoTON, of every proxy contract
  std::vector<std::unique_ptr<ProxyNode>> graveyard_;  // clones that are no more
  bool draining_ = false, params_changed_ = false;
  std::uint64_t kills_ = 0, lost_ = 0;
};

}  // namespace cocoon::sim
