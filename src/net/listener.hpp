// Accepts links on one port, within limits.
#pragma once
#include <list>
#include <map>

#include "net/link.hpp"
#include "net/pow_gate.hpp"

namespace cocoon::net {

struct ListenerOptions {
  PowOptions pow;
  std::size_t max_handshakes = 256;  // half-open at a time; more are closed at once
  std::size_t max_handshakes_per_address = 64;
  std::size_t max_links = 10'000;
};

struct ListenerStats {
  std::uint64_t accepted = 0;     // TCP connections
  std::uint64_t turned_away = 0;  // over a limit
  std::uint64_t opened = 0;       // became links
  std::uint64_t failed = 0;       // did not, whatever the reason
  std::uint64_t untrusted = 0;    // of those: the certificate or its evidence was not accepted
  std::uint64_t timed_out = 0;    // of those: a deadline of the handshake passed
  std::size_t handshakes = 0;     // now
  std::size_t links = 0;          // now
  int difficulty = 0;             // last asked
};

class Listener {
 public:
  // `on_link` gets every open link and calls its start(); a link nobody keeps is closed by its owner, not by us.
  Listener(Executor executor, LinkConfig config, ListenerOptions options, std::function<void(LinkPtr)> on_link);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  Result<> listen(std::string_view address);  // "ip:port", port 0: any
  std::uint16_t port() const;
  const ListenerStats& stats() const;
  // Stops accepting and ends unfinished handshakes; open links live on.
  void close();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace cocoon::net
