#include "proxy/core/core.hpp"

#include <algorithm>

namespace cocoon::proxy {

Core::Core(Config config, crypto::Random random)
    : config_(std::move(config)),
      random_(random),
      instance_(config_),
      money_(config_, instance_, random_),
      workers_(config_, instance_, money_),
      clients_(config_, instance_, money_, workers_, random_),
      requests_(config_, instance_, money_, workers_, random_) {}

Result<std::unique_ptr<Core>> Core::make(Config config, crypto::Random random, BytesView stored) {
  std::unique_ptr<Core> core(new Core(std::move(config), random));
  if (!stored.empty()) TRY(core->money_.restore(stored));
  return core;
}

void Core::start(Time now, std::vector<Effect>& out) {
  Io io(now, out);
  io.emit(role::Watch{config_.root, 0});
  money_.start(io);
}

void Core::handle(const Event& event, Time now, std::vector<Effect>& out) {
  const std::size_t first_new = out.size();
  Io io(now, out);
  last_event_ = now;
  std::visit([&](const auto& e) { on(io, e); }, event);
  do_what_is_due(io);
  for (std::size_t i = first_new; i < out.size(); ++i)
    if (const auto* close = std::get_if<role::CloseLink>(&out[i])) closing_.insert(close->link);
}

void Core::do_what_is_due(Io& io) {
  requests_.tick(io);
  clients_.tick(io);
  workers_.tick(io);
  if (draining_ && requests_.running() == 0) money_.end();
  money_.tick(io);
  close_links_unless_serving(io);
}

Time Core::wake_at() const {
  return std::min({requests_.wake_at(last_event_), clients_.wake_at(), workers_.wake_at(), money_.wake_at()});
}

std::string Core::why_not_serving() const {
  if (!enabled_) return "disabled by the operator";
  if (!instance_.known())
    return root_problem_.empty() ? "the root contract has not been read yet" : "root contract: " + root_problem_;
  return money_.why_not_ready();
}

void Core::close_links_unless_serving(Io& io) {
  const std::string why = why_not_serving();
  if (was_serving_ == why.empty()) return;
  was_serving_ = why.empty();
  if (was_serving_) return io.info("serving at proxy contract {}", ton::to_raw_text(instance_.contract().address()));
  io.warn("not serving: {}", why);
  clients_.close_all(io, why);
  workers_.close_all(io, why);
}

void Core::on(Io& io, const role::LinkUp& up) {
  if (const std::string why = why_not_serving(); !why.empty()) return io.close(up.link, why);
  if (draining_) return io.close(up.link, "this proxy is about to stop");
  if (up.port == kClientPort) return clients_.link_up(io, up);
  if (up.port == kWorkerPort) return workers_.link_up(io, up);
  io.close(up.link, "no such port");
}

void Core::on(Io& io, const role::LinkDown& down) {
  closing_.erase(down.link);
  if (clients_.has(down.link)) {
    requests_.client_lost(io, down.link);
    clients_.link_down(down.link);
  }
  if (workers_.has(down.link)) {
    requests_.worker_lost(io, down.link);
    workers_.link_down(down.link);
  }
}

void Core::on(Io& io, const role::PacketIn& in) {
  if (closing_.contains(in.link)) return;
  if (const ClientLink* client = clients_.find_ready(in.link)) return requests_.client_packet(io, *client, in.data);
  if (!workers_.has(in.link)) return;
  if (wire::is_answer(wire::peek_id(in.data))) return requests_.worker_packet(io, in.link, in.data);
  workers_.state_packet(io, in.link, in.data);
}

void Core::on(Io& io, const role::QueryIn& in) {
  if (closing_.contains(in.link)) return;
  if (clients_.has(in.link)) return clients_.query(io, in);
  if (workers_.has(in.link)) workers_.query(io, in);
}

void Core::on(Io& io, const role::QueryDone& done) {
  if (done.result)
    io.info("worker {}: model change accepted", done.link);
  else
    io.warn("worker {}: model change failed: {} ({})", done.link, done.result.error().what, done.result.error().code);
}

void Core::on(Io& io, const ChangeWorkerModel& change) {
  const WorkerLink* worker = workers_.find_ready(change.worker);
  if (worker == nullptr) return io.warn("no worker {} whose model could be changed", change.worker);
  wire::worker::ChangeModel query;
  query.new_model = change.model;
  io.emit(role::SendQuery{change.worker, next_token_++, wire::encode(query), config_.change_model});
}

void Core::on(Io& io, const role::AccountObserved& seen) {
  if (seen.address == config_.root) return root_observed(io, seen);
  for (const Money::News& news : money_.observed(io, seen)) {
    clients_.contract_changed(io, news.owner);
    if (news.nonce) clients_.register_seen(io, news.owner, *news.nonce);
  }
}

void Core::root_observed(Io& io, const role::AccountObserved& seen) {
  if (seen.more) return;
  const auto adopted = [&]() -> Result<Instance::Adopted> {
    const ton::StateInit* state = seen.account ? seen.account->active() : nullptr;
    if (state == nullptr || !state->data) return fail("{} is not deployed", ton::to_raw_text(config_.root));
    TRY_ASSIGN(const auto root, ton::parse_root_state(*state->data));
    if (root.version < money_.stored_root_version())
      return fail("the chain shows version {}, we have seen {}", root.version, money_.stored_root_version());
    return instance_.adopt(root, io.now);
  }();
  if (!adopted) {
    root_problem_ = adopted.error().what;
    return io.warn("root contract: {}", root_problem_);
  }
  root_problem_.clear();
  if (*adopted == Instance::Adopted::lists) workers_.lists_changed(io);
  if (*adopted != Instance::Adopted::contract) return;
  io.info("root contract: version {}, parameters {}; our proxy contract is {}", instance_.config_version(),
          instance_.root().params.params_version, ton::to_raw_text(instance_.contract().address()));
  requests_.fail_all(io, "the proxy moves to a new contract");
  money_.new_contract(io);
  // Links of the old contract are closed even if the new one is ready at once.
  clients_.close_all(io, "the proxy moves to a new contract");
  workers_.close_all(io, "the proxy moves to a new contract");
}

void Core::on(Io& io, const role::ExternalResult& result) {
  if (!result.result) io.debug("the chain did not take an external: {}", result.result.error().what);
}

void Core::on(Io& io, const SnapshotDurable& durable) { money_.durable(io, durable.number); }

void Core::on(Io& io, const SnapshotFailed& failed) {
  io.warn("snapshot {} was not stored: {}", failed.number, failed.reason);
  money_.not_durable(io, failed.number);
}

void Core::on(Io& io, const GroupKeys& keys) { requests_.group_keys(keys, io.now); }

void Core::on(Io& io, const Drain&) {
  io.info("draining: {} requests run", requests_.running());
  draining_ = true;
  requests_.refuse_new();
  money_.hurry();
}

void Core::on(Io& io, const SetEnabled& set) {
  if (enabled_ != set.enabled) io.info("{} by the operator", set.enabled ? "enabled" : "disabled");
  enabled_ = set.enabled;
}

}  // namespace cocoon::proxy
