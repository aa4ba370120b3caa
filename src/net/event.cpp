#include "net/event.hpp"

namespace cocoon::net {

struct Watchdog::State : std::enable_shared_from_this<Watchdog::State> {
  State(const Executor& executor, std::function<void()> call) : timer(executor), expired(std::move(call)) {}

  void arm() {
    armed = deadline;
    timer.expires_at(deadline);
    timer.async_wait([self = weak_from_this()](boost::system::error_code ec) {
      if (auto state = self.lock(); state && !ec) state->fired();
    });
  }

  void fired() {
    armed = SteadyTime::max();
    if (deadline == SteadyTime::max()) return;
    if (std::chrono::steady_clock::now() < deadline) return arm();
    deadline = SteadyTime::max();
    if (expired) {
      auto call = expired;  // the call may destroy the watchdog
      call();
    }
  }

  asio::steady_timer timer;
  std::function<void()> expired;
  SteadyTime deadline = SteadyTime::max();
  SteadyTime armed = SteadyTime::max();
};

Watchdog::Watchdog(const Executor& executor, std::function<void()> expired)
    : state_(std::make_shared<State>(executor, std::move(expired))) {}

Watchdog::~Watchdog() {
  state_->expired = nullptr;
  state_->timer.cancel();
}

void Watchdog::set(SteadyTime deadline) {
  state_->deadline = deadline;
  if (deadline < state_->armed) state_->arm();
}

void Watchdog::clear() { state_->deadline = SteadyTime::max(); }

}  // namespace cocoon::net
