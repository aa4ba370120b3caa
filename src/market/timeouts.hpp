// How the time an application gives a request shrinks on its way (wire.md 5.8), so that whoever is further out always
// hears of a timeout from whoever is further in. Seconds, as the wire carries them.
#pragma once
#include <algorithm>
#include <cmath>

namespace cocoon::market {

inline constexpr double kDefaultTimeout = 120;
inline constexpr double kMinTimeout = 1;
inline constexpr double kMaxTimeout = 3600;
inline constexpr double kShrink = 0.95;

// What the next node inwards gets.
constexpr double inner_timeout(double seconds) { return seconds * kShrink; }

// A number from a peer, made safe to arm a timer with (wire.md 5.8, last line). What is no number becomes the least.
inline double clamp_timeout(double seconds) {
  return std::isnan(seconds) ? kMinTimeout : std::clamp(seconds, kMinTimeout, kMaxTimeout);
}

struct TimeoutChain {
  double proxy = 0;    // client.runQueryEx.timeout, the proxy's timer
  double worker = 0;   // proxy.runQueryEx.timeout, the worker's timer
  double backend = 0;  // the exchange with the engine, whole seconds
};
inline TimeoutChain timeout_chain(double http_seconds) {
  const double proxy = inner_timeout(http_seconds);
  const double worker = inner_timeout(proxy);
  return {proxy, worker, std::floor(inner_timeout(worker))};
}

}  // namespace cocoon::market
