#include "node/process.hpp"

#include <csignal>

#include "base/log.hpp"

namespace cocoon::node {
namespace {

net::Task<> wait_and_drain(net::asio::io_context& io, net::asio::signal_set& signals,
                           const std::function<net::Task<>()>& drain) {
  co_await signals.async_wait(net::no_throw);
  log::info("node", "stopping");
  signals.async_wait([&io](boost::system::error_code error, int) {
    if (!error) io.stop();
  });
  co_await drain();
  io.stop();
}

}  // namespace

int run_until_signal(net::asio::io_context& io, const std::function<net::Task<>()>& drain) {
  std::signal(SIGPIPE, SIG_IGN);
  net::asio::signal_set signals(io, SIGTERM, SIGINT);
  net::asio::co_spawn(io, wait_and_drain(io, signals, drain), net::asio::detached);
  io.run();
  return 0;
}

}  // namespace cocoon::node
