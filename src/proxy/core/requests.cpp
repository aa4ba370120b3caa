#include "proxy/core/requests.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "market/timeouts.hpp"
#include "wire/http_edit.hpp"

namespace cocoon::proxy {
namespace {

// Room that our own message needs around the bytes of a client or a worker.
constexpr std::size_t kEnvelope = 4096;

// More bytes than that for each token that was reserved no engine makes, with all of its decorations: the stream is
// longer than it is paid for (contracts.md W-6).
constexpr std::uint64_t kBytesPerToken = 8192;
constexpr std::uint64_t kAnswerFloor = 1u << 20;

double seconds_of(Time t) { return t == Time{} ? 0 : unix_seconds(t); }

std::string proxy_debug(const Request& r, Time now) {
  return fmt::format(
      R"({{"type":"proxy","start_time":{:.6f},"answer_receive_start_at":{:.6f},"answer_receive_end_at":{:.6f}}})",
      seconds_of(r.started), seconds_of(r.head_at), seconds_of(now));
}

// Old answers say tokens only: the rest of the final info is unknown.
Result<wire::proxy::QueryFinalInfo> final_info_of(const wire::AnswerView& answer) {
  if (answer.ex) return tl::decode_inline<wire::proxy::QueryFinalInfo>(answer.final_info);
  wire::proxy::QueryFinalInfo info;
  TRY_ASSIGN(info.tokens_used, tl::decode_inline<wire::TokensUsed>(answer.final_info));
  return info;
}

// The first answer as the client gets it: with the two times of this proxy (wire.md 4.7.4).
Result<Bytes> with_proxy_times(BytesView http_response, Time started, Time now) {
  const std::array<wire::http::Header, 2> times{{{"X-Cocoon-Proxy-Start", wire::seconds_text(unix_seconds(started))},
                                                 {"X-Cocoon-Proxy-End", wire::seconds_text(unix_seconds(now))}}};
  return wire::with_headers(http_response, times);
}

}  // namespace

// What both forms of the request say.
struct Requests::Ask {
  std::string model;
  Bytes query;
  std::int32_t max_coefficient = 0;
  std::int32_t max_tokens = 0;
  double timeout = 0;
  std::int32_t min_config_version = 0;
  Bits256 public_key;
  Addressee to;

  template <class Form>
  static Ask from(Form&& form, std::int32_t version) {
    Ask ask;
    ask.model = std::move(form.model_name);
    ask.query = std::move(form.query);
    ask.max_coefficient = form.max_coefficient;
    ask.max_tokens = form.max_tokens;
    ask.timeout = form.timeout;
    ask.min_config_version = form.min_config_version;
    ask.to.request = form.request_id;
    ask.to.version = version;
    if constexpr (requires { form.enable_debug; }) {
      ask.to.debug = form.enable_debug;
      ask.public_key = form.public_key;
    }
    return ask;
  }
  bool encrypted() const { return !public_key.is_zero(); }
};

void Requests::client_packet(Io& io, const ClientLink& client, BytesView packet) {
  stats_.bytes_received.add(static_cast<double>(packet.size()), io.now);
  switch (wire::peek_id(packet)) {
    case wire::client::RunQueryEx::kId:
      if (auto form = wire::decode<wire::client::RunQueryEx>(packet))
        return run(io, client, Ask::from(*std::move(form), client.version));
      break;
    case wire::client::RunQuery::kId:
      if (auto form = wire::decode<wire::client::RunQuery>(packet))
        return run(io, client, Ask::from(*std::move(form), client.version));
      break;
    default:
      return;
  }
  io.debug("client {}: a request that does not decode was dropped", client.id);
}

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
  const auto chosen = workers_.choose(ask.model, ask.max_coefficient, ask.encrypted(), io.now);
  if (!chosen) return reject(io, client.id, ask.to, chosen.error());
  WorkerLink& worker = **chosen;
  const std::uint64_t reserved = instance_.tokens_to_reserve(
      static_cast<std::uint32_t>(ask.max_tokens), ask.query.size(), static_cast<std::uint32_t>(ask.max_coefficient));
  if (const auto held = money_.reserve(client.owner, reserved); !held)
    return reject(io, client.id, ask.to, {wire::kErrorRequest, held.error().what});

