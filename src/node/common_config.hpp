// What every role's configuration has in common: the chain, the network, the keys, the evidence, the log.
#pragma once
#include <string>

#include "node/config.hpp"

namespace cocoon::node {

struct CommonConfig {
  // [chain]
  std::string liteserver = "127.0.0.1:14000";
  std::string liteserver_key;  // base64 of 32 bytes
  Duration poll = std::chrono::milliseconds(1000);
  // [network]
  std::string root;  // address of the root contract
  bool is_test = false;
  bool testnet_addresses = false;
  bool check_images = true;
  Duration image_grace{0};
  // [wallet]
  std::string wallet_key_file;
  std::string owner;  // address
  // [tee]
  std::string tee = "none";
  std::string tee_directory;
  std::string image;
  std::string simulated_root;
  std::string gpus, gpu_collateral;
  Duration reattest_every = std::chrono::seconds(15);
  bool accept_unevaluated_collateral = false;
  std::string policy = "default";
  std::string collateral_service, amd_collateral_service, collateral_ca, collateral_directory, collateral_bundle;
  // [net]
  int pow_difficulty = 20;
  int max_pow_difficulty = 28;
  Duration handshake_timeout = std::chrono::seconds(20);
  // [http]
  std::string http_listen;
  // [operator]
  std::string operator_secret_file;
  bool operator_get_forms = false;
  // top level
  std::string name;
  std::string log_level = "info";

  // `role` names the node in the log; `http_port` is the conventional port of its status pages.
  explicit CommonConfig(std::string role, int http_port)
      : http_listen(fmt::format("127.0.0.1:{}", http_port)), name(std::move(role)) {}

  void add_keys(ConfigTable&);
};

}  // namespace cocoon::node
