// Private to this room: see responses.hpp.
#pragma once
#include "openai/translation_json.hpp"

namespace cocoon::openai {

struct ResponsesRequest {
  std::string chat_body;
  bool stream = false;
  boost::json::object echo;  // members of the request that a response repeats
};
Result<ResponsesRequest> read_responses_request(std::string_view body);

}  // namespace cocoon::openai