  Request r;
  do r.id = random_.bits256();
  while (running_.contains(r.id));
  r.client = client.id;
  r.worker = worker.id;
  r.to = ask.to;
  r.client_owner = client.owner;
  r.worker_owner = worker.owner;
  r.model = ask.model;
  r.reserved = reserved;
  r.max_bytes =
      std::min(config_.max_answer_bytes, kAnswerFloor + kBytesPerToken * static_cast<std::uint64_t>(ask.max_tokens));
  r.started = io.now;
  const double timeout = market::clamp_timeout(ask.timeout);
  deadlines_.set(r.id, io.now + Duration(static_cast<std::int64_t>(timeout * 1e6)));
  ++per_client_[r.client_owner];
  ++per_worker_[r.worker_owner];
  ++worker.running;
  ++worker.requests;
  Request& kept = running_.emplace(r.id, std::move(r)).first->second;

  // A request that is none costs nothing, but both sides hear the end of it (wire.md 4.7.2, recorded).
  if (const auto http = wire::check_http_request(ask.query); !http)
    return abandon(io, kept, wire::kErrorGeneric, http.error().what);
  forward(io, kept, worker, std::move(ask), *private_key, market::inner_timeout(timeout));
}

void Requests::forward(Io& io, const Request& r, const WorkerLink& worker, Ask ask, const Bits256& private_key,
                       double timeout) {
  const auto fill = [&](auto form) {
    form.query = std::move(ask.query);
    form.signed_payment = money_.cached_for_worker(worker.owner);
    form.coefficient = worker.coefficient;
    form.timeout = timeout;
    form.request_id = r.id;
    if constexpr (requires { form.enable_debug; }) {
      form.set_debug(ask.to.debug);
      if (worker.version >= 3) form.set_private_key(private_key);
    }
    io.send(worker.id, form);
  };
  if (worker.version >= 1)
    fill(wire::proxy::RunQueryEx{});
  else
    fill(wire::proxy::RunQuery{});
}

void Requests::worker_packet(Io& io, role::LinkId worker, BytesView packet) {
  const auto answer = wire::peek_answer(packet);
  if (!answer) return io.debug("worker {}: an answer that does not decode was dropped", worker);
  const auto it = running_.find(answer->request_id);
  if (it == running_.end() || it->second.worker != worker || workers_.find_ready(worker) == nullptr) return;
  switch (answer->kind) {
    case wire::AnswerKind::first:
      return head(io, it->second, *answer);
    case wire::AnswerKind::part:
      return part(io, it->second, *answer);
    case wire::AnswerKind::error:
      return error(io, it->second, *answer);
  }
}

void Requests::head(Io& io, Request& r, const wire::AnswerView& answer) {
  if (r.head_seen) return abandon(io, r, wire::kErrorProtocolViolation, "the worker sent a second first answer");
  auto response = with_proxy_times(answer.bytes, r.started, io.now);
  if (!response)
    return abandon(io, r, wire::kErrorProtocolViolation,
                   "the worker's answer does not decode: " + response.error().what);
  r.head_at = io.now;
  if (answer.final) {
    const auto info = final_info_of(answer);
    if (!info) return abandon(io, r, wire::kErrorProtocolViolation, "the worker's final info does not decode");
    return end_with(io, r, *info, true, *std::move(response));
  }
  if (!deliver(io, r, reply_head(r.to, *std::move(response), nullptr))) return;
  r.head_seen = true;
  if (!config_.routes || r.client == 0) return;
  r.routed = true;
  io.emit(OpenRoute{r.worker, r.id, r.client, r.to.request, r.to.ex(), r.max_bytes});
}

void Requests::part(Io& io, Request& r, const wire::AnswerView& answer) {
  if (!r.head_seen)
    return abandon(io, r, wire::kErrorProtocolViolation, "the worker sent a part before the first answer");
  if (!answer.final) {
    r.bytes += answer.bytes.size();
    if (r.bytes > r.max_bytes)
      return abandon(io, r, wire::kErrorCancelled, "the answer is longer than what was reserved for it");
    deliver(io, r, reply_part(r.to, to_bytes(answer.bytes), nullptr));
    return;
  }
  const auto info = final_info_of(answer);
  if (!info) return abandon(io, r, wire::kErrorProtocolViolation, "the worker's final info does not decode");
  end_with(io, r, *info, false, to_bytes(answer.bytes));
}

