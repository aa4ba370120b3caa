// Who takes part in a run, what they can afford, and what will go wrong.
#include "contract_code/contract_code.hpp"
#include "scenario.hpp"
#include "ton/boc.hpp"

namespace cocoon::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ton::kTon;

constexpr const char* kModel = "m@1:x";

Bits256 label(std::string_view text) { return crypto::sha256(as_bytes(text)); }

role::Peer attested(std::string_view image, const std::string& address, bool additions) {
  return {.public_key = label(address),
          .image_hash = label(image),
          .attested = true,
          .tee = "tdx",
          .verdict = "accepted",
          .address = address,
          .additions = additions};
}

std::string worker_port(std::size_t proxy) { return fmt::format("10.0.0.{}:7001", proxy + 1); }
std::string client_port(std::size_t proxy) { return fmt::format("10.0.0.{}:7002", proxy + 1); }

}  // namespace

Scenario::Scenario(const Settings& settings)
    : settings_(settings),
      schedule_(from_unix(static_cast<std::int64_t>(Trace::kEpoch))),
      dice_(settings.seed),
      faults_(dice_),
      chain_(schedule_, trace_, dice_, faults_, label("treasury")),
      network_(schedule_, trace_, dice_, faults_),
      ground_{schedule_, trace_, dice_, faults_, chain_, network_},
      auditor_(schedule_, trace_, chain_) {
  trace_.loud = settings.loud;
  draw_network();
}

ton::RootState Scenario::make_root() const {
  ton::RootState r;
  r.version = 1;
  r.owner = operator_->address();
  r.proxy_hashes = {label("proxy image")};
  r.worker_hashes = {label("worker image")};
  r.model_hashes = {label(kModel)};
  for (std::size_t i = 0; i < proxies_.size(); ++i)
    r.registered_proxies[static_cast<std::uint32_t>(i + 1)] = worker_port(i) + " " + client_port(i);
  r.last_proxy_seqno = static_cast<std::uint32_t>(proxies_.size());
  auto& p = r.params;
  p.params_version = 1;
  p.unique_id = 7;
  p.is_test = true;
  p.price_per_token = 20'000;
  p.worker_fee_per_token = 19'000;
  p.multipliers = {10000, 1000, 80000, 80000};
  p.proxy_delay_before_close = 1200;
  p.client_delay_before_close = 600;
  p.min_proxy_stake = stake_;
  p.min_client_stake = kTon;
  p.proxy_code = contract_code::proxy();
  p.worker_code = contract_code::worker();
  p.client_code = contract_code::client();
  return r;
}

void Scenario::draw_network() {
  operator_ = std::make_unique<WalletUser>(chain_, contract_code::wallet(), label("operator"), ton::Address{});
  cheat_ = std::make_unique<WalletUser>(chain_, contract_code::wallet(), label("cheat"), ton::Address{});
  stake_ = dice_.percent(50) ? kTon : 0;
  proxies_.resize(dice_.percent(25) ? 2 : 1);
  clients_.resize(dice_.between(1, 3));
  workers_.resize(dice_.between(1, 3));
  root_ = make_root();
  const ton::StateInit init{{}, {}, contract_code::root(), *ton::build_root_state(root_), {}};
  root_address_ = ton::address_of(init);
  for (std::size_t i = 0; i < proxies_.size(); ++i) add_proxy(i, root_.params);
  for (std::size_t i = 0; i < clients_.size(); ++i) add_client(i);
  for (std::size_t i = 0; i < workers_.size(); ++i) add_worker(i);
}

std::unique_ptr<ProxyNode> Scenario::make_proxy(std::size_t index, const std::string& name, std::uint64_t first_image) {
  ProxyNode::Place place{index, worker_port(index), client_port(index)};
  auto node =
      std::make_unique<ProxyNode>(ground_, auditor_, name, place, attested("proxy image", client_port(index), true));
  node->disk = Disk(first_image);
  node->overheard = [this](std::uint64_t nonce) { overheard_nonces_.push_back(nonce); };
  return node;
}

