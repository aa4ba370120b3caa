// The kinds of faults, how often each has happened, and how often it may. A seed draws its own mixture: some seeds have
// none of a kind, some a lot, so that each kind is also met alone.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>

#include "dice.hpp"

namespace cocoon::sim {

enum class Fault : std::size_t {
  link_cut,             // a connection breaks; what was under way is lost from some point on, on each side its own
  link_slow,            // a message takes seconds; those behind it wait
  dial_refused,         // a connection is not to be had
  external_lost,        // an external message never reaches the chain
  external_delayed,     // it comes late, after others that were sent later
  external_twice,       // it comes twice, the second time later
  block_late,           // no block for a while
  block_dropped,        // the externals waiting for a block vanish with it
  lite_stale,           // a liteserver shows old blocks
  lite_frozen,          // it stands still
  lite_back,            // it goes back
  kill,                 // a process dies between two effects
  write_lost,           // a snapshot on its way to the disk is not there after a crash
  write_kept,           // it is, though nobody was told
  write_torn,           // it is half there, half the one before
  write_failed,         // the disk is full for a while
  disk_rolled_back,     // a proxy wakes up with an older copy of its database
  disk_lost,            // or with none
  proxy_cloned,         // two copies of one proxy run
  cloned_at_commit,     // the same, from a moment on in which both are about to make the commit of one number
  worker_inflates,      // a worker claims more than it did
  worker_underreports,  // or less, or nonsense
  stale_payment,        // an old signed payment is brought to a contract
  foreign_register,     // a client registers with a nonce that is not its own
  wild_request,         // a client asks for impossible amounts
  client_leaves,        // a client asks for its money back while requests run
  engine_fails,
  params_change,  // the root contract changes its prices: every proxy moves to a new contract
  count_
};
inline constexpr std::size_t kFaults = static_cast<std::size_t>(Fault::count_);

inline constexpr std::array<std::string_view, kFaults> kFaultNames = {
    "link_cut",         "link_slow",           "dial_refused",  "external_lost",
    "external_delayed", "external_twice",      "block_late",    "block_dropped",
    "lite_stale",       "lite_frozen",         "lite_back",     "kill",
    "write_lost",       "write_kept",          "write_torn",    "write_failed",
    "disk_rolled_back", "disk_lost",           "proxy_cloned",  "cloned_at_commit",
    "worker_inflates",  "worker_underreports", "stale_payment", "foreign_register",
    "wild_request",     "client_leaves",       "engine_fails",  "params_change"};

using FaultCounts = std::array<std::uint64_t, kFaults>;

class Faults {
 public:
  explicit Faults(Dice& dice) : dice_(dice) {}

  void allow(Fault f, std::uint64_t ppm) { rate_[index(f)] = ppm; }
  bool allowed(Fault f) const { return !quiet_ && rate_[index(f)] > 0; }
  void be_quiet() { quiet_ = true; }  // the drain: nothing fails any more

  // Does it happen now? Counted if so.
  bool strikes(Fault f) {
    if (quiet_ || rate_[index(f)] == 0 || !dice_.ppm(rate_[index(f)])) return false;
    count(f);
    return true;
  }
  void count(Fault f) { ++counts_[index(f)]; }
  const FaultCounts& counts() const { return counts_; }

 private:
  static std::size_t index(Fault f) { return static_cast<std::size_t>(f); }
  Dice& dice_;
  std::array<std::uint64_t, kFaults> rate_{};
  FaultCounts counts_{};
  bool quiet_ = false;
};

}  // namespace cocoon::sim
