#include "node/process.hpp"

#include <csignal>

#include <sys/resource.h>

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

// Every connection is a descriptor: as many as the system allows us, not the few that a shell starts with.
static void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) log::warn("node", "the limit of open files could not be raised");
}

int run_until_signal(net::asio::io_context& io, const std::function<net::Task<>()>& drain) {
  std::signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();
  net::asio::signal_set signals(io, SIGTERM, SIGINT);
  net::asio::co_spawn(io, wait_and_drain(io, signals, drain), net::asio::detached);
  io.run();
  return 0;
}

}  // namespace cocoon::node
