// The proxy as a process: core, links, chain, database and status pages on one event loop.
#pragma once
#include <string>

#include "node/common_config.hpp"
#include "proxy/core/core.hpp"

namespace cocoon::proxy {

struct ServiceConfig {
  node::CommonConfig common{"proxy", 11000};
  std::string machine_key_file;
  std::string owner;
  std::string listen_workers = "0.0.0.0:11001";
  std::string listen_clients = "0.0.0.0:11002";
  std::string database = "proxy.sqlite";
  std::size_t client_queue = 32u << 20;  // bytes
  Duration drain = std::chrono::seconds(10);
  Config core;

  void add_keys(node::ConfigTable&);
};

// Runs until a signal asks to stop. Returns the process's exit status.
int run(const ServiceConfig&);

}  // namespace cocoon::proxy
