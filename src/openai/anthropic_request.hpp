// Private to this room: see anthropic.hpp.
#pragma once
#include "openai/translation_json.hpp"

namespace cocoon::openai {

struct MessagesRequest {
  std::string chat_body;
  std::string model;
  bool stream = false;
};
Result<MessagesRequest> read_messages_request(std::string_view body);

}  // namespace cocoon::openai
