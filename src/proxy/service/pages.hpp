// What a proxy tells operators (wire.md 5.9).
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "proxy/core/status.hpp"

namespace cocoon::proxy {

// What the core cannot know.
struct ShellStatus {
  std::int64_t synced_at = 0;  // unix seconds of the newest block seen; 0: none
  std::string chain_error;     // of the last look at the chain; empty: it went well
  std::uint64_t carried_bytes = 0;
  std::size_t links = 0;
  std::vector<std::pair<std::string, std::string>> local;  // configuration worth seeing; no secrets
};

std::string status_json(const Status&, const ShellStatus&);     // /jsonstats
std::string status_metrics(const Status&, const ShellStatus&);  // Prometheus

}  // namespace cocoon::proxy
