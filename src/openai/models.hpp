// The list of models (wire.md 5.2), made by the client and read from engines.
#pragma once
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace cocoon::openai {

struct ModelWorker {
  std::int64_t coefficient = 0;  // 1/1000
  std::int64_t running_requests = 0;
  std::int64_t max_running_requests = 0;
  std::optional<std::int64_t> context_length{};  // tokens
};
// What the network's root contract says: nanoTON per adjusted token, and multipliers of raw tokens in 1/10000.
struct ModelPrices {
  std::uint64_t price_per_token = 0;
  std::int64_t prompt = 10000, cached = 10000, completion = 10000, reasoning = 10000;
};
struct ModelEntry {
  std::string id;
  std::vector<ModelWorker> workers;
  std::optional<ModelPrices> prices{};
  std::set<std::string> tee{};  // kinds of TEE of the proxies that we reach it through
};

// OpenAI's model object and more: `workers` as existing clients read them; `pricing` in TON per million raw tokens, of
// the cheapest worker; `capacity` over all workers, in requests; `context_length` of the worker that serves the
// shortest, so that it holds whoever answers.
std::string model_body(const ModelEntry&);
std::string models_body(const std::vector<ModelEntry>&);

// Ids in an engine's /v1/models.
Result<std::vector<std::string>> model_ids(std::string_view body);

}  // namespace cocoon::openai
