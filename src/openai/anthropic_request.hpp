// Private to this room: see anthropic.hpp.
#pragma once
#include "openai/chat_translation.hpp"

namespace cocoon::openai {

struct MessagesRequest {
  ChatRequest chat;
  std::string model;
};
Result<MessagesRequest> read_messages_request(std::string_view body);

}  // namespace cocoon::openai
