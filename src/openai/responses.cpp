// Answers of chat completions in the words of /v1/responses, whole and streamed: one machine makes both.
#include "openai/responses.hpp"

#include "openai/responses_request.hpp"

namespace cocoon::openai {
namespace {

using namespace trees;

class Responses final : public ChatTranslation {
 public:
  Responses(ResponsesRequest request, TranslationContext context)
      : ChatTranslation(std::move(request.chat), std::move(context)), echo_(std::move(request.echo)) {}

  std::string error_body(const ApiError& e) const override { return openai::error_body(e); }
  std::string error_event(const ApiError& e) override;

 private:
  enum class Open { nothing, reasoning, message, call };

  void emit(std::string& out, std::string_view type, json::object event);
  void begin(std::string& out);
  void take(const ChatPiece&, std::string& out) override;
  void open(Open kind, json::object item, std::string& out);
  void open_part(std::string_view type, std::string& out);
  void close_part(std::string& out);
  void close(std::string& out);
  void reasoning(const std::string& text, std::string& out);
  void text(std::string_view part, const std::string& text, std::string& out);
  void call(const ToolCallPiece&, std::string& out);
  void end(std::string& out) override;
  void fail_with(std::string_view message, std::string& out) override;
  json::object answer() const override { return response(cut() ? "incomplete" : "completed"); }
  bool cut() const { return finish_reason_ == "length" || finish_reason_ == "content_filter"; }
  std::string id_of(std::string_view prefix) const;
  json::object located(json::object event) const;
  json::object response(std::string_view status) const;
  json::value usage() const;

