// Calls of tools in the text of a model: told to it in its prompt, read out of what it writes. The notation is the one
// that most open models were trained on: <tool_call>{"name": ..., "arguments": {...}}</tool_call>.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "engine/json_grammar.hpp"
#include "engine/model.hpp"

namespace cocoon::engine {

inline constexpr std::string_view kCallBegin = "<tool_call>\n";
inline constexpr std::string_view kCallEnd = "\n</tool_call>";
// What a model writes that begins a call of its own accord; llama.cpp's grammar holds it to one from there on.
inline constexpr const char* kCallTrigger = "[\\s\\S]*?(<tool_call>\n[\\s\\S]*)";

struct ToolCall {
  std::string name;
  std::string arguments;  // JSON text of an object
};

// What the system message says of the tools.
std::string tools_in_words(const std::vector<ToolSpec>& tools);
// The call as the model would have written it.
std::string call_in_words(const ToolCall& call);

// Takes a model's text however it is cut; what may be the beginning of a call is held back.
class ToolCallReader {
 public:
  // The text that is certain not to belong to a call.
  std::string push(std::string_view text);
  // No more comes: what was held back, calls that did not end included.
  std::string finish();
  // Calls that ended since the last time.
  std::vector<ToolCall> take_calls() { return std::exchange(calls_, {}); }

 private:
  std::string held_;
  bool after_call_ = false;  // nothing but space has come since
  std::vector<ToolCall> calls_;
};

}  // namespace cocoon::engine
