// From a client's request to a worker that has it: admission, choice, waiting, and another try before the first byte.
#include <algorithm>
#include <set>
#include <tuple>

#include "base/assert.hpp"
#include "market/timeouts.hpp"
#include "proxy/core/requests.hpp"
#include "wire/http_edit.hpp"

namespace cocoon::proxy {
namespace {

// Room that our own message needs around the bytes of a client or a worker.
constexpr std::size_t kEnvelope = 4096;

// More bytes than that for each token that was reserved no engine makes, with all of its decorations: the stream is
// longer than it is paid for (contracts.md W-6).
constexpr std::uint64_t kBytesPerToken = 8192;
constexpr std::uint64_t kAnswerFloor = 1u << 20;

Result<market::Policy> policy_of(std::string_view header) {
  if (header.empty()) return market::Policy{};
  if (auto policy = market::parse_policy(header)) return *std::move(policy);
  return fail(wire::kErrorProtocolViolation, "header {}: balanced, cheapest, fastest or worker=NAME is expected",
              market::kPolicyHeader);
}

Duration microseconds(double seconds) { return Duration(static_cast<std::int64_t>(seconds * 1e6)); }

}  // namespace

// The checks before a worker is looked for, in the order of wire.md 4.7.2; hostile numbers first (D10).
Result<Bits256> Requests::admit(const ClientLink& client, const Ask& ask) const {
  if (refusing_) return fail(wire::kErrorNotReady, "this proxy is about to stop");
  if (ask.max_tokens < 0 || ask.max_coefficient < 0 || !(ask.timeout > 0))
    return fail(wire::kErrorProtocolViolation, "max_tokens {}, max_coefficient {} or timeout {} out of range",
                ask.max_tokens, ask.max_coefficient, ask.timeout);
  if (ask.query.size() + kEnvelope > wire::kMaxPayload)
    return fail(wire::kErrorProtocolViolation, "a request of {} bytes is too long", ask.query.size());
  if (running_.size() >= config_.max_requests || running_of(client.owner) >= config_.max_requests_per_client)
    return fail(wire::kErrorRequest, "too many running requests");
  const auto known = money_.client(client.owner);
  const std::int64_t available = known ? known->available : 0;
  if (available < ask.max_tokens)
    return fail(wire::kErrorRequest, "client balance is too low: {} tokens available, {} asked for", available,
                ask.max_tokens);
  const auto wanted = static_cast<std::uint32_t>(ask.min_config_version);
  if (wanted > instance_.config_version())
    return fail(wire::kErrorRequest, "our copy of the root contract has version {}, you ask for {}",
                instance_.config_version(), wanted);
  if (!known || !known->open()) return fail(wire::kErrorNotReady, "your client contract is closing");
  if (!ask.encrypted()) return Bits256{};
  const auto key = group_keys_.find(ask.public_key);
  if (key == group_keys_.end()) return fail(wire::kErrorRequest, "no worker has the key of this public key");
  return key->second.seed;
}

void Requests::reject(Io& io, role::LinkId client, const Addressee& to, const Error& why) {
  stats_.rejected.add(1, io.now);
  io.debug("request {} of client {} rejected: {} ({})", to_hex(to.request), client, why.what, why.code);
  const double now = unix_seconds(io.now);
  Final final;
  final.proxy_start = final.proxy_end = final.worker_start = final.worker_end = now;
  io.send(client, reply_error(to, why.code, why.what, false, final));
}

void Requests::run(Io& io, const ClientLink& client, Ask ask) {
  stats_.queries.add(1, io.now);
  forget_expired_keys(io.now);
  const auto private_key = admit(client, ask);
  if (!private_key) return reject(io, client.id, ask.to, private_key.error());
  const auto header = wire::request_header(ask.query, market::kPolicyHeader);
  if (header) {
    auto policy = policy_of(*header);
    if (!policy) return reject(io, client.id, ask.to, policy.error());
    ask.policy = *std::move(policy);
  }
  const auto chosen = workers_.choose(ask.model, ask.wish(), {}, io.now);
  const auto* refusal = std::get_if<market::Refusal>(&chosen);
  if (refusal != nullptr && !(refusal->may_change && has_room_to_wait(client.owner, ask)))
    return reject(io, client.id, ask.to, refusal->why);
  const std::uint64_t reserved = instance_.tokens_to_reserve(
      static_cast<std::uint32_t>(ask.max_tokens), ask.query.size(), static_cast<std::uint32_t>(ask.max_coefficient));
  if (const auto held = money_.reserve(client.owner, reserved); !held)
    return reject(io, client.id, ask.to, {wire::kErrorRequest, held.error().what});

  Request& r = take(io, client, ask, reserved);
  r.private_key = *private_key;
  r.ask = std::make_unique<Ask>(std::move(ask));
  kept_bytes_ += r.ask->query.size();
  if (refusal != nullptr) return wait(io, r);
  give_to(io, r, *std::get<WorkerLink*>(chosen));
  // A request that is none costs nothing, but both sides hear the end of it (wire.md 4.7.2, recorded).
  if (!header) return abandon(io, r, wire::kErrorGeneric, header.error().what);
  forward(io, r);
}

// A request of ours, with no worker yet.
Request& Requests::take(Io& io, const ClientLink& client, const Ask& ask, std::uint64_t reserved) {
  Request r;
  r.id = new_id();
  r.client = r.asked_by = client.id;
  r.to = ask.to;
  r.client_owner = client.owner;
  r.model = ask.model;
  r.reserved = reserved;
  r.max_bytes =
      std::min(config_.max_answer_bytes, kAnswerFloor + kBytesPerToken * static_cast<std::uint64_t>(ask.max_tokens));
  r.started = io.now;
  r.deadline = io.now + microseconds(market::clamp_timeout(ask.timeout));
  ++per_client_[r.client_owner];
  by_client_.emplace(std::pair(r.asked_by, r.to.request), r.id);
  deadlines_.set(r.id, r.deadline);
  return running_.emplace(r.id, std::move(r)).first->second;
}

Bits256 Requests::new_id() {
  Bits256 id;
  do id = random_.bits256();
  while (running_.contains(id));
  return id;
}

void Requests::give_to(Io& io, Request& r, WorkerLink& worker) {
  stop_waiting(r);
  r.worker = worker.id;
  r.worker_owner = worker.owner;
  r.asked_at = io.now;
  r.tried.push_back(worker.id);
  deadlines_.set(r.id, r.deadline);
  ++per_worker_[r.worker_owner];
  workers_.engage(worker);
}

void Requests::leave_worker(Io& io, const Request& r, Workers::Left left) {
  if (r.worker == 0) return;
  if (--per_worker_[r.worker_owner] == 0) per_worker_.erase(r.worker_owner);
  if (WorkerLink* worker = workers_.find(r.worker)) workers_.release(*worker, left, io.now - r.asked_at, io.now);
}

void Requests::forward(Io& io, Request& r) {
  const WorkerLink& worker = *workers_.find(r.worker);
  const auto fill = [&](auto form) {
    form.query = r.ask->query;
    form.signed_payment = money_.cached_for_worker(worker.owner);
    form.coefficient = worker.coefficient;
    form.timeout = market::inner_timeout(to_seconds(r.deadline - io.now));
    form.request_id = r.id;
    if constexpr (requires { form.enable_debug; }) {
      form.set_debug(r.to.debug);
      if (worker.version >= 3) form.set_private_key(r.private_key);
      if (worker.peer.additions) form.want_counts();
    }
    io.send(worker.id, form);
  };
  if (worker.version >= 1)
    fill(wire::proxy::RunQueryEx{});
  else
    fill(wire::proxy::RunQuery{});
  if (kept_bytes_ > config_.max_kept_bytes) forget_ask(r);
}

// Nothing of an answer has reached the client, so another worker can begin anew. The old one hears the end of it.
bool Requests::try_another(Io& io, Request& r, const std::string& why, bool lost) {
  if (r.head_seen || !r.ask || r.client == 0 || r.tried.size() >= static_cast<std::size_t>(config_.max_attempts))
    return false;
  const auto chosen = workers_.choose(r.model, r.ask->wish(), r.tried, io.now);
  auto* const* next = std::get_if<WorkerLink*>(&chosen);
  if (next == nullptr) return false;
  io.debug("request {}: worker {} failed ({}), worker {} gets it", to_hex(r.id), r.worker, why, (*next)->id);
  leave_worker(io, r, r.troubled || lost ? Workers::Left::failed : Workers::Left::neither);
  if (!lost) {
    io.send(r.worker, wire::proxy::CancelQuery{r.id});
    pay_worker(io, r, 0);
  }
  Request& again = rename(r);
  again.troubled = false;
  give_to(io, again, **next);
  forward(io, again);
  return true;
}

// A late word of the old worker must not be taken for the new one's.
Request& Requests::rename(Request& r) {
  const Bits256 old = r.id;
  auto node = running_.extract(old);
  node.key() = node.mapped().id = new_id();
  deadlines_.erase(old);
  if (const auto own = by_client_.find({r.asked_by, r.to.request}); own != by_client_.end() && own->second == old)
    own->second = r.id;
  return running_.insert(std::move(node)).position->second;
}

bool Requests::has_room_to_wait(const ton::Address& owner, const Ask& ask) const {
  const auto own = waiting_of_.find(owner);
  return waiting_.size() < config_.max_waiting && kept_bytes_ + ask.query.size() <= config_.max_kept_bytes &&
         (own == waiting_of_.end() || own->second < config_.max_waiting_per_client);
}

void Requests::wait(Io& io, Request& r) {
  r.ticket = next_ticket_++;
  waiting_.emplace(r.ticket, r.id);
  ++waiting_of_[r.client_owner];
  deadlines_.set(r.id, std::min(r.deadline, io.now + config_.longest_wait));
}

void Requests::stop_waiting(Request& r) {
  if (r.ticket == 0 || waiting_.erase(r.ticket) == 0) return;
  if (--waiting_of_[r.client_owner] == 0) waiting_of_.erase(r.client_owner);
  r.ticket = 0;
}

void Requests::forget_ask(Request& r) {
  if (!r.ask) return;
  kept_bytes_ -= r.ask->query.size();
  r.ask.reset();
}

// Who has least under way comes first, then who has waited longest: a client that asks for much waits for itself.
void Requests::serve_waiting(Io& io) {
  if (waiting_.empty() || (openings_seen_ == workers_.openings() && io.now < next_opening_)) return;
  openings_seen_ = workers_.openings();
  std::vector<std::tuple<std::size_t, std::uint64_t, Bits256>> order;
  order.reserve(waiting_.size());
  for (const auto& [ticket, id] : waiting_) {
    const auto& owner = running_.at(id).client_owner;
    order.emplace_back(running_of(owner) - waiting_of_.at(owner), ticket, id);
  }
  std::sort(order.begin(), order.end());
  // What one did not get, others that ask the same will not get either.
  std::set<std::tuple<std::string, std::int32_t, bool, int, std::string>> in_vain;
  for (const auto& [share, ticket, id] : order) {
    Request& r = running_.at(id);
    const auto& ask = *r.ask;
    auto wish =
        std::tuple(r.model, ask.max_coefficient, ask.encrypted(), static_cast<int>(ask.policy.kind), ask.policy.worker);
    if (in_vain.contains(wish)) continue;
    const auto chosen = workers_.choose(r.model, ask.wish(), r.tried, io.now);
    if (auto* const* worker = std::get_if<WorkerLink*>(&chosen)) {
      give_to(io, r, **worker);
      forward(io, r);
    } else if (const auto& refusal = std::get<market::Refusal>(chosen); refusal.may_change) {
      in_vain.insert(std::move(wish));
    } else {
      abandon(io, r, refusal.why.code, refusal.why.what);
    }
  }
  next_opening_ = workers_.next_opening(io.now);
}

}  // namespace cocoon::proxy
