#include "client/service/api.hpp"

#include <unordered_map>

#include <fmt/format.h>

#include "client/service/api_answer.hpp"
#include "node/status_server.hpp"
#include "openai/error.hpp"
#include "openai/models.hpp"
#include "wire/error_codes.hpp"

namespace cocoon::client {

using net::HttpHeaders;
using net::HttpRequest;
using net::HttpResponder;
using net::Task;

namespace {

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kModels = "/v1/models";

struct Failure {
  int status = 500;
  int code = 0;  // wire.md 2.7
  std::string message;
  bool retry = false;
};
// g++ 12 cannot hold a braced list across a co_await.
Failure failure(int status, int code, std::string message) { return {status, code, std::move(message)}; }

// Statuses of wire.md 5.3 and 5.2, and two that say more: 402 when the money is missing, 503 while not connected.
Failure failure_of(const ApiFailed& f, int (*status_of)(int)) {
  switch (f.why) {
    case ApiFailed::Why::no_funds:
      return {402, f.code, f.message};
    case ApiFailed::Why::not_connected:
      return {503, f.code, f.message, true};
    case ApiFailed::Why::peer:
      break;
  }
  return {status_of(f.code), f.code, f.message.empty() ? std::string(wire::error_name(f.code)) : f.message};
}

std::string unix_micros(Time t) { return fmt::format("{:.6f}", unix_seconds(t)); }

bool is_event_stream(const HttpHeaders& headers) {
  return headers.get("content-type").starts_with("text/event-stream");
}

HttpHeaders answer_headers(const ApiHead& head, Time received) {
  HttpHeaders out;
  for (const auto& [name, value] : head.headers) {
    const net::HttpHeader header{name, value};
    if (net::is_valid_header(header) && !net::is_hop_by_hop(name)) out.add(name, value);
  }
  if (!out.has("content-type")) out.add("Content-Type", std::string(kJson));  // D3
  out.add("X-Cocoon-Client-Start", unix_micros(received));
  out.add("X-Cocoon-Client-End", unix_micros(wall_clock()));
  return out;
}

// wire.md 5.3: 64 hex digits, 44 characters of base64, or 32 raw ones; nothing: zero.
Result<Bits256> parse_receiver_key(const std::string& text) {
  if (text.empty()) return Bits256{};
  Result<Bytes> bytes = text.size() == 64 ? from_hex(text) : text.size() == 32 ? to_bytes(text) : from_base64(text);
  if (!bytes || bytes->size() != 32) return fail(wire::kErrorProtocolViolation, "receiver_public_key is not a key");
  return Bits256::from(*bytes);
}

// Debug texts of other nodes as members of an object: JSON where they are, else a string.
std::string debug_member(std::string_view name, const std::string& text) {
  const auto object = openai::JsonObject::parse(text);
  return fmt::format("\"{}\":{}", name, object ? object->text() : openai::json_quote(text));
}

std::string debug_object(const ApiEnd& end, Time received, Time head_at) {
  return fmt::format(R"({{{},{},"client":{{"type":"client","start_time":{:.6f},"answer_receive_start_at":{:.6f},)"
                     R"("answer_receive_end_at":{:.6f}}}}})",
                     debug_member("proxy", end.proxy_debug), debug_member("worker", end.worker_debug),
                     unix_seconds(received), unix_seconds(head_at), unix_seconds(wall_clock()));
}

// Into a JSON answer: a member of the object that is the whole body, else a line of its own (wire.md 5.3).
void add_debug(std::string& body, const std::string& debug) {
  if (auto object = openai::JsonObject::parse(body)) {
    object->set("debug", debug);
    body = object->text() + "\n";
  } else {
    body += "{\"debug\":" + debug + "}\n";
  }
}

}  // namespace

struct ApiServer::State : std::enable_shared_from_this<State> {
  State(net::Executor e, ApiConfig c, Submit s, StatusSource src)
      : executor(e), config(std::move(c)), submit(std::move(s)), status(std::move(src)) {}

  net::Executor executor;
  ApiConfig config;
  Submit submit;
  StatusSource status;
  std::unique_ptr<net::HttpServer> server;
  std::unordered_map<ApiId, std::shared_ptr<ApiAnswer>> answers;
  ApiId next_id = 1;
  ApiStats stats;

  // One exchange with a caller.
  struct Exchange {
    const HttpRequest& request;
    HttpResponder& responder;
    Time received = wall_clock();
    HttpHeaders cors{};
    bool first_byte_seen = false;
  };