void Requests::error(Io& io, Request& r, const wire::AnswerView& answer) {
  Final final = final_of(r, io.now);
  Outcome outcome;
  // D11: the final info of an error may be missing; nothing in it is needed.
  if (const auto info = final_info_of(answer); info && answer.ex) {
    // What went out of an answer that broke off is paid for; before its head nothing did.
    if (r.head_seen) outcome.tokens = capped(info->tokens_used, r.reserved);
    final.tokens = outcome.tokens;
    final.worker_debug = info->worker_debug;
    final.worker_start = info->worker_start_time;
    final.worker_end = info->worker_end_time;
  }
  if (!deliver(io, r, reply_error(r.to, answer.error_code, to_text(answer.bytes), r.head_seen, final))) return;
  finish(io, r.id, outcome);
}

// False: it did not fit into a frame, and the request is no more.
bool Requests::deliver(Io& io, Request& r, Bytes packet) {
  if (packet.size() > kLargestObject) {
    abandon(io, r, wire::kErrorProtocolViolation, "the worker's answer does not fit into a frame");
    return false;
  }
  if (r.client == 0) return true;
  stats_.bytes_sent.add(static_cast<double>(packet.size()), io.now);
  io.send(r.client, std::move(packet));
  return true;
}

void Requests::end_with(Io& io, Request& r, const wire::proxy::QueryFinalInfo& info, bool is_head, Bytes bytes) {
  Outcome outcome{true, capped(info.tokens_used, r.reserved)};
  if (outcome.tokens.total_tokens_used != info.tokens_used.total_tokens_used)
    io.warn("worker {}: request {} reported {} tokens, charged {} (reserved {})", r.worker, to_hex(r.id),
            info.tokens_used.total_tokens_used, outcome.tokens.total_tokens_used, r.reserved);
  Final final = final_of(r, io.now);
  final.tokens = outcome.tokens;
  final.worker_debug = info.worker_debug;
  final.worker_start = info.worker_start_time;
  final.worker_end = info.worker_end_time;
  Bytes packet = is_head ? reply_head(r.to, std::move(bytes), &final) : reply_part(r.to, std::move(bytes), &final);
  if (deliver(io, r, std::move(packet))) finish(io, r.id, outcome);
}

// The proxy itself ends a request with an error; nobody is charged.
void Requests::abandon(Io& io, Request& r, int code, std::string why) {
  io.debug("request {} of client {} to worker {} failed: {} ({})", to_hex(r.id), r.client, r.worker, why, code);
  if (r.client != 0) io.send(r.client, reply_error(r.to, code, std::move(why), r.head_seen, final_of(r, io.now)));
  finish(io, r.id, {});
}

Final Requests::final_of(const Request& r, Time now) const {
  Final final;
  if (r.to.debug) final.proxy_debug = proxy_debug(r, now);
  final.proxy_start = unix_seconds(r.started);
  final.proxy_end = unix_seconds(now);
  return final;
}

// Never negative, never more than was reserved (D10, D15); the classes never more than the total.
wire::TokensUsed Requests::capped(const wire::TokensUsed& said, std::uint64_t limit) const {
  const auto most = static_cast<std::int64_t>(std::min<std::uint64_t>(limit, std::numeric_limits<std::int64_t>::max()));
  wire::TokensUsed out;
  out.total_tokens_used = std::clamp<std::int64_t>(said.total_tokens_used, 0, most);
  std::int64_t left = out.total_tokens_used;
  const auto take = [&left](std::int64_t said_of_class) {
    const auto taken = std::clamp<std::int64_t>(said_of_class, 0, left);
    left -= taken;
    return taken;
  };
  out.prompt_tokens_used = take(said.prompt_tokens_used);
  out.cached_tokens_used = take(said.cached_tokens_used);
  out.completion_tokens_used = take(said.completion_tokens_used);
  out.reasoning_tokens_used = take(said.reasoning_tokens_used);
  return out;
}

