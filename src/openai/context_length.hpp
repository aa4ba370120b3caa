// How long a context an inference server serves: each make says it in a place of its own.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace cocoon::openai {

// A page of the engine that may say it.
struct ContextPage {
  std::string_view path;
  bool post = false;  // with context_question() as its body; otherwise GET
  // Tokens of prompt and answer together; nothing where the page does not say. `body` is hostile.
  std::optional<std::int32_t> (*read)(std::string_view body, std::string_view model) = nullptr;
};

// What /v1/models says of `model` (vLLM, SGLang, ours).
std::optional<std::int32_t> context_in_models(std::string_view body, std::string_view model);
// Pages to be asked, in this order, where /v1/models does not say it: llama-server, TGI, Ollama.
std::span<const ContextPage> context_pages();
std::string context_question(std::string_view model);
// What the model was trained for, by llama-server's /v1/models: where nothing says what is served.
std::optional<std::int32_t> trained_context_in_models(std::string_view body, std::string_view model);

}  // namespace cocoon::openai
