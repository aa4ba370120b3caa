#include "proxy/core/status.hpp"

#include "proxy/core/core.hpp"

namespace cocoon::proxy {
namespace {

Status::Worker show(const WorkerLink& link, const Instance& instance, Time now) {
  Status::Worker out;
  out.link = link.id;
  out.peer = link.peer;
  out.ready = link.step == WorkerLink::Step::ready;
  out.enabled = out.ready && link.listed && !link.disabled;
  if (link.full_model.empty()) return out;
  out.owner = link.owner;
  out.contract = instance.worker_contract(link.owner);
  out.model = link.full_model;
  out.description = link.description;
  out.version = link.version;
  out.coefficient = link.coefficient;
  out.running = link.running;
  out.limit = link.limit;
  out.requests = link.requests;
  out.succeeded = link.succeeded;
  out.average_seconds = link.durations.seconds(now);
  return out;
}

}  // namespace

Status Core::status(Time now) const {
  Status out;
  out.waiting_for = why_not_serving();
  out.serving = out.waiting_for.empty();
  out.enabled = enabled_;
  out.public_key = instance_.public_key();
  if (instance_.known()) out.root = instance_.root();
  money_.fill(out);
  for (auto& account : out.client_accounts) account.running = requests_.running_of(account.owner);
  for (auto& account : out.worker_accounts) account.running = requests_.running_for(account.owner);
  out.client_links = clients_.count();
  out.running = requests_.running();
  for (const auto& [id, link] : workers_.links()) out.workers.push_back(show(link, instance_, now));
  const RequestStats& s = requests_.stats();
  const std::pair<const char*, const Rates*> named[] = {
      {"queries", &s.queries},
      {"success", &s.success},
      {"failed", &s.failed},
      {"rejected", &s.rejected},
      {"bytes_received", &s.bytes_received},
      {"bytes_sent", &s.bytes_sent},
      {"time", &s.seconds},
      {"total_adjusted_tokens_used", &s.total},
      {"prompt_adjusted_tokens_used", &s.prompt},
      {"cached_adjusted_tokens_used", &s.cached},
      {"completion_adjusted_tokens_used", &s.completion},
      {"reasoning_adjusted_tokens_used", &s.reasoning},
  };
  for (const auto& [name, rates] : named) out.stats.emplace_back(name, rates->at(now));
  return out;
}

}  // namespace cocoon::proxy
