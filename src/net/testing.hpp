// For tests of rooms with sockets: runs coroutines on one io_context until they end, never sleeping.
#pragma once
#include <gtest/gtest.h>

#include "net/asio.hpp"

namespace cocoon::net::testing {

class Loop {
 public:
  // Runs the context until the coroutine that `make` returns has ended; a test failure after `patience`.
  template <class Make>
  void run(Make make, Millis patience = Millis(20'000)) {
    bool done = false;
    asio::co_spawn(io, make(), [&](std::exception_ptr e) {
      done = true;
      EXPECT_FALSE(e) << "the coroutine threw";
    });
    until([&] { return done; }, patience);
    ASSERT_TRUE(done) << "the coroutine did not end";
  }
  // Runs the context until `condition` holds.
  template <class Condition>
  void until(Condition condition, Millis patience = Millis(20'000)) {
    const auto limit = std::chrono::steady_clock::now() + patience;
    io.restart();
    while (!condition() && std::chrono::steady_clock::now() < limit) io.run_one_until(limit);
    EXPECT_TRUE(condition()) << "the condition did not come true";
  }
  // Everything that is ready now.
  void settle() {
    io.restart();
    while (io.poll_one() > 0) {
    }
  }

  asio::io_context io{1};
};

inline tcp::socket connect_to(asio::io_context& io, std::uint16_t port) {
  tcp::socket socket(io);
  socket.connect(tcp::endpoint(asio::ip::address_v4::loopback(), port));
  return socket;
}

}  // namespace cocoon::net::testing
