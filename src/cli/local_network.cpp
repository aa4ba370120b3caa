#include "cli/local_network.hpp"

#include <filesystem>

#include "cli/process.hpp"
#include "contract_code/contract_code.hpp"
#include "node/config.hpp"
#include "node/secrets.hpp"
#include "tee/simulated.hpp"
#include "ton/boc.hpp"
#include "ton/contracts/state.hpp"

namespace cocoon::cli {
namespace {

constexpr auto kProxyImage = "cocoon-proxy " COCOON_VERSION;
constexpr auto kWorkerImage = "cocoon-worker " COCOON_VERSION;

Result<Party> party(const std::string& file, const ton::Address& owner) {
  TRY_ASSIGN(auto seed, node::load_or_create_seed(file));
  Party p{seed, owner, {}};
  p.address =
      ton::address_of(ton::wallet_state_init(contract_code::wallet(), crypto::KeyPair(seed).public_key(), owner));
  return p;
}

Bits256 image_hash(const char* image) { return tee::image_hash(tee::simulated_measurements(image)); }

}  // namespace

std::string default_model() {
  std::error_code error;
  const auto file = std::filesystem::weakly_canonical(
      std::filesystem::path(own_program()).parent_path() / "../../../models/tinychat/tinychat-q8_0.gguf", error);
  return std::filesystem::exists(file, error) ? file.string() : std::string();
}

Result<LocalNetwork> LocalNetwork::open(LocalNetworkOptions options) {
  LocalNetwork n;
  n.options_ = std::move(options);
  n.ports_.base = n.options_.port_base;
  std::error_code error;
  std::filesystem::create_directories(n.options_.state_dir, error);
  if (error) return fail("{}: cannot be made: {}", n.options_.state_dir, error.message());
  n.options_.state_dir = std::filesystem::absolute(n.options_.state_dir, error).string();
  for (const auto* sub : {"keys", "tee", "log"}) std::filesystem::create_directories(n.path(sub), error);
  std::filesystem::permissions(n.path("keys"), std::filesystem::perms::owner_all, error);
  TRY(n.load_parties());
  TRY(n.load_tee());
  TRY(n.load_root());
  return n;
}

Result<> LocalNetwork::load_parties() {
  // The operator owns itself; owners that only receive are owned by the operator, so that everything can be swept.
  TRY_ASSIGN(operator_, party(path("keys/operator.key"), ton::Address{}));
  TRY_ASSIGN(proxy_owner_, party(path("keys/proxy-owner.key"), operator_.address));
  TRY_ASSIGN(proxy_, party(path("keys/proxy-wallet.key"), proxy_owner_.address));
  TRY_ASSIGN(client_, party(path("keys/client-wallet.key"), operator_.address));
  for (int i = 1; i <= options_.workers; ++i) {
    TRY_ASSIGN(auto owner, party(path(fmt::format("keys/worker-{}-owner.key", i)), operator_.address));
    TRY_ASSIGN(auto wallet, party(path(fmt::format("keys/worker-{}-wallet.key", i)), owner.address));
    worker_owners_.push_back(owner);
    workers_.push_back(wallet);
  }
  TRY(node::load_or_create_seed(path("keys/proxy-machine.key")));
  TRY(node::load_or_create_seed(path("keys/treasury.key")));
  TRY(node::load_or_create_seed(path("operator.secret")));
  TRY_ASSIGN(liteserver_, node::load_or_create_seed(path("keys/liteserver.key")));
  return {};
}

// One root for the network, one platform per attested node: nodes get their platform's key, never the root's.
Result<> LocalNetwork::load_tee() {
  namespace fs = std::filesystem;
  auto random = crypto::Random::from_os();
  const auto now = wall_clock();
  const auto root_dir = path("tee/root");
  if (!fs::exists(root_dir + "/root.pem")) {
    std::error_code error;
    fs::create_directories(root_dir, error);
    TRY(tee::SimulatedRoot::create(random, now, "local network").save(root_dir));
  }
  TRY_ASSIGN(auto root, tee::SimulatedRoot::load(root_dir));
  std::vector<std::string> nodes{"proxy"};
  for (int i = 1; i <= options_.workers; ++i) nodes.push_back(fmt::format("worker-{}", i));
  for (const auto& node : nodes) {
    const auto dir = path("tee/" + node);
    if (fs::exists(dir + "/platform-chain.pem")) continue;
    std::error_code error;
    fs::create_directories(dir, error);
    TRY(root.make_platform(random, now).save(dir));
  }
  return {};
}

Result<> LocalNetwork::load_root() {
  const auto file = path("root.boc");
  if (!std::filesystem::exists(file)) {
    TRY_ASSIGN(auto data, ton::build_root_state(wanted_root()));
    const auto boc = ton::write_boc(ton::build_state_init(ton::StateInit{{}, {}, contract_code::root(), data, {}}));
    TRY(node::write_file_atomically(file, as_text(boc)));
  }
  TRY_ASSIGN(auto text, node::read_file(file));
  auto cell = ton::read_boc(as_bytes(text));
  if (!cell) return std::unexpected(std::move(cell).error().within(file));
  TRY_ASSIGN(root_init_, ton::parse_state_init(*cell));
  root_ = ton::address_of(root_init_);
  return {};
}

std::string LocalNetwork::proxy_endpoints() const {
  return fmt::format("127.0.0.1:{} 127.0.0.1:{}", ports_.proxy_workers(), ports_.proxy_clients());
}

// name@commit:hash as workers announce it (contracts.md 4.2); here the version stands for both.
std::string LocalNetwork::model_full_name() const { return options_.model_name + "@" COCOON_VERSION ":local"; }

std::string LocalNetwork::engine_url() const {
  return options_.engine.empty() ? fmt::format("http://127.0.0.1:{}", ports_.engine()) : options_.engine;
}

ton::RootState LocalNetwork::wanted_root() const {
  ton::RootState r;
  r.owner = operator_.address;
  r.version = 1;
  r.proxy_hashes = {image_hash(kProxyImage)};
  r.worker_hashes = {image_hash(kWorkerImage)};
  r.model_hashes = {crypto::sha256(as_bytes(model_full_name()))};
  r.registered_proxies = {{1, proxy_endpoints()}};
  r.last_proxy_seqno = 1;
  auto& p = r.params;
  p.struct_version = 4;
  p.params_version = 1;
  p.unique_id = 1;
  p.is_test = true;
  p.price_per_token = 1000;
  p.worker_fee_per_token = 950;
  p.multipliers = {10000, 1000, 80000, 80000};
  p.proxy_delay_before_close = 600;
  p.client_delay_before_close = 300;
  p.min_proxy_stake = 1 * ton::kTon;
  p.min_client_stake = 100 * ton::kTon;
  p.proxy_code = contract_code::proxy();
  p.worker_code = contract_code::worker();
  p.client_code = contract_code::client();
  return r;
}

Result<> LocalNetwork::write_config(const std::string& name, const std::string& text) const {
  return node::write_file_atomically(path(name), "# Written by `cocoon up` at each start.\n" + text);
}

std::string LocalNetwork::common_config(const std::string& name, const Party& wallet, int http_port,
                                        const std::string& tee, bool attested) const {
  using node::toml_quote;
  std::string out = fmt::format("name = {}\n\n", toml_quote(name));
  out += fmt::format("[chain]\nliteserver = \"127.0.0.1:{}\"\nliteserver_key = \"{}\"\npoll = 0.25\n\n",
                     ports_.liteserver(), to_base64(crypto::KeyPair(liteserver_).public_key()));
  out += fmt::format("[network]\nroot = \"{}\"\nis_test = true\n\n", ton::to_raw_text(root_));
  out += fmt::format("[wallet]\nkey_file = {}\nowner = \"{}\"\n\n", toml_quote(path("keys/" + name + "-wallet.key")),
                     ton::to_raw_text(wallet.owner));
  out += fmt::format("[tee]\nsimulated_root = {}\n", toml_quote(path("tee/root/root.pem")));
  if (attested)
    out += fmt::format("kind = \"simulated\"\ndirectory = {}\nimage = {}\n", toml_quote(path("tee/" + name)),
                       toml_quote(tee));
  out += "\n[net]\npow_difficulty = 12\n\n";
  out += fmt::format("[http]\nlisten = \"127.0.0.1:{}\"\n\n", http_port);
  out += fmt::format("[operator]\nsecret_file = {}\n\n", toml_quote(path("operator.secret")));
  return out;
}

Result<> LocalNetwork::write_configs() const {
  using node::toml_quote;
  TRY(write_config(
      "devnet.toml",
      fmt::format("[devnet]\nlisten = \"127.0.0.1:{}\"\nkey_file = {}\ntreasury_key_file = {}\ndata = {}\n",
                  ports_.liteserver(), toml_quote(path("keys/liteserver.key")), toml_quote(path("keys/treasury.key")),
                  toml_quote(path("chain.sqlite")))));
  TRY(write_config(
      "engine.toml",
      fmt::format("[engine]\nlisten = \"127.0.0.1:{}\"\nmodel = {}\nmodel_name = {}\nfixture = {}\n", ports_.engine(),
                  toml_quote(options_.model_file), toml_quote(options_.model_name), options_.fixture_engine)));
  // Thresholds of one token: a short conversation is charged and paid out at once.
  TRY(write_config(
      "proxy.toml",
      common_config("proxy", proxy_, ports_.proxy_http(), kProxyImage, true) +
          fmt::format(
              "[proxy]\nmachine_key_file = {}\nowner = \"{}\"\nlisten_workers = \"127.0.0.1:{}\"\n"
              "listen_clients = \"127.0.0.1:{}\"\ndatabase = {}\n\n"
              "[money]\ncharge_client_at = 1000\npay_worker_at = 950\nsnapshot_every = 0.2\ncommit_every = 1.0\n",
              toml_quote(path("keys/proxy-machine.key")), ton::to_raw_text(proxy_owner_.address),
              ports_.proxy_workers(), ports_.proxy_clients(), toml_quote(path("proxy.sqlite")))));
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    const auto name = fmt::format("worker-{}", i + 1);
    TRY(write_config(name + ".toml",
                     common_config(name, workers_[i], ports_.worker_http(static_cast<int>(i)), kWorkerImage, true) +
                         fmt::format("[worker]\nowner = \"{}\"\nmodel = {}\nengine = {}\n",
                                     ton::to_raw_text(worker_owners_[i].address), toml_quote(model_full_name()),
                                     toml_quote(engine_url())) +
                         // The fixture answers any number at once; a model does not.
                         (options_.fixture_engine ? "max_active_requests = 4096\n" : "")));
  }
  return write_config("client.toml", common_config("client", client_, ports_.client_api(), "", false));
}

}  // namespace cocoon::cli
