// A conversation from the application's side, for our own command line and for the routes that are translated into chat
// (translation.hpp): questions made, answers read.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "openai/usage.hpp"

namespace cocoon::openai {

struct ChatMessage {
  std::string role;  // system, user, assistant
  std::string content;
};

struct ChatOptions {
  bool stream = false;  // then with usage
  std::optional<std::int64_t> max_tokens;
  std::optional<double> temperature;
  std::optional<std::int64_t> seed;
};

std::string chat_request_body(std::string_view model, const std::vector<ChatMessage>&, const ChatOptions& = {});

// A call of a tool, or of a streamed answer what one event adds to it.
struct ToolCallPiece {
  std::size_t index = 0;  // of the call within the answer
  std::string id, name;   // empty in all events but the call's first
  std::string arguments;  // JSON text, or the next part of it
};

// What one answer, or one event of a streamed answer, says. Absent things are empty.
struct ChatPiece {
  std::string text;       // content of the first choice: message, delta, or text
  std::string reasoning;  // reasoning_content or reasoning
  std::string refusal{};
  std::vector<ToolCallPiece> calls{};
  std::string finish_reason;
  std::optional<Usage> usage;
  std::optional<std::int64_t> total_cost;  // nanotons, where a worker has added it to usage
  std::string error;                       // message of an error object, of any engine's shape
};
// Limited to 8 MiB and depth 64.
Result<ChatPiece> read_chat_piece(std::string_view json);

}  // namespace cocoon::openai
