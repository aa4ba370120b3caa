#include "openai/translation.hpp"

#include <algorithm>

#include "openai/anthropic.hpp"
#include "openai/json_object.hpp"
#include "openai/responses.hpp"
#include "openai/translation_json.hpp"

namespace cocoon::openai {
namespace trees {

Result<json::object> parse_object(std::string_view text) {
  TRY(JsonObject::parse(text));
  json::parse_options options;
  options.max_depth = static_cast<std::size_t>(JsonLimits{}.max_depth);
  json::error_code error;
  auto value = json::parse(json::string_view(text.data(), text.size()), error, {}, options);
  if (error) return fail(kRefused, "body is not valid JSON: {}", error.message());
  return std::move(value.as_object());
}

const json::value* find(const json::object& o, std::string_view name) {
  const auto* v = o.if_contains(json::string_view(name.data(), name.size()));
  return v == nullptr || v->is_null() ? nullptr : v;
}

std::string_view text_of(const json::value* v) {
  return v != nullptr && v->is_string() ? view(v->get_string()) : std::string_view();
}

std::string quoted_or_text(const json::value& v) {
  return v.is_string() ? std::string(view(v.get_string())) : json::serialize(v);
}

void move_rest(json::object& from, json::object& to, std::initializer_list<std::string_view> except) {
  for (auto& [name, value] : from)
    if (std::ranges::find(except, std::string_view(name.data(), name.size())) == except.end())
      to.emplace(name, std::move(value));
}

void append_event(std::string& out, std::string_view name, const json::object& data) {
  out += "event: ";
  out += name;
  out += "\n";
  out += sse_data(json::serialize(data));
}

Result<std::optional<ChatPiece>> ChatEvents::next() {
  for (;;) {
    TRY_ASSIGN(const auto event, reader_.next());
    if (!event) return std::nullopt;
    if (!event->has_data) continue;
    if (event->is_done()) {
      done_ = true;
      continue;
    }
    TRY_ASSIGN(auto piece, read_chat_piece(event->data));
    return piece;
  }
}

}  // namespace trees

namespace {
constexpr std::string_view kResponses = "/v1/responses";
constexpr std::string_view kMessages = "/v1/messages";
}  // namespace

bool is_translated(std::string_view path) { return path == kResponses || path == kMessages; }

Result<std::unique_ptr<Translation>> translate(std::string_view path, std::string_view body,
                                               TranslationContext context) {
  return path == kMessages ? translate_messages(body, std::move(context))
                           : translate_responses(body, std::move(context));
}

std::string translated_error_body(std::string_view path, const ApiError& e) {
  return path == kMessages ? messages_error_body(e) : error_body(e);
}

}  // namespace cocoon::openai
