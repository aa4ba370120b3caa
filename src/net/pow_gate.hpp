// Proof of work at the door (wire.md 2.1): how hard to ask, and solving off the event loop.
#pragma once
#include "net/asio.hpp"
#include "wire/pow.hpp"

namespace cocoon::net {

struct PowOptions {
  int difficulty = wire::pow::kDefaultDifficulty;  // what a calm server asks for, in bits
  int limit = 26;         // what it asks for at most, however busy; <= 28, which clients agree to
  double calm_rate = 50;  // connections per second up to which it stays calm
};

// Chooses the difficulty from the rate of arrivals: one bit more for every doubling above the calm rate, so that the
// work a flood must do grows as fast as the flood. Pure: time comes in.
class PowGate {
 public:
  explicit PowGate(PowOptions options) : options_(options) {}
  // Counts an arrival and returns the difficulty to ask of it.
  int arrival(SteadyTime now);
  double rate(SteadyTime now) const;  // arrivals per second, smoothed over about two seconds

 private:
  PowOptions options_;
  double rate_ = 0;
  SteadyTime last_{};
};

// Solves on a thread of its own; `executor` resumes the caller. Ends early (net_cancelled) when `stop` is set.
Task<Result<std::uint64_t>> solve_pow(Executor executor, wire::pow::Challenge challenge, int max_difficulty,
                                      std::shared_ptr<std::atomic<bool>> stop);

}  // namespace cocoon::net
