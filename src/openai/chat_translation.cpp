#include "openai/chat_translation.hpp"

namespace cocoon::openai {

using namespace trees;

ChatRequest finish_chat(json::object& from, json::object chat, std::initializer_list<std::string_view> except) {
  ChatRequest out;
  const auto* stream = find(from, "stream");
  out.stream = stream != nullptr && stream->is_bool() && stream->get_bool();
  if (out.stream) chat["stream_options"] = json::object{{"include_usage", true}};
  move_rest(from, chat, except);
  out.body = json::serialize(chat);
  return out;
}

void ChatTranslation::hear(const ChatPiece& piece, std::string& out) {
  if (ended_) return;
  if (!piece.error.empty()) return failed(piece.error, out);
  take(piece, out);
  if (!piece.finish_reason.empty()) finish_reason_ = piece.finish_reason;
  if (piece.usage) usage_ = piece.usage;
  if (piece.total_cost) cost_ = piece.total_cost;
}

void ChatTranslation::end_once(std::string& out) {
  if (!std::exchange(ended_, true)) end(out);
}

void ChatTranslation::failed(std::string_view message, std::string& out) {
  if (!std::exchange(ended_, true)) fail_with(message, out);
}

Result<std::string> ChatTranslation::whole(std::string_view chat_answer) {
  TRY_ASSIGN(const auto piece, read_chat_piece(chat_answer));
  if (!piece.error.empty()) return fail(piece.error);
  if (piece.finish_reason.empty()) return fail("the answer is no chat completion");
  std::string events;
  hear(piece, events);
  end_once(events);
  return json::serialize(answer());
}

void ChatTranslation::push(std::string_view chat_events, std::string& out) {
  events_.push(chat_events);
  while (!ended_) {
    const auto piece = events_.next();
    if (!piece) return failed(piece.error().what, out);
    if (!*piece) break;
    hear(**piece, out);
  }
  if (events_.done()) end_once(out);
}

void ChatTranslation::finish(std::string& out) { failed("the answer was cut off", out); }

}  // namespace cocoon::openai
