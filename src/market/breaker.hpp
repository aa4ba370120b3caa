// Who fails again and again is left alone for a while: a circuit breaker for one worker.
#pragma once
#include <cstdint>

#include "base/time.hpp"

namespace cocoon::market {

// Closed until `kFailures` answers in a row have failed; then open for a second, and for twice as long after each
// further failure, up to a minute. When the time is over one request at a time may try; its success closes the breaker.
class Breaker {
 public:
  static constexpr int kFailures = 3;
  static constexpr Duration kFirstPause = std::chrono::seconds(1);
  static constexpr Duration kLongestPause = std::chrono::seconds(60);

  void succeeded() { failures_ = 0; }
  void failed(Time now);
  // May a request go there now, `running` of them being there already?
  bool admits(Time now, std::int64_t running) const {
    return failures_ < kFailures || (now >= open_until_ && running == 0);
  }
  // When it admits again by the passing of time; Time::max() while it is closed or already admits one.
  Time opens_at(Time now) const { return failures_ < kFailures || now >= open_until_ ? Time::max() : open_until_; }

 private:
  int failures_ = 0;
  Time open_until_{};
};

}  // namespace cocoon::market
