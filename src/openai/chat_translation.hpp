// What every route that is answered through chat completions does alike (translation.hpp): reading the chat answer,
// whole or streamed, and its end. Private to this room: it shows Boost.JSON.
#pragma once
#include "openai/translation.hpp"
#include "openai/translation_json.hpp"

namespace cocoon::openai {

// The request that goes on.
struct ChatRequest {
  std::string body;
  bool stream = false;
};
// `chat` with the members of `from` that the route does not rename (those of `except` are dropped), and usage asked for
// where it is a stream.
ChatRequest finish_chat(trees::json::object& from, trees::json::object chat,
                        std::initializer_list<std::string_view> except);

class ChatTranslation : public Translation {
 public:
  ChatTranslation(ChatRequest request, TranslationContext context)
      : request_(std::move(request)), context_(std::move(context)) {}

  const std::string& chat_body() const final { return request_.body; }
  bool stream() const final { return request_.stream; }
  Result<std::string> whole(std::string_view chat_answer) final;
  void push(std::string_view chat_events, std::string& out) final;
  void finish(std::string& out) final;

 protected:
  // Events of the route, appended to `out`: what a piece says that is no error; the regular end; an end by a failure
  // of the answer itself. The latter two are called once.
  virtual void take(const ChatPiece&, std::string& out) = 0;
  virtual void end(std::string& out) = 0;
  virtual void fail_with(std::string_view message, std::string& out) = 0;
  // The whole answer after its end.
  virtual trees::json::object answer() const = 0;

  const TranslationContext& context() const { return context_; }
  // By the caller's own last words (error_event).
  void ended() { ended_ = true; }

  // As the pieces have said so far.
  std::string finish_reason_;
  std::optional<Usage> usage_;
  std::optional<std::int64_t> cost_;

 private:
  void hear(const ChatPiece&, std::string& out);
  void end_once(std::string& out);
  void failed(std::string_view message, std::string& out);

  ChatRequest request_;
  TranslationContext context_;
  trees::ChatEvents events_;
  bool ended_ = false;
};

}  // namespace cocoon::openai
