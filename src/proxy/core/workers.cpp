#include "proxy/core/workers.hpp"

#include <algorithm>

#include "proxy/core/versions.hpp"

namespace cocoon::proxy {
namespace {

constexpr auto kRecheck = std::chrono::seconds(1);
constexpr std::size_t kNameLength = 16;  // hex digits: no two workers of a network share them by chance

using Step = WorkerLink::Step;

constexpr std::int32_t kCoefficientEnd = 1'000'000'000;  // announced coefficients are below (wire.md 4.5)

std::uint32_t expected_query(Step step) {
  switch (step) {
    case Step::hello:
      return wire::worker::ConnectToProxy::kId;
    case Step::compare:
      return wire::worker::CompareBalanceWithProxy::kId;
    case Step::extended_compare:
      return wire::worker::ExtendedCompareBalanceWithProxy::kId;
    case Step::finish:
      return wire::worker::ProxyHandshakeComplete::kId;
    case Step::ready:
      break;
  }
  return 0;
}

bool larger(std::int64_t claimed, std::uint64_t own) {
  return claimed > 0 && static_cast<std::uint64_t>(claimed) > own;
}

}  // namespace

WorkerLink* Workers::find(role::LinkId link) {
  const auto it = links_.find(link);
  return it == links_.end() ? nullptr : &it->second;
}

WorkerLink* Workers::find_ready(role::LinkId link) {
  WorkerLink* worker = find(link);
  return worker != nullptr && worker->step == Step::ready ? worker : nullptr;
}

void Workers::link_up(Io& io, const role::LinkUp& up) {
  if (links_.size() >= config_.max_workers) return io.close(up.link, "too many workers");
  WorkerLink worker;
  worker.id = up.link;
  worker.peer = up.peer;
  worker.name = to_hex(up.peer.public_key).substr(0, kNameLength);
  links_.emplace(up.link, std::move(worker));
  deadlines_.set(up.link, io.now + config_.handshake_step);
}

void Workers::link_down(role::LinkId link) {
  WorkerLink* worker = find(link);
  if (worker == nullptr) return;
  unlist(*worker);
  deadlines_.erase(link);
  links_.erase(link);
}

void Workers::close_all(Io& io, const std::string& why) {
  for (const auto& [id, worker] : links_) io.close(id, why);
}

void Workers::tick(Io& io) {
  while (const auto late = deadlines_.pop_due(io.now)) io.close(*late, "the handshake took too long");
  if (config_.image_grace == Duration{0} || io.now < next_recheck_ || !instance_.known()) return;
  next_recheck_ = io.now + kRecheck;
  recheck(io);  // a grace may have ended
}

void Workers::lists_changed(Io& io) {
  for (const auto& [id, worker] : links_)
    if (const auto warning =
            instance_.worker_images().warning(worker.peer.image_hash, "worker " + worker.peer.address, io.now);
        config_.check_worker_image && !warning.empty())
      io.warn("{}", warning);
  recheck(io);
}

void Workers::next_step(Io& io, WorkerLink& worker, Step step) {
  worker.step = step;
  if (step == Step::ready)
    deadlines_.erase(worker.id);
  else
    deadlines_.set(worker.id, io.now + config_.handshake_step);
}

void Workers::refuse_and_close(Io& io, role::LinkId link, std::int64_t id, const Error& why) {
  io.debug("worker {}: {} ({})", link, why.what, why.code);
  io.refuse(link, id, why.code, why.what);
  io.close(link, why.what);
}

// The table of wire.md 2.7: the id decides, before anything is decoded.
void Workers::query(Io& io, const role::QueryIn& q) {
  WorkerLink* worker = find(q.link);
  if (worker == nullptr) return;
  const std::uint32_t id = wire::peek_id(q.data);
  if (id == wire::worker::UpdatePaymentStatus::kId) {
    if (worker->step == Step::ready) return payment_status(io, *worker, q);
    return io.refuse(q.link, q.id, wire::kErrorProtocolViolation, "payment status asked before the handshake ended");
  }
  if (wire::handles<wire::QueryToProxyFromClient>(id))
    return io.refuse(q.link, q.id, wire::kErrorProtocolViolation, "a query of clients on the port of workers");
  if (!wire::handles<wire::QueryToProxyFromWorker>(id))
    return io.refuse(q.link, q.id, wire::kErrorGeneric, "unknown query");
  if (id != expected_query(worker->step))
    return refuse_and_close(io, q.link, q.id, {wire::kErrorGeneric, "query out of the order of the handshake"});
  switch (worker->step) {
    case Step::hello:
      return hello(io, *worker, q);
    case Step::compare:
      return compare(io, *worker, q);
    case Step::extended_compare:
      return extended_compare(io, *worker, q);
    case Step::finish:
      return handshake_complete(io, *worker, q);
    case Step::ready:
      break;
  }
}

void Workers::hello(Io& io, WorkerLink& worker, const role::QueryIn& q) {
  if (config_.check_worker_image && !instance_.worker_images().accepts(worker.peer.image_hash, io.now)) {
    io.warn("worker {} at {} refused: image {} is not in the root contract's list of worker images ({})", worker.id,
            worker.peer.address, to_hex(worker.peer.image_hash), worker.peer.verdict);
    return refuse_and_close(io, q.link, q.id,
                            {wire::kErrorProtocolViolation, "your image hash " + to_hex(worker.peer.image_hash) +
                                                                " is not in the root contract's list"});
  }
  const auto hello = wire::decode<wire::worker::ConnectToProxy>(q.data);
  if (!hello) return refuse_and_close(io, q.link, q.id, {wire::kErrorGeneric, hello.error().what});
  if (const auto admitted = admit(worker, *hello); !admitted)
    return refuse_and_close(io, q.link, q.id, admitted.error());
  list(worker);
  next_step(io, worker, Step::compare);
  io.info("worker {} at {}: model {}, coefficient {}, up to {} requests, {} image {}", worker.id, worker.peer.address,
          worker.full_model, worker.coefficient, worker.limit, worker.peer.tee, to_hex(worker.peer.image_hash));
  wire::worker::ConnectedToProxy answer;
  answer.params = instance_.wire_params(worker.version);
  answer.worker_sc_address = instance_.text(instance_.worker_contract(worker.owner));
  io.answer(q.link, q.id, answer);
}

// Checks 3 to 12 of wire.md 4.5, in that order; fills the link.
Result<> Workers::admit(WorkerLink& worker, const wire::worker::ConnectToProxy& hello) const {
  const auto& p = hello.params;
  if (!tl::has_bit(p.flags, 0)) return fail(wire::kErrorRequest, "worker too old: is_test missing");
  if (p.is_test != config_.is_test) return fail(wire::kErrorRequest, "one of us is a test node, the other is not");
  if (p.model.empty()) return fail(wire::kErrorProtocolViolation, "no model");
  if (p.coefficient < 0 || p.coefficient >= kCoefficientEnd)
    return fail(wire::kErrorProtocolViolation, "coefficient {} out of range", p.coefficient);
  if (p.max_active_requests < 1)
    return fail(wire::kErrorProtocolViolation, "max_active_requests {} < 1", p.max_active_requests);
  if (p.proxy_cnt < 1) return fail(wire::kErrorProtocolViolation, "proxy_cnt {} < 1", p.proxy_cnt);
  const Bits256 model_hash = crypto::sha256(as_bytes(p.model));
  if (config_.check_model && !instance_.lists_model(model_hash))
    return fail(wire::kErrorProtocolViolation, "model {} is not in the root contract's list", to_hex(model_hash));
  const auto version = choose_version(p.min_proto_version, p.max_proto_version);
  if (!version)
    return fail(wire::kErrorProtocolViolation, "no common version: you {}..{}, we {}..{}", p.min_proto_version,
                p.max_proto_version, kMinVersion, kMaxVersion);
  const auto owner = ton::address_from_text(p.worker_owner_address);
  if (!owner) return fail(wire::kErrorGeneric, "owner address: {}", owner.error().what);
  if (owner->workchain != 0) return fail(wire::kErrorGeneric, "owner address: workchain 0 expected");
  if (!money_.accepts_worker(*owner)) return fail(wire::kErrorRequest, "this proxy keeps too many accounts");
  std::string base = p.model.substr(0, p.model.find('@'));
  if (!models_.contains(base) && models_.size() >= config_.max_models)
    return fail(wire::kErrorRequest, "this proxy knows too many models");

  worker.owner = *owner;
  worker.full_model = p.model;
  worker.model = std::move(base);
  worker.version = *version;
  worker.coefficient = p.coefficient;
  worker.limit = (p.max_active_requests - 1) / p.proxy_cnt + 1;
  worker.description = p.machine_description_json.empty() ? "{}" : p.machine_description_json;
  return {};
}

void Workers::compare(Io& io, WorkerLink& worker, const role::QueryIn& q) {
  const auto claim = wire::decode<wire::worker::CompareBalanceWithProxy>(q.data);
  if (!claim) return refuse_and_close(io, q.link, q.id, {wire::kErrorGeneric, claim.error().what});
  const ledger::Counters own = money_.worker_counters(worker.owner);
  if (larger(claim->tokens_committed_to_blockchain, own.chain) || larger(claim->tokens_committed_to_db, own.db)) {
    io.warn("worker {} at {} claims more committed tokens ({} on chain, {} stored) than this proxy has ({}, {})",
            worker.id, worker.peer.address, claim->tokens_committed_to_blockchain, claim->tokens_committed_to_db,
            own.chain, own.db);
    return refuse_and_close(io, q.link, q.id,
                            {wire::kErrorProtocolViolation, "you claim more committed tokens than this proxy has"});
  }
  const bool agree = !larger(claim->max_tokens, own.max);
  wire::worker::CompareBalanceWithProxyResult answer;
  auto [payment, db, max] = money_.worker_payment(worker.owner);
  answer.signed_payment = std::move(payment);
  answer.tokens_committed_to_db = db;
  answer.max_tokens = max;
  answer.error_code = agree ? 0 : 1;
  next_step(io, worker, agree ? Step::finish : Step::extended_compare);
  io.answer(q.link, q.id, answer);
}

// The worker remembers tokens of the seconds that a crash of ours lost. There is nothing to look up: they are gone, it
// is told so (error_code 0) and may go on (wire.md D9).
void Workers::extended_compare(Io& io, WorkerLink& worker, const role::QueryIn& q) {
  const auto claim = wire::decode<wire::worker::ExtendedCompareBalanceWithProxy>(q.data);
  if (!claim) return refuse_and_close(io, q.link, q.id, {wire::kErrorGeneric, claim.error().what});
  next_step(io, worker, Step::finish);
  io.answer(q.link, q.id, wire::worker::ExtendedCompareBalanceWithProxyResult{});
}

void Workers::handshake_complete(Io& io, WorkerLink& worker, const role::QueryIn& q) {
  const auto done = wire::decode<wire::worker::ProxyHandshakeComplete>(q.data);
  if (!done) return refuse_and_close(io, q.link, q.id, {wire::kErrorGeneric, done.error().what});
  worker.disabled = done->is_disabled;
  ++openings_;
  next_step(io, worker, Step::ready);
  io.answer(q.link, q.id, wire::worker::ProxyHandshakeCompleted{});
}

void Workers::payment_status(Io& io, WorkerLink& worker, const role::QueryIn& q) {
  const auto ask = wire::decode<wire::worker::UpdatePaymentStatus>(q.data);
  if (!ask) return io.refuse(q.link, q.id, wire::kErrorGeneric, ask.error().what);
  auto [payment, db, max] = money_.worker_payment(worker.owner);
  io.answer(q.link, q.id, wire::worker::PaymentStatus{std::move(payment), db, max});
}

void Workers::state_packet(Io& io, role::LinkId link, BytesView packet) {
  WorkerLink* worker = find_ready(link);
  if (worker == nullptr) return;
  switch (wire::peek_id(packet)) {
    case wire::worker::EnabledDisabled::kId:
      if (const auto state = wire::decode<wire::worker::EnabledDisabled>(packet))
        worker->disabled = state->disabled != 0;
      ++openings_;
      break;
    case wire::worker::NewCoefficient::kId:
      if (const auto state = wire::decode<wire::worker::NewCoefficient>(packet)) {
        if (state->new_coefficient < 0) {
          unlist(*worker);
          return io.close(link, "negative coefficient");
        }
        worker->coefficient = state->new_coefficient;
        ++openings_;
      }
      break;
    case wire::worker::ContextLength::kId:
      if (const auto state = wire::decode<wire::worker::ContextLength>(packet))
        worker->context_length = std::max(0, state->tokens);
      break;
    default:
      break;
  }
}

void Workers::list(WorkerLink& worker) {
  models_[worker.model].insert(worker.id);
  worker.listed = true;
}

void Workers::unlist(WorkerLink& worker) {
  if (!worker.listed) return;
  models_[worker.model].erase(worker.id);
  worker.listed = false;
}

void Workers::recheck(Io& io) {
  for (auto& [id, worker] : links_) {
    if (!worker.listed) continue;
    const bool image = !config_.check_worker_image || instance_.worker_images().accepts(worker.peer.image_hash, io.now);
    const bool model = !config_.check_model || instance_.lists_model(crypto::sha256(as_bytes(worker.full_model)));
    if (image && model) continue;
    io.warn("worker {} at {} gets no more requests: its {} left the root contract's list", id, worker.peer.address,
            image ? "model" : "image");
    unlist(worker);
  }
}

std::variant<WorkerLink*, market::Refusal> Workers::choose(const std::string& model, const market::Ask& ask,
                                                           std::span<const role::LinkId> not_these, Time now) {
  const auto entry = models_.find(model);
  if (entry == models_.end()) return market::Refusal{{wire::kErrorProtocolViolation, "unknown model " + model}, false};
  std::vector<market::Candidate> candidates;
  candidates.reserve(entry->second.size());
  for (const role::LinkId id : entry->second) {
    if (std::find(not_these.begin(), not_these.end(), id) != not_these.end()) continue;
    const WorkerLink& worker = links_.at(id);
    candidates.push_back({.connection = id,
                          .enabled = worker.step == Step::ready && !worker.disabled,
                          .proto_version = worker.version,
                          .coefficient = worker.coefficient,
                          .running = worker.running,
                          .limit = worker.limit,
                          .average_seconds = worker.durations.seconds(now),
                          .first_seconds = worker.first_bytes.mean(),
                          .failing = worker.failing,
                          .resting = !worker.breaker.admits(now, worker.running),
                          .name = worker.name});
  }
  auto chosen = market::select_worker(candidates, ask);
  if (auto* refusal = std::get_if<market::Refusal>(&chosen)) return std::move(*refusal);
  return &links_.at(candidates[std::get<std::size_t>(chosen)].connection);
}

void Workers::engage(WorkerLink& worker) {
  ++worker.running;
  ++worker.requests;
}

void Workers::release(WorkerLink& worker, Left left, Duration took, Time now) {
  constexpr double kForget = 0.9;  // an answer weighs a tenth, the one before it nine tenths of that
  --worker.running;
  ++openings_;
  worker.durations.add(now, took);
  if (left == Left::neither) return;
  const bool failed = left == Left::failed;
  worker.failing = worker.failing * kForget + (failed ? 1 - kForget : 0);
  if (failed) return worker.breaker.failed(now);
  ++worker.succeeded;
  worker.breaker.succeeded();
}

Time Workers::next_opening(Time now) const {
  Time at = Time::max();
  for (const auto& [id, worker] : links_) at = std::min(at, worker.breaker.opens_at(now));
  return at;
}

wire::client::WorkerTypes Workers::types() const {
  constexpr std::int32_t kSentinel = 2147483647;  // the reference's list ends with it (wire.md 4.3)
  wire::client::WorkerTypes out;
  for (const auto& [name, ids] : models_) {
    std::vector<std::int32_t> coefficients{kSentinel};
    for (const role::LinkId id : ids) coefficients.push_back(links_.at(id).coefficient);
    std::sort(coefficients.begin(), coefficients.end());
    wire::client::WorkerType type;
    type.name = name;
    type.active_workers = static_cast<std::int32_t>(ids.size());
    type.coefficient_min = coefficients.front();
    type.coefficient_bucket50 = coefficients[coefficients.size() / 2];
    type.coefficient_max = coefficients.back();
    out.types.push_back(std::move(type));
  }
  return out;
}

wire::client::WorkerTypesV2 Workers::types_v2(ListForm form) const {
  wire::client::WorkerTypesV2 out;
  for (const auto& [name, ids] : models_) {
    wire::client::WorkerTypeV2 type;
    type.name = name;
    for (const role::LinkId id : ids) {
      const WorkerLink& worker = links_.at(id);
      if (worker.disabled || worker.step != Step::ready) continue;
      wire::client::WorkerInstanceV2 instance;
      instance.coefficient = worker.coefficient;
      instance.active_requests = worker.running;
      instance.max_active_requests = worker.limit;
      if (form == ListForm::with_additions && worker.context_length > 0)
        instance.set_context_length(worker.context_length);
      type.workers.push_back(instance);
    }
    std::stable_sort(type.workers.begin(), type.workers.end(),
                     [](const auto& a, const auto& b) { return a.coefficient < b.coefficient; });
    out.types.push_back(std::move(type));
  }
  return out;
}

}  // namespace cocoon::proxy
