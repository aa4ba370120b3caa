// `cocoon up`: a whole network on this machine, each node a process of its own.
#pragma once
#include <string>

#include "base/time.hpp"
#include "cli/local_network.hpp"

namespace cocoon::cli {

struct UpOptions {
  LocalNetworkOptions network;
  bool once = false;  // ask `prompt`, wait until it is charged and paid on chain, report, stop
  std::string prompt = "Hello";
  bool json = false;  // with once: one JSON object on standard output
  int max_tokens = 128;
  Duration patience = std::chrono::seconds(120);  // for each step
};

// Returns the process's exit status.
int up(UpOptions options);

}  // namespace cocoon::cli
