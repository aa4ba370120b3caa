// Runs a pure core: events in, effects out, one timer for wake_at(). The core and its driver belong to one executor.
#pragma once
#include <deque>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "net/asio.hpp"

namespace cocoon::node {

// `Apply` is called once per effect, with the effect; it may submit further events, which wait their turn.
template <class Core, class Event, class Effect, class Apply>
class Driver {
 public:
  Driver(const net::Executor& executor, Core& core, Apply apply)
      : core_(core), apply_(std::move(apply)), timer_(executor) {}

  // Once, when everything that `Apply` needs is there.
  void start() {
    if constexpr (requires { core_.start(wall_clock(), effects_); }) {
      busy_ = true;
      core_.start(wall_clock(), effects_);
      apply_effects();
      drain();
    } else {
      submit(Event(TickOf<Event>{}));
    }
  }

  void submit(Event event) {
    queue_.push_back(std::move(event));
    if (std::exchange(busy_, true)) return;
    drain();
  }

  void stop() {
    stopped_ = true;
    timer_.cancel();
  }

 private:
  void drain() {
    while (!queue_.empty() && !stopped_) {
      const auto next = std::move(queue_.front());
      queue_.pop_front();
      effects_.clear();
      core_.handle(next, wall_clock(), effects_);
      apply_effects();
    }
    busy_ = false;
    if (!stopped_) arm();
  }

  // The effects may cause events, which append to queue_, never to effects_.
  void apply_effects() {
    for (auto& effect : effects_) std::visit([&](auto& e) { apply_(std::move(e)); }, effect);
  }

  void arm() {
    // A timer that fires too early costs a tick; moving it with every request would cost more.
    const auto at = core_.wake_at();
    if (at >= armed_for_) return;
    armed_for_ = at;
    // Never sooner than a millisecond from now: a core that wants to be woken in the past must not spin.
    timer_.expires_after(std::max<Duration>(at - wall_clock(), std::chrono::milliseconds(1)));
    timer_.async_wait([this, alive = std::weak_ptr<bool>(alive_)](boost::system::error_code error) {
      if (error || alive.expired() || stopped_) return;
      armed_for_ = Time::max();
      submit(Event(TickOf<Event>{}));
    });
  }

  template <class E>
  struct FirstAlternative;
  template <class First, class... Rest>
  struct FirstAlternative<std::variant<First, Rest...>> {
    using type = First;
  };
  template <class E>
  using TickOf = typename FirstAlternative<E>::type;  // role::Tick stands first in every role's Event

  Core& core_;
  Apply apply_;
  net::asio::steady_timer timer_;
  std::deque<Event> queue_;
  std::vector<Effect> effects_;
  Time armed_for_ = Time::max();
  bool busy_ = false;
  bool stopped_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace cocoon::node
