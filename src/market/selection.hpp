// Which worker connection gets a request (wire.md 5.7).
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

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
  double first_seconds = 0;    // until the first byte of its answers, mean; 0 while nothing is known
  double failing = 0;          // share of its answers that failed, 0..1, of late
  bool resting = false;        // its breaker is open
  std::string_view name;       // what a client can pin: worker_name()
};

// What a client prefers among the workers that fit.
struct Policy {
  enum class Kind {
    balanced,  // least work before it, weighted by how often it fails; wire.md 5.7
    cheapest,  // price first, then as balanced
    fastest,   // shortest measured time to the first byte, stretched by its load
    pinned,    // the worker of that name, or nobody
  };
  Kind kind = Kind::balanced;
  std::string worker;  // of pinned
};
// Names the policy of one request, on its way from the application to the proxy.
inline constexpr std::string_view kPolicyHeader = "x-cocoon-policy";
// "balanced", "cheapest", "fastest" or "worker=NAME"; nothing else.
std::optional<Policy> parse_policy(std::string_view text);

struct Ask {
  std::uint32_t max_coefficient = 4000;  // 1/1000
  bool encrypted = false;                // needs protocol version 3
  Policy policy{};
};

// Nobody can take the request now.
struct Refusal {
  Error why;                // code 651, in words for the client
  bool may_change = false;  // one that fits is busy or resting: waiting may help
};

// Index of the chosen candidate. Of those that are enabled, have a free slot, do not rest, are affordable and
// understand the request, the policy's best wins. Balanced: the smallest running x average_seconds, on ties the one
// with fewer running requests, then the cheaper, then the older connection (the reference knows only the last of these,
// which gives a quiet proxy's work to one worker: D21). A model nobody ever announced is the caller's to refuse (621).
std::variant<std::size_t, Refusal> select_worker(std::span<const Candidate>, const Ask&);

// Mean duration over an exponentially decayed ten minutes.
class DecayingAverage {
 public:
  void add(Time now, Duration took);
  double seconds(Time now) const;  // 0 while fewer than 0.1 events a second are remembered (wire.md 5.7)
  double mean() const;             // of whatever is remembered; 0 before the first event

 private:
  double decay_to(Time now) const;

  Time at_{};
  double count_ = 0;
  double sum_ = 0;
};

}  // namespace cocoon::market
