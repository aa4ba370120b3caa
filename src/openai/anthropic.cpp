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

class Messages final : public Translation {
 public:
  Messages(MessagesRequest request, TranslationContext context)
      : request_(std::move(request)), context_(std::move(context)) {}

  const std::string& chat_body() const override { return request_.chat_body; }
  bool stream() const override { return request_.stream; }
  Result<std::string> whole(std::string_view chat_answer) override;
  void push(std::string_view chat_events, std::string& out) override;
  void finish(std::string& out) override;
  std::string error_body(const ApiError& e) const override { return messages_error_body(e); }
  std::string error_event(const ApiError& e) override;

 private:
  enum class Open { nothing, thinking, text, tool };

  void emit(std::string& out, std::string_view type, json::object event) const;
  void begin(std::string& out);
  void take(const ChatPiece&, std::string& out);
  void open(Open kind, json::object block, std::string& out);
  void close(std::string& out);
  void delta(std::string_view type, std::string_view member, const std::string& text, std::string& out);
  void end(std::string& out);
  json::object message() const;
  json::object usage() const;
  json::value stop_reason() const;

  MessagesRequest request_;
  TranslationContext context_;
  ChatEvents events_;
  bool begun_ = false, ended_ = false;
  json::array content_;  // blocks that are complete
  Open open_ = Open::nothing;
  json::object block_;  // the open one
  std::string told_;
  std::size_t call_ = 0;
  std::string finish_reason_;
  Usage usage_;
  std::optional<std::int64_t> cost_;
};

void Messages::emit(std::string& out, std::string_view type, json::object event) const {
  event["type"] = type;
  append_event(out, type, event);
}

// What was read from a cache is counted beside the rest, not within it.
json::object Messages::usage() const {
  json::object out{{"input_tokens", usage_.prompt - std::min(usage_.cached, usage_.prompt)},
                   {"cache_creation_input_tokens", 0},
                   {"cache_read_input_tokens", usage_.cached},
                   {"output_tokens", usage_.completion}};
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

json::object Messages::message() const {
  return {{"id", "msg_" + context_.id}, {"type", "message"},   {"role", "assistant"},
          {"model", request_.model},    {"content", content_}, {"stop_reason", stop_reason()},
          {"stop_sequence", nullptr},   {"usage", usage()}};
}

void Messages::begin(std::string& out) {
  if (!std::exchange(begun_, true)) emit(out, "message_start", {{"message", message()}});
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
  if (ended_) return;
  if (!piece.error.empty()) {
    out += error_event({502, 0, piece.error});
    return;
  }
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
      const auto id = one.id.empty() ? fmt::format("toolu_{}_{}", context_.id, one.index) : one.id;
      open(Open::tool, {{"type", "tool_use"}, {"id", id}, {"name", one.name}, {"input", json::object()}}, out);
      call_ = one.index;
    }
    if (!one.arguments.empty()) delta("input_json_delta", "partial_json", one.arguments, out);
  }
  if (!piece.finish_reason.empty()) finish_reason_ = piece.finish_reason;
  if (piece.usage) usage_ = *piece.usage;
  if (piece.total_cost) cost_ = piece.total_cost;
}

void Messages::end(std::string& out) {
  if (std::exchange(ended_, true)) return;
  begin(out);
  close(out);
  emit(out, "message_delta",
       {{"delta", json::object{{"stop_reason", stop_reason()}, {"stop_sequence", nullptr}}}, {"usage", usage()}});
  emit(out, "message_stop", {});
}

Result<std::string> Messages::whole(std::string_view chat_answer) {
  TRY_ASSIGN(const auto piece, read_chat_piece(chat_answer));
  if (!piece.error.empty()) return fail(piece.error);
  if (piece.finish_reason.empty()) return fail("the answer is no chat completion");
  std::string events;
  take(piece, events);
  end(events);
  return json::serialize(message());
}

void Messages::push(std::string_view chat_events, std::string& out) {
  events_.push(chat_events);
  while (!ended_) {
    const auto piece = events_.next();
    if (!piece) {
      out += error_event({502, 0, piece.error().what});
      return;
    }
    if (!*piece) break;
    take(**piece, out);
  }
  if (events_.done() && !ended_) end(out);
}

void Messages::finish(std::string& out) {
  if (!ended_) out += error_event({502, 0, "the answer was cut off"});
}

std::string Messages::error_event(const ApiError& e) {
  ended_ = true;
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