// wire.md 4.7.5.
void Requests::finish(Io& io, Bits256 id, const Outcome& outcome) {
  const auto it = running_.find(id);
  COCOON_ASSERT(it != running_.end());
  const Request r = std::move(it->second);
  running_.erase(it);
  deadlines_.erase(id);
  if (--per_client_[r.client_owner] == 0) per_client_.erase(r.client_owner);
  if (--per_worker_[r.worker_owner] == 0) per_worker_.erase(r.worker_owner);
  const Duration took = io.now - r.started;
  if (WorkerLink* worker = workers_.find(r.worker)) {
    --worker->running;
    worker->succeeded += outcome.success ? 1u : 0u;
    worker->durations.add(io.now, took);
  }
  if (r.routed) io.emit(CloseRoute{r.worker, r.id});
  money_.finish(r.client_owner, r.worker_owner, r.reserved,
                static_cast<std::uint64_t>(outcome.tokens.total_tokens_used), io.now);
  (outcome.success ? stats_.success : stats_.failed).add(1, io.now);
  stats_.seconds.add(to_seconds(took), io.now);
  const auto& t = outcome.tokens;
  if (t.total_tokens_used > 0) {
    stats_.total.add(static_cast<double>(t.total_tokens_used), io.now);
    stats_.prompt.add(static_cast<double>(t.prompt_tokens_used), io.now);
    stats_.cached.add(static_cast<double>(t.cached_tokens_used), io.now);
    stats_.completion.add(static_cast<double>(t.completion_tokens_used), io.now);
    stats_.reasoning.add(static_cast<double>(t.reasoning_tokens_used), io.now);
  }
  pay(io, r, outcome);
}

void Requests::pay(Io& io, const Request& r, const Outcome& outcome) {
  if (r.client != 0) {
    auto [payment, db, max] = money_.client_payment(r.client_owner);
    io.send(r.client, wire::proxy::ClientRequestPayment{r.to.request, std::move(payment), db, max,
                                                        outcome.tokens.total_tokens_used});
  }
  if (r.worker == 0) return;
  auto [payment, db, max] = money_.worker_payment(r.worker_owner);
  io.send(r.worker,
          wire::proxy::WorkerRequestPayment{r.id, std::move(payment), db, max, outcome.tokens.total_tokens_used,
                                            instance_.text(r.client_owner)});
}

void Requests::client_lost(Io& io, role::LinkId client) {
  for (auto& [id, r] : running_) {
    if (r.client != client) continue;
    // It runs on and is charged; there is no cancel towards a worker (wire.md 4.3, 4.7.4).
    r.client = 0;
    if (r.routed) io.emit(CloseRoute{r.worker, r.id});
    r.routed = false;
  }
}

void Requests::worker_lost(Io& io, role::LinkId worker) {
  std::vector<Bits256> lost;
  for (const auto& [id, r] : running_)
    if (r.worker == worker) lost.push_back(id);
  std::sort(lost.begin(), lost.end());
  for (const Bits256& id : lost) {
    Request& r = running_.at(id);
    if (r.routed) io.emit(CloseRoute{r.worker, r.id});
    r.routed = false;
    r.worker = 0;
    abandon(io, r, wire::kErrorNotReady, "the connection to the worker was lost");  // D13
  }
}

void Requests::fail_all(Io& io, const std::string& why) {
  while (!running_.empty()) abandon(io, running_.begin()->second, wire::kErrorCancelled, why);
}

void Requests::route_failed(Io& io, const RouteFailed& failed) {
  const auto it = running_.find(failed.worker_request);
  if (it == running_.end() || it->second.worker != failed.worker) return;
  it->second.routed = false;
  abandon(io, it->second, wire::kErrorCancelled, failed.reason);
}

void Requests::tick(Io& io) {
  while (const auto late = deadlines_.pop_due(io.now))
    abandon(io, running_.at(*late), wire::kErrorTimeout, "timeout in the proxy");
}

void Requests::group_keys(const GroupKeys& keys, Time now) {
  forget_expired_keys(now);
  for (const auto& key : keys.keys) {
    if (group_keys_.size() >= config_.max_group_keys) return;
    if (key.expires_at > unix_time(now))
      group_keys_.emplace(crypto::KeyPair(key.seed).public_key(), GroupKey{key.seed, key.expires_at});
  }
}

void Requests::forget_expired_keys(Time now) {
  std::erase_if(group_keys_, [now](const auto& entry) { return entry.second.expires_at <= unix_time(now); });
}

std::size_t Requests::running_of(const ton::Address& client_owner) const {
  const auto it = per_client_.find(client_owner);
  return it == per_client_.end() ? 0 : it->second;
}

std::size_t Requests::running_for(const ton::Address& worker_owner) const {
  const auto it = per_worker_.find(worker_owner);
  return it == per_worker_.end() ? 0 : it->second;
}

}  // namespace cocoon::proxy