  Task<> handle(const HttpRequest&, HttpResponder&);
  Task<> dispatch(Exchange&);
  bool admit_origin(Exchange&) const;
  Task<> page(Exchange&, int status, std::string type, std::string body);
  Task<> refuse(Exchange&, const Failure&);
  Task<> not_allowed(Exchange&, std::string allow);

  std::shared_ptr<ApiAnswer> open(ApiId, Exchange&);
  void close(ApiId, Exchange&, const ApiAnswer&);
  ApiAnswer* find(ApiId id) {
    const auto it = answers.find(id);
    return it == answers.end() ? nullptr : it->second.get();
  }

  Task<> models(Exchange&, std::string id);
  Task<> complete(Exchange&);
  Task<bool> carry(Exchange&, ApiAnswer&, bool debug);
  Task<bool> whole(Exchange&, ApiAnswer&, HttpHeaders, std::string body, bool debug, Time head_at);
  Task<bool> stream(Exchange&, ApiAnswer&, HttpHeaders, std::string first);
  void count_first_byte(Exchange&, int status);
};

// --- routes

Task<> ApiServer::State::handle(const HttpRequest& request, HttpResponder& responder) {
  Exchange x{request, responder};
  co_await dispatch(x);
}

// A page of another origin may be anybody's: without permission it gets nothing done, not even blindly.
bool ApiServer::State::admit_origin(Exchange& x) const {
  const auto origin = x.request.headers.get("origin");
  if (origin.empty()) return true;
  for (const auto& allowed : config.origins) {
    if (allowed != "*" && allowed != origin) continue;
    x.cors.add("Access-Control-Allow-Origin", std::string(origin));
    x.cors.add("Access-Control-Allow-Methods", "GET, POST, OPTIONS");
    x.cors.add("Access-Control-Allow-Headers", "Content-Type, Authorization");
    x.cors.add("Vary", "Origin");
    return true;
  }
  return false;
}

Task<> ApiServer::State::dispatch(Exchange& x) {
  if (!admit_origin(x))
    co_return co_await refuse(x, failure(403, wire::kErrorRequest, "web pages of this origin may not use the API"));
  const std::string path(x.request.path());
  const bool get = x.request.method == "GET";
  if (x.request.method == "OPTIONS") {
    auto headers = x.cors;
    headers.add("Allow", "GET, POST, OPTIONS");
    co_await x.responder.respond(204, std::move(headers), {});
  } else if (openai::endpoint_of(path)) {
    if (x.request.method != "POST") co_return co_await not_allowed(x, "POST, OPTIONS");
    co_await complete(x);
  } else if (path == kModels || path.starts_with("/v1/models/")) {
    if (!get) co_return co_await not_allowed(x, "GET, OPTIONS");
    std::string wanted;
    if (path != kModels) wanted = net::url_decode(path.substr(kModels.size() + 1));
    co_await models(x, std::move(wanted));
  } else if (path == "/health" || path == "/jsonstats" || path == "/stats" || path == "/metrics") {
    if (!get) co_return co_await not_allowed(x, "GET, OPTIONS");
    const auto now = status();
    const int healthy = now.core.ready ? 200 : 503;
    if (path == "/health")
      co_return co_await page(x, healthy, std::string(kJson), node::health_body(now.core.waiting_for));
    if (path == "/jsonstats") co_return co_await page(x, 200, std::string(kJson), stats_page(now, stats, wall_clock()));
    co_await page(x, 200, "text/plain; version=0.0.4; charset=utf-8", metrics_page(now, stats));
  } else {
    co_await refuse(x, failure(404, wire::kErrorProtocolViolation, "no such route: " + path));
  }
}

Task<> ApiServer::State::page(Exchange& x, int code, std::string type, std::string body) {
  auto headers = x.cors;
  headers.add("Content-Type", std::move(type));
  headers.add("Cache-Control", "no-store");
  if (code == 503) headers.add("Retry-After", "1");
  co_await x.responder.respond(code, std::move(headers), std::move(body));
}

Task<> ApiServer::State::not_allowed(Exchange& x, std::string allow) {
  x.cors.add("Allow", std::move(allow));
  const auto f = failure(405, wire::kErrorProtocolViolation,
                         fmt::format("{} is not allowed on {}", x.request.method, x.request.path()));
  co_await refuse(x, f);
}

Task<> ApiServer::State::refuse(Exchange& x, const Failure& f) {
  ++stats.responses[f.status];
  auto headers = x.cors;
  headers.add("Content-Type", std::string(kJson));
  if (f.retry) headers.add("Retry-After", "1");
  co_await x.responder.respond(f.status, std::move(headers), openai::error_body(f.status, f.code, f.message));
}

// --- requests that the core answers

std::shared_ptr<ApiAnswer> ApiServer::State::open(ApiId id, Exchange& x) {
  auto answer = std::make_shared<ApiAnswer>(executor, config.max_unread);
  answers.emplace(id, answer);
  x.responder.on_client_gone([weak = std::weak_ptr(answer)] {
    if (const auto a = weak.lock()) a->caller_gone();
  });
  return answer;
}

void ApiServer::State::close(ApiId id, Exchange& x, const ApiAnswer& answer) {
  x.responder.on_client_gone(nullptr);
  answers.erase(id);
  if (!answer.over_in_core()) submit(ApiGone{id});
}

Task<> ApiServer::State::models(Exchange& x, std::string wanted) {
  const auto id = next_id++;
  const auto answer = open(id, x);
  submit(ApiModels{id});
  while (!answer->over()) co_await answer->wait();
  close(id, x, *answer);
  if (answer->failure()) co_return co_await refuse(x, failure_of(*answer->failure(), openai::http_status_of_models));
  if (!answer->models()) co_return;  // the caller has left
  std::vector<openai::ModelEntry> entries;
  for (const auto& type : answer->models()->types) {
    if (type.workers.empty() || (!wanted.empty() && type.name != wanted)) continue;  // D20
    openai::ModelEntry entry{type.name, {}};
    for (const auto& w : type.workers)
      entry.workers.push_back({w.coefficient, w.active_requests, w.max_active_requests});
    entries.push_back(std::move(entry));
  }
  if (wanted.empty()) co_return co_await page(x, 200, std::string(kJson), openai::models_body(entries));
  if (entries.empty())
    co_return co_await refuse(x, failure(404, wire::kErrorProtocolViolation, "no worker serves the model " + wanted));
  co_await page(x, 200, std::string(kJson), openai::model_body(entries.front()));
}

Task<> ApiServer::State::complete(Exchange& x) {
  stats.queries.add(1, x.received);
  stats.bytes_received.add(static_cast<double>(x.request.body.size()), x.received);
  auto parsed = openai::parse_client_request(x.request.body, config.defaults);
  auto key = parsed ? parse_receiver_key(parsed->receiver_public_key) : Result<Bits256>(Bits256{});
  bool success = false;
  if (!parsed || !key) {
    const auto& error = parsed ? key.error() : parsed.error();
    co_await refuse(x, failure(openai::http_status_of(error.code), error.code, error.what));
  } else {
    ApiRequest r;
    r.id = next_id++;
    r.path = std::string(openai::path_of(*openai::endpoint_of(x.request.path())));
    for (const auto& h : x.request.headers) r.headers.emplace_back(h.name, h.value);
    r.body = to_bytes(parsed->body);
    r.model = std::move(parsed->model);
    r.max_tokens = static_cast<std::int32_t>(parsed->max_tokens);
    r.max_coefficient = static_cast<std::int32_t>(parsed->max_coefficient);
    r.timeout = Duration(static_cast<Duration::rep>(parsed->timeout * 1e6));
    r.enable_debug = parsed->enable_debug;
    r.public_key = *key;
    const auto id = r.id;
    const bool debug = r.enable_debug;
    const auto answer = open(id, x);
    submit(std::move(r));
    success = co_await carry(x, *answer, debug);
    close(id, x, *answer);
  }
  const auto now = wall_clock();
  const auto taken = to_seconds(now - x.received);
  (success ? stats.success : stats.failed).add(1, now);
  stats.time.add(taken, now);
  stats.whole.add(taken);
}

void ApiServer::State::count_first_byte(Exchange& x, int code) {
  ++stats.responses[code];
  stats.first_byte.add(to_seconds(wall_clock() - x.received));
}

// Nothing is written before the first byte of the body or the end has come, so that failures up to there have a status
// of their own. True: the caller has got all of it.
Task<bool> ApiServer::State::carry(Exchange& x, ApiAnswer& answer, bool debug) {
  co_await answer.wait();
  auto body = answer.take_bytes();
  if (body.empty() && answer.failure()) {
    co_await refuse(x, failure_of(*answer.failure(), openai::http_status_of));
    co_return false;
  }
  if (answer.gone() || !answer.head()) co_return false;
  const auto head_at = wall_clock();
  auto headers = answer_headers(*answer.head(), x.received);
  for (const auto& h : x.cors) headers.add(h.name, h.value);
  if (answer.end()) co_return co_await whole(x, answer, std::move(headers), std::move(body), debug, head_at);
  if (!debug || is_event_stream(headers)) co_return co_await stream(x, answer, std::move(headers), std::move(body));
  // With debug texts to be put into it, a JSON answer is sent whole.
  while (!answer.over()) {
    co_await answer.wait();
    body += answer.take_bytes();
    if (body.size() > config.max_unread) break;
  }
  if (answer.end()) co_return co_await whole(x, answer, std::move(headers), std::move(body), debug, head_at);
  if (answer.failure()) co_await refuse(x, failure_of(*answer.failure(), openai::http_status_of));
  co_return false;
}

Task<bool> ApiServer::State::whole(Exchange& x, ApiAnswer& answer, HttpHeaders headers, std::string body, bool debug,
                                   Time head_at) {
  const int code = answer.head()->status;
  // An empty body at status 200 is a failure in disguise (D1), an empty one at another says too little (D4).
  if (body.empty() && code != 204 && code != 304) {
    auto f = failure(502, wire::kErrorFailure, "the worker's answer is empty");
    if (code >= 400)
      f = failure(code, wire::kErrorGeneric, fmt::format("the worker answered with status {} and nothing else", code));
    co_await refuse(x, f);
    co_return false;
  }
  if (debug && !is_event_stream(headers)) add_debug(body, debug_object(*answer.end(), x.received, head_at));
  count_first_byte(x, code);
  stats.bytes_sent.add(static_cast<double>(body.size()), wall_clock());
  const auto sent = co_await x.responder.respond(code, std::move(headers), std::move(body));
  co_return sent.has_value() && code < 400;
}

// The rest of it, as it comes.
Task<bool> ApiServer::State::stream(Exchange& x, ApiAnswer& answer, HttpHeaders headers, std::string first) {
  const bool events = is_event_stream(headers);
  const int code = answer.head()->status;
  const auto count = [&](const std::string& bytes) {
    stats.bytes_sent.add(static_cast<double>(bytes.size()), wall_clock());
  };
  bool between_events = first.ends_with("\n\n");
  count_first_byte(x, code);
  count(first);
  auto sent = co_await x.responder.start(code, std::move(headers), std::move(first));
  while (sent) {
    co_await answer.wait();
    auto bytes = answer.take_bytes();
    count(bytes);
    if (answer.gone()) co_return false;
    if (answer.failure()) {
      if (!events) {
        x.responder.abort();
        co_return false;
      }
      const auto f = failure_of(*answer.failure(), openai::http_status_of);
      if (!bytes.empty()) between_events = bytes.ends_with("\n\n");
      if (!between_events) bytes += "\n\n";
      co_await x.responder.finish(bytes + openai::error_event(f.status, f.code, f.message));
      co_return false;
    }
    if (answer.end()) {
      sent = co_await x.responder.finish(std::move(bytes));
      co_return sent.has_value() && code < 400;
    }
    between_events = bytes.ends_with("\n\n");
    sent = co_await x.responder.write(std::move(bytes));
  }
  co_return false;
}

// --- the server

ApiServer::ApiServer(net::Executor executor, ApiConfig config, Submit submit, StatusSource status)
    : state_(std::make_shared<State>(executor, std::move(config), std::move(submit), std::move(status))) {
  net::HttpServerOptions options;
  options.max_body = state_->config.max_body;
  options.max_connections = state_->config.max_connections;
  state_->config.defaults.limits.max_bytes = state_->config.max_body;
  state_->server = std::make_unique<net::HttpServer>(
      executor, options, [weak = std::weak_ptr(state_)](const HttpRequest& request, HttpResponder& r) -> Task<> {
        if (const auto state = weak.lock()) co_await state->handle(request, r);
      });
}

ApiServer::~ApiServer() { close(); }

Result<> ApiServer::listen(const std::string& address) { return state_->server->listen(address); }
std::uint16_t ApiServer::port() const { return state_->server->port(); }

void ApiServer::deliver(ApiHead e) {
  if (auto* a = state_->find(e.id)) a->take(std::move(e));
}
void ApiServer::deliver(ApiPart e) {
  if (auto* a = state_->find(e.id)) a->take(BytesView(e.body));
}
void ApiServer::deliver(ApiEnd e) {
  if (auto* a = state_->find(e.id)) a->take(std::move(e));
}
void ApiServer::deliver(ApiFailed e) {
  if (auto* a = state_->find(e.id)) a->take(std::move(e));
}
void ApiServer::deliver(ApiModelList e) {
  if (auto* a = state_->find(e.id)) a->take(std::move(e));
}
void ApiServer::route_part(ApiId id, BytesView bytes) {
  if (auto* a = state_->find(id)) a->take(bytes);
}

Task<> ApiServer::drain(net::Millis patience) {
  const auto state = state_;
  co_await state->server->drain(patience);
}

void ApiServer::close() { state_->server->close(); }

}  // namespace cocoon::client
