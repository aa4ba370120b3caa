#include "proxy/service/service.hpp"

#include <thread>

#include "base/log.hpp"
#include "contract_code/contract_code.hpp"
#include "node/driver.hpp"
#include "node/identity.hpp"
#include "node/process.hpp"
#include "node/secrets.hpp"
#include "node/shell.hpp"
#include "node/status_server.hpp"
#include "proxy/core/core.hpp"
#include "proxy/service/status_pages.hpp"
#include "store/store.hpp"

namespace cocoon::proxy {
namespace {

// Bytes of answers that may wait for one client; more, and the route that brings the next part fails.
constexpr std::size_t kMaxQueued = 16u << 20;

class Service {
 public:
  static Result<std::unique_ptr<Service>> make(net::asio::io_context& io, const ServiceConfig& config);
  ~Service() { stop(); }
  void stop();

 private:
  struct Apply {
    Service& s;
    template <class E>
    void operator()(E e) {
      if constexpr (node::is_common_effect<E>)
        s.shell_->apply(std::move(e));
      else
        s.apply(std::move(e));
    }
  };
  using CoreDriver = node::Driver<Core, Event, Effect, Apply>;

  Service(net::asio::io_context& io, store::Store store) : io_(io), store_(std::move(store)), disk_(1) {}

  void submit(node::CommonEvent event);
  bool carry(role::LinkId link, BytesView packet);
  void apply(WriteSnapshot);
  void apply(const OpenRoute& e) { routes_.open(e); }
  void apply(const CloseRoute& e) { routes_.close(e); }
  node::StatusPages pages();

