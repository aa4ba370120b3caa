#include "openai/models.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include "openai/json_object.hpp"

namespace cocoon::openai {
namespace {

std::string workers_text(const std::vector<ModelWorker>& workers) {
  std::string out;
  for (const auto& w : workers)
    out += fmt::format(R"({}{{"coefficient":{},"running_requests":{},"max_running_requests":{}}})",
                       out.empty() ? "" : ",", w.coefficient, w.running_requests, w.max_running_requests);
  return out;
}

constexpr std::size_t kMaxListBytes = std::size_t{1} << 20;

}  // namespace

std::string model_body(const ModelEntry& m) {
  return fmt::format(R"({{"id":{},"object":"model","created":0,"owned_by":"cocoon","workers":[{}]}})", json_quote(m.id),
                     workers_text(m.workers));
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
