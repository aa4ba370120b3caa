// Requests of the API over a ready session (wire.md 4.7.1, 4.7.6, 5.3).
#include <algorithm>
#include <cctype>

#include "client/core/core.hpp"
#include "wire/error_codes.hpp"

namespace cocoon::client {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (auto& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

bool one_of(const std::string& name, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

// Hop-by-hop headers never travel. Credentials of the local API are for us alone. Compressed answers cannot be counted
// by existing workers (D24), so none are asked for.
bool travels_to_worker(const std::string& name) {
  return !one_of(
      name, {"host", "connection", "transfer-encoding", "content-length", "authorization", "cookie", "accept-encoding",
             "expect", "keep-alive", "te", "trailer", "upgrade", "proxy-authorization", "proxy-connection"});
}

bool travels_to_caller(const std::string& name) {
  return !one_of(name,
                 {"host", "connection", "transfer-encoding", "content-length", "keep-alive", "trailer", "upgrade"});
}

wire::http::Request http_request(const ApiRequest& r) {
  wire::http::Request out;
  out.method = "POST";
  out.url = r.path;
  out.http_version = "HTTP/1.0";
  bool typed = false;
  for (const auto& [name, value] : r.headers) {
    const auto key = lower(name);
    if (!travels_to_worker(key)) continue;
    typed = typed || key == "content-type";
    out.headers.push_back({name, value});
  }
  if (!typed) out.headers.push_back({"Content-Type", "application/json"});  // D7
  if (!r.body.empty()) out.headers.push_back({"Content-Length", fmt::format("{}", r.body.size())});
  out.payload = r.body;
  return out;
}

Bytes query_for(const ApiRequest& r, const Bits256& id, int proto, std::uint32_t root_version) {
  const double timeout = 0.95 * to_seconds(r.timeout);
  auto http = wire::encode(http_request(r));
  if (proto == 0) {
    wire::client::RunQuery q;
    q.model_name = r.model;
    q.query = std::move(http);
    q.max_coefficient = r.max_coefficient;
    q.max_tokens = r.max_tokens;
    q.timeout = timeout;
    q.request_id = id;
    q.min_config_version = static_cast<std::int32_t>(root_version);
    return wire::encode(q);
  }
  wire::client::RunQueryEx q;
  q.model_name = r.model;
  q.query = std::move(http);
  q.max_coefficient = r.max_coefficient;
  q.max_tokens = r.max_tokens;
  q.timeout = timeout;
  q.request_id = id;
  q.min_config_version = static_cast<std::int32_t>(root_version);
  q.set_debug(r.enable_debug);
  if (proto >= 3) q.set_public_key(r.public_key);
  return wire::encode(q);
}

}  // namespace

Core::Session* Core::ready_session() {
  Session* best = nullptr;
  std::size_t least = 0;
  for (auto& [id, s] : sessions_) {
    if (s.stage != Stage::ready) continue;
    const auto running = static_cast<std::size_t>(
        std::count_if(requests_.begin(), requests_.end(), [&](const auto& r) { return r.second.link == s.link; }));
    if (best == nullptr || running < least) {
      best = &s;
      least = running;
    }
  }
  return best;
}

std::string Core::why_not_ready(Time) const {
  if (!root_) return "reading the root contract";
  if (root_->registered_proxies.empty()) return "the root contract lists no proxy";
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

void Core::on(const ApiRequest& r, Time now, Effects& out) {
  ++count_requests_;
  const auto refuse = [&](int code, std::string why) {
    ++count_failed_;
    out.emplace_back(ApiFailed{r.id, code, std::move(why)});
  };
  auto* s = ready_session();
  if (s == nullptr) return refuse(wire::kErrorNotReady, "no proxy is ready: " + why_not_ready(now));
  if (requests_.size() >= config_.max_requests)
    return refuse(wire::kErrorNotReady, fmt::format("{} requests are running, no more are taken", requests_.size()));

  const auto id = random_.bits256();
  const Request running{r.id, s->link, now + r.timeout, false};
  requests_.emplace(id, running);
  by_api_.emplace(r.id, id);
  deadlines_.emplace(running.deadline, id);
  out.emplace_back(role::SendPacket{s->link, query_for(r, id, s->proto, root_->version)});
}

void Core::on(const ApiModels& m, Time now, Effects& out) {
  auto* s = ready_session();
  if (s == nullptr) {
    out.emplace_back(ApiFailed{m.id, wire::kErrorNotReady, "no proxy is ready: " + why_not_ready(now)});
    return;
  }
  ask(*s, Asked::models, wire::encode(wire::client::GetWorkerTypesV2{}), std::chrono::seconds(10), out, m.id);
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
  finish(it->second, false, out);
}

void Core::on(const role::PacketIn& e, Time now, Effects& out) {
  auto* s = session_of(e.link);
  if (s == nullptr) return;
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

template <class T>
const wire::client::QueryFinalInfo* info_of(const T& m) {
  return m.is_final() ? &m.final_info : nullptr;
}
}  // namespace

template <class Old>
wire::client::QueryFinalInfo Core::final_of(const Old& old) const {
  wire::client::QueryFinalInfo info;
  info.tokens_used = old.request_tokens_used;
  return info;
}

void Core::packet(Session& s, const wire::PacketToClient& message, Time now, Effects& out) {
  using namespace wire::client;
  std::visit(Overloaded{
                 [&](const QueryAnswerEx& m) { head(s, m.request_id, m.answer, m.is_final(), info_of(m), now, out); },
                 [&](const QueryAnswerPartEx& m) { part(m.request_id, m.answer, m.is_final(), info_of(m), out); },
                 [&](const QueryAnswerErrorEx& m) { failed(m.request_id, m.error_code, m.error, out); },
                 [&](const QueryAnswer& m) {
                   const auto info = final_of(m);
                   head(s, m.request_id, m.answer, m.is_completed, &info, now, out);
                 },
                 [&](const QueryAnswerPart& m) {
                   const auto info = final_of(m);
                   part(m.request_id, m.answer, m.is_completed, &info, out);
                 },
                 [&](const QueryAnswerError& m) { failed(m.request_id, m.error_code, m.error, out); },
                 [&](const QueryAnswerPartError& m) { failed(m.request_id, m.error_code, m.error, out); },
                 [&](const wire::proxy::ClientRequestPayment& m) {
                   if (const auto* p = std::get_if<wire::proxy::SignedPayment>(&m.signed_payment))
                     money_.take_payment(*s.proxy_contract, p->data, out);
                   money_.take_counters(*s.proxy_contract, m.db_tokens, m.max_tokens);
                 },
                 [&](const wire::proxy::SignedPayment& m) {
                   if (s.proxy_contract) money_.take_payment(*s.proxy_contract, m.data, out);
                 },
                 [&](const wire::proxy::SignedPaymentEmpty&) {},
             },
             message);
}

void Core::head(Session& s, const Bits256& id, BytesView answer, bool final, const wire::client::QueryFinalInfo* info,
                Time, Effects& out) {
  const auto it = requests_.find(id);
  if (it == requests_.end() || it->second.head_seen) return;
  auto response = wire::decode<wire::http::Response>(answer);
  if (!response) return failed(id, wire::kErrorProtocolViolation, "unreadable answer: " + response.error().what, out);
  if (response->status_code < 200 || response->status_code > 599)
    return failed(id, wire::kErrorProtocolViolation, fmt::format("impossible HTTP status {}", response->status_code),
                  out);
  it->second.head_seen = true;
  ApiHead h{it->second.api, response->status_code, {}, {}};
  for (auto& [name, value] : response->headers)
    if (travels_to_caller(lower(name))) h.headers.emplace_back(std::move(name), std::move(value));
  if (!final) {
    h.body = std::move(response->payload);
    out.emplace_back(std::move(h));
    out.emplace_back(OpenRoute{s.link, id, it->second.api});
    return;
  }
  out.emplace_back(std::move(h));
  part(id, std::move(response->payload), true, info, out);
}

void Core::part(const Bits256& id, Bytes answer, bool final, const wire::client::QueryFinalInfo* info, Effects& out) {
  const auto it = requests_.find(id);
  if (it == requests_.end() || !it->second.head_seen) return;  // a part before the head is ignored (4.7.6)
  if (!final) {
    out.emplace_back(ApiPart{it->second.api, std::move(answer)});
    return;
  }
  ApiEnd end{it->second.api, std::move(answer), {}, {}, {}};
  if (info != nullptr) {
    end.tokens = info->tokens_used;
    end.worker_debug = info->worker_debug;
    end.proxy_debug = info->proxy_debug;
  }
  out.emplace_back(std::move(end));
  finish(id, true, out);
}

void Core::failed(const Bits256& id, int code, const std::string& text, Effects& out) {
  const auto it = requests_.find(id);
  if (it == requests_.end()) return;
  out.emplace_back(ApiFailed{it->second.api, code, text});
  finish(id, false, out);
}

void Core::finish(const Bits256& id, bool success, Effects& out) {
  const auto it = requests_.find(id);
  if (it->second.head_seen) out.emplace_back(CloseRoute{it->second.link, id});
  deadlines_.erase({it->second.deadline, id});
  by_api_.erase(it->second.api);
  requests_.erase(it);
  ++(success ? count_succeeded_ : count_failed_);
}

void Core::fail_requests_of(role::LinkId link, int code, const std::string& why, Effects& out) {
  std::vector<Bits256> ids;
  for (const auto& [id, r] : requests_)
    if (r.link == link) ids.push_back(id);
  for (const auto& id : ids) failed(id, code, why, out);
}

}  // namespace cocoon::client
