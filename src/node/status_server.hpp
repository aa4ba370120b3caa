// What a node tells operators over HTTP: /health, /jsonstats, /metrics, and the role's own routes.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "net/http_server.hpp"

namespace cocoon::node {

struct StatusPages {
  // In words what keeps the node from serving; empty: it serves. Decides the status of /health.
  std::function<std::string()> waiting_for;
  std::function<std::string()> json;     // /jsonstats, one JSON object
  std::function<std::string()> metrics;  // Prometheus text
  // Operator actions by path ("/request/disable"): POST only. Returns one line, or why not.
  std::map<std::string, std::function<Result<std::string>(const net::HttpRequest&)>> actions;
};

class StatusServer {
 public:
  static Result<std::unique_ptr<StatusServer>> start(net::Executor executor, const std::string& address,
                                                     StatusPages pages);
  ~StatusServer();
  std::uint16_t port() const { return server_->port(); }

 private:
  StatusServer() = default;
  net::Task<> answer(const net::HttpRequest&, net::HttpResponder&);
  StatusPages pages_;
  std::unique_ptr<net::HttpServer> server_;
};

// {"status":"ok"} or {"status":"starting","waiting_for":"..."}
std::string health_body(const std::string& waiting_for);

}  // namespace cocoon::node
