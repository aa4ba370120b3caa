// Waiting in coroutines: a one-waiter event, a bounded queue, a lazy deadline and a cancellation flag.
#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "net/asio.hpp"

namespace cocoon::net {

// One coroutine waits, anybody on the same executor wakes it. A wake without a waiter is remembered (once).
// A wait may also return without a wake: callers check their condition in a loop. An event that ends, or whose context
// ends, takes its waiter with it.
class Event {
 public:
  explicit Event(const Executor& executor);
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  // The waiter goes on in a later turn of the loop.
  void notify();
  Task<> wait();

 private:
  class Registry;
  using Waiter = asio::async_result<std::decay_t<decltype(asio::use_awaitable)>, void()>::handler_type;
  std::optional<Waiter> take();

  // A waiting coroutine mostly owns what it waits in: whoever ends the context breaks that circle by this list of all
  // events that have a waiter.
  Registry& registry_;
  Event* before_ = nullptr;
  Event* behind_ = nullptr;
  std::optional<Waiter> waiter_;
  bool set_ = false;
};

// A queue between one producer and one consuming coroutine. At its limit `push` refuses: the producer waits for room.
template <class T>
class Mailbox {
 public:
  Mailbox(const Executor& executor, std::size_t limit) : filled_(executor), drained_(executor), limit_(limit) {}

  // False when full or closed; the value is then untouched.
  bool push(T&& value) {
    if (closed_ || items_.size() >= limit_) return false;
    items_.push_back(std::move(value));
    filled_.notify();
    return true;
  }
  // Nothing more will come. What is queued can still be taken.
  void close() {
    closed_ = true;
    filled_.notify();
    drained_.notify();
  }
  bool closed() const { return closed_; }
  std::size_t size() const { return items_.size(); }

  // The next value; nothing once closed and empty.
  Task<std::optional<T>> pop() {
    while (items_.empty() && !closed_) co_await filled_.wait();
    if (items_.empty()) co_return std::nullopt;
    std::optional<T> out(std::move(items_.front()));
    items_.pop_front();
    drained_.notify();
    co_return out;
  }
  // For the producer: returns when there is room or the box is closed.
  Task<> room() {
    while (!closed_ && items_.size() >= limit_) co_await drained_.wait();
  }

 private:
  std::deque<T> items_;
  Event filled_, drained_;
  std::size_t limit_;
  bool closed_ = false;
};

// One deadline that moves often and rarely passes: moving it costs a store, the timer is touched only when it must fire
// earlier than it already would. `expired` runs on the executor, at most once per deadline set.
class Watchdog {
 public:
  Watchdog(const Executor& executor, std::function<void()> expired);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  void set(SteadyTime deadline);
  void set(Millis from_now) { set(std::chrono::steady_clock::now() + from_now); }
  void clear();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// "Give up", said by one side and heard by the other; both on one executor.
class Cancellation {
 public:
  void request() {
    if (requested_) return;
    requested_ = true;
    if (auto call = std::exchange(hook_, nullptr)) call();
  }
  bool requested() const { return requested_; }
  // Runs once when requested (at once when it already is). One hook: a later one replaces it, nullptr removes it.
  void on_request(std::function<void()> hook) {
    if (requested_ && hook) {
      hook();
      return;
    }
    hook_ = std::move(hook);
  }

 private:
  std::function<void()> hook_;
  bool requested_ = false;
};

}  // namespace cocoon::net
