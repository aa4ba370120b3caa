#include "client/service/service.hpp"

#include <filesystem>
#include <unordered_map>

#include "base/log.hpp"
#include "contract_code/contract_code.hpp"
#include "market/selection.hpp"
#include "node/driver.hpp"
#include "node/identity.hpp"
#include "node/operator_api.hpp"
#include "node/process.hpp"
#include "node/secrets.hpp"
#include "node/shell.hpp"
#include "store/records.hpp"
#include "wire/answers.hpp"

namespace cocoon::client {
namespace {

constexpr net::Millis kDrainPatience{5000};
constexpr std::size_t kMaxSecret = 4096;

class Service {
 public:
  static Result<std::unique_ptr<Service>> make(net::asio::io_context& io, const ServiceConfig& config);
  ~Service() { stop(); }
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // New requests are refused, running ones end, then everything is closed.
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

  Service(const ServiceConfig& config, Config core, store::Records records)
      : config_(config), core_(std::move(core), crypto::Random::from_os()), records_(std::move(records)) {}

  void submit(node::CommonEvent event);
  bool carry(role::LinkId link, BytesView packet);
  template <class ApiEffect>
  void apply(ApiEffect e) {
    api_->deliver(std::move(e));
  }
  void apply(const OpenRoute& e) { routes_[e.request_id] = {e.link, e.id}; }
  void apply(const CloseRoute& e) { routes_.erase(e.request_id); }
  // A proxy is met for the first time rarely enough for the loop to wait for the disk.
  void apply(const Remember& e) {
    driver_->submit(Remembered{e.contract, records_.put(as_bytes(ton::to_raw_text(e.contract)), e.record)});
  }
  void apply(role::OrderAnswer e) { operator_api_->deliver(std::move(e)); }
  void apply(role::OrderDone e) { operator_api_->deliver(std::move(e)); }
  node::OperatorRoutes operator_routes();
  NodeStatus status() const;

  struct Route {
    role::LinkId link = 0;
    ApiId api = 0;
  };

