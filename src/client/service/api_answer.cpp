#include "client/service/api_answer.hpp"

#include <fmt/format.h>

#include "wire/error_codes.hpp"

namespace cocoon::client {

void ApiAnswer::take(ApiHead head) {
  if (over() || head_) return;
  const Bytes body = std::move(head.body);
  head_ = std::move(head);
  take(BytesView(body));
}

void ApiAnswer::take(BytesView body) {
  if (over() || body.empty()) return;
  if (body.size() > limit_ - bytes_.size()) {
    overflown_ = true;
    failure_ = ApiFailed{0, wire::kErrorFailure,
                         fmt::format("the caller left more than {} bytes of the answer unread", limit_)};
  } else {
    bytes_ += as_text(body);
  }
  news_.notify();
}

void ApiAnswer::take(ApiEnd end) {
  take(BytesView(end.body));
  if (over()) return;
  end.body.clear();
  end_ = std::move(end);
  news_.notify();
}

void ApiAnswer::take(ApiFailed failure) {
  if (over()) return;
  failure_ = std::move(failure);
  news_.notify();
}

void ApiAnswer::take(ApiModelList models) {
  if (over()) return;
  models_ = std::move(models);
  news_.notify();
}

void ApiAnswer::caller_gone() {
  gone_ = true;
  news_.notify();
}

net::Task<> ApiAnswer::wait() {
  while (bytes_.empty() && !over()) co_await news_.wait();
}

}  // namespace cocoon::client
