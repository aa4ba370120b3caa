// The list of models (wire.md 5.2), made by the client and read from engines.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace cocoon::openai {

struct ModelWorker {
  std::int64_t coefficient = 0;  // 1/1000
  std::int64_t running_requests = 0;
  std::int64_t max_running_requests = 0;
};
struct ModelEntry {
  std::string id;
  std::vector<ModelWorker> workers;
};

std::string model_body(const ModelEntry&);
std::string models_body(const std::vector<ModelEntry>&);

// Ids in an engine's /v1/models.
Result<std::vector<std::string>> model_ids(std::string_view body);

}  // namespace cocoon::openai
