// Boost.Asio as this room shows it: one alias, one kind of coroutine, errors without exceptions.
#pragma once
#include <boost/asio.hpp>

#include "base/result.hpp"

namespace cocoon::net {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using Executor = asio::any_io_executor;
using SteadyTime = std::chrono::steady_clock::time_point;
using Millis = std::chrono::milliseconds;

// What coroutines of this room return. Every class of the room is driven by one executor that runs one thing at a time
// (an io_context with one thread, or a strand); none of them has a lock.
template <class T = void>
using Task = asio::awaitable<T>;

// co_await socket.async_read_some(buffer, no_throw) gives [error, size] instead of throwing.
inline constexpr auto no_throw = asio::as_tuple(asio::use_awaitable);

// Codes of Error made by this room.
enum NetError : int {
  net_refused = 1001,    // the other side could not be reached
  net_timeout = 1002,    // a deadline passed
  net_closed = 1003,     // the connection ended
  net_malformed = 1004,  // the other side broke the protocol
  net_too_large = 1005,  // a limit was exceeded
  net_cancelled = 1006,  // given up by our side
  net_invalid = 1007,    // the caller asked for something that cannot be sent
  net_untrusted = 1008,  // the other side's certificate or evidence is not accepted
};

}  // namespace cocoon::net
