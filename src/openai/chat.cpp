#include "openai/chat.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include "openai/json_object.hpp"

namespace cocoon::openai {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxBytes = std::size_t{8} << 20;
constexpr std::size_t kMaxDepth = 64;

const json::value* at(const json::value* v, std::string_view key) {
  const auto* object = v == nullptr ? nullptr : v->if_object();
  return object == nullptr ? nullptr : object->if_contains(key);
}

std::string text_at(const json::value* v, std::string_view key) {
  const auto* found = at(v, key);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

std::optional<std::int64_t> count_at(const json::value* v, std::string_view key) {
  const auto* found = at(v, key);
  if (found == nullptr || !found->is_number()) return std::nullopt;
  json::error_code error;
  const auto n = found->to_number<std::int64_t>(error);
  return error || n < 0 ? std::nullopt : std::optional(n);
}

const json::value* first_choice(const json::value& root) {
  const auto* choices = at(&root, "choices");
  const auto* list = choices == nullptr ? nullptr : choices->if_array();
  return list == nullptr || list->empty() ? nullptr : &list->front();
}

void read_calls(const json::value* message, ChatPiece& out) {
  const auto* calls = at(message, "tool_calls");
  const auto* list = calls == nullptr ? nullptr : calls->if_array();
  if (list == nullptr) return;
  for (std::size_t i = 0; i < list->size(); ++i) {
    const auto& one = (*list)[i];
    const auto* function = at(&one, "function");
    const auto index = count_at(&one, "index");
    out.calls.push_back({index ? static_cast<std::size_t>(*index) : i, text_at(&one, "id"), text_at(function, "name"),
                         text_at(function, "arguments")});
  }
}

void read_choice(const json::value* choice, ChatPiece& out) {
  out.finish_reason = text_at(choice, "finish_reason");
  const auto* message = at(choice, "message");
  if (message == nullptr) message = at(choice, "delta");
  out.text = message == nullptr ? text_at(choice, "text") : text_at(message, "content");
  out.reasoning = text_at(message, "reasoning_content");
  if (out.reasoning.empty()) out.reasoning = text_at(message, "reasoning");
  out.refusal = text_at(message, "refusal");
  read_calls(message, out);
}

// Nested {error:{message}}, flat {object:"error",message}, or plain {error:"text"}.
std::string error_in(const json::value& root) {
  const auto* error = at(&root, "error");
  if (error != nullptr && error->is_string()) return text_at(&root, "error");
  if (error != nullptr && error->is_object()) {
    const std::string message = text_at(error, "message");
    return message.empty() ? json::serialize(*error) : message;
  }
  return text_at(&root, "object") == "error" ? text_at(&root, "message") : std::string();
}

}  // namespace

std::string chat_request_body(std::string_view model, const std::vector<ChatMessage>& messages,
                              const ChatOptions& options) {
  std::string list;
  for (const auto& m : messages)
    list += fmt::format(R"({}{{"role":{},"content":{}}})", list.empty() ? "" : ",", json_quote(m.role),
                        json_quote(m.content));
  std::string out = fmt::format(R"({{"model":{},"messages":[{}])", json_quote(model), list);
  if (options.stream) out += R"(,"stream":true,"stream_options":{"include_usage":true})";
  if (options.max_tokens) out += fmt::format(R"(,"max_tokens":{})", *options.max_tokens);
  if (options.temperature) out += fmt::format(R"(,"temperature":{})", *options.temperature);
  if (options.seed) out += fmt::format(R"(,"seed":{})", *options.seed);
  return out + "}";
}

Result<ChatPiece> read_chat_piece(std::string_view text) {
  if (text.size() > kMaxBytes) return fail("answer of {} bytes", text.size());
  json::parse_options options;
  options.max_depth = kMaxDepth;
  json::error_code error;
  const json::value root = json::parse(json::string_view(text.data(), text.size()), error, {}, options);
  if (error) return fail("answer is not JSON: {}", error.message());
  ChatPiece out;
  read_choice(first_choice(root), out);
  out.error = error_in(root);
  if (const auto* usage = at(&root, "usage"); usage != nullptr && usage->is_object()) {
    UsageScanner scanner(JsonScanner::Documents::one);
    scanner.push(text);
    scanner.finish();
    out.usage = scanner.usage();
    out.total_cost = count_at(usage, "total_cost");
  }
  return out;
}

}  // namespace cocoon::openai
