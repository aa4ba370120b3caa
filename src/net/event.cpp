#include "net/event.hpp"

#include <mutex>

namespace cocoon::net {

class Event::Registry final : public asio::execution_context::service {
 public:
  using key_type = Registry;
  static inline asio::execution_context::id id;

  explicit Registry(asio::execution_context& context) : service(context) {}

  void add(Event& event) {
    const std::lock_guard lock(mutex_);
    event.before_ = nullptr;
    event.behind_ = first_;
    if (first_ != nullptr) first_->before_ = &event;
    first_ = &event;
  }
  void remove(Event& event) {
    const std::lock_guard lock(mutex_);
    (event.before_ != nullptr ? event.before_->behind_ : first_) = event.behind_;
    if (event.behind_ != nullptr) event.behind_->before_ = event.before_;
  }

 private:
  void shutdown() override {
    while (first_ != nullptr) {
      const auto waiter = first_->take();  // its end may be the end of other events, which then leave the list
    }
  }

  // Executors of one context may be strands on several threads.
  std::mutex mutex_;
  Event* first_ = nullptr;
};

Event::Event(const Executor& executor)
    : registry_(asio::use_service<Registry>(asio::query(executor, asio::execution::context))) {}

Event::~Event() { take(); }

std::optional<Event::Waiter> Event::take() {
  if (!waiter_) return std::nullopt;
  registry_.remove(*this);
  if (auto slot = asio::get_associated_cancellation_slot(*waiter_); slot.is_connected()) slot.clear();
  return std::exchange(waiter_, std::nullopt);
}

void Event::notify() {
  if (auto waiter = take())
    asio::post(*std::move(waiter));
  else
    set_ = true;
}

Task<> Event::wait() {
  if (std::exchange(set_, false)) co_return;
  const auto park = [this](auto handler) {
    waiter_.emplace(std::move(handler));
    if (auto slot = asio::get_associated_cancellation_slot(*waiter_); slot.is_connected())
      slot.assign([this](asio::cancellation_type) { notify(); });
    registry_.add(*this);
  };
  co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(park, asio::use_awaitable);
}

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
