#include "worker/service/service.hpp"

#include <charconv>

#include "base/log.hpp"
#include "contract_code/contract_code.hpp"
#include "node/driver.hpp"
#include "node/identity.hpp"
#include "node/process.hpp"
#include "node/secrets.hpp"
#include "node/shell.hpp"
#include "node/status_server.hpp"
#include "worker/service/engine_runner.hpp"
#include "worker/service/status_pages.hpp"

namespace cocoon::worker {
namespace {

// How long running requests may go on after we were asked to stop.
constexpr auto kDrain = std::chrono::seconds(3);

class Service {
 public:
  static Result<std::unique_ptr<Service>> make(net::asio::io_context& io, const ServiceConfig& config);
  ~Service() { stop(); }
  net::Task<> drain();
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

  explicit Service(net::asio::io_context& io) : io_(io) {}
  Result<> open(const ServiceConfig& config);
  void submit(Event event) {
    if (!stopped_) driver_->submit(std::move(event));
  }
  void apply(StartJob e) { runner_->start(std::move(e)); }
  void apply(StopJob e) { runner_->stop(e.job); }
  void apply(CancelJob e) { runner_->cancel(e.job); }
  void apply(role::OrderAnswer e) { operator_api_->deliver(std::move(e)); }
  void apply(role::OrderDone e) { operator_api_->deliver(std::move(e)); }
  node::OperatorRoutes operator_routes();
  node::StatusPages pages() const;

  net::asio::io_context& io_;
  std::unique_ptr<Core> core_;
  std::unique_ptr<node::Shell> shell_;
  std::unique_ptr<EngineRunner> runner_;
  std::unique_ptr<CoreDriver> driver_;
  std::shared_ptr<node::OperatorApi> operator_api_;
  std::unique_ptr<node::StatusServer> status_;
  bool stopped_ = false;
};

// Paths of ours begin with /v1; who has a URL for OpenAI's clients gives one that ends with it.
std::string engine_root(std::string_view url) {
  while (url.ends_with('/')) url.remove_suffix(1);
  if (url.ends_with("/v1")) url.remove_suffix(3);
  return std::string(url);
}

Result<Config> core_config(const ServiceConfig& config) {
  auto c = config.core;
  TRY_ASSIGN(c.root, ton::address_from_text(config.common.root));
  c.is_test = config.common.is_test;
  c.check_images = config.common.check_images;
  c.image_grace = config.common.image_grace;
  c.coefficient = static_cast<std::int32_t>(config.coefficient * 1000);
  TRY_ASSIGN(c.money.wallet_seed, node::load_or_create_seed(config.common.wallet_key_file));
  TRY_ASSIGN(c.money.wallet_owner, ton::address_from_text(config.common.owner));
  TRY_ASSIGN(c.money.owner, ton::address_from_text(config.owner));
  c.money.wallet_code = contract_code::wallet();
  return c;
}

Result<std::unique_ptr<Service>> Service::make(net::asio::io_context& io, const ServiceConfig& config) {
  std::unique_ptr<Service> s(new Service(io));
  TRY(s->open(config));
  return s;
}

Result<> Service::open(const ServiceConfig& config) {
  const auto executor = io_.get_executor();
  TRY_ASSIGN(auto c, core_config(config));
  core_ = std::make_unique<Core>(std::move(c), crypto::Random::from_os());
  driver_ = std::make_unique<CoreDriver>(executor, *core_, Apply{*this});

  node::Shell::Hooks hooks;
  hooks.event = [this](node::CommonEvent e) { std::visit([this](auto& one) { submit(std::move(one)); }, e); };
  hooks.on_writable = [this](role::LinkId) { runner_->look_again(); };
  TRY_ASSIGN(const auto proxies, node::attested_policy(config.common));
  TRY_ASSIGN(shell_, node::Shell::make(executor, config.common, proxies, std::move(hooks)));

  EngineRunner::Options options;
  options.url = engine_root(config.engine);
  options.model = config.core.model.substr(0, config.core.model.find('@'));
  options.ask_context = config.core.context_length == 0;
  options.health_every = config.engine_check;
  EngineRunner::Hooks engine;
  engine.event = [this](Event e) { submit(std::move(e)); };
  engine.send = [this](role::LinkId link, BytesView object) { return shell_->send_packet(link, object); };
  engine.queued = [this](role::LinkId link) { return shell_->queued(link); };
  runner_ = std::make_unique<EngineRunner>(executor, std::move(options), std::move(engine));

  TRY_ASSIGN(operator_api_, node::OperatorApi::make(executor, config.common.operator_secret_file,
                                                    config.common.operator_get_forms, operator_routes()));
  TRY_ASSIGN(status_, node::StatusServer::start(executor, config.common.http_listen, pages()));
  driver_->start();
  runner_->watch_health();
  return {};
}

Result<std::int32_t> coefficient_in(std::string_view text) {
  double factor = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), factor);
  if (error != std::errc() || end != text.data() + text.size() || !(factor >= 0) || factor >= 1e6)
    return fail("coefficient: a factor from 0 to 1000000 is expected, like 1.5");
  return static_cast<std::int32_t>(factor * 1000);
}

