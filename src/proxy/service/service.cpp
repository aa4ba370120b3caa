#include "proxy/service/service.hpp"

#include <charconv>

#include "base/log.hpp"
#include "contract_code/contract_code.hpp"
#include "node/driver.hpp"
#include "node/identity.hpp"
#include "node/process.hpp"
#include "node/secrets.hpp"
#include "node/shell.hpp"
#include "node/status_server.hpp"
#include "proxy/service/pages.hpp"
#include "proxy/service/snapshots.hpp"
#include "store/store.hpp"

namespace cocoon::proxy {
namespace {

class Service {
 public:
  static Result<std::unique_ptr<Service>> make(net::asio::io_context& io, const ServiceConfig& config) {
    std::unique_ptr<Service> s(new Service(io, config));
    TRY(s->open());
    return s;
  }
  ~Service() { stop(); }
  net::Task<> drain();

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

  Service(net::asio::io_context& io, const ServiceConfig& config) : io_(io), config_(config) {}
  Result<> open();
  Result<Config> core_config() const;
  Result<> open_core();
  void stop();
  void submit(Event event) {
    if (!stopped_) driver_->submit(std::move(event));
  }
  bool carry(role::LinkId worker, BytesView packet);
  void apply(WriteSnapshot e) { snapshots_->write(std::move(e)); }
  void apply(role::OrderAnswer e) { operator_api_->deliver(std::move(e)); }
  void apply(role::OrderDone e) { operator_api_->deliver(std::move(e)); }
  node::OperatorRoutes operator_routes();
  node::StatusPages pages() const;
  ShellStatus shell_status() const;

