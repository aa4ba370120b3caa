// An engine's answer gives the same bytes and the same usage however it is cut.
#include "openai/answer_body.hpp"

using namespace cocoon::openai;

static std::string pass(std::string_view in, std::size_t piece, BodyForm form, bool drop, Usage& usage) {
  AnswerBody body(
      {.form = form, .drop_usage_event = drop, .annotate = [](const Usage&) { return "\"total_cost\":1"; }});
  std::string out;
  for (std::size_t at = 0; at < in.size(); at += piece) body.push(in.substr(at, piece), out);
  body.finish(out);
  usage = body.usage();
  return out;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view in(reinterpret_cast<const char*>(data) + 2, size - 2);
  const auto form = static_cast<BodyForm>(data[0] % 3);
  Usage whole, cut;
  const bool drop = (data[0] & 4) != 0;
  if (pass(in, in.size() + 1, form, drop, whole) != pass(in, 1 + data[1] % 40, form, drop, cut)) __builtin_trap();
  if (!(whole == cut)) __builtin_trap();
  return 0;
}
