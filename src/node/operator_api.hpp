// What operators may do to a running node over HTTP (wire.md 5.2, contracts.md W-19): a POST from this machine that
// shows the node's secret, and nothing else. One mechanism for every role.
//
//   POST /request/topup
//   Authorization: Bearer <content of operator.secret_file>
//   Content-Type: application/x-www-form-urlencoded
//
//   proxy=EQ...&amount=1000000000&dry_run=1&wait=60
//
// With `operator.get_forms`, for existing dashboards (wire.md 5.2), any method, the form in the query:
//
//   GET /request/topup?proxy=EQ...&access_hash=<content of operator.secret_file>
//
// Answers are JSON. An order: {"state":"planned|sent|done|failed", "messages":[...], "totals":{...}, "note":...,
// "outcome":...}. An action: {"state":"done","outcome":...}. A refusal: {"error":{"message":...}} with 400 (malformed
// form), 401 (no secret), 403 (another secret, or not from this machine), 405 (not POST), 409 (refused by the node),
// 429 (too many orders at once), 503 (the node stops).
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "net/http_server.hpp"
#include "role/operator.hpp"

namespace cocoon::node {

struct OperatorRoutes {
  // Done at once. Gets the form (net::query_value); returns one line, or why not.
  using Action = std::function<Result<std::string>(std::string_view form)>;
  struct Order {
    role::OrderKind kind{};
    std::string contract_field{};  // of the form: "proxy", "client", "worker"; empty: the order names no contract
    bool takes_amount = false;
  };

  std::map<std::string, Action, std::less<>> actions;  // by path: "/request/enable"
  std::map<std::string, Order, std::less<>> orders;    // by path: "/request/topup"
  std::function<void(role::Order)> submit;             // to the core; it answers through deliver(), perhaps at once
};

class OperatorApi {
 public:
  static constexpr std::size_t kMaxOrders = 64;              // answered at once
  static constexpr std::chrono::seconds kLongestWait{3600};  // for the outcome of an order

  // The secret is made if its file is absent (64 hex digits, mode 600). An empty name: every request is refused.
  static Result<std::shared_ptr<OperatorApi>> make(net::Executor executor, const std::string& secret_file,
                                                   bool get_forms, OperatorRoutes routes);

  bool owns(std::string_view path) const;
  // Answers a request whose path is ours. `self` keeps the object until the answer is out.
  static net::Task<> answer(std::shared_ptr<OperatorApi> self, const net::HttpRequest&, net::HttpResponder&);

  // Effects of the core. For an order nobody waits for any more: nothing.
  void deliver(role::OrderAnswer);
  void deliver(role::OrderDone);
  // Nobody waits any longer; further orders are refused.
  void close();

 private:
  struct Pending;
  struct Refusal;

  OperatorApi(net::Executor executor, bool get_forms, OperatorRoutes routes);
  std::optional<Refusal> check(const net::HttpRequest&) const;
  net::Task<> order(std::string_view form, net::HttpResponder&, const OperatorRoutes::Order&);
  void wake(role::OrderId);

  net::Executor executor_;
  bool get_forms_;
  OperatorRoutes routes_;
  std::string secret_;  // empty: nobody has it
  std::map<role::OrderId, std::shared_ptr<Pending>> pending_;
  role::OrderId next_id_ = 1;
  bool closed_ = false;
};

}  // namespace cocoon::node
