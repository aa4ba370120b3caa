#include "engine/json_grammar.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/tool_calls.hpp"

namespace cocoon::engine {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string grammar(std::string_view schema) {
  const auto g = schema_grammar(schema);
  EXPECT_TRUE(g) << schema << ": " << g.error().what;
  return g.value_or("");
}

TEST(SchemaGrammar, ScalarsEnumsAndReferences) {
  EXPECT_THAT(grammar(R"({"type":"integer"})"), StartsWith("root ::= ws integer ws\n"));
  EXPECT_THAT(grammar("true"), StartsWith("root ::= ws value ws\n"));
  EXPECT_THAT(grammar(R"({"enum":["a\"b",1,null]})"), HasSubstr(R"(r0 ::= "\"a\\\"b\"" | "1" | "null")"));
  EXPECT_THAT(grammar(R"({"type":["string","null"]})"), HasSubstr(" ::= string | r0"));
  const auto tree = grammar(
      R"({"$ref":"#/$defs/node","$defs":{"node":{"type":"object","properties":{"next":{"anyOf":[{"$ref":"#/$defs/node"},{"type":"null"}]}},"required":["next"]}}})");
  EXPECT_THAT(tree, StartsWith("root ::= ws r0 ws\n"));
}

TEST(SchemaGrammar, MembersInOrderOptionalOnesMayMiss) {
  const auto g =
      grammar(R"({"type":"object","properties":{"a":{"type":"number"},"b":{"type":"string"}},"required":["b"]})");
  // From the end: b must stand, after a comma if a does.
  EXPECT_THAT(g, HasSubstr(R"(r0 ::= "\"b\"" ":" ws string ws)"));
  EXPECT_THAT(g, HasSubstr(R"(r2 ::= "," ws r0 )"));
  EXPECT_THAT(g, HasSubstr("r4 ::= r3 r2 | r1"));
}

TEST(SchemaGrammar, Lengths) {
  EXPECT_THAT(grammar(R"({"type":"string","minLength":2,"maxLength":5})"), HasSubstr("char{2,5}"));
  EXPECT_THAT(grammar(R"({"type":"array","items":{"type":"integer"},"minItems":2,"maxItems":3})"),
              HasSubstr(R"("[" ws integer ws ("," ws integer ws){1,2} "]")"));
  EXPECT_FALSE(schema_grammar(R"({"type":"string","minLength":5,"maxLength":2})"));
  EXPECT_FALSE(schema_grammar(R"({"type":"string","maxLength":1025})"));
  EXPECT_FALSE(schema_grammar(R"({"type":"array","minItems":-1})"));
}

TEST(SchemaGrammar, WhatCannotBeHeldToIsRefusedByName) {
  for (const auto& [schema, named] : std::vector<std::pair<std::string, std::string>>{
           {R"({"type":"string","pattern":"^x"})", "pattern"},
           {R"({"type":"integer","minimum":3})", "minimum"},
           {R"({"not":{}})", "not"},
           {R"({"type":"thing"})", "thing"},
           {R"({"$ref":"other.json"})", "out of the schema"},
           {R"({"$ref":"#/nowhere"})", "nowhere"},
           {R"({"$ref":"#"})", "own definition"},
           {R"({"type":"object","properties":{},"required":["x"]})", "'x'"},
           {R"({"enum":[]})", "enum"},
           {"false", "schema"},
           {"{", "JSON"},
       }) {
    const auto g = schema_grammar(schema);
    ASSERT_FALSE(g) << schema;
    EXPECT_THAT(g.error().what, HasSubstr(named)) << schema;
  }
  std::string deep = R"({"type":"null"})";
  for (int i = 0; i < 40; ++i) deep = fmt::format(R"({{"type":"array","items":{}}})", deep);
  EXPECT_FALSE(schema_grammar(deep));
  EXPECT_FALSE(schema_grammar(R"({"type":"object"})", {.bytes = 100}));
}

TEST(SchemaGrammar, AllOfIsOneObject) {
  const auto g = grammar(
      R"({"allOf":[{"$ref":"#/$defs/a"},{"type":"object","properties":{"y":{"type":"null"}},"required":["y"]}],)"
      R"("$defs":{"a":{"type":"object","properties":{"x":{"type":"null"}},"required":["x"]}}})");
  EXPECT_THAT(g, HasSubstr(R"("\"x\"")"));
  EXPECT_THAT(g, HasSubstr(R"("\"y\"")"));
  EXPECT_FALSE(schema_grammar(R"({"allOf":[{"type":"null"},{"type":"string"}]})"));
}

TEST(ToolsGrammar, EachToolHasItsOwnRules) {
  const std::vector<ToolSpec> tools{{"f", "", R"({"type":"object","properties":{"a":{"type":"integer"}}})"},
                                    {"g", "", ""}};
  const auto g = tools_grammar(tools, true, kCallBegin, kCallEnd);
  ASSERT_TRUE(g) << g.error().what;
  EXPECT_THAT(*g, HasSubstr(R"(root ::= call ("\n" call){0,7})"));
  EXPECT_THAT(*g, HasSubstr(R"(call ::= "<tool_call>\n" (t0 | t1) "\n</tool_call>")"));
  EXPECT_THAT(*g, HasSubstr(R"(t0 ::= "{\"name\": \"f\", \"arguments\": " t0-r)"));
  EXPECT_THAT(*tools_grammar(tools, false, "<", ">"), HasSubstr("root ::= call\n"));
  EXPECT_FALSE(tools_grammar({}, true, "<", ">"));
  EXPECT_FALSE(tools_grammar({{"f", "", R"({"pattern":1})"}}, true, "<", ">"));
}

TEST(ToolCallReader, ReadsCallsHoweverTheTextIsCut) {
  const std::string text =
      "Let me <see>.\n<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\":1}}\n</tool_call>\n"
      "<tool_call>{\"name\":\"g\"}</tool_call> and <tool_call>nonsense</tool_call> <tool";
  for (std::size_t size = 1; size <= text.size(); ++size) {
    ToolCallReader reader;
    std::string said;
    std::vector<ToolCall> calls;
    for (std::size_t at = 0; at < text.size(); at += size) {
      said += reader.push(std::string_view(text).substr(at, size));
      for (auto& c : reader.take_calls()) calls.push_back(std::move(c));
    }
    said += reader.finish();
    ASSERT_EQ(calls.size(), 2U) << size;
    EXPECT_EQ(calls[0].name, "f");
    EXPECT_EQ(calls[0].arguments, "{\"a\":1}");
    EXPECT_EQ(calls[1].arguments, "{}");
    EXPECT_EQ(said, "Let me <see>.\nand <tool_call>nonsense</tool_call> <tool") << size;
  }
}

TEST(ToolCallReader, WhatIsWrittenIsReadBack) {
  ToolCallReader reader;
  EXPECT_EQ(reader.push(call_in_words({"f \"x\"", "{\"a\":[1,2]}"})), "");
  const auto calls = reader.take_calls();
  ASSERT_EQ(calls.size(), 1U);
  EXPECT_EQ(calls[0].name, "f \"x\"");
  EXPECT_EQ(calls[0].arguments, "{\"a\":[1,2]}");
}

}  // namespace
}  // namespace cocoon::engine
