// Chance, all of it from one seed (splitmix64). Not for keys.
#pragma once
#include <cstdint>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "base/time.hpp"

namespace cocoon::sim {

class Dice {
 public:
  // The seed is mixed first: otherwise the next seed would throw the same numbers, one throw later.
  explicit Dice(std::uint64_t seed) : state_(seed) { state_ = u64(); }

  std::uint64_t u64() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  // Uniform in [0, bound); bound > 0.
  std::uint64_t below(std::uint64_t bound) {
    COCOON_ASSERT(bound > 0);
    return u64() % bound;
  }
  std::uint64_t between(std::uint64_t least, std::uint64_t most) { return least + below(most - least + 1); }
  // True `parts` times in a million.
  bool ppm(std::uint64_t parts) { return below(1'000'000) < parts; }
  bool percent(std::uint64_t parts) { return below(100) < parts; }
  Duration duration(Duration least, Duration most) {
    return Duration(static_cast<Duration::rep>(
        between(static_cast<std::uint64_t>(least.count()), static_cast<std::uint64_t>(most.count()))));
  }
  Bits256 bits256() {
    Bits256 out;
    for (std::size_t i = 0; i < out.size(); i += 8) {
      const auto v = u64();
      for (std::size_t b = 0; b < 8; ++b) out[i + b] = static_cast<std::uint8_t>(v >> (8 * b));
    }
    return out;
  }
  template <class C>
  auto& pick(C& from) {
    return from[below(from.size())];
  }

 private:
  std::uint64_t state_;
};

}  // namespace cocoon::sim
