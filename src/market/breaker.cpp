#include "market/breaker.hpp"

#include <algorithm>

namespace cocoon::market {

void Breaker::failed(Time now) {
  if (++failures_ < kFailures) return;
  const int doublings = std::min(failures_ - kFailures, 10);
  failures_ = std::min(failures_, kFailures + 10);
  open_until_ = now + std::min<Duration>(kFirstPause * (1 << doublings), kLongestPause);
}

}  // namespace cocoon::market