  net::asio::io_context& io_;
  ServiceConfig config_;
  Bytes carried_;  // the packet that carry() rewrites
  std::unique_ptr<Core> core_;
  std::unique_ptr<node::Shell> shell_;
  std::unique_ptr<CoreDriver> driver_;
  std::unique_ptr<SnapshotWriter> snapshots_;
  std::shared_ptr<node::OperatorApi> operator_api_;
  std::unique_ptr<node::StatusServer> status_;
  bool stopped_ = false;
};

Result<Config> Service::core_config() const {
  const auto& common = config_.common;
  Config c = config_.core;
  TRY_ASSIGN(c.root, ton::address_from_text(common.root));
  TRY_ASSIGN(c.owner, ton::address_from_text(config_.owner));
  TRY_ASSIGN(c.wallet_owner, ton::address_from_text(common.owner));
  TRY_ASSIGN(c.machine_seed, node::load_or_create_seed(config_.machine_key_file));
  TRY_ASSIGN(c.wallet_seed, node::load_or_create_seed(common.wallet_key_file));
  c.wallet_code = contract_code::wallet();
  c.is_test = common.is_test;
  c.testnet = common.testnet_addresses;
  c.check_worker_image = c.check_model = common.check_images;
  c.image_grace = common.image_grace;
  return c;
}

Result<> Service::open_core() {
  TRY_ASSIGN(auto config, core_config());
  TRY_ASSIGN(auto store, store::Store::open(config_.database));
  TRY_ASSIGN(const auto stored, store.load_bytes());
  auto core = Core::make(std::move(config), crypto::Random::from_os(), stored);
  if (!core) return std::unexpected(std::move(core).error().within("proxy.database " + config_.database));
  core_ = *std::move(core);
  snapshots_ =
      std::make_unique<SnapshotWriter>(io_.get_executor(), std::move(store), [this](Event e) { submit(std::move(e)); });
  return {};
}

Result<> Service::open() {
  const auto executor = io_.get_executor();
  TRY(open_core());
  driver_ = std::make_unique<CoreDriver>(executor, *core_, Apply{*this});
  node::Shell::Hooks hooks;
  hooks.event = [this](node::CommonEvent e) {
    std::visit(
        [this](auto& one) {
          // A proxy dials nobody, so that no dial of it can fail.
          if constexpr (std::is_constructible_v<Event, decltype(one)>) submit(std::move(one));
        },
        e);
  };
  hooks.on_packet = [this](role::LinkId link, BytesView packet) { return carry(link, packet); };
  TRY_ASSIGN(const auto workers, node::attested_policy(config_.common));
  TRY_ASSIGN(shell_, node::Shell::make(executor, config_.common, workers, std::move(hooks)));
  TRY_ASSIGN(operator_api_, node::OperatorApi::make(executor, config_.common.operator_secret_file,
                                                    config_.common.operator_get_forms, operator_routes()));
  TRY_ASSIGN(status_, node::StatusServer::start(executor, config_.common.http_listen, pages()));
  TRY(shell_->listen(config_.listen_workers, kWorkerPort, config_.common.check_images ? workers : node::open_policy()));
  TRY(shell_->listen(config_.listen_clients, kClientPort, node::open_policy()));
  driver_->start();
  return {};
}

// The data path: a plain part of an answer goes to its client without visiting the core. A client that does not read
// costs the request whose part found the queue full, never the memory of the proxy, nor the time of other clients
// that the same worker serves.
bool Service::carry(role::LinkId worker, BytesView packet) {
  if (stopped_) return false;
  const auto carried = core_->carry(worker, packet, carried_);
  if (!carried) return false;
  shell_->send_packet(carried->client, carried_);
  if (shell_->queued(carried->client) > config_.client_queue) submit(ReaderTooSlow{carried->request});
  return true;
}

ShellStatus Service::shell_status() const {
  ShellStatus out;
  out.synced_at = shell_->chain().synced_at();
  out.chain_error = shell_->chain().last_error();
  out.carried_bytes = core_->carried_bytes();
  out.links = shell_->links();
  out.local = {{"name", config_.common.name},
               {"listen_workers", config_.listen_workers},
               {"listen_clients", config_.listen_clients},
               {"root_address", config_.common.root},
               {"owner_address", config_.owner},
               {"liteserver", config_.common.liteserver},
               {"database", config_.database},
               {"check_images", config_.common.check_images ? "true" : "false"}};
  return out;
}

node::StatusPages Service::pages() const {
  node::StatusPages p;
  p.waiting_for = [this] { return stopped_ ? "stopping" : core_->why_not_serving(); };
  p.json = [this] { return status_json(core_->status(wall_clock()), shell_status()); };
  p.attestation = [this] { return shell_->attestation(); };
  p.metrics = [this] { return status_metrics(core_->status(wall_clock()), shell_status()); };
  p.operator_api = operator_api_;
  return p;
}

node::OperatorRoutes Service::operator_routes() {
  node::OperatorRoutes p;
  const auto set_enabled = [this](bool enabled) {
    return [this, enabled](std::string_view) -> Result<std::string> {
      submit(SetEnabled{enabled});
      return enabled ? "enabled" : "disabled";
    };
  };
  p.actions["/request/enable"] = set_enabled(true);
  p.actions["/request/disable"] = set_enabled(false);
  p.actions["/request/change_worker_model"] = [this](std::string_view form) -> Result<std::string> {
    const std::string link = net::query_value(form, "connection_id");
    const std::string model = net::query_value(form, "new_model_name");
    role::LinkId id = 0;
    const auto [end, error] = std::from_chars(link.data(), link.data() + link.size(), id);
    if (error != std::errc() || end != link.data() + link.size() || model.empty())
      return fail("a form with connection_id and new_model_name is expected");
    submit(ChangeWorkerModel{id, model});
    return "asked";
  };
  using role::OrderKind;
  p.orders["/request/charge"] = {OrderKind::proxy_charge, "client"};
  p.orders["/request/payout"] = {OrderKind::proxy_payout, "worker"};
  p.orders["/request/withdraw"] = {OrderKind::proxy_withdraw};
  p.orders["/request/stake"] = {OrderKind::proxy_stake, "", true};
  p.orders["/request/retire"] = {OrderKind::proxy_retire};
  p.submit = [this](const role::Order& o) { submit(o); };
  return p;
}

// No new work; what runs may finish, and all of it is on disk before the links go.
net::Task<> Service::drain() {
  operator_api_->close();
  submit(Drain{});
  const auto until = std::chrono::steady_clock::now() + config_.drain;
  while (!core_->drained() && std::chrono::steady_clock::now() < until) {
    net::asio::steady_timer timer(io_, std::chrono::milliseconds(20));
    co_await timer.async_wait(net::no_throw);
  }
  stop();
}

void Service::stop() {
  if (std::exchange(stopped_, true)) return;
  if (driver_) driver_->stop();
  if (operator_api_) operator_api_->close();
  if (snapshots_) snapshots_->stop();
  if (shell_) shell_->stop("the proxy is stopping");
}

}  // namespace

int run(const ServiceConfig& config) {
  log::set_up(config.common.name, log::level_from_name(config.common.log_level, log::Level::info));
  net::asio::io_context io(1);
  auto service = Service::make(io, config);
  if (!service) {
    log::error(config.common.name, "{}", service.error().what);
    return 1;
  }
  return node::run_until_signal(io, [&]() -> net::Task<> { return (*service)->drain(); });
}

}  // namespace cocoon::proxy
