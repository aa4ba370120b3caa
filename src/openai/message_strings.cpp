#include "openai/message_strings.hpp"

#include <algorithm>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "openai/json_object.hpp"

namespace cocoon::openai {
namespace {

namespace json = boost::json;
using Transform = std::function<Result<std::string>(std::string_view)>;

constexpr int kProtocolViolation = 621;
constexpr std::size_t kMaxBytes = std::size_t{8} << 20;
constexpr std::size_t kMaxDepth = 64;
constexpr std::string_view kClear[] = {
    "is_encrypted",          "sender_public_key", "receiver_public_key", "encryption_nonce", "model",
    "max_completion_tokens", "max_tokens",        "max_coefficient",     "timeout",          "debug",
    "enable_debug",          "request_guid",
};

bool is_clear(std::string_view name) { return std::ranges::find(kClear, name) != std::end(kClear); }

Result<> write(const json::value& v, const Transform& transform, std::string& out);

Result<> write_object(const json::object& object, const Transform& transform, std::string& out) {
  std::vector<const json::key_value_pair*> sorted;
  for (const auto& member : object) sorted.push_back(&member);
  std::ranges::sort(sorted, {}, [](const auto* m) { return std::string_view(m->key().data(), m->key().size()); });
  out += '{';
  for (const auto* member : sorted) {
    if (out.back() != '{') out += ',';
    const std::string_view name(member->key().data(), member->key().size());
    out += json_quote(name) + ':';
    if (is_clear(name)) {
      TRY(write(
          member->value(), [](std::string_view s) -> Result<std::string> { return std::string(s); }, out));
    } else {
      TRY(write(member->value(), transform, out));
    }
  }
  out += '}';
  return {};
}

Result<> write(const json::value& v, const Transform& transform, std::string& out) {
  if (const auto* object = v.if_object()) return write_object(*object, transform, out);
  if (const auto* array = v.if_array()) {
    out += '[';
    for (const auto& item : *array) {
      if (&item != array->begin()) out += ',';
      TRY(write(item, transform, out));
    }
    out += ']';
    return {};
  }
  if (const auto* text = v.if_string()) {
    TRY_ASSIGN(const std::string changed, transform(std::string_view(text->data(), text->size())));
    out += json_quote(changed);
    return {};
  }
  // Boost.JSON would write 0.5 as 5E-1.
  out += v.is_double() ? fmt::format("{}", v.get_double()) : json::serialize(v);
  return {};
}

}  // namespace

Result<std::string> transform_strings(std::string_view text, const Transform& transform) {
  if (text.size() > kMaxBytes) return fail(kProtocolViolation, "message of {} bytes", text.size());
  json::parse_options options;
  options.max_depth = kMaxDepth;
  json::error_code error;
  const json::value root = json::parse(json::string_view(text.data(), text.size()), error, {}, options);
  if (error) return fail(kProtocolViolation, "message is not JSON: {}", error.message());
  std::string out;
  TRY(write(root, transform, out));
  return out;
}

}  // namespace cocoon::openai
