#include "cli/amount.hpp"

#include <fmt/format.h>

#include "ton/contracts/params.hpp"

namespace cocoon::cli {

std::string ton_text(std::uint64_t nano) {
  auto text = fmt::format("{}.{:09}", nano / ton::kTon, nano % ton::kTon);
  while (text.back() == '0' && text[text.size() - 3] != '.') text.pop_back();
  return text + " TON";
}

Result<std::uint64_t> parse_ton(std::string_view text) {
  constexpr std::string_view kUnit = "TON";
  auto number = text;
  if (number.ends_with(kUnit)) number.remove_suffix(kUnit.size());
  while (number.ends_with(' ')) number.remove_suffix(1);
  const auto dot = number.find('.');
  const auto whole = number.substr(0, dot);
  auto part = dot == number.npos ? std::string() : std::string(number.substr(dot + 1));
  const auto wrong = [&] { return fail("\"{}\": an amount in TON expected, like 1.5", text); };
  if (whole.empty() || whole.size() > 9 || part.size() > 9 || (dot != number.npos && part.empty())) return wrong();
  part.resize(9, '0');
  std::uint64_t nano = 0;
  for (const char c : std::string(whole) + part) {
    if (c < '0' || c > '9') return wrong();
    nano = nano * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return nano;
}

}  // namespace cocoon::cli
