// One JSON object taken apart into its members, each still spelt as its author spelt it, and put together again. What
// nobody changes is never spelt anew: an untouched object's text is its source, byte for byte, and of a changed one
// each member that stays is a slice of the source, space inside included.
#pragma once
#include <concepts>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "openai/json_scanner.hpp"

namespace cocoon::openai {

struct JsonLimits {
  std::size_t max_bytes = std::size_t{8} << 20;
  int max_depth = 64;
  std::size_t max_members = 256;  // of the outer object
};

struct JsonMember {
  std::string name;        // escapes resolved
  std::string_view value;  // JSON text
  JsonKind kind = JsonKind::null;
};

// Views the text it was parsed from, which must outlive it.
class JsonObject {
 public:
  JsonObject() = default;  // {}
  JsonObject(JsonObject&&) noexcept = default;
  JsonObject& operator=(JsonObject&&) noexcept = default;
  JsonObject(const JsonObject&) = delete;
  JsonObject& operator=(const JsonObject&) = delete;

  // The text must be one object, UTF-8, within the limits. Of members with one name the last stays. Error code 621.
  static Result<JsonObject> parse(std::string_view text, const JsonLimits& limits = {});
  template <std::same_as<std::string> Temporary>
  static Result<JsonObject> parse(Temporary&& text, const JsonLimits& limits = {}) = delete;

  const JsonMember* find(std::string_view name) const;  // null when absent
  void remove(std::string_view name);
  void set(std::string_view name, std::string json);  // replaces in place, else appends
  const std::vector<JsonMember>& members() const { return members_; }
  std::string text() const;

  // Values by type; absent and null give nothing, another type is error 621 naming the member.
  Result<std::optional<std::string>> string(std::string_view name) const;
  Result<std::optional<std::int64_t>> unsigned_int(std::string_view name) const;  // 0..2147483647
  Result<std::optional<double>> number(std::string_view name) const;              // finite
  Result<std::optional<bool>> boolean(std::string_view name) const;
  Result<std::optional<JsonObject>> object(std::string_view name) const;

 private:
  const JsonMember* present(std::string_view name) const;

  std::string_view source_ = "{}";
  bool changed_ = false;
  std::vector<JsonMember> members_;
  std::list<std::string> own_;  // texts of members that were set
};

// Text as a JSON string with its quotes; bytes that are no UTF-8 become U+FFFD.
std::string json_quote(std::string_view text);

}  // namespace cocoon::openai
