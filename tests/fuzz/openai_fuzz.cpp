// Request bodies: what is accepted is an object again after rewriting, and rewriting again changes nothing.
#include "openai/chat.hpp"
#include "openai/context_length.hpp"
#include "openai/message_strings.hpp"
#include "openai/models.hpp"
#include "openai/request.hpp"

using namespace cocoon::openai;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view in(reinterpret_cast<const char*>(data), size);
  for (const auto endpoint : {Endpoint::chat_completions, Endpoint::embeddings}) {
    const auto request = parse_client_request(endpoint, in);
    if (!request) continue;
    // Each side may add a few members.
    RequestDefaults wider;
    wider.limits.max_members += 4;
    const auto again = parse_client_request(endpoint, request->body, wider);
    if (!again || again->body != request->body || again->max_tokens != request->max_tokens) __builtin_trap();
    const auto engine = rewrite_for_engine(endpoint, request->body, request->model, wider.limits);
    if (!engine) __builtin_trap();
    const auto twice = rewrite_for_engine(endpoint, engine->body, request->model, wider.limits);
    if (!twice || twice->body != engine->body) __builtin_trap();
  }
  if (const auto object = JsonObject::parse(in)) {
    const std::string text = object->text();
    const auto again = JsonObject::parse(text);
    if (!again || again->text() != text) __builtin_trap();
  }
  (void)read_chat_piece(in);
  (void)model_ids(in);
  (void)context_in_models(in, "m");
  (void)trained_context_in_models(in, "m");
  for (const auto& page : context_pages()) (void)page.read(in, "m");
  (void)transform_strings(in, [](std::string_view s) -> cocoon::Result<std::string> { return std::string(s); });
  return 0;
}
