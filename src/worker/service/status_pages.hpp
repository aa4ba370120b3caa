// What an operator reads of a worker: JSON (wire.md 5.9) and Prometheus text.
#pragma once
#include <string>

#include "worker/core/core.hpp"

namespace cocoon::worker {

std::string status_json(const Core::Status&, std::int64_t synced_at);
std::string status_metrics(const Core::Status&);

}  // namespace cocoon::worker
