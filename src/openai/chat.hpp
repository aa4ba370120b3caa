// A conversation from the application's side, for our own command line: questions made, answers read.
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

// What one answer, or one event of a streamed answer, says. Absent things are empty.
struct ChatPiece {
  std::string text;       // content of the first choice: message, delta, or text
  std::string reasoning;  // reasoning_content or reasoning
  std::string finish_reason;
  std::optional<Usage> usage;
  std::optional<std::int64_t> total_cost;  // nanotons, where a worker has added it to usage
  std::string error;                       // message of an error object, of any engine's shape
};
// Limited to 8 MiB and depth 64.
Result<ChatPiece> read_chat_piece(std::string_view json);

}  // namespace cocoon::openai
