// What a node tells operators over HTTP: /health, /jsonstats, /metrics, and the role's own routes.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "net/http_server.hpp"
#include "node/operator_api.hpp"

namespace cocoon::node {

struct StatusPages {
  // In words what keeps the node from serving; empty: it serves. Decides the status of /health.
  std::function<std::string()> waiting_for;
  std::function<std::string()> json;          // /jsonstats, one JSON object
  std::function<std::string()> metrics;       // Prometheus text
  std::shared_ptr<OperatorApi> operator_api;  // its own paths
  std::function<std::string()> attestation;   // /attestation (attestation_page.hpp); empty: there is none
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
