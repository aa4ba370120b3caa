#include "engine/json_fields.hpp"

#include <cmath>

#include <fmt/core.h>

namespace cocoon::engine {

namespace json = boost::json;

std::string ApiError::to_json() const {
  const auto or_null = [](const std::string& s) { return s.empty() ? json::value(nullptr) : json::value(s); };
  return json::serialize(json::object{
      {"error", {{"message", message}, {"type", type}, {"param", or_null(param)}, {"code", or_null(code)}}}});
}

ApiError invalid(std::string_view param, std::string message, std::string_view code) {
  return {400, std::move(message), "invalid_request_error", std::string(param), std::string(code)};
}

ApiResult<json::object> parse_object(std::string_view body) {
  json::error_code failed;
  json::parse_options options;
  options.max_depth = 32;
  json::value value;
  try {
    value = json::parse(body, failed, {}, options);
  } catch (const std::exception&) {
    return std::unexpected(invalid({}, "the body is too large to be parsed as JSON"));
  }
  if (failed) return std::unexpected(invalid({}, "the body is not valid JSON: " + failed.message()));
  if (!value.is_object()) return std::unexpected(invalid({}, "the body must be a JSON object"));
  return std::move(value.get_object());
}

void Fields::wrong(std::string_view name, std::string_view expected) {
  fault(invalid(name_of(name), fmt::format("'{}' must be {}", name_of(name), expected)));
}

const json::value* Fields::any(std::string_view name) {
  if (fault_) return nullptr;
  const auto* value = object_.if_contains(name);
  return value && !value->is_null() ? value : nullptr;
}

std::optional<double> Fields::number(std::string_view name, double low, double high) {
  const auto* value = any(name);
  if (!value) return std::nullopt;
  const auto expected = [&] { return fmt::format("a number between {} and {}", low, high); };
  if (!value->is_number()) {
    wrong(name, expected());
    return std::nullopt;
  }
  const double got = value->is_double()   ? value->get_double()
                     : value->is_uint64() ? static_cast<double>(value->get_uint64())
                                          : static_cast<double>(value->get_int64());
  if (!(got >= low && got <= high)) {
    wrong(name, expected());
    return std::nullopt;
  }
  return got;
}

std::optional<std::int64_t> Fields::integer(std::string_view name, std::int64_t low, std::int64_t high) {
  const auto* value = any(name);
  if (!value) return std::nullopt;
  std::optional<std::int64_t> got;
  // 2.0 is an integer: JavaScript and some serializers do not tell the two apart.
  constexpr double kExact = 9007199254740992.0;
  if (value->is_int64())
    got = value->get_int64();
  else if (value->is_double() && std::abs(value->get_double()) <= kExact &&
           std::trunc(value->get_double()) == value->get_double())
    got = static_cast<std::int64_t>(value->get_double());
  if (!got || *got < low || *got > high) {
    wrong(name, fmt::format("an integer between {} and {}", low, high));
    return std::nullopt;
  }
  return got;
}

std::optional<bool> Fields::boolean(std::string_view name) {
  const auto* value = any(name);
  if (!value) return std::nullopt;
  if (!value->is_bool()) {
    wrong(name, "true or false");
    return std::nullopt;
  }
  return value->get_bool();
}

std::optional<std::string> Fields::text(std::string_view name, std::size_t limit) {
  const auto* value = any(name);
  if (!value) return std::nullopt;
  if (!value->is_string() || value->get_string().size() > limit) {
    wrong(name, value->is_string() ? fmt::format("at most {} bytes long", limit) : "a string");
    return std::nullopt;
  }
  return std::string(value->get_string());
}

const json::array* Fields::array(std::string_view name) {
  const auto* value = any(name);
  if (value && !value->is_array()) {
    wrong(name, "an array");
    return nullptr;
  }
  return value ? &value->get_array() : nullptr;
}

const json::object* Fields::object(std::string_view name) {
  const auto* value = any(name);
  if (value && !value->is_object()) {
    wrong(name, "an object");
    return nullptr;
  }
  return value ? &value->get_object() : nullptr;
}

}  // namespace cocoon::engine
