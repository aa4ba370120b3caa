// The client as a process: core, links to proxies, chain and HTTP API on one event loop.
#pragma once
#include <string>

#include "client/core/core.hpp"
#include "client/service/api.hpp"
#include "node/common_config.hpp"

namespace cocoon::client {

struct ServiceConfig {
  node::CommonConfig common{"client", 10000};
  // Proves to a proxy that we are the same client. None: one that follows from the wallet's key.
  std::string secret_file;
  std::string database;  // what outlives this process (client::Remember)
  Config core;
  ApiConfig api;

  void add_keys(node::ConfigTable&);
  std::string api_keys_file() const;  // api.keys_file, or its default
  std::string database_file() const;  // client.database, or its default
};

// Runs until a signal asks to stop. Returns the process's exit status.
int run(const ServiceConfig&);

}  // namespace cocoon::client
