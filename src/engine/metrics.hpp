// What /metrics tells, in Prometheus' text format. Counts and times only: nothing of what was asked or answered.
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "engine/scheduler.hpp"

namespace cocoon::engine {

class Histogram {
 public:
  void observe(double seconds);
  void write(std::string_view name, std::string_view help, std::string& to) const;

 private:
  static constexpr std::array<double, 12> kBounds = {0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30, 120};
  std::array<std::uint64_t, kBounds.size() + 1> counts_{};
  double sum_ = 0;
};

// Used by the server's executor only; the scheduler's counters may change meanwhile.
class Metrics {
 public:
  // `route` must be one of a fixed set: each makes a series of its own.
  void request(std::string_view route, int status) { ++requests_[{std::string(route), status}]; }
  void first_text(double seconds) { first_text_.observe(seconds); }
  void answer(double seconds) { answer_.observe(seconds); }

  // `scheduler` is null while the model is loading.
  std::string text(const Scheduler* scheduler) const;

 private:
  std::map<std::pair<std::string, int>, std::uint64_t> requests_;
  Histogram first_text_;
  Histogram answer_;
};

}  // namespace cocoon::engine
