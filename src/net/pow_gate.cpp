#include "net/pow_gate.hpp"

#include <atomic>
#include <cmath>

#include "net/off_loop.hpp"

namespace cocoon::net {
namespace {

constexpr double kSmoothing = 2.0;                       // seconds
constexpr Millis kLongestProof = std::chrono::hours(1);  // whoever waits has a deadline of its own, and sets `stop`
constexpr int kInlineDifficulty = 10;                    // about a thousand hashes: cheaper than changing threads

}  // namespace

double PowGate::rate(SteadyTime now) const {
  const double gap = std::chrono::duration<double>(now - last_).count();
  return rate_ * std::exp(-std::max(0.0, gap) / kSmoothing);
}

int PowGate::arrival(SteadyTime now) {
  rate_ = rate(now) + 1 / kSmoothing;
  last_ = now;
  const double over = rate_ / options_.calm_rate;
  const int extra = over > 1 ? static_cast<int>(std::ceil(std::log2(over))) : 0;
  return std::max(options_.difficulty, std::min(options_.difficulty + extra, options_.limit));
}

Task<Result<std::uint64_t>> solve_pow(Executor executor, wire::pow::Challenge challenge, int max_difficulty,
                                      std::shared_ptr<std::atomic<bool>> stop) {
  if (challenge.difficulty <= kInlineDifficulty || challenge.difficulty > max_difficulty)
    co_return wire::pow::solve(challenge, max_difficulty);
  // Whatever ends this wait, the thread must not go on for nobody.
  const std::shared_ptr<void> give_up(nullptr, [stop](void*) { stop->store(true); });
  std::function<Result<std::uint64_t>()> work = [challenge, max_difficulty, stop] {
    return wire::pow::solve(challenge, max_difficulty, [stop] { return stop->load(std::memory_order_relaxed); });
  };
  co_return co_await off_loop<std::uint64_t>(executor, OffLoop::solving, kLongestProof, work);
}

}  // namespace cocoon::net
