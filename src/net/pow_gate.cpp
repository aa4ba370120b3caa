#include "net/pow_gate.hpp"

#include <atomic>
#include <cmath>

#include <sys/eventfd.h>
#include <unistd.h>

namespace cocoon::net {
namespace {

constexpr double kSmoothing = 2.0;     // seconds
constexpr int kInlineDifficulty = 10;  // about a thousand hashes: cheaper than changing threads

// One job on its way to a thread and back. The thread holds its own descriptor, so that neither side can write into
// something the other has closed.
struct Job {
  wire::pow::Challenge challenge;
  int max_difficulty = 0;
  std::shared_ptr<std::atomic<bool>> stop;
  int done_fd = -1;
  Result<std::uint64_t> result = fail(net_cancelled, "not solved");

  ~Job() {
    if (done_fd >= 0) ::close(done_fd);
  }
  void run() {
    result = wire::pow::solve(challenge, max_difficulty, [this] { return stop->load(std::memory_order_relaxed); });
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto n = ::write(done_fd, &one, sizeof one);
  }
};

asio::thread_pool& solvers() {
  static asio::thread_pool pool(2);
  return pool;
}

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
  auto job = std::make_shared<Job>();
  job->challenge = challenge;
  job->max_difficulty = max_difficulty;
  job->stop = stop;
  const int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  job->done_fd = fd < 0 ? -1 : ::dup(fd);
  if (job->done_fd < 0) {
    if (fd >= 0) ::close(fd);
    co_return fail("no descriptor left to solve a proof of work");
  }
  // Whatever ends this wait, the thread must not go on for nobody.
  const std::shared_ptr<void> give_up(nullptr, [stop](void*) { stop->store(true); });
  asio::posix::stream_descriptor done(executor, fd);
  asio::post(solvers(), [job] { job->run(); });
  std::uint64_t count = 0;
  const auto [ec, n] = co_await done.async_read_some(asio::buffer(&count, sizeof count), no_throw);
  if (ec || n != sizeof count) co_return fail(net_cancelled, "the proof of work was given up");
  co_return std::move(job->result);
}

}  // namespace cocoon::net
