// A total and its exponentially decayed rates per second over 1 s, 10 s, 1 min, 10 min, 1 h and 1 d: the seven numbers
// that the JSON status shows for each counter (wire.md 5.9).
#pragma once
#include <array>
#include <cmath>

#include "base/time.hpp"

namespace cocoon::proxy {

class Rates {
 public:
  static constexpr std::array<double, 6> kSpans = {1, 10, 60, 600, 3600, 86400};  // seconds

  void add(double amount, Time now) {
    decay(now);
    total_ += amount;
    for (std::size_t i = 0; i < kSpans.size(); ++i) rates_[i] += amount / kSpans[i];
  }
  double total() const { return total_; }
  std::array<double, 7> at(Time now) const {
    Rates copy = *this;
    copy.decay(now);
    std::array<double, 7> out{copy.total_};
    for (std::size_t i = 0; i < kSpans.size(); ++i) out[i + 1] = copy.rates_[i];
    return out;
  }

 private:
  void decay(Time now) {
    if (now <= at_) return;
    const double seconds = to_seconds(now - at_);
    // Between two requests little time passes: there the first terms of the series are exact.
    const auto left = [](double x) { return x < 1e-4 ? 1 - x + x * x / 2 : std::exp(-x); };
    for (std::size_t i = 0; i < kSpans.size(); ++i) rates_[i] *= left(seconds / kSpans[i]);
    at_ = now;
  }

  double total_ = 0;
  std::array<double, 6> rates_{};
  Time at_{};
};

}  // namespace cocoon::proxy
