#include "base/log.hpp"

#include <atomic>
#include <memory>
#include <string>

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

namespace cocoon::log {
namespace {

std::atomic<int> threshold{static_cast<int>(Level::info)};

spdlog::logger& logger() {
  static auto instance = std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
  return *instance;
}

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::trace:
      return spdlog::level::trace;
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warn:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
    case Level::off:
      break;
  }
  return spdlog::level::off;
}

}  // namespace

void set_up(std::string_view name, Level level) {
  threshold = static_cast<int>(level);
  logger().set_level(spdlog::level::trace);
  logger().set_pattern("%H:%M:%S.%e %^%-5l%$ " + std::string(name) + (name.empty() ? "%v" : " %v"));
  logger().flush_on(spdlog::level::trace);
}

Level level_from_name(std::string_view name, Level otherwise) {
  constexpr std::string_view names[] = {"trace", "debug", "info", "warn", "error", "off"};
  for (int i = 0; i < 6; ++i)
    if (names[i] == name) return static_cast<Level>(i);
  return otherwise;
}

bool enabled(Level level) { return static_cast<int>(level) >= threshold.load(std::memory_order_relaxed); }

void write(Level level, std::string_view room, std::string_view text) {
  logger().log(to_spdlog(level), "{}: {}", room, text);
}

}  // namespace cocoon::log
