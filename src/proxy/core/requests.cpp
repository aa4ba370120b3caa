#include "proxy/core/requests.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "base/assert.hpp"
#include "base/mutation.hpp"
#include "wire/http_edit.hpp"

namespace cocoon::proxy {
namespace {

double seconds_of(Time t) { return t == Time{} ? 0 : unix_seconds(t); }

std::string proxy_debug(const Request& r, Time now) {
  return fmt::format(
      R"({{"type":"proxy","start_time":{:.6f},"answer_receive_start_at":{:.6f},"answer_receive_end_at":{:.6f}}})",
      seconds_of(r.started), seconds_of(r.head_at), seconds_of(now));
}

// What a part weighs against the limit of its request. An empty one weighs something too: it is a message.
std::uint64_t weight_of(const wire::AnswerView& part) {
  constexpr std::uint64_t kEnvelope = 44;  // constructor, id, length and flags of proxy.queryAnswerPartEx
  return kEnvelope + part.bytes.size();
}

// Of a thousand counts one is read: they are kept as they came.
void take_count(Request& r, const wire::AnswerView& part) {
  if (!part.counted.empty() && !mutated("I9-unpaid-part")) r.counted = FixedBytes<40>::from(part.counted);
}

wire::TokensUsed count_of(const Request& r) {
  return tl::decode_inline<wire::TokensUsed>(r.counted.view()).value_or(wire::TokensUsed{});
}

// What an engine behind a worker answers when it cannot serve now; another worker may.
bool engine_trouble(int status) { return status == 429 || (status >= 502 && status <= 504); }
Workers::Left left_of(const Request& r, const Outcome& outcome) {
  if (r.troubled) return Workers::Left::failed;
  return outcome.success ? Workers::Left::answered : Workers::Left::neither;
}
// Errors that are the worker's own, not the request's.
bool worker_trouble(int code) {
  return code == wire::kErrorFailure || code == wire::kErrorNotReady || code == wire::kErrorCancelled;
}

// Old answers say tokens only: the rest of the final info is unknown.
Result<wire::proxy::QueryFinalInfo> final_info_of(const wire::AnswerView& answer) {
  if (answer.ex) return tl::decode_inline<wire::proxy::QueryFinalInfo>(answer.final_info);
  wire::proxy::QueryFinalInfo info;
  TRY_ASSIGN(info.tokens_used, tl::decode_inline<wire::TokensUsed>(answer.final_info));
  return info;
}

// The first answer as the client gets it: with the two times of this proxy (wire.md 4.7.4) and the name by which the
// worker can be pinned.
Result<Bytes> with_proxy_headers(BytesView http_response, Time started, Time now, const std::string& worker) {
  const std::array<wire::http::Header, 3> own{{{std::string(kWorkerHeader), worker},
                                               {"X-Cocoon-Proxy-Start", wire::seconds_text(unix_seconds(started))},
                                               {"X-Cocoon-Proxy-End", wire::seconds_text(unix_seconds(now))}}};
  return wire::with_headers(http_response, own);
}

}  // namespace

bool pass_part(Request& r, const wire::AnswerView& part, BytesView packet, Bytes& out) {
  if (!r.head_seen || r.cancelled || r.client == 0 || r.bytes + weight_of(part) > r.max_bytes) return false;
  r.bytes += weight_of(part);
  take_count(r, part);
  if (part.ex && r.to.ex())
    wire::readdress_part(packet, r.to.request, out);
  else
    out = reply_part(r.to, to_bytes(part.bytes), nullptr);
  return true;
}

std::optional<Carried> Requests::carry(role::LinkId worker, BytesView packet, Bytes& out) {
  if (running_.empty()) return std::nullopt;
  const auto part = wire::peek_answer(packet);
  if (!part || part->kind != wire::AnswerKind::part || part->final || part->flags != 0) return std::nullopt;
  const auto it = running_.find(part->request_id);
  if (it == running_.end() || it->second.worker != worker || !pass_part(it->second, *part, packet, out))
    return std::nullopt;
  carried_bytes_ += packet.size();
  return Carried{it->second.client, it->second.id};
}

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
    case wire::client::CancelQuery::kId:
      if (const auto gone = wire::decode<wire::client::CancelQuery>(packet))
        return client_cancels(io, client.id, gone->request_id);
      break;
    default:
      return;
  }
  io.debug("client {}: a request that does not decode was dropped", client.id);
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
  WorkerLink* worker = workers_.find(r.worker);
  COCOON_ASSERT(worker != nullptr);
  auto response = with_proxy_headers(answer.bytes, r.started, io.now, worker->name);
  if (!response)
    return abandon(io, r, wire::kErrorProtocolViolation,
                   "the worker's answer does not decode: " + response.error().what);
  if (const auto status = wire::response_status(answer.bytes); status && engine_trouble(*status)) {
    r.troubled = true;
    if (try_another(io, r, fmt::format("status {}", *status))) return;
  }
  r.head_at = io.now;
  workers_.answer_began(*worker, io.now - r.asked_at, io.now);
  forget_ask(r);
  if (answer.final) {
    const auto info = final_info_of(answer);
    if (!info) return abandon(io, r, wire::kErrorProtocolViolation, "the worker's final info does not decode");
    return end_with(io, r, *info, true, *std::move(response));
  }
  if (deliver(io, r, reply_head(r.to, *std::move(response), nullptr))) r.head_seen = true;
}

