// Where a command finds a node: by the state directory of `cocoon up`, or by the node's own configuration file.
#pragma once
#include <string>

#include "cli/chain.hpp"
#include "node/common_config.hpp"

namespace CLI {
class App;
}

namespace cocoon::cli {

struct NodeAddress {
  std::string state_dir = "state";
  std::string config_file;      // goes before the state directory
  std::string node = "client";  // "client", "proxy", "worker": whose file is taken from the state directory
  int number = 1;               // which worker
  node::CommonConfig common{"cocoon", 0};

  // --state and --config; for a worker also --number. With `any_node` also --node.
  void add_options(CLI::App&, bool any_node);
  std::string file() const;
  // Reads the keys that all roles share. Errors say what to give.
  Result<> load();
  // The same and further keys of the role's own.
  Result<> load(node::ConfigTable&);

  std::string url(const std::string& path) const { return "http://" + common.http_listen + path; }
  Result<std::string> secret() const;  // of operator.secret_file, 64 hex digits
  Result<Chain> connect() const;
  Result<ledger::WalletQueue::Config> wallet() const;
};

}  // namespace cocoon::cli