void Scenario::add_proxy(std::size_t index, const ton::Params& params) {
  auto& p = proxies_[index];
  p.node = make_proxy(index, fmt::format("proxy{}", index + 1), (index + 1) << 40);
  auto& c = p.node->config;
  c.machine_seed = label(fmt::format("proxy machine {}", index));
  c.wallet_seed = label(fmt::format("proxy wallet {}", index));
  c.owner = {0, label(fmt::format("proxy owner {}", index))};
  c.wallet_owner = c.owner;
  c.wallet_code = contract_code::wallet();
  c.root = root_address_;
  c.is_test = true;
  c.snapshot_every = dice_.duration(milliseconds(300), milliseconds(3000));
  c.commit_every = dice_.duration(seconds(3), seconds(30));
  c.charge_client_at = kTon / dice_.between(1, 20);
  c.pay_worker_at = kTon / dice_.between(1, 20);
  c.withdraw_at = dice_.percent(50) ? kTon / 20 : 0;
  c.wanted_stake = stake_;
  c.settle_retry = dice_.duration(seconds(15), seconds(40));
  p.node->carries = dice_.percent(80);
  const auto key = crypto::KeyPair(c.machine_seed).public_key();
  p.wallet = std::make_unique<WalletUser>(chain_, c.wallet_code, c.wallet_seed, c.wallet_owner);
  auditor_.add_book(index, *ton::ProxyInstance::make(params, c.owner, key, root_address_), p.wallet->address());
  p.node->before_commit = [this, &p] {
    if (!p.clone && faults_.strikes(Fault::cloned_at_commit)) start_clone(p);
  };
  p.node->on_death = [this, index] {
    ++kills_;
    restart(index);
  };
}

void Scenario::add_client(std::size_t index) {
  auto& client = clients_[index];
  client.node = std::make_unique<ClientNode>(ground_, auditor_, index, fmt::format("client{}", index + 1));
  auto& c = client.node->config;
  c.root = root_address_;
  c.is_test = true;
  c.secret = dice_.percent(70) ? fmt::format("secret {}", index) : "";
  c.proxy_connections = dice_.percent(50) ? static_cast<int>(proxies_.size()) : 1;
  c.status_interval = dice_.duration(seconds(4), seconds(15));
  c.money.node_seed = label(fmt::format("client {}", index));
  c.money.owner = {0, label("client owner")};
  c.money.wallet_code = contract_code::wallet();
  c.money.retry = seconds(30);
  c.money.refunding_proxy_code = contract_code::proxy().hash();
  client.wallet = std::make_unique<WalletUser>(chain_, c.money.wallet_code, c.money.node_seed, c.money.owner);
  auditor_.add_client(client.wallet->address());
  client.node->on_death = [this, &client] {
    ++kills_;
    schedule_.in(dice_.duration(seconds(1), draining_ ? seconds(2) : seconds(30)), [&client] { client.node->boot(); });
  };
}

void Scenario::add_worker(std::size_t index) {
  auto& worker = workers_[index];
  worker.owner = {0, label(fmt::format("worker owner {}", index))};
  worker.node =
      std::make_unique<WorkerNode>(ground_, auditor_, index, fmt::format("worker{}", index + 1),
                                   attested("worker image", fmt::format("10.0.2.{}:1", index + 1), dice_.percent(80)));
  auto& c = worker.node->config;
  c.root = root_address_;
  c.is_test = true;
  c.model = kModel;
  c.proxy_connections = static_cast<int>(proxies_.size());
  c.coefficient = static_cast<std::int32_t>(dice_.between(500, 2000));
  c.max_active_requests = static_cast<std::int32_t>(dice_.between(2, 30));
  c.max_version = dice_.percent(70) ? 4 : static_cast<std::int32_t>(dice_.between(0, 4));
  c.status_interval = dice_.duration(seconds(4), seconds(15));
  c.money.wallet_seed = label(fmt::format("worker {}", index));
  c.money.wallet_owner = worker.owner;
  c.money.wallet_code = contract_code::wallet();
  c.money.owner = worker.owner;
  c.money.payout_at = kTon / dice_.between(1, 10);
  c.money.patience = dice_.duration(seconds(10), seconds(60));
  c.money.retry = seconds(30);
  auditor_.add_worker(worker.owner);
  worker.node->on_death = [this, &worker] {
    ++kills_;
    schedule_.in(dice_.duration(seconds(1), draining_ ? seconds(2) : seconds(30)), [&worker] { worker.node->boot(); });
  };
}

