// Work that takes long, on a thread that is not the event loop's.
#pragma once
#include <functional>

#include "net/asio.hpp"

namespace cocoon::net {

// Kinds of work that do not wait for each other. One at a time where a device is asked.
enum class OffLoop { solving, attesting };

namespace detail {
// Runs `work` on a thread of that kind; the caller goes on when it has ended. An error when there is no descriptor
// left.
Task<Result<>> run_off_loop(Executor executor, OffLoop kind, std::function<void()> work);
}  // namespace detail

// `work` owns all that it touches: the caller may be gone before it ends.
template <class T>
Task<Result<T>> off_loop(Executor executor, OffLoop kind, std::function<Result<T>()> work) {
  auto result = std::make_shared<Result<T>>(fail(net_cancelled, "given up"));
  std::function<void()> run = [result, work = std::move(work)] { *result = work(); };
  CO_TRY(co_await detail::run_off_loop(executor, kind, run));
  co_return std::move(*result);
}

}  // namespace cocoon::net
