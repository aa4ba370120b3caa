#include "node/status_server.hpp"

#include <boost/json.hpp>

namespace cocoon::node {
namespace {

net::HttpHeaders typed(std::string type) { return net::HttpHeaders::content_type(std::move(type)); }

}  // namespace

std::string health_body(const std::string& waiting_for) {
  boost::json::object o;
  o["status"] = waiting_for.empty() ? "ok" : "starting";
  if (!waiting_for.empty()) o["waiting_for"] = waiting_for;
  return boost::json::serialize(o);
}

Result<std::unique_ptr<StatusServer>> StatusServer::start(net::Executor executor, const std::string& address,
                                                          StatusPages pages) {
  std::unique_ptr<StatusServer> s(new StatusServer);
  s->pages_ = std::move(pages);
  net::HttpServerOptions options;
  options.max_body = 64 * 1024;
  options.max_connections = 256;
  auto* self = s.get();
  s->server_ = std::make_unique<net::HttpServer>(
      std::move(executor), options,
      [self](const net::HttpRequest& q, net::HttpResponder& r) -> net::Task<> { return self->answer(q, r); });
  auto begun = s->server_->listen(address);
  if (!begun) return std::unexpected(std::move(begun).error().within("http.listen " + address));
  return s;
}

StatusServer::~StatusServer() = default;

net::Task<> StatusServer::answer(const net::HttpRequest& request, net::HttpResponder& responder) {
  const std::string path(request.path());
  if (path == "/health") {
    const auto why = pages_.waiting_for();
    co_await responder.respond(why.empty() ? 200 : 503, typed("application/json"), health_body(why));
  } else if (path == "/jsonstats" || path == "/stats") {
    co_await responder.respond(200, typed("application/json"), pages_.json());
  } else if (path == "/metrics") {
    co_await responder.respond(200, typed("text/plain; version=0.0.4"), pages_.metrics());
  } else if (pages_.operator_api && pages_.operator_api->owns(path)) {
    co_await OperatorApi::answer(pages_.operator_api, request, responder);
  } else if (path == "/attestation" && pages_.attestation) {
    co_await responder.respond(200, typed("application/json"), pages_.attestation());
  } else {
    co_await responder.respond(404, typed("text/plain; charset=utf-8"), "no such page\n");
  }
}

}  // namespace cocoon::node
