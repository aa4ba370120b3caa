#include "openai/json_object.hpp"

#include <algorithm>
#include <cmath>

#include <boost/json.hpp>
#include <fmt/format.h>

namespace cocoon::openai {
namespace {

constexpr int kProtocolViolation = 621;  // wire.md 2.7
constexpr std::int64_t kMaxInt = 2147483647;

template <class... Args>
std::unexpected<Error> refuse(fmt::format_string<Args...> text, Args&&... args) {
  return fail(kProtocolViolation, fmt::format(text, std::forward<Args>(args)...));
}

// Offsets of the outer members.
struct Outline final : JsonSink {
  struct Part {
    std::uint64_t name_begin = 0, name_end = 0, begin = 0, end = 0;
    JsonKind kind = JsonKind::null;
  };
  bool is_object = false;
  std::vector<Part> parts;

  void token(const JsonToken& t) override {
    if (t.depth == 0 && t.kind == JsonKind::object_begin) is_object = true;
    if (t.depth != 1) return;
    if (t.kind == JsonKind::key) {
      parts.push_back({t.begin, t.end, 0, 0, JsonKind::null});
    } else if (!parts.empty()) {
      Part& part = parts.back();
      const bool ends = t.kind == JsonKind::object_end || t.kind == JsonKind::array_end;
      if (!ends) part.begin = t.begin, part.kind = t.kind;
      part.end = t.end;
    }
  }
};

// The value of a JSON string literal, quotes included.
Result<std::string> unquote(std::string_view literal) {
  if (literal.find('\\') == std::string_view::npos) return std::string(literal.substr(1, literal.size() - 2));
  boost::json::error_code error;
  const auto value = boost::json::parse(boost::json::string_view(literal.data(), literal.size()), error);
  if (error || !value.is_string()) return refuse("string with an impossible escape");
  return std::string(value.get_string());
}

std::size_t utf8_length(std::string_view text, std::size_t at) {
  for (std::size_t n = 1; n <= 4 && at + n <= text.size(); ++n)
    if (is_utf8(text.substr(at, n))) return n;
  return 0;
}

bool stands_for_itself(char c) { return static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\'; }

void quote_one(std::string& out, char c) {
  if (stands_for_itself(c)) {
    out += c;
    return;
  }
  static constexpr std::string_view plain = "\"\\\b\f\n\r\t", named = "\"\\bfnrt";
  if (const auto i = plain.find(c); i != std::string_view::npos) {
    out += '\\';
    out += named[i];
  } else {
    out += fmt::format("\\u{:04x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
  }
}

void append_quoted(std::string& out, std::string_view text) {
  const bool clean = is_utf8(text);
  out += '"';
  for (std::size_t i = 0; i < text.size();) {
    if (clean) {
      const std::size_t run = i;
      while (i < text.size() && stands_for_itself(text[i])) ++i;
      out.append(text, run, i - run);
      if (i == text.size()) break;
    }
    const std::size_t n = clean || static_cast<unsigned char>(text[i]) < 0x80 ? 1 : utf8_length(text, i);
    if (n == 0) {
      out += "\xef\xbf\xbd";
      ++i;
    } else if (n == 1) {
      quote_one(out, text[i++]);
    } else {
      out += text.substr(i, n);
      i += n;
    }
  }
  out += '"';
}

}  // namespace

Result<JsonObject> JsonObject::parse(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.max_bytes) return refuse("body of {} bytes, at most {}", text.size(), limits.max_bytes);
  if (!is_utf8(text)) return refuse("body is not UTF-8");
  JsonScanner scanner(JsonScanner::Documents::one, limits.max_depth);
  Outline outline;
  outline.parts.reserve(16);
  if (!scanner.push(text, outline) || !scanner.finish(outline))
    return refuse("body is not valid JSON (or nested deeper than {}) at byte {}", limits.max_depth, scanner.offset());
  if (!outline.is_object) return refuse("body is not a JSON object");
  if (outline.parts.size() > limits.max_members)
    return refuse("object of {} members, at most {}", outline.parts.size(), limits.max_members);
  JsonObject out;
  out.source_ = text;
  out.members_.reserve(outline.parts.size() + 1);
  for (const auto& part : outline.parts) {
    const auto literal = text.substr(part.name_begin, part.name_end - part.name_begin);
    TRY_ASSIGN(std::string name, unquote(literal));
    // A name in disguise travels without it, so that everybody on the way reads the same.
    out.changed_ = out.changed_ || literal.size() != name.size() + 2;
    out.remove(name);
    out.members_.push_back({std::move(name), text.substr(part.begin, part.end - part.begin), part.kind});
  }
  return out;
}

const JsonMember* JsonObject::find(std::string_view name) const {
  const auto at = std::ranges::find(members_, name, &JsonMember::name);
  return at == members_.end() ? nullptr : &*at;
}

void JsonObject::remove(std::string_view name) {
  if (std::erase_if(members_, [&](const JsonMember& m) { return m.name == name; }) > 0) changed_ = true;
}

void JsonObject::set(std::string_view name, std::string json) {
  const JsonKind kind = json.starts_with('{')               ? JsonKind::object_begin
                        : json.starts_with('[')             ? JsonKind::array_begin
                        : json.starts_with('"')             ? JsonKind::string
                        : json == "null"                    ? JsonKind::null
                        : json == "true" || json == "false" ? JsonKind::boolean
                                                            : JsonKind::number;
  const auto at = std::ranges::find(members_, name, &JsonMember::name);
  if (at != members_.end() && at->value == json) return;
  changed_ = true;
  const std::string_view value = own_.emplace_back(std::move(json));
  if (at == members_.end()) {
    members_.push_back({std::string(name), value, kind});
  } else {
    at->value = value;
    at->kind = kind;
  }
}

std::string JsonObject::text() const {
  if (!changed_) return std::string(source_);
  std::size_t size = 2;
  for (const auto& m : members_) size += m.name.size() + m.value.size() + 4;
  std::string out;
  out.reserve(size);
  out += '{';
  for (const auto& m : members_) {
    if (out.size() > 1) out += ',';
    append_quoted(out, m.name);
    out += ':';
    out += m.value;
  }
  out += '}';
  return out;
}

const JsonMember* JsonObject::present(std::string_view name) const {
  const JsonMember* m = find(name);
  return m == nullptr || m->kind == JsonKind::null ? nullptr : m;
}

Result<std::optional<std::string>> JsonObject::string(std::string_view name) const {
  const JsonMember* m = present(name);
  if (m == nullptr) return std::nullopt;
  if (m->kind != JsonKind::string) return refuse("{} is not a string", name);
  return unquote(m->value);
}

Result<std::optional<std::int64_t>> JsonObject::unsigned_int(std::string_view name) const {
  const JsonMember* m = present(name);
  if (m == nullptr) return std::nullopt;
  const bool digits = m->kind == JsonKind::number && m->value.find_first_not_of("0123456789") == std::string_view::npos;
  if (!digits) return refuse("{} is not an unsigned integer", name);
  std::int64_t v = 0;
  for (const char c : m->value) v = std::min<std::int64_t>(v * 10 + (c - '0'), kMaxInt + 1);
  if (v > kMaxInt) return refuse("{} is greater than {}", name, kMaxInt);
  return v;
}

Result<std::optional<double>> JsonObject::number(std::string_view name) const {
  const JsonMember* m = present(name);
  if (m == nullptr) return std::nullopt;
  if (m->kind != JsonKind::number) return refuse("{} is not a number", name);
  boost::json::error_code error;
  const auto value = boost::json::parse(boost::json::string_view(m->value.data(), m->value.size()), error);
  if (error) return refuse("{} is not a number", name);
  boost::json::error_code inexact;
  const double v = value.to_number<double>(inexact);
  if (inexact || !std::isfinite(v)) return refuse("{} is not a number", name);
  return v;
}

Result<std::optional<bool>> JsonObject::boolean(std::string_view name) const {
  const JsonMember* m = present(name);
  if (m == nullptr) return std::nullopt;
  if (m->kind != JsonKind::boolean) return refuse("{} is neither true nor false", name);
  return m->value == "true";
}

Result<std::optional<JsonObject>> JsonObject::object(std::string_view name) const {
  const JsonMember* m = present(name);
  if (m == nullptr) return std::nullopt;
  if (m->kind != JsonKind::object_begin) return refuse("{} is not an object", name);
  TRY_ASSIGN(auto inner, parse(m->value));
  return inner;
}

std::string json_quote(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 2);
  append_quoted(out, text);
  return out;
}

}  // namespace cocoon::openai