  ServiceConfig config_;
  Core core_;
  store::Records records_;
  std::unique_ptr<node::Shell> shell_;
  std::unique_ptr<CoreDriver> driver_;
  std::shared_ptr<node::OperatorApi> operator_api_;
  std::unique_ptr<ApiServer> api_;
  std::unordered_map<Bits256, Route> routes_;
  bool stopped_ = false;
};

Result<ton::Address> address_of(std::string_view key, const std::string& text) {
  auto address = ton::address_from_text(text);
  if (!address) return std::unexpected(std::move(address).error().within(key));
  return *address;
}

Result<Config> core_config(const ServiceConfig& config) {
  auto c = config.core;
  TRY_ASSIGN(c.root, address_of("network.root", config.common.root));
  TRY_ASSIGN(c.money.owner, address_of("wallet.owner", config.common.owner));
  TRY_ASSIGN(c.money.node_seed, node::load_or_create_seed(config.common.wallet_key_file));
  c.money.wallet_code = contract_code::wallet();
  c.money.refunding_proxy_code = contract_code::proxy().hash();
  c.is_test = config.common.is_test;
  c.testnet_addresses = config.common.testnet_addresses;
  c.check_images = config.common.check_images;
  c.image_grace = config.common.image_grace;
  if (config.secret_file.empty()) {
    c.secret = to_hex(crypto::derive_seed(c.money.node_seed, "cocoon client secret"));
  } else {
    TRY_ASSIGN(c.secret, node::read_file(config.secret_file, kMaxSecret));
    while (c.secret.ends_with('\n') || c.secret.ends_with('\r')) c.secret.pop_back();
    if (c.secret.empty())
      return fail("{}: an empty secret would let anybody spend this client's money", config.secret_file);
  }
  return c;
}

Result<std::unique_ptr<Service>> Service::make(net::asio::io_context& io, const ServiceConfig& config) {
  TRY_ASSIGN(auto core, core_config(config));
  TRY_ASSIGN(auto records, store::Records::open(config.database_file()));
  TRY_ASSIGN(core.money.remembered, records.all());
  std::unique_ptr<Service> s(new Service(config, std::move(core), std::move(records)));
  auto* self = s.get();
  node::Shell::Hooks hooks;
  hooks.event = [self](node::CommonEvent e) { self->submit(std::move(e)); };
  hooks.on_packet = [self](role::LinkId link, BytesView packet) { return self->carry(link, packet); };
  if (!config.api.policy.empty() && !market::parse_policy(config.api.policy))
    return fail("api.policy: balanced, cheapest, fastest or worker=NAME is expected, not '{}'", config.api.policy);
  TRY_ASSIGN(const auto attested, node::attested_policy(config.common));
  const auto policy = config.common.check_images ? attested : node::open_policy();
  TRY_ASSIGN(s->shell_, node::Shell::make(io.get_executor(), config.common, policy, std::move(hooks)));
  s->driver_ = std::make_unique<CoreDriver>(io.get_executor(), s->core_, Apply{*self});
  auto api = config.api;
  api.keys_file = config.api_keys_file();
  TRY_ASSIGN(s->operator_api_, node::OperatorApi::make(io.get_executor(), config.common.operator_secret_file,
                                                       config.common.operator_get_forms, self->operator_routes()));
  s->api_ = std::make_unique<ApiServer>(
      io.get_executor(), std::move(api),
      [self](Event e) {
        if (!self->stopped_) self->driver_->submit(std::move(e));
      },
      [self] { return self->status(); }, s->operator_api_);
  s->api_->attest_with([self] { return self->shell_->attestation(); });
  if (auto listening = s->api_->listen(config.common.http_listen); !listening)
    return std::unexpected(std::move(listening).error().within("http.listen " + config.common.http_listen));
  s->driver_->start();
  log::info("api", "API on http://{}/v1, wallet {}", config.common.http_listen,
            ton::to_friendly_text(s->core_.status(wall_clock()).money.wallet));
  return s;
}

void Service::submit(node::CommonEvent event) {
  std::visit([this](auto& e) { driver_->submit(std::move(e)); }, event);
}

// The data path: a part goes from the link to its caller without visiting the core; heads and ends do.
bool Service::carry(role::LinkId link, BytesView packet) {
  if (routes_.empty()) return false;
  const auto id = wire::peek_id(packet);
  if (id != wire::client::QueryAnswerPartEx::kId && id != wire::client::QueryAnswerPart::kId) return false;
  const auto part = wire::peek_answer(packet);
  if (!part || part->final) return false;
  const auto route = routes_.find(part->request_id);
  if (route == routes_.end() || route->second.link != link) return false;
  api_->route_part(route->second.api, part->bytes);
  return true;
}

// wire.md 5.2
node::OperatorRoutes Service::operator_routes() {
  using role::OrderKind;
  node::OperatorRoutes p;
  p.orders["/request/topup"] = {OrderKind::client_top_up, "proxy", true};
  p.orders["/request/stake"] = {OrderKind::client_stake, "proxy", true};
  p.orders["/request/withdraw"] = {OrderKind::client_withdraw, "proxy"};
  p.orders["/request/close"] = {OrderKind::client_close, "proxy"};
  p.orders["/request/charge"] = {OrderKind::client_charge, "proxy"};
  p.submit = [this](const role::Order& o) {
    if (!stopped_) driver_->submit(o);
  };
  return p;
}

NodeStatus Service::status() const {
  NodeStatus out;
  out.core = core_.status(wall_clock());
  out.chain_synced_at = shell_->chain().synced_at();
  out.local = {{"name", config_.common.name},
               {"http_listen", config_.common.http_listen},
               {"liteserver", config_.common.liteserver},
               {"root", config_.common.root},
               {"owner", config_.common.owner}};
  return out;
}

net::Task<> Service::drain() {
  operator_api_->close();  // whoever waits for an outcome would hold the drain up
  co_await api_->drain(kDrainPatience);
  stop();
}

void Service::stop() {
  if (std::exchange(stopped_, true)) return;
  if (driver_) driver_->stop();
  if (operator_api_) operator_api_->close();
  if (api_) api_->close();
  if (shell_) shell_->stop("the client is stopping");
}

}  // namespace

namespace {

std::string beside_wallet_key(const node::CommonConfig& common, const char* name) {
  return (std::filesystem::path(common.wallet_key_file).parent_path() / name).string();
}

}  // namespace

std::string ServiceConfig::api_keys_file() const {
  return api.keys_file.empty() ? beside_wallet_key(common, "api-keys.sqlite") : api.keys_file;
}

std::string ServiceConfig::database_file() const {
  return database.empty() ? beside_wallet_key(common, "client.sqlite") : database;
}

void ServiceConfig::add_keys(node::ConfigTable& t) {
  common.add_keys(t);
  t.key("client.proxy_connections", core.proxy_connections, "how many proxies to stay connected to", 1, 64);
  t.key("client.secret_file", secret_file,
        "file with the secret by which proxies know this client again; empty: one that follows from the wallet's key");
  t.key(
      "client.database", database,
      "database of what outlives this process: which contracts are ours; empty: client.sqlite beside wallet.key_file");
  t.key("client.max_requests", core.max_requests, "requests running at once, at most", 1, 1 << 20);
  t.key("client.settle_time", core.settle_time,
        "a refusal for money or configuration is tried again for so long after the chain moved: the proxy may not have "
        "seen it yet");
  t.key("client.give_up_proxy", core.give_up_target, "a proxy that is not ready for so long is replaced by another");
  t.key("client.status_interval", core.status_interval, "payments are compared every 1 to 2 times this");
  t.key("money.auto_top_up", core.money.auto_top_up, "keep half a stake paid ahead at the proxy");
  t.key("money.top_up", core.money.top_up, "nanoTON of one top-up; 0: one stake", 0, INT64_MAX);
  t.key("money.gas", core.money.gas, "nanoTON attached to an operation; what is not used comes back", 100'000'000,
        INT64_MAX);
  t.key("money.register_value", core.money.register_value, "nanoTON attached to a registration", 200'000'000,
        INT64_MAX);
  t.key("money.retry", core.money.retry, "an operation without visible effect is sent again after that");
  t.key("api.max_tokens", api.defaults.max_tokens, "token limit of a request that names none", 1, INT32_MAX);
  t.key("api.max_coefficient", api.defaults.max_coefficient,
        "highest price factor of a worker that a request accepts if it names none, in 1/1000", 0, INT32_MAX);
  t.key("api.timeout", api.defaults.timeout, "seconds a request may take if it names none", 1.0, 86400.0);
  t.key("api.max_timeout", api.defaults.max_timeout, "seconds a request may take at most", 1.0, 86400.0);
  t.key("api.max_body", api.max_body, "bytes of a request at most", 1024, 16 << 20);
  t.key("api.max_unread", api.max_unread, "bytes of an answer that wait for a slow caller, at most", 64 << 10, 1 << 30);
  t.key("api.max_connections", api.max_connections, "callers at once, at most", 1, 1 << 20);
  t.key("api.keys_file", api.keys_file,
        "database of API keys (`cocoon client keys`); empty: api-keys.sqlite beside wallet.key_file");
  t.key("api.require_key", api.require_key, "ask for an API key on loopback, too; on other addresses one always is");
  t.key("api.policy", api.policy,
        "which worker answers a request without a header x-cocoon-policy: balanced, cheapest, fastest or worker=NAME; "
        "empty: as the proxy likes (balanced)");
  t.key("api.origins", api.origins, "origins of web pages that may use the API, \"*\" for any; none by default");
}

int run(const ServiceConfig& config) {
  log::set_up(config.common.name, log::level_from_name(config.common.log_level, log::Level::info));
  net::asio::io_context io(1);
  auto service = Service::make(io, config);
  if (!service) {
    log::error(config.common.name, "{}", service.error().what);
    return 1;
  }
  return node::run_until_signal(io, [&]() -> net::Task<> { co_await (*service)->drain(); });
}

}  // namespace cocoon::client