  net::asio::io_context& io_;
  store::Store store_;
  net::asio::thread_pool disk_;  // one thread: snapshots become durable in order
  std::unique_ptr<Core> core_;
  std::unique_ptr<node::Shell> shell_;
  std::unique_ptr<CoreDriver> driver_;
  std::unique_ptr<node::StatusServer> status_;
  RouteTable routes_;
  bool stopped_ = false;
};

Result<std::unique_ptr<Service>> Service::make(net::asio::io_context& io, const ServiceConfig& config) {
  auto c = config.core;
  TRY_ASSIGN(c.machine_seed, node::load_or_create_seed(config.machine_key_file));
  TRY_ASSIGN(c.wallet_seed, node::load_or_create_seed(config.common.wallet_key_file));
  TRY_ASSIGN(c.owner, ton::address_from_text(config.owner));
  TRY_ASSIGN(c.root, ton::address_from_text(config.common.root));
  c.is_test = config.common.is_test;
  c.testnet = config.common.testnet_addresses;
  c.check_worker_image = config.common.check_images;
  c.wallet_code = contract_code::wallet();

  TRY_ASSIGN(auto store, store::Store::open(config.database));
  TRY_ASSIGN(const auto stored, store.load_bytes());
  std::unique_ptr<Service> s(new Service(io, std::move(store)));
  TRY_ASSIGN(s->core_, Core::make(c, crypto::Random::from_os(), stored));
  auto* self = s.get();
  node::Shell::Hooks hooks;
  hooks.event = [self](node::CommonEvent e) { self->submit(std::move(e)); };
  hooks.on_packet = [self](role::LinkId link, BytesView packet) { return self->carry(link, packet); };
  TRY_ASSIGN(s->shell_, node::Shell::make(io.get_executor(), config.common, node::attested_policy(config.common),
                                          std::move(hooks)));
  s->driver_ = std::make_unique<CoreDriver>(io.get_executor(), *s->core_, Apply{*self});
  s->driver_->start();
  TRY(s->shell_->listen(config.listen_workers, kWorkerPort, node::attested_policy(config.common)));
  TRY(s->shell_->listen(config.listen_clients, kClientPort, node::open_policy()));
  TRY_ASSIGN(s->status_, node::StatusServer::start(io.get_executor(), config.common.http_listen, s->pages()));
  return s;
}

void Service::submit(node::CommonEvent event) {
  std::visit(
      [this](auto& e) {
        // A proxy dials nobody.
        if constexpr (!std::is_same_v<std::decay_t<decltype(e)>, role::DialFailed>) driver_->submit(std::move(e));
      },
      event);
}

// The data path: a part of an answer goes from the worker's link to the client's without visiting the core.
bool Service::carry(role::LinkId link, BytesView view) {
  if (routes_.size() == 0) return false;
  auto packet = to_bytes(view);
  auto verdict = routes_.carry(link, packet);
  if (std::holds_alternative<RouteTable::NotMine>(verdict)) return false;
  if (auto* carried = std::get_if<RouteTable::Carried>(&verdict)) {
    shell_->send_packet(carried->client, packet);
    return true;
  }
  driver_->submit(std::get<RouteTable::Overflow>(std::move(verdict)).event);
  return true;
}

void Service::apply(WriteSnapshot e) {
  net::asio::post(disk_, [this, number = e.number, data = std::move(e.data)] {
    auto written = store_.write_bytes(data);
    net::asio::post(io_, [this, number, written = std::move(written)] {
      if (stopped_) return;
      if (written)
        driver_->submit(SnapshotDurable{number});
      else
        driver_->submit(SnapshotFailed{number, written.error().what});
    });
  });
}

node::StatusPages Service::pages() {
  node::StatusPages p;
  p.waiting_for = [this] { return core_->status(wall_clock()).waiting_for; };
  p.json = [this] { return status_json(core_->status(wall_clock()), shell_->chain().synced_at()); };
  p.metrics = [this] { return status_metrics(core_->status(wall_clock()), routes_.size(), routes_.bytes_carried()); };
  p.actions["/request/disable"] = [this](const net::HttpRequest&) -> Result<std::string> {
    driver_->submit(SetEnabled{false});
    return "disabled";
  };
  p.actions["/request/enable"] = [this](const net::HttpRequest&) -> Result<std::string> {
    driver_->submit(SetEnabled{true});
    return "enabled";
  };
  return p;
}

void Service::stop() {
  if (std::exchange(stopped_, true)) return;
  if (driver_) driver_->stop();
  if (shell_) shell_->stop("the proxy is stopping");
  disk_.join();
}

}  // namespace

void ServiceConfig::add_keys(node::ConfigTable& t) {
  common.add_keys(t);
  t.key("proxy.machine_key_file", machine_key_file,
        "file with the seed that signs payments; its public key is part of the proxy contract; made if absent")
      .required();
  t.key("proxy.owner", owner, "address that gets commission and stake").required();
  t.key("proxy.listen_workers", listen_workers, "where workers connect, ip:port");
  t.key("proxy.listen_clients", listen_clients, "where clients connect, ip:port");
  t.key("proxy.database", database, "SQLite file of the books");
  t.key("proxy.max_clients", core.max_clients, "connected clients at most", 1, 1 << 20);
  t.key("proxy.max_workers", core.max_workers, "connected workers at most", 1, 1 << 20);
  t.key("proxy.max_requests", core.max_requests, "running requests at most, all clients together", 1, 1 << 20);
  t.key("proxy.max_requests_per_client", core.max_requests_per_client, "running requests of one owner at most", 1,
        1 << 20);
  t.key("money.snapshot_every", core.snapshot_every, "between two snapshots of changed books");
  t.key("money.commit_every", core.commit_every, "between two commits of the books on chain");
  t.key("money.charge_client_at", core.charge_client_at, "nanoTON committed and not charged that cause a charge", 0,
        INT64_MAX);
  t.key("money.pay_worker_at", core.pay_worker_at, "nanoTON committed and not paid that cause a payout", 0, INT64_MAX);
  t.key("money.withdraw_at", core.withdraw_at, "nanoTON of commission that are withdrawn at once; 0: never", 0,
        INT64_MAX);
  t.key("money.wanted_stake", core.wanted_stake, "nanoTON of stake the proxy contract is kept at; 0: left alone", 0,
        INT64_MAX);
  t.key("money.settle_retry", core.settle_retry, "a charge or payout without visible effect is sent again after that");
}

int run(const ServiceConfig& config) {
  log::set_up(config.common.name, log::level_from_name(config.common.log_level, log::Level::info));
  net::asio::io_context io(1);
  auto service = Service::make(io, config);
  if (!service) {
    log::error(config.common.name, "{}", service.error().what);
    return 1;
  }
  return node::run_until_signal(io, [&]() -> net::Task<> {
    (*service)->stop();
    co_return;
  });
}

}  // namespace cocoon::proxy