  json::object echo_;
  bool begun_ = false;
  std::uint64_t sequence_ = 0;
  json::array output_;  // items that are complete
  Open open_ = Open::nothing;
  json::object item_;  // the open one
  std::string part_;   // type of its open part; empty: none
  std::string told_;   // text or arguments of the open part or call
  std::size_t call_ = 0;
};

std::string Responses::id_of(std::string_view prefix) const {
  return fmt::format("{}_{}_{}", prefix, context().id, output_.size());
}

void Responses::emit(std::string& out, std::string_view type, json::object event) {
  event["type"] = type;
  event["sequence_number"] = sequence_++;
  append_event(out, type, event);
}

// With the place of the open item in the answer.
json::object Responses::located(json::object event) const {
  event["output_index"] = output_.size();
  event["item_id"] = item_.at("id");
  if (!part_.empty()) event["content_index"] = item_.at("content").as_array().size();
  return event;
}

json::value Responses::usage() const {
  if (!usage_) return nullptr;
  json::object out{{"input_tokens", usage_->prompt},
                   {"input_tokens_details", json::object{{"cached_tokens", usage_->cached}}},
                   {"output_tokens", usage_->completion},
                   {"output_tokens_details", json::object{{"reasoning_tokens", usage_->reasoning}}},
                   {"total_tokens", usage_->prompt + usage_->completion}};
  if (cost_) out["total_cost"] = *cost_;
  return out;
}

json::object Responses::response(std::string_view status) const {
  json::object out{{"id", "resp_" + context().id},
                   {"object", "response"},
                   {"created_at", context().created},
                   {"status", status},
                   {"error", nullptr},
                   {"incomplete_details", nullptr}};
  for (const auto& [name, value] : echo_) out[name] = value;
  out["output"] = output_;
  out["usage"] = usage();
  if (status == "incomplete")
    out["incomplete_details"] =
        json::object{{"reason", finish_reason_ == "content_filter" ? "content_filter" : "max_output_tokens"}};
  return out;
}

void Responses::begin(std::string& out) {
  if (std::exchange(begun_, true)) return;
  emit(out, "response.created", {{"response", response("in_progress")}});
  emit(out, "response.in_progress", {{"response", response("in_progress")}});
}

// Nothing may be open: an item's id counts those before it.
void Responses::open(Open kind, json::object item, std::string& out) {
  open_ = kind;
  item_ = std::move(item);
  told_.clear();
  emit(out, "response.output_item.added", {{"output_index", output_.size()}, {"item", item_}});
}

json::object part_with(std::string_view type, const std::string& text) {
  if (type == "refusal") return {{"type", type}, {"refusal", text}};
  if (type == "reasoning_text") return {{"type", type}, {"text", text}};
  return {{"type", type}, {"text", text}, {"annotations", json::array()}, {"logprobs", json::array()}};
}

void Responses::open_part(std::string_view type, std::string& out) {
  close_part(out);
  part_ = type;
  emit(out, "response.content_part.added", located({{"part", part_with(type, {})}}));
}

void Responses::close_part(std::string& out) {
  if (part_.empty()) return;
  const auto part = part_with(part_, told_);
  const auto* const name = part_ == "refusal"          ? "response.refusal.done"
                           : part_ == "reasoning_text" ? "response.reasoning_text.done"
                                                       : "response.output_text.done";
  auto done = located({{part_ == "refusal" ? "refusal" : "text", told_}});
  if (part_ == "output_text") done["logprobs"] = json::array();
  emit(out, name, std::move(done));
  emit(out, "response.content_part.done", located({{"part", part}}));
  item_["content"].as_array().push_back(part);
  part_.clear();
  told_.clear();
}

void Responses::close(std::string& out) {
  if (open_ == Open::nothing) return;
  close_part(out);
  if (open_ == Open::call) {
    item_["arguments"] = told_;
    emit(out, "response.function_call_arguments.done", located({{"name", item_.at("name")}, {"arguments", told_}}));
  }
  if (open_ != Open::reasoning) item_["status"] = "completed";
  emit(out, "response.output_item.done", {{"output_index", output_.size()}, {"item", item_}});
  output_.push_back(std::move(item_));
  item_ = {};
  told_.clear();
  open_ = Open::nothing;
}

void Responses::reasoning(const std::string& text, std::string& out) {
  if (open_ != Open::reasoning) {
    close(out);
    open(Open::reasoning,
         {{"id", id_of("rs")}, {"type", "reasoning"}, {"summary", json::array()}, {"content", json::array()}}, out);
    open_part("reasoning_text", out);
  }
  told_ += text;
  emit(out, "response.reasoning_text.delta", located({{"delta", text}}));
}

void Responses::text(std::string_view part, const std::string& text, std::string& out) {
  if (open_ != Open::message) {
    close(out);
    open(Open::message,
         {{"id", id_of("msg")},
          {"type", "message"},
          {"status", "in_progress"},
          {"role", "assistant"},
          {"content", json::array()}},
         out);
  }
  if (part_ != part) open_part(part, out);
  told_ += text;
  auto event = located({{"delta", text}});
  if (part == "output_text") event["logprobs"] = json::array();
  emit(out, part == "refusal" ? "response.refusal.delta" : "response.output_text.delta", std::move(event));
}

void Responses::call(const ToolCallPiece& piece, std::string& out) {
  if (open_ != Open::call || call_ != piece.index) {
    close(out);  // its id counts the items before it
    open(Open::call,
         {{"id", id_of("fc")},
          {"type", "function_call"},
          {"status", "in_progress"},
          {"call_id", piece.id.empty() ? id_of("call") : piece.id},
          {"name", piece.name},
          {"arguments", ""}},
         out);
    call_ = piece.index;
  }
  if (piece.arguments.empty()) return;
  told_ += piece.arguments;
  emit(out, "response.function_call_arguments.delta", located({{"delta", piece.arguments}}));
}

void Responses::take(const ChatPiece& piece, std::string& out) {
  begin(out);
  if (!piece.reasoning.empty()) reasoning(piece.reasoning, out);
  if (!piece.text.empty()) text("output_text", piece.text, out);
  if (!piece.refusal.empty()) text("refusal", piece.refusal, out);
  for (const auto& one : piece.calls) call(one, out);
}

void Responses::end(std::string& out) {
  begin(out);
  close(out);
  emit(out, cut() ? "response.incomplete" : "response.completed", {{"response", answer()}});
}

void Responses::fail_with(std::string_view message, std::string& out) {
  begin(out);
  auto told = response("failed");
  told["error"] = json::object{{"code", "server_error"}, {"message", message}};
  emit(out, "response.failed", {{"response", std::move(told)}});
}

std::string Responses::error_event(const ApiError& e) {
  std::string out;
  ended();
  auto event = json::parse(openai::error_body(e)).as_object();  // what this room has just written
  event["code"] = event.at("error").at("code");
  event["message"] = e.message;
  event["param"] = nullptr;
  emit(out, "error", std::move(event));
  return out;
}

}  // namespace

Result<std::unique_ptr<Translation>> translate_responses(std::string_view body, TranslationContext context) {
  TRY_ASSIGN(auto request, read_responses_request(body));
  return std::make_unique<Responses>(std::move(request), std::move(context));
}

}  // namespace cocoon::openai
