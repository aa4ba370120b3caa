// The worker as a process: core, links, chain, engine and status pages on one event loop.
#pragma once
#include <string>

#include "node/common_config.hpp"
#include "worker/core/core.hpp"

namespace cocoon::worker {

struct ServiceConfig {
  node::CommonConfig common{"worker", 12000};
  std::string owner;
  std::string engine = "http://127.0.0.1:8000";
  double coefficient = 1.0;
  Duration engine_check = std::chrono::milliseconds(1000);
  Config core;

  void add_keys(node::ConfigTable&);
};

// Runs until a signal asks to stop. Returns the process's exit status.
int run(const ServiceConfig&);

}  // namespace cocoon::worker
