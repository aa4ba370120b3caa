// Work that takes long, on a thread that is not the event loop's.
#pragma once
#include <functional>

#include "net/asio.hpp"

namespace cocoon::net {

// Kinds of work that do not wait for each other. One at a time where a device is asked.
enum class OffLoop { solving, attesting };

// Pieces of work of one kind that run or wait, at most: who comes after them would wait too long anyway.
inline constexpr std::size_t kMostOffLoop = 256;

namespace detail {
// Runs `work` on a thread of that kind; the caller goes on when it has ended, or after `patience` without it. Errors:
// net_timeout; net_cancelled when too much work waits already, or there is no descriptor left.
Task<Result<>> run_off_loop(Executor executor, OffLoop kind, Millis patience, std::function<void()> work);
}  // namespace detail

// `work` owns all that it touches: the caller may be gone before it ends. A device that never answers costs its thread,
// never the caller.
template <class T>
Task<Result<T>> off_loop(Executor executor, OffLoop kind, Millis patience, std::function<Result<T>()> work) {
  auto result = std::make_shared<Result<T>>(fail(net_cancelled, "given up"));
  std::function<void()> run = [result, work = std::move(work)] { *result = work(); };
  CO_TRY(co_await detail::run_off_loop(executor, kind, patience, run));
  co_return std::move(*result);
}

}  // namespace cocoon::net
