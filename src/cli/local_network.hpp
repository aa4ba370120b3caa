// A Cocoon network of one's own on one machine: its keys, its root contract, its simulated TEE and the configuration
// files of its nodes, all kept in one state directory. Made once, found again at the next start.
#pragma once
#include <string>
#include <vector>

#include "crypto/crypto.hpp"
#include "ton/address.hpp"
#include "ton/contracts/root.hpp"
#include "ton/state_init.hpp"

namespace cocoon::cli {

struct LocalNetworkOptions {
  std::string state_dir = "state";
  int workers = 1;
  int port_base = 10000;
  std::string model_file;  // GGUF
  std::string model_name = "tinychat";
  std::string engine;           // URL of an engine that runs already; empty: ours, with model_file
  bool fixture_engine = false;  // ours without a model, for benchmarks
};

// The small model that comes with the source, beside the build that holds our binary; empty if it is not there.
std::string default_model();

// Conventional ports, all moved together by port_base (wire.md 0).
struct Ports {
  int base = 10000;
  int client_api() const { return base; }
  int proxy_http() const { return base + 1000; }
  int proxy_workers() const { return base + 1001; }
  int proxy_clients() const { return base + 1002; }
  int worker_http(int i) const { return base + 2000 + i; }
  int engine() const { return base + 3000; }
  int liteserver() const { return base + 4000; }
};

// A wallet of the network: its key and its address.
struct Party {
  crypto::Seed seed;
  ton::Address owner;    // recorded in the wallet
  ton::Address address;  // of the wallet itself
};

class LocalNetwork {
 public:
  static Result<LocalNetwork> open(LocalNetworkOptions options);

  const LocalNetworkOptions& options() const { return options_; }
  const Ports& ports() const { return ports_; }
  std::string path(const std::string& name) const { return options_.state_dir + "/" + name; }

  // operator: owner of the root contract. The owners are wallets that only receive.
  const Party& operator_wallet() const { return operator_; }
  const Party& proxy_wallet() const { return proxy_; }
  const Party& proxy_owner() const { return proxy_owner_; }
  const Party& client_wallet() const { return client_; }
  const std::vector<Party>& worker_wallets() const { return workers_; }
  const std::vector<Party>& worker_owners() const { return worker_owners_; }

  const ton::StateInit& root_init() const { return root_init_; }
  const ton::Address& root() const { return root_; }
  const crypto::Seed& liteserver_seed() const { return liteserver_; }

  // What the registry must hold for this start: addresses and hashes follow from ports, images and models.
  ton::RootState wanted_root() const;
  std::string proxy_endpoints() const;
  std::string model_full_name() const;
  std::string engine_url() const;

  // Writes proxy.toml, worker-N.toml, client.toml, devnet.toml and engine.toml as the options of this start say.
  Result<> write_configs() const;

 private:
  LocalNetwork() = default;
  Result<> load_parties();
  Result<> load_tee();
  Result<> load_root();
  Result<> write_config(const std::string& name, const std::string& text) const;
  std::string common_config(const std::string& name, const Party& wallet, int http_port, const std::string& tee,
                            bool attested) const;

  LocalNetworkOptions options_;
  Ports ports_;
  Party operator_, proxy_, proxy_owner_, client_;
  std::vector<Party> workers_, worker_owners_;
  crypto::Seed liteserver_;
  ton::StateInit root_init_;
  ton::Address root_;
};

}  // namespace cocoon::cli
