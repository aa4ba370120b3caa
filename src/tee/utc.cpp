#include "tee/utc.hpp"

#include <charconv>

namespace cocoon::tee {

Result<Time> parse_utc(std::string_view text) {
  constexpr std::string_view shape = "0000-00-00T00:00:00Z";
  bool good = text.size() == shape.size();
  for (std::size_t i = 0; good && i < shape.size(); ++i)
    good = shape[i] == '0' ? text[i] >= '0' && text[i] <= '9' : text[i] == shape[i];
  if (!good) return fail("\"{}\" is not a time like 2026-01-31T00:00:00Z", text);
  const auto number = [text](std::size_t at, std::size_t n) {
    unsigned value = 0;
    std::from_chars(text.data() + at, text.data() + at + n, value);
    return value;
  };
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(number(0, 4))),
                                         std::chrono::month(number(5, 2)), std::chrono::day(number(8, 2))};
  const auto hour = number(11, 2), minute = number(14, 2), second = number(17, 2);
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return fail("\"{}\" is not a time", text);
  return Time(std::chrono::sys_days(date)) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second);
}

std::string to_utc(Time time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto day = std::chrono::floor<std::chrono::days>(seconds);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(seconds - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count());
}

}  // namespace cocoon::tee
