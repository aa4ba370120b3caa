// What a model may write, as grammars in llama.cpp's notation (GBNF): any JSON object, JSON of a schema, calls of
// tools.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace cocoon::engine {

struct ToolSpec {
  std::string name;
  std::string description;
  std::string parameters;  // JSON schema of an object; empty: {}
};

struct GrammarLimits {
  int depth = 32;                  // of a schema
  std::size_t rules = 2000;        // of a grammar
  std::size_t bytes = 256 * 1024;  // of a grammar
  std::int64_t repeats = 1024;     // minItems, maxLength and the like
};

// All have the start symbol `root`.
std::string json_object_grammar();
// Keywords that say more than this room can hold a model to (pattern, not, numeric bounds, ...) are errors that name
// them, never passed over; annotations (title, description, format, ...) are. Of objects the members named in
// `properties` are written, in that order; others only where additionalProperties is a schema or true. $ref may point
// into the document itself.
Result<std::string> schema_grammar(std::string_view schema, const GrammarLimits& limits = {});
// One call of one of the tools, or up to kMaxCalls with `parallel`, each as `begin`{"name":...,"arguments":{...}}`end`.
inline constexpr int kMaxCalls = 8;
Result<std::string> tools_grammar(const std::vector<ToolSpec>& tools, bool parallel, std::string_view begin,
                                  std::string_view end, const GrammarLimits& limits = {});

}  // namespace cocoon::engine
