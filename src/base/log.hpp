// The log: one line per event on standard error. Secrets, prompts and answers are never logged.
#pragma once
#include <string_view>

#include <fmt/core.h>

namespace cocoon::log {

enum class Level { trace, debug, info, warn, error, off };

// `name` marks the process or role at the start of each line. Safe to call more than once.
void set_up(std::string_view name, Level level);
Level level_from_name(std::string_view name, Level otherwise);
bool enabled(Level level);
void write(Level level, std::string_view room, std::string_view text);

template <class... Args>
void at(Level level, std::string_view room, fmt::format_string<Args...> text, Args&&... args) {
  if (enabled(level)) write(level, room, fmt::format(text, std::forward<Args>(args)...));
}

// log::info("proxy", "client {} connected", id)
template <class... Args>
void debug(std::string_view room, fmt::format_string<Args...> text, Args&&... args) {
  at(Level::debug, room, text, std::forward<Args>(args)...);
}
template <class... Args>
void info(std::string_view room, fmt::format_string<Args...> text, Args&&... args) {
  at(Level::info, room, text, std::forward<Args>(args)...);
}
template <class... Args>
void warn(std::string_view room, fmt::format_string<Args...> text, Args&&... args) {
  at(Level::warn, room, text, std::forward<Args>(args)...);
}
template <class... Args>
void error(std::string_view room, fmt::format_string<Args...> text, Args&&... args) {
  at(Level::error, room, text, std::forward<Args>(args)...);
}

}  // namespace cocoon::log
