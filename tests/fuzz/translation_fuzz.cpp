// Routes answered through chat: any request is refused or makes a chat request that the client takes; an answer's
// events do not depend on how the chat stream was cut.
#include "openai/request.hpp"
#include "openai/translation.hpp"

using namespace cocoon::openai;

static std::string told(Translation& t, std::string_view chat, std::size_t piece) {
  std::string out;
  for (std::size_t at = 0; at < chat.size(); at += piece) t.push(chat.substr(at, piece), out);
  t.finish(out);
  return out;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view in(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::string_view path = (data[0] & 1) != 0 ? "/v1/responses" : "/v1/messages";
  const TranslationContext context{"x", 1};
  if (const auto t = translate(path, in, context)) {
    const auto chat = parse_client_request(Endpoint::chat_completions, (*t)->chat_body());
    if (!chat && chat.error().code != 621) __builtin_trap();
  }
  const auto fresh = [&] {
    return translate(path, R"({"model":"m","input":"x","messages":[],"stream":true})", context).value();
  };
  if (told(*fresh(), in, in.size() + 1) != told(*fresh(), in, 1 + data[1] % 40)) __builtin_trap();
  (void)fresh()->whole(in);
  return 0;
}
