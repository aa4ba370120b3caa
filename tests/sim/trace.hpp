// What happened: the last hundred events in words, and a hash over all of them that two runs of one seed must share.
#pragma once
#include <cstdio>
#include <deque>
#include <string>

#include <fmt/format.h>

#include "base/time.hpp"

namespace cocoon::sim {

class Trace {
 public:
  static constexpr std::size_t kKept = 100;

  bool loud = false;  // every event on standard error

  template <class... A>
  void note(Time now, const std::string& who, fmt::format_string<A...> text, A&&... a) {
    add(fmt::format("{:12.3f} {:10} {}", unix_seconds(now) - kEpoch, who, fmt::format(text, std::forward<A>(a)...)));
  }
  std::uint64_t hash() const { return hash_; }
  std::uint64_t count() const { return count_; }
  const std::deque<std::string>& last() const { return last_; }

  static constexpr double kEpoch = 1'800'000'000;

 private:
  void add(std::string line) {
    for (const char c : line) hash_ = (hash_ ^ static_cast<std::uint8_t>(c)) * 0x100000001b3;
    ++count_;
    if (loud) fmt::print(stderr, "{}\n", line);
    if (last_.size() == kKept) last_.pop_front();
    last_.push_back(std::move(line));
  }

  std::uint64_t hash_ = 0xcbf29ce484222325, count_ = 0;
  std::deque<std::string> last_;
};

}  // namespace cocoon::sim
