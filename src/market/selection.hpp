// Which worker connection gets a request (wire.md 5.7).
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.hpp"
#include "base/time.hpp"

namespace cocoon::market {

// One connection registered under the requested base model.
struct Candidate {
  std::uint64_t connection = 0;  // ascending in order of arrival
  bool enabled = false;
  int proto_version = 0;
  std::int64_t coefficient = 0;  // 1/1000
  std::int64_t running = 0;
  std::int64_t limit = 1;      // per_proxy_limit
  double average_seconds = 0;  // of its answers; 0 while it is idle (DecayingAverage)
};

struct Ask {
  std::uint32_t max_coefficient = 4000;  // 1/1000
  bool encrypted = false;                // needs protocol version 3
};

// Index of the chosen candidate. Of those that are enabled, have a free slot, are affordable and understand the
// request, the smallest running x average_seconds wins; on ties the one with fewer running requests, then the cheaper,
// then the older connection (the reference knows only the last of these, which gives a quiet proxy's work to one
// worker: D21). Error 651 says why nobody fits. A model nobody ever announced is the caller's to refuse (621).
Result<std::size_t> select_worker(std::span<const Candidate>, const Ask&);

// Mean duration over an exponentially decayed ten minutes; 0 while fewer than 0.1 events a second are remembered.
class DecayingAverage {
 public:
  void add(Time now, Duration took);
  double seconds(Time now) const;

 private:
  double decay_to(Time now) const;

  Time at_{};
  double count_ = 0;
  double sum_ = 0;
};

}  // namespace cocoon::market