void Requests::part(Io& io, Request& r, const wire::AnswerView& answer) {
  if (!r.head_seen)
    return abandon(io, r, wire::kErrorProtocolViolation, "the worker sent a part before the first answer");
  if (!answer.final) {
    if (r.cancelled) return;  // on its way when the worker was told to stop
    r.bytes += weight_of(answer);
    if (r.bytes > r.max_bytes)
      return cut(io, r, wire::kErrorCancelled, "the answer is longer than what was reserved for it");
    if (deliver(io, r, reply_part(r.to, to_bytes(answer.bytes), nullptr))) take_count(r, answer);
    return;
  }
  const auto info = final_info_of(answer);
  if (!info) return abandon(io, r, wire::kErrorProtocolViolation, "the worker's final info does not decode");
  end_with(io, r, *info, false, to_bytes(answer.bytes));
}

void Requests::error(Io& io, Request& r, const wire::AnswerView& answer) {
  r.troubled = !r.cancelled && worker_trouble(answer.error_code);
  if ((r.troubled || answer.error_code == wire::kErrorRequest) && try_another(io, r, to_text(answer.bytes))) return;
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
  const int code = r.cut ? r.cut->code : answer.error_code;
  std::string why = r.cut ? r.cut->what : to_text(answer.bytes);
  if (!deliver(io, r, reply_error(r.to, code, std::move(why), r.head_seen, final))) return;
  finish(io, r.id, outcome);
}

// False: it did not fit into a frame, and the request is no more.
bool Requests::deliver(Io& io, Request& r, Bytes packet) {
  if (packet.size() > kLargestObject) {
    abandon(io, r, wire::kErrorProtocolViolation, "the worker's answer does not fit into a frame");
    return false;
  }
  if (r.client == 0 || (r.cancelled && !r.cut)) return true;
  stats_.bytes_sent.add(static_cast<double>(packet.size()), io.now);
  io.send(r.client, std::move(packet));
  return true;
}