// Each kind is in about every third seed, rare in some, frequent in others.
void Scenario::draw_faults() {
  struct Range {
    Fault fault;
    std::uint64_t least, most;  // ppm
  };
  static constexpr Range kRanges[] = {{Fault::link_cut, 200, 4'000},           // per message
                                      {Fault::link_slow, 500, 20'000},         // per message
                                      {Fault::dial_refused, 50'000, 400'000},  // per attempt
                                      {Fault::external_lost, 50'000, 400'000},
                                      {Fault::external_delayed, 50'000, 400'000},
                                      {Fault::external_twice, 50'000, 400'000},
                                      {Fault::block_late, 20'000, 150'000},
                                      {Fault::block_dropped, 20'000, 300'000},
                                      {Fault::lite_stale, 5'000, 80'000},  // per look
                                      {Fault::lite_frozen, 5'000, 60'000},
                                      {Fault::lite_back, 5'000, 200'000},
                                      {Fault::kill, 100, 2'000},                   // per effect
                                      {Fault::write_torn, 200'000, 1'000'000},     // per crash during a write
                                      {Fault::write_failed, 10'000, 200'000},      // per write
                                      {Fault::disk_rolled_back, 50'000, 400'000},  // per restart
                                      {Fault::disk_lost, 20'000, 150'000},
                                      {Fault::proxy_cloned, 3'000, 30'000},        // per look at mischief
                                      {Fault::cloned_at_commit, 20'000, 200'000},  // per commit
                                      {Fault::worker_inflates, 50'000, 500'000},
                                      {Fault::worker_underreports, 50'000, 500'000},
                                      {Fault::stale_payment, 50'000, 400'000},
                                      {Fault::foreign_register, 20'000, 200'000},
                                      {Fault::wild_request, 20'000, 300'000},
                                      {Fault::client_leaves, 2'000, 30'000},
                                      {Fault::engine_fails, 20'000, 300'000},
                                      {Fault::params_change, 5'000, 50'000}};
  if (dice_.percent(4)) return;  // nothing goes wrong at all
  for (const auto& r : kRanges)
    if (dice_.percent(r.fault == Fault::proxy_cloned || r.fault == Fault::cloned_at_commit ? 15 : 35))
      faults_.allow(r.fault, dice_.between(r.least, r.most));
  // What happens to a disk happens when a process dies.
  for (const auto f : {Fault::write_torn, Fault::disk_rolled_back, Fault::disk_lost})
    if (faults_.allowed(f) && !faults_.allowed(Fault::kill)) faults_.allow(Fault::kill, 3'000);
}

// Coins for everybody, the root contract; then the nodes.
void Scenario::found_network() {
  chain_.faucet(operator_->address(), 50 * kTon);
  chain_.faucet(cheat_->address(), 100 * kTon);
  for (const auto& p : proxies_) chain_.faucet(p.wallet->address(), 300 * kTon);
  for (const auto& c : clients_) chain_.faucet(c.wallet->address(), dice_.between(20, 200) * kTon);
  for (const auto& w : workers_) {
    const auto& m = w.node->config.money;
    const auto init =
        ton::wallet_state_init(m.wallet_code, crypto::KeyPair(m.wallet_seed).public_key(), m.wallet_owner);
    chain_.faucet(ton::address_of(init), 20 * kTon);
  }
  ton::OutgoingMessage deploy;
  deploy.to = root_address_;
  deploy.value = kTon;
  deploy.init = ton::StateInit{{}, {}, contract_code::root(), *ton::build_root_state(root_), {}};
  operator_->send(std::move(deploy));
  block();
  plan_block();
  run_for(seconds(12));
  COCOON_ASSERT(chain_.account(root_address_.hash) != nullptr);
  for (std::size_t i = 0; i < proxies_.size(); ++i) {
    proxies_[i].node->boot();
    operator_looks(i);
  }
  for (auto& w : workers_) w.node->boot();
  for (auto& c : clients_) c.node->boot();
}

}  // namespace cocoon::sim
