// The proxy's status for people and programs (wire.md 5.9).
#pragma once
#include <string>

#include "node/chain_watcher.hpp"
#include "proxy/core/status.hpp"

namespace cocoon::proxy {

std::string status_json(const Status&, std::int64_t synced_at);
std::string status_metrics(const Status&, std::size_t routes, std::uint64_t bytes_carried);

}  // namespace cocoon::proxy