void Requests::end_with(Io& io, Request& r, const wire::proxy::QueryFinalInfo& info, bool is_head, Bytes bytes) {
  // Its end crossed our order to stop: it counts all of the answer, and the client has only a part.
  if (r.cut) return abandon(io, r, r.cut->code, r.cut->what);
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

// The proxy itself breaks off an answer of which the client already has a part. The worker knows how much was
// delivered: it is asked to stop, and what it then counts is charged; if it says nothing within the moment it has, what
// it had counted before.
void Requests::cut(Io& io, Request& r, int code, std::string why) {
  if (!r.head_seen || r.cancelled) return abandon(io, r, code, std::move(why));
  unwanted(io, r);
  r.cut = Error{code, std::move(why)};
  deadlines_.set(r.id, io.now + config_.count_of_cut);
}

// The proxy itself ends a request with an error. What the worker has counted of what went out is charged, and nothing
// else.
void Requests::abandon(Io& io, Request& r, int code, std::string why) {
  io.debug("request {} of client {} to worker {} failed: {} ({})", to_hex(r.id), r.client, r.worker, why, code);
  Final final = final_of(r, io.now);
  final.tokens = capped(count_of(r), r.reserved);
  if (r.client != 0) io.send(r.client, reply_error(r.to, code, std::move(why), r.head_seen, final));
  finish(io, r.id, {false, final.tokens});
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
  if (mutated("I9-uncapped")) limit = std::uint64_t{1} << 40;
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
  forget_ask(it->second);
  stop_waiting(it->second);
  const Request r = std::move(it->second);
  running_.erase(it);
  deadlines_.erase(id);
  if (const auto own = by_client_.find({r.asked_by, r.to.request}); own != by_client_.end() && own->second == id)
    by_client_.erase(own);
  if (--per_client_[r.client_owner] == 0) per_client_.erase(r.client_owner);
  leave_worker(io, r, left_of(r, outcome));
  const std::uint64_t counted = money_.finish(r.client_owner, r.worker_owner, r.reserved,
                                              static_cast<std::uint64_t>(outcome.tokens.total_tokens_used), io.now);
  (outcome.success ? stats_.success : stats_.failed).add(1, io.now);
  stats_.seconds.add(to_seconds(io.now - r.started), io.now);
  const auto& t = outcome.tokens;
  if (t.total_tokens_used > 0) {
    stats_.total.add(static_cast<double>(t.total_tokens_used), io.now);
    stats_.prompt.add(static_cast<double>(t.prompt_tokens_used), io.now);
    stats_.cached.add(static_cast<double>(t.cached_tokens_used), io.now);
    stats_.completion.add(static_cast<double>(t.completion_tokens_used), io.now);
    stats_.reasoning.add(static_cast<double>(t.reasoning_tokens_used), io.now);
  }
  pay(io, r, static_cast<std::int64_t>(counted));
}

// Both are told what was counted: less than was used when a forced refund took the balance meanwhile.
void Requests::pay(Io& io, const Request& r, std::int64_t tokens) {
  if (r.client != 0) {
    auto [payment, db, max] = money_.client_payment(r.client_owner);
    io.send(r.client, wire::proxy::ClientRequestPayment{r.to.request, std::move(payment), db, max, tokens});
  }
  // A worker whose link is gone learns its count at its next handshake. What was counted is said all the same, for
  // those who follow the money by what a proxy says.
  if (r.worker != 0 && (tokens > 0 || !r.worker_gone)) pay_worker(io, r, tokens);
}

void Requests::pay_worker(Io& io, const Request& r, std::int64_t tokens) {
  auto [payment, db, max] = money_.worker_payment(r.worker_owner);
  io.send(r.worker,
          wire::proxy::WorkerRequestPayment{r.id, std::move(payment), db, max, tokens, instance_.text(r.client_owner)});
}

// An answer that nobody reads is stopped: what was delivered is charged. A worker that knows no cancel runs on, and is
// paid for all of it (wire.md 4.3, 4.7.4).
void Requests::client_cancels(Io& io, role::LinkId client, const Bits256& client_request) {
  const auto own = by_client_.find({client, client_request});
  if (own == by_client_.end()) return;
  Request& r = running_.at(own->second);
  if (r.worker == 0) return abandon(io, r, wire::kErrorCancelled, "cancelled while it waited for a worker");
  unwanted(io, r);
}

void Requests::client_lost(Io& io, role::LinkId client) {
  std::vector<Bits256> unheard;
  for (auto& [id, r] : running_) {
    if (r.client != client) continue;
    r.client = 0;
    if (r.worker == 0)
      unheard.push_back(id);
    else
      unwanted(io, r);
  }
  std::sort(unheard.begin(), unheard.end());
  for (const Bits256& id : unheard) finish(io, id, {});
}

void Requests::unwanted(Io& io, Request& r) {
  if (std::exchange(r.cancelled, true)) return;
  forget_ask(r);
  io.send(r.worker, wire::proxy::CancelQuery{r.id});
}

void Requests::worker_lost(Io& io, role::LinkId worker) {
  std::vector<Bits256> lost;
  for (const auto& [id, r] : running_)
    if (r.worker == worker) lost.push_back(id);
  std::sort(lost.begin(), lost.end());
  for (const Bits256& id : lost) {
    Request& r = running_.at(id);
    if (try_another(io, r, "its connection was lost", true)) continue;
    r.troubled = r.worker_gone = true;
    abandon(io, r, wire::kErrorNotReady, "the connection to the worker was lost");  // D13
  }
}

void Requests::fail_all(Io& io, const std::string& why) {
  while (!running_.empty()) abandon(io, running_.begin()->second, wire::kErrorCancelled, why);
}

void Requests::reader_too_slow(Io& io, const ReaderTooSlow& e) {
  const auto it = running_.find(e.request);
  if (it != running_.end() && !it->second.cancelled)
    cut(io, it->second, wire::kErrorCancelled, "the client reads too slowly");
}

void Requests::tick(Io& io) {
  while (const auto late = deadlines_.pop_due(io.now)) {
    Request& r = running_.at(*late);
    if (r.worker == 0) {
      abandon(io, r, wire::kErrorNotReady, "every worker of this model is busy");
      continue;
    }
    if (r.cut) {
      abandon(io, r, r.cut->code, r.cut->what);
      continue;
    }
    r.troubled = !r.head_seen && !r.cancelled;
    if (r.troubled) io.send(r.worker, wire::proxy::CancelQuery{r.id});
    cut(io, r, wire::kErrorTimeout, "timeout in the proxy");
  }
  serve_waiting(io);
}

Time Requests::wake_at(Time now) const {
  const Time at = deadlines_.earliest();
  return waiting_.empty() ? at : std::min(at, workers_.next_opening(now));
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
