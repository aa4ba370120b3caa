// Anthropic's /v1/messages through chat completions; see translation.hpp.
#pragma once
#include "openai/translation.hpp"

namespace cocoon::openai {

Result<std::unique_ptr<Translation>> translate_messages(std::string_view body, TranslationContext);
// {"type":"error","error":{"type","message"},"error_code"}
std::string messages_error_body(const ApiError&);

}  // namespace cocoon::openai
