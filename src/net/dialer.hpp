// Keeps a link to one target: dials, and dials again when the link is lost.
#pragma once
#include "net/link.hpp"

namespace cocoon::net {

struct DialerOptions {
  Millis first{50};  // before the second attempt
  Millis most{900};  // the growing pause ends here
  Millis after_refusal{
      10'000};  // most after being refused for who we are or who they are: trying costs both sides work
};

class Dialer {
 public:
  // `on_link` gets every new link and calls its start(); `on_failure` hears of every failed attempt (may be empty).
  Dialer(Executor executor, LinkConfig config, DialerOptions options, std::function<void(LinkPtr)> on_link,
         std::function<void(const Error&)> on_failure = {});
  ~Dialer();  // stops dialling; a link that is open lives on
  Dialer(const Dialer&) = delete;
  Dialer& operator=(const Dialer&) = delete;

  void start(tcp::endpoint target);  // once
  void stop();
  const tcp::endpoint& target() const;
  std::uint64_t attempts() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// The pause before attempt n+1 after n failures in a row: doubling, capped, with a random half (jitter in [0, 1)).
Millis backoff(const DialerOptions&, unsigned failures, bool refused, double jitter);

}  // namespace cocoon::net
