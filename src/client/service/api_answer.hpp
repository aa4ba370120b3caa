// One answer on its way from the core and the route to its HTTP caller: a bounded mailbox between them.
#pragma once
#include <optional>
#include <string>

#include "client/core/events.hpp"
#include "net/event.hpp"

namespace cocoon::client {

class ApiAnswer {
 public:
  // At most `limit` bytes wait for a caller that reads more slowly than the worker writes: nothing slows one stream of
  // a connection alone, so beyond the limit the answer fails.
  ApiAnswer(const net::Executor& executor, std::size_t limit) : news_(executor), limit_(limit) {}

  // --- from the core and the route. What comes after the end is ignored.
  void take(ApiHead head);
  void take(BytesView body);
  void take(ApiEnd end);
  void take(ApiFailed failure);
  void take(ApiModelList models);
  void caller_gone();

  // --- for the handler
  const std::optional<ApiHead>& head() const { return head_; }
  Headers take_headers() { return std::exchange(head_->headers, {}); }  // once there is a head
  const std::optional<ApiEnd>& end() const { return end_; }             // its body is among the bytes
  const std::optional<ApiFailed>& failure() const { return failure_; }
  const std::optional<ApiModelList>& models() const { return models_; }
  bool gone() const { return gone_; }
  bool overflown() const { return overflown_; }
  // The core knows that it is over, too.
  bool over_in_core() const { return end_ || (failure_ && !overflown_) || models_; }
  // Nothing more will come.
  bool over() const { return over_in_core() || overflown_ || gone_; }
  // Everything that has come since the last call.
  std::string take_bytes() { return std::exchange(bytes_, {}); }
  // Until there are bytes, or it is over.
  net::Task<> wait();

 private:
  net::Event news_;
  std::size_t limit_;
  std::optional<ApiHead> head_;
  std::string bytes_;
  std::optional<ApiEnd> end_;
  std::optional<ApiFailed> failure_;
  std::optional<ApiModelList> models_;
  bool gone_ = false;
  bool overflown_ = false;
};

}  // namespace cocoon::client
