// Amounts of Toncoin as people write and read them.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace cocoon::cli {

// "12.3456 TON"
std::string ton_text(std::uint64_t nano);
// "1.5", "0.000000001", "1.5 TON" as nanoTON. At most nine digits before and after the point.
Result<std::uint64_t> parse_ton(std::string_view text);

}  // namespace cocoon::cli
