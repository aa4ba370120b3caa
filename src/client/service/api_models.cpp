// /v1/models and /v1/models/{id}: what the network serves, for how much, and how much of it is free (wire.md 5.2).
#include <fmt/format.h>

#include "client/service/api_state.hpp"
#include "openai/models.hpp"
#include "wire/error_codes.hpp"

namespace cocoon::client {

using net::Task;

namespace {

openai::ModelEntry entry_of(const wire::client::WorkerTypeV2& type, const NodeStatus& node) {
  openai::ModelEntry out;
  out.id = type.name;
  for (const auto& w : type.workers) {
    auto& one = out.workers.emplace_back(w.coefficient, w.active_requests, w.max_active_requests);
    if (w.context_length > 0) one.context_length = w.context_length;
  }
  if (node.core.root) {
    const auto& p = node.core.root->params;
    const auto& m = p.multipliers;
    out.prices = {p.price_per_token, m.prompt, m.cached, m.completion, m.reasoning};
  }
  for (const auto& c : node.core.connections)
    if (c.stage == "ready" && c.peer.attested) out.tee.insert(c.peer.tee);
  return out;
}

}  // namespace

Task<std::expected<ApiModelList, ApiFailed>> ApiServer::State::ask_models(Exchange& x) {
  const auto id = next_id++;
  const auto answer = open(id, x);
  submit(ApiModels{id});
  while (!answer->over()) co_await answer->wait();
  close(id, x, *answer);
  if (answer->models()) co_return *answer->models();
  if (answer->failure()) co_return std::unexpected(*answer->failure());
  ApiFailed left;
  left.code = wire::kErrorCancelled;
  left.message = "the caller has left";
  co_return std::unexpected(std::move(left));
}

Task<> ApiServer::State::models(Exchange& x, std::string wanted) {
  const auto list = co_await ask_models(x);
  if (!list) co_return co_await refuse(x, failure_of_models(list.error()));
  const auto node = status();
  std::vector<openai::ModelEntry> entries;
  for (const auto& type : list->types)
    if (!type.workers.empty() && (wanted.empty() || type.name == wanted) && ApiGate::allows(x.key, type.name))  // D20
      entries.push_back(entry_of(type, node));
  if (wanted.empty()) co_return co_await page(x, 200, std::string(kJson), openai::models_body(entries));
  if (entries.empty()) {
    const auto f = failure(404, wire::kErrorProtocolViolation, "the model '" + wanted + "' does not exist",
                           "model_not_found", "model");
    co_return co_await refuse(x, f);
  }
  co_await page(x, 200, std::string(kJson), openai::model_body(entries.front()));
}

}  // namespace cocoon::client
