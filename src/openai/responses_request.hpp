// Private to this room: see responses.hpp.
#pragma once
#include "openai/chat_translation.hpp"

namespace cocoon::openai {

struct ResponsesRequest {
  ChatRequest chat;
  boost::json::object echo;  // members of the request that a response repeats
};
Result<ResponsesRequest> read_responses_request(std::string_view body);

}  // namespace cocoon::openai
