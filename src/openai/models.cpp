#include "openai/models.hpp"

#include <algorithm>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "openai/json_object.hpp"

namespace cocoon::openai {
namespace {

std::string context_text(const std::optional<std::int64_t>& tokens) {
  return tokens ? fmt::format(R"(,"context_length":{})", *tokens) : std::string();
}

std::string workers_text(const std::vector<ModelWorker>& workers) {
  std::string out;
  for (const auto& w : workers) {
    out += fmt::format(R"({}{{"coefficient":{},"running_requests":{},"max_running_requests":{}{}}})",
                       out.empty() ? "" : ",", w.coefficient, w.running_requests, w.max_running_requests,
                       context_text(w.context_length));
  }
  return out;
}

// nanoTON per token times 10^6 tokens over 10^9 nanoTON, with a coefficient in 1/1000 and a multiplier in 1/10000.
double ton_per_million(std::uint64_t price, std::int64_t coefficient, std::int64_t multiplier) {
  return static_cast<double>(price) * static_cast<double>(coefficient) * static_cast<double>(multiplier) / 1e10;
}

std::string pricing_text(const ModelEntry& m) {
  if (!m.prices || m.workers.empty()) return {};
  const auto& p = *m.prices;
  const auto cheapest = std::ranges::min_element(m.workers, {}, &ModelWorker::coefficient)->coefficient;
  const auto price = [&](std::int64_t multiplier) { return ton_per_million(p.price_per_token, cheapest, multiplier); };
  return fmt::format(
      R"(,"pricing":{{"currency":"TON","per_tokens":1000000,"prompt":{},"cached":{},"completion":{},"reasoning":{}}})",
      price(p.prompt), price(p.cached), price(p.completion), price(p.reasoning));
}

std::string capacity_text(const ModelEntry& m) {
  std::int64_t running = 0, most = 0, free = 0;
  for (const auto& w : m.workers) {
    running += w.running_requests;
    most += w.max_running_requests;
    free += std::max<std::int64_t>(0, w.max_running_requests - w.running_requests);
  }
  return fmt::format(R"(,"capacity":{{"workers":{},"running":{},"max_running":{},"free":{}}})", m.workers.size(),
                     running, most, free);
}

std::string tee_text(const ModelEntry& m) {
  std::string out;
  for (const auto& kind : m.tee) out += (out.empty() ? "" : ",") + json_quote(kind);
  return ",\"tee\":[" + out + "]";
}

std::optional<std::int64_t> shortest_context(const ModelEntry& m) {
  std::optional<std::int64_t> out;
  for (const auto& w : m.workers)
    if (w.context_length) out = std::min(out.value_or(*w.context_length), *w.context_length);
  return out;
}

constexpr std::size_t kMaxListBytes = std::size_t{1} << 20;

}  // namespace

std::string model_body(const ModelEntry& m) {
  auto out = fmt::format(R"({{"id":{},"object":"model","created":0,"owned_by":"cocoon","workers":[{}])",
                         json_quote(m.id), workers_text(m.workers));
  out += pricing_text(m) + capacity_text(m) + tee_text(m);
  return out + context_text(shortest_context(m)) + "}";
}

std::string models_body(const std::vector<ModelEntry>& models) {
  std::string data;
  for (const auto& m : models) data += (data.empty() ? "" : ",") + model_body(m);
  return fmt::format(R"({{"object":"list","data":[{}]}})", data);
}

Result<std::vector<std::string>> model_ids(std::string_view body) {
  if (body.size() > kMaxListBytes) return fail("list of models of {} bytes", body.size());
  boost::json::error_code error;
  const auto parsed = boost::json::parse(boost::json::string_view(body.data(), body.size()), error);
  const auto* object = error ? nullptr : parsed.if_object();
  const auto* data = object == nullptr ? nullptr : object->if_contains("data");
  const auto* list = data == nullptr ? nullptr : data->if_array();
  if (list == nullptr) return fail("not a list of models");
  std::vector<std::string> out;
  for (const auto& entry : *list) {
    const auto* one = entry.if_object();
    const auto* id = one == nullptr ? nullptr : one->if_contains("id");
    if (id != nullptr && id->is_string()) out.emplace_back(id->get_string());
  }
  return out;
}

}  // namespace cocoon::openai
