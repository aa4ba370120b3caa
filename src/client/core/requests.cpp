// Requests of the API over a ready session (wire.md 4.7.1, 4.7.6, 5.3).
#include <algorithm>

#include "base/assert.hpp"
#include "base/text.hpp"
#include "client/core/core.hpp"
#include "market/prices.hpp"
#include "wire/error_codes.hpp"

namespace cocoon::client {
namespace {

// What fits into one frame with all that is around it (wire.md 2.6.1).
constexpr std::size_t kMaxRequest = (std::size_t{1} << 24) - 4096;
constexpr auto kAgainInterval = std::chrono::milliseconds(500);

// Hop-by-hop headers never travel. Credentials of the local API are for us alone, and who asks with which library on
// which machine is nobody's business. Compressed answers cannot be counted by existing workers (D24), so none are asked
// for.
bool travels_to_worker(std::string_view name) {
  static constexpr std::string_view kStay[] = {"host",
                                               "connection",
                                               "transfer-encoding",
                                               "content-length",
                                               "authorization",
                                               "cookie",
                                               "accept-encoding",
                                               "expect",
                                               "keep-alive",
                                               "te",
                                               "trailer",
                                               "upgrade",
                                               "api-key",
                                               "x-api-key",
                                               "origin",
                                               "user-agent",
                                               "proxy-authorization",
                                               "proxy-connection",
                                               "referer",
                                               "forwarded",
                                               "accept-language",
                                               "x-real-ip"};
  for (const std::string_view family : {"x-stainless-", "x-forwarded-", "sec-", "openai-", "anthropic-"})
    if (starts_ignoring_case(name, family)) return false;
  return !is_one_of_ignoring_case(name, kStay);
}

bool travels_to_caller(std::string_view name) {
  static constexpr std::string_view kStay[] = {
      "host", "connection", "transfer-encoding", "content-length", "keep-alive", "trailer", "upgrade"};
  return !is_one_of_ignoring_case(name, kStay);
}

Bytes http_request(const ApiRequest& r) {
  wire::http::RequestView out;
  out.method = "POST";
  out.url = r.path;
  out.http_version = "HTTP/1.0";
  out.headers.reserve(r.headers.size() + 2);
  bool typed = false;
  for (const auto& [name, value] : r.headers) {
    if (!travels_to_worker(name)) continue;
    typed = typed || equal_ignoring_case(name, "content-type");
    out.headers.push_back({name, value});
  }
  if (!typed) out.headers.push_back({"Content-Type", "application/json"});  // D7
  const auto length = std::to_string(r.body.size());
  if (!r.body.empty()) out.headers.push_back({"Content-Length", length});
  out.payload = r.body;
  return wire::encode(out);
}

std::size_t size_of(const ApiRequest& r) {
  std::size_t size = r.body.size() + r.path.size() + r.model.size();
  for (const auto& [name, value] : r.headers) size += name.size() + value.size() + 16;
  return size;
}

}  // namespace

Core::Query::Query(const ApiRequest& r)
    : http(http_request(r)),
      model(r.model),
      max_coefficient(r.max_coefficient),
      max_tokens(r.max_tokens),
      timeout(0.95 * to_seconds(r.timeout)),
      debug(r.enable_debug),
      public_key(r.public_key) {}

Bytes Core::Query::packet(const Bits256& id, int proto, std::uint32_t root_version) {
  const auto encoded = [&](auto q) {
    q.model_name = model;
    q.query = std::move(http);
    q.max_coefficient = max_coefficient;
    q.max_tokens = max_tokens;
    q.timeout = timeout;
    q.request_id = id;
    q.min_config_version = static_cast<std::int32_t>(root_version);
    if constexpr (requires { q.set_debug(debug); }) {
      q.set_debug(debug);
      if (proto >= 3) q.set_public_key(public_key);
    }
    auto out = wire::encode(q);
    http = std::move(q.query);  // lent
    return out;
  };
  return proto == 0 ? encoded(wire::client::RunQuery{}) : encoded(wire::client::RunQueryEx{});
}

// Among the ready ones, first those that can be paid, then the least busy.
Core::Session* Core::ready_session() {
  Session* best = nullptr;
  std::pair<bool, std::size_t> least;
  for (auto& [id, s] : sessions_) {
    if (s.stage != Stage::ready) continue;
    const std::pair rank(!money_.is_funded(*s.proxy_contract), s.running);
    if (best != nullptr && rank >= least) continue;
    best = &s;
    least = rank;
  }
  return best;
}

std::string Core::why_not_ready() const {
  if (auto why = proxies_.waiting_for(); !why.empty()) return why;
  std::string why = "connecting to a proxy";
  for (const auto& [id, s] : sessions_) {
    if (s.stage == Stage::ready) {
      why = money_.why_not_funded(*s.proxy_contract);
      if (why.empty()) return why;
    } else if (s.stage == Stage::registering || s.stage == Stage::authorising) {
      why = "waiting for the chain to show our registration with the proxy";
      if (auto money = money_.why_wallet_waits(); !money.empty()) why = money;
    } else if (!s.last_error.empty()) {
      why = "proxy " + s.address + ": " + s.last_error;
    }
  }
  return why;
}

// When we last saw something on chain that decides about requests, and that the proxy may not have seen yet.
Time Core::news_for(const Session& s) const { return std::max(root_changed_, money_.last_news(*s.proxy_contract)); }

void Core::on(const ApiRequest& r, Time now, Effects& out) {
  ++count_requests_;
  const auto refuse = [&](int code, std::string text, ApiFailed::Why why = ApiFailed::Why::not_connected) {
    ++count_failed_;
    out.emplace_back(ApiFailed{r.id, code, std::move(text), why});
  };
  if (size_of(r) > kMaxRequest)
    return refuse(wire::kErrorProtocolViolation,
                  fmt::format("a request of {} bytes does not fit into a frame", size_of(r)), ApiFailed::Why::peer);
  auto* s = ready_session();
  if (s == nullptr) return refuse(wire::kErrorNotReady, "no proxy is ready: " + why_not_ready());
  if (requests_.size() >= config_.max_requests)
    return refuse(wire::kErrorNotReady, fmt::format("{} requests are running, no more are taken", requests_.size()));

  const auto id = random_.bits256();
  Request running;
  running.api = r.id;
  running.deadline = now + r.timeout;
  running.reserve =
      market::tokens_to_reserve(r.max_tokens, static_cast<std::int64_t>(r.body.size()), r.max_coefficient);
  Query query(r);
  dispatch(*s, query, id, running, out);
  if (const auto until = news_for(*s) + config_.settle_time;
      now < until && money_.why_not_covered(*s->proxy_contract, running.reserve).empty()) {
    running.again = std::make_unique<Query>(std::move(query));
    running.again_until = until;
  }
  deadlines_.emplace(running.deadline, id);
  COCOON_ASSERT(by_api_.emplace(r.id, id).second);
  requests_.emplace(id, std::move(running));
}

void Core::dispatch(Session& s, Query& query, const Bits256& id, Request& running, Effects& out) {
  running.link = s.link;
  ++s.running;
  out.emplace_back(role::SendPacket{s.link, query.packet(id, s.proto, proxies_.root()->version)});
}

// A refusal before the head, for money or configuration that we have seen on chain only just now: the proxy will see it
// in a moment. Not for want of a worker (651): where there are too many requests, asking again makes more of them.
bool Core::postpone(const Bits256& id, int code, Time now) {
  auto& r = requests_.at(id);
  if (!r.again || r.head_seen || code != wire::kErrorRequest) return false;
  r.send_at = now + kAgainInterval;
  if (r.send_at >= std::min(r.again_until, r.deadline)) return false;
  if (auto* s = session_of(r.link)) --s->running;
  r.link = 0;
  waiting_.emplace(r.send_at, id);
  return true;
}

void Core::send_again(Time now, Effects& out) {
  while (!waiting_.empty() && waiting_.begin()->first <= now) {
    const auto old = waiting_.begin()->second;
    waiting_.erase(waiting_.begin());
    auto* s = ready_session();
    if (s == nullptr) {
      failed(old, wire::kErrorNotReady, "no proxy is ready: " + why_not_ready(), out, ApiFailed::Why::not_connected);
      continue;
    }
    const auto id = random_.bits256();
    auto node = requests_.extract(old);
    auto& r = node.mapped();
    deadlines_.erase({r.deadline, old});
    deadlines_.emplace(r.deadline, id);
    by_api_[r.api] = id;
    dispatch(*s, *r.again, id, r, out);
    node.key() = id;
    requests_.insert(std::move(node));
  }
}

void Core::on(const ApiModels& m, Time, Effects& out) {
  auto* s = ready_session();
  if (s == nullptr) {
    out.emplace_back(
        ApiFailed{m.id, wire::kErrorNotReady, "no proxy is ready: " + why_not_ready(), ApiFailed::Why::not_connected});
    return;
  }
  ask_models(*s, s->peer.additions ? Asked::models_ex : Asked::models, m.id, out);
}

// Proxies of other makes are asked only what they know.
void Core::ask_models(Session& s, Asked what, ApiId api, Effects& out) {
  auto query = what == Asked::models_ex ? wire::encode(wire::client::GetWorkerTypesV2Ex{})
                                        : wire::encode(wire::client::GetWorkerTypesV2{});
  ask(s, what, std::move(query), std::chrono::seconds(10), out, api);
}

void Core::models(ApiId api, BytesView answer, Effects& out) {
  auto list = wire::decode<wire::client::WorkerTypesV2>(answer);
  if (list)
    out.emplace_back(ApiModelList{api, std::move(list->types)});
  else
    out.emplace_back(ApiFailed{api, wire::kErrorFailure, "unreadable model list: " + list.error().what});
}

void Core::on(const ApiGone& gone, Time, Effects& out) {
  const auto it = by_api_.find(gone.id);
  if (it == by_api_.end()) return;
  cancel(it->second, out);
  finish(it->second, false, out);
}

// Proxies that know no cancel drop it in silence, and the request is paid for to its end (wire.md 2.7, 4.7.4).
void Core::cancel(const Bits256& id, Effects& out) {
  const auto link = requests_.at(id).link;
  if (session_of(link) != nullptr)
    out.emplace_back(role::SendPacket{link, wire::encode(wire::client::CancelQuery{id})});
}

void Core::on(const role::PacketIn& e, Time now, Effects& out) {
  auto* s = session_of(e.link);
  if (s == nullptr || s->stage != Stage::ready) return;
  auto message = wire::decode<wire::PacketToClient>(e.data);
  if (!message) {
    out.emplace_back(role::Log{1, "packet dropped: " + message.error().what});
    return;
  }
  packet(*s, *message, now, out);
}

namespace {
template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

template <class Ex>
const wire::client::QueryFinalInfo* info_of(const Ex& m) {
  return m.is_final() ? &m.final_info : nullptr;
}

// What the old forms tell, which always carry token counts and nothing else.
template <class Old>
wire::client::QueryFinalInfo info_of_old(const Old& m) {
  wire::client::QueryFinalInfo info;
  info.tokens_used = m.request_tokens_used;
  return info;
}
}  // namespace

// Both families of answers are understood at every version (4.7.6).
void Core::packet(Session& s, const wire::PacketToClient& message, Time now, Effects& out) {
  using namespace wire::client;
  const auto body = [&](const Bits256& id, const Bytes& bytes, bool final, const QueryFinalInfo* info) {
    // A part before the head is ignored.
    if (const auto* r = request_of(s, id); r != nullptr && r->head_seen) part(id, *r, bytes, final, info, out);
  };
  const auto payment = [&](const Bytes& data) { money_.take_payment(*s.proxy_contract, data, out); };
  std::visit(Overloaded{
                 [&](const QueryAnswerEx& m) { head(s, m.request_id, m.answer, m.is_final(), info_of(m), out); },
                 [&](const QueryAnswer& m) {
                   const auto info = info_of_old(m);
                   head(s, m.request_id, m.answer, m.is_completed, &info, out);
                 },
                 [&](const QueryAnswerPartEx& m) { body(m.request_id, m.answer, m.is_final(), info_of(m)); },
                 [&](const QueryAnswerPart& m) {
                   const auto info = info_of_old(m);
                   body(m.request_id, m.answer, m.is_completed, &info);
                 },
                 [&](const QueryAnswerErrorEx& m) { refused(s, m.request_id, m.error_code, m.error, now, out); },
                 [&](const QueryAnswerError& m) { refused(s, m.request_id, m.error_code, m.error, now, out); },
                 [&](const QueryAnswerPartError& m) { refused(s, m.request_id, m.error_code, m.error, now, out); },
                 [&](const wire::proxy::ClientRequestPayment& m) {
                   if (const auto* p = std::get_if<wire::proxy::SignedPayment>(&m.signed_payment)) payment(p->data);
                   money_.take_counters(*s.proxy_contract, m.db_tokens, m.max_tokens);
                 },
                 [&](const wire::proxy::SignedPayment& m) { payment(m.data); },
                 [&](const wire::proxy::SignedPaymentEmpty&) {},
             },
             message);
}

// A request that runs over this very session: ids of other links' requests are none of a proxy's business.
Core::Request* Core::request_of(const Session& s, const Bits256& id) {
  const auto it = requests_.find(id);
  return it == requests_.end() || it->second.link != s.link ? nullptr : &it->second;
}

void Core::head(Session& s, const Bits256& id, BytesView answer, bool final, const wire::client::QueryFinalInfo* info,
                Effects& out) {
  auto* r = request_of(s, id);
  if (r == nullptr || r->head_seen) return;
  const auto response = wire::decode<wire::http::ResponseView>(answer);
  if (!response) return failed(id, wire::kErrorProtocolViolation, "unreadable answer: " + response.error().what, out);
  if (response->status_code < 200 || response->status_code > 599)
    return failed(id, wire::kErrorProtocolViolation, fmt::format("impossible HTTP status {}", response->status_code),
                  out);
  r->head_seen = true;
  r->again.reset();
  ApiHead h{r->api, response->status_code, {}, {}};
  h.headers.reserve(response->headers.size());
  for (const auto& [name, value] : response->headers)
    if (travels_to_caller(name)) h.headers.emplace_back(name, value);
  if (!final) {
    h.body = to_bytes(response->payload);
    out.emplace_back(std::move(h));
    out.emplace_back(OpenRoute{s.link, id, r->api});
    return;
  }
  out.emplace_back(std::move(h));
  part(id, *r, to_bytes(response->payload), true, info, out);
}

void Core::part(const Bits256& id, const Request& r, Bytes answer, bool final, const wire::client::QueryFinalInfo* info,
                Effects& out) {
  if (!final) {
    out.emplace_back(ApiPart{r.api, std::move(answer)});
    return;
  }
  ApiEnd end{r.api, std::move(answer), {}, {}, {}};
  if (info != nullptr) {
    end.tokens = info->tokens_used;
    end.worker_debug = info->worker_debug;
    end.proxy_debug = info->proxy_debug;
  }
  out.emplace_back(std::move(end));
  finish(id, true, out);
}

// The proxy's own error, or a worker's that it relays.
void Core::refused(Session& s, const Bits256& id, int code, const std::string& text, Time now, Effects& out) {
  const auto* r = request_of(s, id);
  if (r == nullptr || postpone(id, code, now)) return;
  std::string funds;
  if (code == wire::kErrorRequest) {
    funds = money_.why_not_funded(*s.proxy_contract);
    if (funds.empty()) funds = money_.why_not_covered(*s.proxy_contract, r->reserve);
  }
  if (funds.empty())
    failed(id, code, text, out);
  else
    failed(id, code, text + " (" + funds + ")", out, ApiFailed::Why::no_funds);
}

void Core::failed(const Bits256& id, int code, const std::string& text, Effects& out, ApiFailed::Why why) {
  out.emplace_back(ApiFailed{requests_.at(id).api, code, text, why});
  finish(id, false, out);
}

void Core::finish(const Bits256& id, bool success, Effects& out) {
  const auto it = requests_.find(id);
  COCOON_ASSERT(it != requests_.end());
  const auto& r = it->second;
  if (r.head_seen) out.emplace_back(CloseRoute{r.link, id});
  if (auto* s = session_of(r.link)) --s->running;
  deadlines_.erase({r.deadline, id});
  waiting_.erase({r.send_at, id});
  by_api_.erase(r.api);
  requests_.erase(it);
  ++(success ? count_succeeded_ : count_failed_);
}

void Core::fail_requests_of(Session& s, int code, const std::string& why, Effects& out) {
  std::vector<Bits256> ids;
  for (const auto& [id, r] : requests_)
    if (r.link == s.link) ids.push_back(id);
  for (const auto& id : ids) failed(id, code, why, out);
  COCOON_ASSERT(s.running == 0);
}

}  // namespace cocoon::client
