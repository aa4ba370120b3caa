// The life of a node's process: one event loop, ended by SIGTERM or SIGINT, drained before it closes.
#pragma once
#include <functional>

#include "net/asio.hpp"

namespace cocoon::node {

// Runs `io` until a signal asks to stop; then `drain` runs (new work refused, running work finished, at most a few
// seconds), then the loop is stopped. A second signal ends the drain at once. Returns the process's exit status.
int run_until_signal(net::asio::io_context& io, const std::function<net::Task<>()>& drain);

}  // namespace cocoon::node