node::StatusPages Service::pages() const {
  node::StatusPages p;
  p.waiting_for = [this] { return core_->status().waiting_for; };
  p.json = [this] { return status_json(core_->status(), shell_->chain().synced_at()); };
  p.attestation = [this] { return shell_->attestation(); };
  p.metrics = [this] { return status_metrics(core_->status()); };
  p.operator_api = operator_api_;
  return p;
}

node::OperatorRoutes Service::operator_routes() {
  node::OperatorRoutes p;
  p.actions["/request/disable"] = [this](std::string_view) -> Result<std::string> {
    submit(SetEnabled{false});
    return "disabled";
  };
  p.actions["/request/enable"] = [this](std::string_view) -> Result<std::string> {
    submit(SetEnabled{true});
    return "enabled";
  };
  p.actions["/request/change_coefficient"] = [this](std::string_view form) -> Result<std::string> {
    TRY_ASSIGN(const auto coefficient, coefficient_in(net::query_value(form, "coefficient")));
    submit(SetCoefficient{coefficient});
    return fmt::format("coefficient {}/1000", core_->status().coefficient);
  };
  p.orders["/request/payout"] = {role::OrderKind::worker_payout, "proxy"};
  p.submit = [this](const role::Order& o) { submit(o); };
  return p;
}

// Proxies are told to send nothing more; what runs gets a moment to end.
net::Task<> Service::drain() {
  submit(SetEnabled{false});
  const auto until = std::chrono::steady_clock::now() + kDrain;
  while (runner_->running() > 0 && std::chrono::steady_clock::now() < until) {
    net::asio::steady_timer timer(io_, std::chrono::milliseconds(20));
    co_await timer.async_wait(net::no_throw);
  }
  stop();
}

void Service::stop() {
  if (std::exchange(stopped_, true)) return;
  if (driver_) driver_->stop();
  if (operator_api_) operator_api_->close();
  if (runner_) runner_->stop();
  if (shell_) shell_->stop("the worker is stopping");
}

}  // namespace

void ServiceConfig::add_keys(node::ConfigTable& t) {
  common.add_keys(t);
  t.key("worker.owner", owner, "address that gets what the worker earns").required();
  t.key("worker.model", core.model, "full name of the served model: base, or base@commit:hash").required();
  t.key("worker.engine", engine, "base URL of the inference server, with or without /v1");
  t.key("worker.engine_check", engine_check, "how often the inference server is asked whether it is up");
  t.key("worker.coefficient", coefficient, "price factor: 1 is the network's price", 0, 999999);
  t.key("worker.max_active_requests", core.max_active_requests, "running requests at most, all proxies together", 1,
        1 << 20);
  t.key("worker.context_length", core.context_length, "tokens a request may have; 0: what the inference server says", 0,
        INT32_MAX);
  t.key("worker.cache_salt", core.cache_salt,
        "tell the inference server whose prompts may share its cache; false only for one that refuses cache_salt");
  t.key("worker.proxy_connections", core.proxy_connections, "how many proxies to serve", 1, 64);
  t.key("worker.max_body", core.body_limits.max_bytes, "bytes of a request's body at most", 1024, 1 << 24);
  t.key("worker.machine_description", core.machine_description,
        "JSON text about this machine, told to proxies only when min_version is 4");
  t.key("worker.min_version", core.min_version, "lowest protocol version spoken", 0, 4);
  t.key("money.payout_at", core.money.payout_at,
        "nanoTON signed for and unpaid that make the worker pay itself; 0: leave it to the proxies", 0, INT64_MAX);
  t.key("money.patience", core.money.patience, "how long the proxy is given to pay before that");
}

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

}  // namespace cocoon::worker
