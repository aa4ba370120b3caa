#include "client/service/meters.hpp"

#include <cmath>

namespace cocoon::client {

void Meter::decay(Time now) {
  if (now > at_) {
    const double passed = to_seconds(now - at_);
    // Between two requests little time passes: there the first terms of the series are exact.
    const auto left = [](double x) { return x < 1e-4 ? 1 - x + x * x / 2 : std::exp(-x); };
    for (std::size_t i = 0; i < rates_.size(); ++i) rates_[i] *= left(passed / kWindows[i]);
    at_ = now;
  }
}

void Meter::add(double amount, Time now) {
  decay(now);
  total_ += amount;
  for (std::size_t i = 0; i < rates_.size(); ++i) rates_[i] += amount / kWindows[i];
}

std::array<double, 7> Meter::values(Time now) const {
  Meter m = *this;
  m.decay(now);
  std::array<double, 7> out{m.total_};
  for (std::size_t i = 0; i < m.rates_.size(); ++i) out[i + 1] = m.rates_[i];
  return out;
}

void Histogram::add(double seconds) {
  ++count_;
  sum_ += seconds;
  for (std::size_t i = 0; i < bounds_.size(); ++i)
    if (seconds <= bounds_[i]) ++counts_[i];
}

}  // namespace cocoon::client
