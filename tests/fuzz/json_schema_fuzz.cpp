// JSON schemas as grammars, and calls of tools read out of any text: total, and however the text is cut the same.
#include "engine/json_grammar.hpp"
#include "engine/tool_calls.hpp"

using namespace cocoon::engine;

static std::string said(std::string_view text, std::size_t piece, std::size_t& calls) {
  ToolCallReader reader;
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += piece) out += reader.push(text.substr(at, piece));
  calls = reader.take_calls().size();
  return out + reader.finish();
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view in(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (const auto grammar = schema_grammar(in); grammar && !grammar->starts_with("root ::= ws ")) __builtin_trap();
  (void)tools_grammar({{"f", "", std::string(in)}, {"g", "", ""}}, true, kCallBegin, kCallEnd);
  std::size_t whole = 0, cut = 0;
  said(in, in.size() + 1, whole);
  said(in, 1 + data[0] % 20, cut);
  if (whole != cut) __builtin_trap();
  return 0;
}
