// OpenAI's /v1/responses through chat completions; see translation.hpp.
#pragma once
#include "openai/translation.hpp"

namespace cocoon::openai {

Result<std::unique_ptr<Translation>> translate_responses(std::string_view body, TranslationContext);

}  // namespace cocoon::openai
