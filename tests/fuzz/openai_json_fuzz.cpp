// Bodies and streams from applications and engines. What we rewrite must still be what our own reader takes.
#include <cstdlib>
#include <string>

#include "openai/chat.hpp"
#include "openai/message_strings.hpp"
#include "openai/models.hpp"
#include "openai/request.hpp"
#include "openai/sse.hpp"

namespace {

using namespace cocoon;

std::string stream_of(std::string_view text, std::size_t piece) {
  openai::SseReader reader(4096);
  std::string seen;
  for (std::size_t at = 0; at < text.size(); at += piece) {
    reader.push(text.substr(at, piece));
    while (true) {
      const auto event = reader.next();
      if (!event) return seen + "!";
      if (!*event) break;
      seen.append((*event)->data).push_back('\n');
    }
  }
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto request = openai::parse_client_request(text)) {
    if (request->max_tokens <= 0 && request->model.empty()) std::abort();
    const auto engine = openai::rewrite_for_engine(request->body, request->model);
    if (!engine && engine.error().what.empty()) std::abort();
    if (engine && !openai::rewrite_for_engine(engine->body, request->model)) std::abort();
  }
  if (const auto piece = openai::read_chat_piece(text); !piece && piece.error().what.empty()) std::abort();
  if (const auto ids = openai::model_ids(text); !ids && ids.error().what.empty()) std::abort();
  const auto same = [](std::string_view value) -> Result<std::string> { return std::string(value); };
  if (const auto strings = openai::transform_strings(text, same)) {
    const auto again = openai::transform_strings(*strings, same);
    if (!again || *again != *strings) std::abort();
  }
  if (stream_of(text, 1) != stream_of(text, 7)) std::abort();
  return 0;
}
