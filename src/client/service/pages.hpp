// What the client tells its operator: /jsonstats (wire.md 5.9), /stats for people, /metrics (Prometheus text), /perf.
#pragma once
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "client/core/core.hpp"
#include "client/service/meters.hpp"

namespace cocoon::client {

// What the HTTP side counts.
struct ApiStats {
  Meter queries, success, failed, bytes_received, bytes_sent, time;
  std::map<int, std::uint64_t> responses;  // by HTTP status
  Histogram first_byte{{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120}};
  Histogram whole{{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120, 600}};
};

// What the node is at the moment.
struct NodeStatus {
  Core::Status core;
  std::int64_t chain_synced_at = 0;                        // unix seconds of the newest block seen; 0: none
  std::vector<std::pair<std::string, std::string>> local;  // configuration worth seeing; no secrets
};

std::string stats_page(const NodeStatus&, const ApiStats&, Time now);
std::string html_page(const NodeStatus&, const ApiStats&, Time now);
std::string perf_page(const NodeStatus&, const ApiStats&);  // plain text: where the time of requests goes
std::string metrics_page(const NodeStatus&, const ApiStats&);

}  // namespace cocoon::client
