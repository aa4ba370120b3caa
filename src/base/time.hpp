// Time as a value. Cores get it as an argument; only shells read a clock.
#pragma once
#include <chrono>
#include <cstdint>

namespace cocoon {

using Duration = std::chrono::microseconds;
using Time = std::chrono::sys_time<Duration>;  // wall clock, microseconds since the Unix epoch

inline double to_seconds(Duration d) { return std::chrono::duration<double>(d).count(); }
inline double unix_seconds(Time t) { return to_seconds(t.time_since_epoch()); }
inline std::int64_t unix_time(Time t) { return std::chrono::floor<std::chrono::seconds>(t).time_since_epoch().count(); }
inline Time from_unix(std::int64_t seconds) { return Time(std::chrono::seconds(seconds)); }

// For shells: the clock of the machine.
inline Time wall_clock() { return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()); }

}  // namespace cocoon
