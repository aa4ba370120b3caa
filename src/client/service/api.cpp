#include "client/service/api.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "client/service/api_state.hpp"
#include "net/address.hpp"
#include "node/status_server.hpp"
#include "wire/error_codes.hpp"

namespace cocoon::client {

using net::HttpRequest;
using net::HttpResponder;
using net::Task;

namespace {

constexpr std::string_view kModels = "/v1/models";
constexpr std::size_t kMaxRequestId = 128;

bool is_request_id(std::string_view text) {
  return !text.empty() && text.size() <= kMaxRequestId &&
         std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

// What stands behind /v1/models/, if anything does; a plus sign in a path is one.
std::string model_in(std::string_view path) {
  if (path.size() <= kModels.size() + 1) return {};
  std::string out;
  for (const char c : path.substr(kModels.size() + 1)) out += c == '+' ? "%2B" : std::string(1, c);
  return net::url_decode(out);
}

// Of an answer to HEAD the server sends no body.
bool reads(const Exchange& x) { return x.request.method == "GET" || x.request.method == "HEAD"; }

// What HTTP itself refuses before there is a request: the body in the API's shape.
std::string refusal_body(int status) {
  const std::string_view why = status == 413   ? "the body is larger than this client takes (api.max_body)"
                               : status == 431 ? "the headers are too large"
                               : status == 408 ? "the request did not arrive in time"
                               : status == 503 ? "too many connections"
                                               : "this is not HTTP";
  return openai::error_body(status, wire::kErrorProtocolViolation, why);
}

}  // namespace

// Each level of coroutines costs every request a frame: what only chooses who answers is a plain function.
Task<> ApiServer::State::handle(std::shared_ptr<State> self, const HttpRequest& request, HttpResponder& responder) {
  if (!self) co_return;
  Exchange x{request, responder};
  self->name_request(x);
  co_await self->dispatch(x);
}

void ApiServer::State::name_request(Exchange& x) {
  const auto given = x.request.headers.get("x-request-id");
  x.request_id = is_request_id(given) ? std::string(given) : "req_" + to_hex(BytesView(random.bits256()).first(16));
  x.common.add("X-Request-Id", x.request_id);
}

// A page of another origin may be anybody's: without permission it gets nothing done, not even blindly.
bool ApiServer::State::admit_origin(Exchange& x) const {
  const auto origin = x.request.headers.get("origin");
  if (origin.empty()) return true;
  for (const auto& allowed : config.origins) {
    if (allowed != "*" && allowed != origin) continue;
    x.common.add("Access-Control-Allow-Origin", std::string(origin));
    x.common.add("Access-Control-Allow-Methods", "GET, POST, OPTIONS");
    // What client libraries send differs from one to the next: the page may send what it asks for.
    const net::HttpHeader asked{"Access-Control-Allow-Headers",
                                std::string(x.request.headers.get("access-control-request-headers"))};
    x.common.add(asked.name, asked.value.empty() ? "Content-Type, Authorization" : asked.value);
    x.common.add("Access-Control-Expose-Headers", "X-Request-Id, Retry-After");
    x.common.add("Access-Control-Max-Age", "600");
    x.common.add("Vary", "Origin");
    return true;
  }
  return false;
}

Task<> ApiServer::State::dispatch(Exchange& x) {
  if (!admit_origin(x))
    return refuse(x, failure(403, wire::kErrorRequest, "web pages of this origin may not use the API"));
  const std::string path(x.request.path());
  if (operator_api && operator_api->owns(path)) return node::OperatorApi::answer(operator_api, x.request, x.responder);
  if (x.request.method == "OPTIONS") return options(x);
  if (path != "/health") {
    auto key = gate.admit(x.request.headers);
    if (!key) return refuse(x, std::move(key).error());
    x.key = std::move(*key);
  }
  if (openai::endpoint_of(path) || openai::is_translated(path))
    return x.request.method == "POST" ? complete(x) : not_allowed(x, "POST, OPTIONS");
  if (path == kModels || path.starts_with("/v1/models/"))
    return reads(x) ? models(x, model_in(path)) : not_allowed(x, "GET, HEAD, OPTIONS");
  return operators(x, path);
}

Task<> ApiServer::State::options(Exchange& x) {
  auto headers = x.common;
  headers.add("Allow", "GET, POST, OPTIONS");
  co_await x.responder.respond(204, std::move(headers), {});
}

// Pages for operators, with the paths and names that existing dashboards read (wire.md 5.2).
Task<> ApiServer::State::operators(Exchange& x, const std::string& path) {
  static constexpr std::string_view kPages[] = {
      "/health", "/jsonstats", "/stats", "/metrics", "/perf", "/request/debuglogentry", "/attestation"};
  if (std::ranges::find(kPages, path) == std::end(kPages))
    return refuse(x, failure(404, wire::kErrorProtocolViolation, "no such route: " + path));
  if (!reads(x)) return not_allowed(x, "GET, HEAD, OPTIONS");
  const auto now = status();
  const int healthy = now.core.ready ? 200 : 503;
  const bool json = x.request.headers.get("accept").find(kJson) != std::string_view::npos;
  if (path == "/health") return page(x, healthy, std::string(kJson), node::health_body(now.core.waiting_for));
  if (path == "/metrics") return page(x, 200, "text/plain; version=0.0.4; charset=utf-8", metrics_page(now, stats));
  if (path == "/attestation") return page(x, 200, std::string(kJson), attestation ? attestation() : "{}");
  if (path == "/perf") return page(x, 200, "text/plain; charset=utf-8", perf_page(now, stats));
  if (path == "/request/debuglogentry") return page(x, 200, std::string(kJson), debug_entry(x));
  if (path == "/stats" && !json) return page(x, 200, "text/html; charset=utf-8", html_page(now, stats, wall_clock()));
  return page(x, 200, std::string(kJson), stats_page(now, stats, wall_clock()));
}

std::string ApiServer::State::debug_entry(const Exchange& x) const {
  const auto guid = net::query_value(x.request.query(), "request_guid");
  for (const auto& [id, text] : debug_log)
    if (id == guid) return text;
  return "{}";
}

Task<> ApiServer::State::page(Exchange& x, int code, std::string type, std::string body) {
  auto headers = x.common;
  headers.add("Content-Type", std::move(type));
  headers.add("Cache-Control", "no-store");
  if (code == 503) headers.add("Retry-After", "1");
  co_await x.responder.respond(code, std::move(headers), std::move(body));
}

Task<> ApiServer::State::not_allowed(Exchange& x, std::string allow) {
  x.common.add("Allow", std::move(allow));
  return refuse(x, failure(405, wire::kErrorProtocolViolation,
                           fmt::format("{} is not allowed on {}", x.request.method, x.request.path())));
}

Task<> ApiServer::State::refuse(Exchange& x, Failure f) {
  ++stats.responses[f.status];
  auto headers = x.common;
  headers.add("Content-Type", std::string(kJson));
  if (f.retry_after > 0) headers.add("Retry-After", std::to_string(f.retry_after));
  co_await x.responder.respond(f.status, std::move(headers), error_text(x, f));
}

// --- the server

ApiServer::ApiServer(net::Executor executor, ApiConfig config, Submit submit, StatusSource status,
                     std::shared_ptr<node::OperatorApi> operator_api)
    : state_(std::make_shared<State>(executor, std::move(config), std::move(submit), std::move(status),
                                     std::move(operator_api))) {
  net::HttpServerOptions options;
  options.max_body = state_->config.max_body;
  options.refusal_type = kJson;
  options.refusal_body = refusal_body;
  options.max_connections = state_->config.max_connections;
  state_->config.defaults.limits.max_bytes = state_->config.max_body;
  state_->server = std::make_unique<net::HttpServer>(
      executor, options, [weak = std::weak_ptr(state_)](const HttpRequest& request, HttpResponder& r) {
        return State::handle(weak.lock(), request, r);
      });
}

ApiServer::~ApiServer() { close(); }

void ApiServer::attest_with(std::function<std::string()> page) { state_->attestation = std::move(page); }

Result<> ApiServer::listen(const std::string& address) {
  TRY_ASSIGN(const auto endpoint, net::parse_endpoint(address, true));
  if (state_->config.require_key || !endpoint.address().is_loopback()) {
    if (state_->config.keys_file.empty())
      return fail("API keys are asked for on {}, and api.keys_file names no file of them", address);
    auto keys = store::ApiKeys::open(state_->config.keys_file);
    if (!keys) return std::unexpected(std::move(keys).error().within("api.keys_file " + state_->config.keys_file));
    state_->gate = ApiGate(std::move(*keys));
  }
  return state_->server->listen(address);
}
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
