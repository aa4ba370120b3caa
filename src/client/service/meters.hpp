// Numbers that an operator looks at: totals with decaying rates (wire.md 5.9), and distributions.
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "base/time.hpp"

namespace cocoon::client {

// A total, and how fast it grows: exponentially decayed per-second rates.
class Meter {
 public:
  static constexpr std::array<double, 6> kWindows{1, 10, 60, 600, 3600, 86400};  // seconds

  void add(double amount, Time now);
  double total() const { return total_; }
  // The total, then the rate over each window.
  std::array<double, 7> values(Time now) const;

 private:
  void decay(Time now);

  double total_ = 0;
  Time at_{};
  std::array<double, 6> rates_{};
};

// Counts of durations up to each bound.
class Histogram {
 public:
  explicit Histogram(std::vector<double> bounds) : bounds_(std::move(bounds)), counts_(bounds_.size()) {}

  void add(double seconds);
  const std::vector<double>& bounds() const { return bounds_; }
  std::uint64_t up_to(std::size_t bound) const { return counts_[bound]; }  // cumulative
  std::uint64_t count() const { return count_; }
  double sum() const { return sum_; }

 private:
  std::vector<double> bounds_;
  std::vector<std::uint64_t> counts_;
  std::uint64_t count_ = 0;
  double sum_ = 0;
};

}  // namespace cocoon::client
