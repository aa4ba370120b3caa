// Times as vendors write them.
#pragma once
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"

namespace cocoon::tee {

// "2026-02-14T00:17:59Z", exactly this shape.
Result<Time> parse_utc(std::string_view text);
std::string to_utc(Time);  // whole seconds, rounded down

}  // namespace cocoon::tee
