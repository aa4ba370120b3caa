// The HTTP API beside an application (wire.md 5.1 to 5.3): OpenAI's routes and the pages for operators. Knows neither
// links nor chain: requests go out as events of the core, answers come back as its effects.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "client/core/events.hpp"
#include "client/service/pages.hpp"
#include "net/http_server.hpp"
#include "node/operator_api.hpp"
#include "openai/request.hpp"

namespace cocoon::client {

struct ApiConfig {
  openai::RequestDefaults defaults;
  std::uint64_t max_body = std::uint64_t{8} << 20;  // bytes of a request
  std::size_t max_unread = std::size_t{8} << 20;    // bytes of an answer that wait for a slow caller
  std::size_t max_connections = 16384;
  // Origins of web pages that may use the API; "*": any. Others are refused: the API spends its owner's money.
  std::vector<std::string> origins;
  // Keys of callers (store/api_keys.hpp) are asked for on every address but loopback, there too if `require_key`.
  std::string keys_file;
  bool require_key = false;
  std::string policy;  // market::Policy of requests that name none; empty: the proxy's
};

class ApiServer {
 public:
  using Submit = std::function<void(Event)>;
  using StatusSource = std::function<NodeStatus()>;

  // Submit is called on the executor, also from inside deliver's caller: it must queue (node::Driver does).
  // `operator_api`, if any, answers its own paths.
  ApiServer(net::Executor executor, ApiConfig config, Submit submit, StatusSource status,
            std::shared_ptr<node::OperatorApi> operator_api = nullptr);
  ~ApiServer();  // closes everything at once
  ApiServer(const ApiServer&) = delete;
  ApiServer& operator=(const ApiServer&) = delete;

  // What GET /attestation answers (node/attestation_page.hpp).
  void attest_with(std::function<std::string()> page);
  // Error: the address is taken, or keys are asked for there and cannot be read.
  Result<> listen(const std::string& address);
  std::uint16_t port() const;

  // Effects of the core. For an id that is unknown by now: nothing.
  void deliver(ApiHead);
  void deliver(ApiPart);
  void deliver(ApiEnd);
  void deliver(ApiFailed);
  void deliver(ApiModelList);
  // A part that came past the core.
  void route_part(ApiId, BytesView);

  // New connections are refused, running answers may end; at most so long.
  net::Task<> drain(net::Millis patience);
  void close();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace cocoon::client
