// The only clock: what happens when, in one thread. Things of the same time happen in the order in which they were
// planned.
#pragma once
#include <functional>
#include <map>
#include <utility>

#include "base/time.hpp"

namespace cocoon::sim {

class Schedule {
 public:
  using Task = std::function<void()>;

  explicit Schedule(Time start) : now_(start) {}

  Time now() const { return now_; }
  std::uint64_t steps() const { return steps_; }

  void at(Time when, Task task) { tasks_.emplace(std::pair(std::max(when, now_), next_++), std::move(task)); }
  void in(Duration later, Task task) { at(now_ + later, std::move(task)); }

  // The next step; false when nothing is planned.
  bool step() {
    if (tasks_.empty()) return false;
    auto node = tasks_.extract(tasks_.begin());
    now_ = node.key().first;
    ++steps_;
    node.mapped()();
    return true;
  }

 private:
  Time now_;
  std::uint64_t next_ = 0, steps_ = 0;
  std::map<std::pair<Time, std::uint64_t>, Task> tasks_;
};

}  // namespace cocoon::sim
