// Answers of chat completions in the words of Anthropic's /v1/messages, whole and streamed.
#include "openai/anthropic.hpp"

#include "openai/anthropic_request.hpp"

namespace cocoon::openai {
namespace {

using namespace trees;

std::string_view type_of(int http_status) {
  switch (http_status) {
    case 401:
      return "authentication_error";
    case 402:
      return "billing_error";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    case 413:
      return "request_too_large";
    case 429:
      return "rate_limit_error";
    case 503:
      return "overloaded_error";
    case 504:
      return "timeout_error";
    default:
      return http_status >= 400 && http_status < 500 ? "invalid_request_error" : "api_error";
  }
}

json::object error_of(const ApiError& e) {
  return {{"type", "error"},
          {"error", json::object{{"type", type_of(e.status)}, {"message", e.message}}},
          {"error_code", e.error_code}};
}

class Messages final : public ChatTranslation {
 public:
  Messages(MessagesRequest request, TranslationContext context)
      : ChatTranslation(std::move(request.chat), std::move(context)), model_(std::move(request.model)) {}

  std::string error_body(const ApiError& e) const override { return messages_error_body(e); }
  std::string error_event(const ApiError& e) override;

 private:
  enum class Open { nothing, thinking, text, tool };

  void emit(std::string& out, std::string_view type, json::object event) const;
  void begin(std::string& out);
  void take(const ChatPiece&, std::string& out) override;
  void open(Open kind, json::object block, std::string& out);
  void close(std::string& out);
  void delta(std::string_view type, std::string_view member, const std::string& text, std::string& out);
  void end(std::string& out) override;
  void fail_with(std::string_view message, std::string& out) override;
  json::object answer() const override;
  json::object usage() const;
  json::value stop_reason() const;

  std::string model_;
  bool begun_ = false;
  json::array content_;  // blocks that are complete
  Open open_ = Open::nothing;
  json::object block_;  // the open one
  std::string told_;
  std::size_t call_ = 0;
};

void Messages::emit(std::string& out, std::string_view type, json::object event) const {
  event["type"] = type;
  append_event(out, type, event);
}

// What was read from a cache is counted beside the rest, not within it.
json::object Messages::usage() const {
  const auto used = usage_.value_or(Usage{});
  json::object out{{"input_tokens", used.prompt - std::min(used.cached, used.prompt)},
                   {"cache_creation_input_tokens", 0},
                   {"cache_read_input_tokens", used.cached},
                   {"output_tokens", used.completion}};
  if (cost_) out["total_cost"] = *cost_;
  return out;
}

json::value Messages::stop_reason() const {
  if (finish_reason_.empty()) return nullptr;
  if (finish_reason_ == "length") return "max_tokens";
  if (finish_reason_ == "tool_calls" || finish_reason_ == "function_call") return "tool_use";
  if (finish_reason_ == "content_filter") return "refusal";
  return "end_turn";
}

json::object Messages::answer() const {
  return {{"id", "msg_" + context().id}, {"type", "message"},
          {"role", "assistant"},         {"model", model_},
          {"content", content_},         {"stop_reason", stop_reason()},
          {"stop_sequence", nullptr},    {"usage", usage()}};
}

void Messages::begin(std::string& out) {
  if (!std::exchange(begun_, true)) emit(out, "message_start", {{"message", answer()}});
}

void Messages::open(Open kind, json::object block, std::string& out) {
  close(out);
  open_ = kind;
  block_ = std::move(block);
  emit(out, "content_block_start", {{"index", content_.size()}, {"content_block", block_}});
}

void Messages::close(std::string& out) {
  if (open_ == Open::nothing) return;
  if (open_ == Open::text) block_["text"] = told_;
  if (open_ == Open::thinking) block_["thinking"] = told_;
  if (open_ == Open::tool) {
    boost::system::error_code bad;
    auto input = json::parse(told_.empty() ? "{}" : told_, bad);
    // A model may write what is no JSON: the application gets to see it, and decides.
    block_["input"] = bad || !input.is_object() ? json::value(json::object{{"raw", told_}}) : std::move(input);
  }
  emit(out, "content_block_stop", {{"index", content_.size()}});
  content_.push_back(std::move(block_));
  block_ = {};
  told_.clear();
  open_ = Open::nothing;
}

void Messages::delta(std::string_view type, std::string_view member, const std::string& text, std::string& out) {
  told_ += text;
  emit(out, "content_block_delta",
       {{"index", content_.size()}, {"delta", json::object{{"type", type}, {member, text}}}});
}

void Messages::take(const ChatPiece& piece, std::string& out) {
  begin(out);
  if (!piece.reasoning.empty()) {
    if (open_ != Open::thinking) open(Open::thinking, {{"type", "thinking"}, {"thinking", ""}, {"signature", ""}}, out);
    delta("thinking_delta", "thinking", piece.reasoning, out);
  }
  const auto& text = piece.text.empty() ? piece.refusal : piece.text;
  if (!text.empty()) {
    if (open_ != Open::text) open(Open::text, {{"type", "text"}, {"text", ""}}, out);
    delta("text_delta", "text", text, out);
  }
  for (const auto& one : piece.calls) {
    if (open_ != Open::tool || call_ != one.index) {
      const auto id = one.id.empty() ? fmt::format("toolu_{}_{}", context().id, one.index) : one.id;
      open(Open::tool, {{"type", "tool_use"}, {"id", id}, {"name", one.name}, {"input", json::object()}}, out);
      call_ = one.index;
    }
    if (!one.arguments.empty()) delta("input_json_delta", "partial_json", one.arguments, out);
  }
}

void Messages::end(std::string& out) {
  begin(out);
  close(out);
  emit(out, "message_delta",
       {{"delta", json::object{{"stop_reason", stop_reason()}, {"stop_sequence", nullptr}}}, {"usage", usage()}});
  emit(out, "message_stop", {});
}

void Messages::fail_with(std::string_view message, std::string& out) {
  out += error_event({502, 0, std::string(message)});
}

std::string Messages::error_event(const ApiError& e) {
  ended();
  std::string out;
  append_event(out, "error", error_of(e));
  return out;
}

}  // namespace

std::string messages_error_body(const ApiError& e) { return json::serialize(error_of(e)); }

Result<std::unique_ptr<Translation>> translate_messages(std::string_view body, TranslationContext context) {
  TRY_ASSIGN(auto request, read_messages_request(body));
  return std::make_unique<Messages>(std::move(request), std::move(context));
}

}  // namespace cocoon::openai
