// Deadlines by key: a core has no timers, it has these and says the earliest.
#pragma once
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/time.hpp"

namespace cocoon::proxy {

template <class Key>
class Deadlines {
 public:
  void set(const Key& key, Time at) {
    erase(key);
    by_key_.emplace(key, at);
    by_time_.emplace(at, key);
  }
  void erase(const Key& key) {
    const auto it = by_key_.find(key);
    if (it == by_key_.end()) return;
    by_time_.erase({it->second, key});
    by_key_.erase(it);
  }
  Time earliest() const { return by_time_.empty() ? Time::max() : by_time_.begin()->first; }
  // Takes out one key whose time has come.
  std::optional<Key> pop_due(Time now) {
    if (by_time_.empty() || by_time_.begin()->first > now) return std::nullopt;
    Key key = by_time_.begin()->second;
    erase(key);
    return key;
  }

 private:
  std::map<Key, Time> by_key_;
  std::set<std::pair<Time, Key>> by_time_;
};

}  // namespace cocoon::proxy
