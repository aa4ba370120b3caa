// Reading one JSON object field by field; the first fault is kept and everything after it reads as absent. Private to
// this room: it shows Boost.JSON.
#pragma once
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json.hpp>

#include "engine/api_error.hpp"

namespace cocoon::engine {

// The object that `body` is; the error says where it stops being one.
ApiResult<boost::json::object> parse_object(std::string_view body);

class Fields {
 public:
  // `prefix` stands before the names in messages: "stream_options.".
  explicit Fields(const boost::json::object& object, std::string prefix = {})
      : object_(object), prefix_(std::move(prefix)) {}

  std::optional<double> number(std::string_view name, double low, double high);
  std::optional<std::int64_t> integer(std::string_view name, std::int64_t low, std::int64_t high);
  std::optional<bool> boolean(std::string_view name);
  std::optional<std::string> text(std::string_view name, std::size_t limit);
  const boost::json::array* array(std::string_view name);
  const boost::json::object* object(std::string_view name);
  // The value whatever its kind; nullptr when absent or null.
  const boost::json::value* any(std::string_view name);
  std::string name_of(std::string_view name) const { return prefix_ + std::string(name); }

  void fault(ApiError error) {
    if (!fault_) fault_ = std::move(error);
  }
  // {"temperature", "a number between 0 and 2"} -> "'temperature' must be a number between 0 and 2"
  void wrong(std::string_view name, std::string_view expected);
  const std::optional<ApiError>& fault() const { return fault_; }
  bool good() const { return !fault_; }

 private:
  const boost::json::object& object_;
  std::string prefix_;
  std::optional<ApiError> fault_;
};

}  // namespace cocoon::engine
