#include "engine/api_request.hpp"

#include <cmath>

#include <gtest/gtest.h>

namespace cocoon::engine {
namespace {

struct Bad {
  const char* body;
  const char* param;  // what the error must name
};

void PrintTo(const Bad& bad, std::ostream* out) { *out << bad.body; }

#define CHAT(fields) "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]," fields "}"

class BadChat : public testing::TestWithParam<Bad> {};

TEST_P(BadChat, IsRefusedByName) {
  const auto request = parse_chat(GetParam().body, {});
  ASSERT_FALSE(request);
  EXPECT_EQ(request.error().status, 400);
  EXPECT_EQ(request.error().type, "invalid_request_error");
  EXPECT_EQ(request.error().param, GetParam().param) << request.error().message;
  EXPECT_FALSE(request.error().message.empty());
}

INSTANTIATE_TEST_SUITE_P(
    Table, BadChat,
    testing::Values(
        Bad{"", ""}, Bad{"{", ""}, Bad{"[]", ""}, Bad{"42", ""}, Bad{"{\"messages\":}", ""}, Bad{"{\"a\":1}x", ""},
        Bad{"{\"a\":\"\xFF\"}", ""}, Bad{"{}", "messages"}, Bad{"{\"messages\":[]}", "messages"},
        Bad{"{\"messages\":\"hi\"}", "messages"}, Bad{"{\"messages\":[7]}", "messages[0]"},
        Bad{"{\"messages\":[{\"content\":\"x\"}]}", "messages[0].role"},
        Bad{"{\"messages\":[{\"role\":\"boss\",\"content\":\"x\"}]}", "messages[0].role"},
        Bad{"{\"messages\":[{\"role\":\"user\"}]}", "messages[0].content"},
        Bad{"{\"messages\":[{\"role\":\"user\",\"content\":5}]}", "messages[0].content"},
        Bad{"{\"messages\":[{\"role\":\"user\",\"content\":\"a\\u0000b\"}]}", "messages[0].content"},
        Bad{"{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{}}]}]}",
            "messages[0].content"},
        Bad{CHAT("\"model\":7"), "model"}, Bad{CHAT("\"temperature\":\"hot\""), "temperature"},
        Bad{CHAT("\"temperature\":2.1"), "temperature"}, Bad{CHAT("\"temperature\":-1"), "temperature"},
        Bad{CHAT("\"top_p\":1.5"), "top_p"}, Bad{CHAT("\"min_p\":-0.1"), "min_p"}, Bad{CHAT("\"top_k\":1.5"), "top_k"},
        Bad{CHAT("\"max_tokens\":0"), "max_tokens"}, Bad{CHAT("\"max_tokens\":-5"), "max_tokens"},
        Bad{CHAT("\"max_tokens\":1e30"), "max_tokens"},
        Bad{CHAT("\"max_completion_tokens\":\"many\""), "max_completion_tokens"}, Bad{CHAT("\"n\":0"), "n"},
        Bad{CHAT("\"n\":9"), "n"}, Bad{CHAT("\"n\":2.5"), "n"}, Bad{CHAT("\"seed\":\"x\""), "seed"},
        Bad{CHAT("\"stop\":\"\""), "stop"}, Bad{CHAT("\"stop\":[1]"), "stop"}, Bad{CHAT("\"stop\":{}"), "stop"},
        Bad{CHAT("\"stop\":[\"a\",\"\"]"), "stop"}, Bad{CHAT("\"presence_penalty\":3"), "presence_penalty"},
        Bad{CHAT("\"frequency_penalty\":[]"), "frequency_penalty"},
        Bad{CHAT("\"repetition_penalty\":0"), "repetition_penalty"}, Bad{CHAT("\"logit_bias\":[1]"), "logit_bias"},
        Bad{CHAT("\"logit_bias\":{\"x\":1}"), "logit_bias"}, Bad{CHAT("\"logit_bias\":{\"-1\":1}"), "logit_bias"},
        Bad{CHAT("\"logit_bias\":{\"99999999999\":1}"), "logit_bias"},
        Bad{CHAT("\"logit_bias\":{\"5\":101}"), "logit_bias.5"}, Bad{CHAT("\"stream\":1"), "stream"},
        Bad{CHAT("\"stream_options\":{\"include_usage\":true}"), "stream_options"},
        Bad{CHAT("\"stream\":true,\"stream_options\":{\"include_usage\":1}"), "stream_options.include_usage"},
        Bad{CHAT("\"response_format\":\"json\""), "response_format"},
        Bad{CHAT("\"response_format\":{\"type\":\"xml\"}"), "response_format.type"},
        Bad{CHAT("\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{}}"), "response_format.json_schema"},
        Bad{CHAT("\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"schema\":{\"pattern\":\"x\"}}}"),
            "response_format"},
        Bad{CHAT("\"tools\":[{\"type\":\"function\"}]"), "tools"}, Bad{CHAT("\"logprobs\":5"), "logprobs"},
        Bad{CHAT("\"top_logprobs\":5"), "top_logprobs"},
        Bad{CHAT("\"logprobs\":true,\"top_logprobs\":21"), "top_logprobs"},
        Bad{CHAT("\"ignore_eos\":\"no\""), "ignore_eos"}, Bad{CHAT("\"cache_salt\":1"), "cache_salt"}));

TEST(ChatRequestTest, ReadsEveryField) {
  const auto r = parse_chat(R"({"model":"m","messages":[{"role":"developer","content":"be brief"},
    {"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},
    {"role":"assistant","content":null},{"role":"tool","content":"t"}],
    "temperature":0.5,"top_p":0.9,"min_p":0.1,"top_k":7,"presence_penalty":1,"frequency_penalty":-1,"repetition_penalty":1.1,
    "max_tokens":5,"max_completion_tokens":6.0,"n":2,"seed":-3,"stop":["x","yz"],"stream":true,
    "stream_options":{"include_usage":true,"continuous_usage_stats":true},"logit_bias":{"5":-100,"6":2.5},
    "response_format":{"type":"json_object"},"ignore_eos":true,"cache_salt":"s","user":"u","unknown":{"deep":[1]}})",
                            {});
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_EQ(r->model, "m");
  ASSERT_EQ(r->messages.size(), 4U);
  EXPECT_EQ(r->messages[0].role, "system");
  EXPECT_EQ(r->messages[1].content, "ab");
  EXPECT_EQ(r->messages[2].content, "");
  EXPECT_EQ(r->messages[3].role, "tool");
  EXPECT_FLOAT_EQ(r->sampling.temperature, 0.5F);
  EXPECT_FLOAT_EQ(r->sampling.top_p, 0.9F);
  EXPECT_FLOAT_EQ(r->sampling.min_p, 0.1F);
  EXPECT_EQ(r->sampling.top_k, 7);
  EXPECT_FLOAT_EQ(r->sampling.presence_penalty, 1);
  EXPECT_FLOAT_EQ(r->sampling.frequency_penalty, -1);
  EXPECT_FLOAT_EQ(r->sampling.repetition_penalty, 1.1F);
  EXPECT_EQ(r->max_tokens, 6U);
  EXPECT_EQ(r->choices, 2U);
  EXPECT_EQ(r->seed, static_cast<std::uint64_t>(-3));
  EXPECT_EQ(r->stops, (std::vector<std::string>{"x", "yz"}));
  EXPECT_TRUE(r->stream && r->usage_at_end && r->usage_in_each);
  ASSERT_EQ(r->sampling.logit_bias.size(), 2U);
  EXPECT_TRUE(std::isinf(r->sampling.logit_bias[0].second));
  EXPECT_FLOAT_EQ(r->sampling.logit_bias[1].second, 2.5F);
  EXPECT_TRUE(!r->sampling.grammar.empty() && r->sampling.trigger.empty() && r->sampling.ignore_end);
  EXPECT_EQ(r->cache_salt, "s");
}

TEST(ChatRequestTest, NullMeansAbsent) {
  Sampling defaults;
  defaults.temperature = 0.25F;
  const auto r =
      parse_chat(CHAT("\"temperature\":null,\"stop\":null,\"n\":null,\"stream\":null,\"stream_options\":null,"
                      "\"tools\":null,\"tools\":[],\"logprobs\":false,\"response_format\":null,\"seed\":null"),
                 defaults);
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_FLOAT_EQ(r->sampling.temperature, 0.25F);
  EXPECT_EQ(r->choices, 1U);
  EXPECT_FALSE(r->seed);
}

constexpr const char* kTools =
    R"("tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]}}},)"
    R"({"type":"function","function":{"name":"g"}}])";

std::string chat_with(const std::string& more) {
  return R"({"messages":[{"role":"user","content":"x"}],)" + std::string(kTools) + more + "}";
}

TEST(ChatRequestTest, ToolsAreToldAndHeldTo) {
  auto r = parse_chat(chat_with(""), {});
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_TRUE(r->reads_calls);
  ASSERT_EQ(r->messages.size(), 2U);
  EXPECT_NE(r->messages[0].content.find(R"("name": "f", "description": "d")"), std::string::npos);
  EXPECT_FALSE(r->sampling.grammar.empty());
  EXPECT_FALSE(r->sampling.trigger.empty()) << "a text is an answer, too";
  r = parse_chat(chat_with(R"(,"tool_choice":"required")"), {});
  EXPECT_TRUE(r->sampling.trigger.empty());
  r = parse_chat(chat_with(R"(,"tool_choice":{"type":"function","function":{"name":"g"}})"), {});
  ASSERT_TRUE(r);
  EXPECT_EQ(r->sampling.grammar.find("\\\"f\\\""), std::string::npos) << r->sampling.grammar;
  r = parse_chat(chat_with(R"(,"tool_choice":"none")"), {});
  EXPECT_FALSE(r->reads_calls);
  EXPECT_TRUE(r->sampling.grammar.empty());
  EXPECT_EQ(r->messages.size(), 1U);
  for (const auto* bad : {R"(,"tool_choice":"any")", R"(,"tool_choice":{"type":"function","function":{"name":"h"}})",
                          R"(,"functions":[{"name":"f"}])"})
    EXPECT_FALSE(parse_chat(chat_with(bad), {})) << bad;
}

TEST(ChatRequestTest, EarlierCallsAreWordsOfTheAssistant) {
  const auto r =
      parse_chat(R"({"messages":[{"role":"user","content":"x"},{"role":"assistant","content":null,"tool_calls":[
      {"id":"c","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]},{"role":"tool","tool_call_id":"c","content":"42"}]})",
                 {});
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_EQ(r->messages[1].content, "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\":1}}\n</tool_call>");
  EXPECT_FALSE(parse_chat(R"({"messages":[{"role":"assistant","content":"x","tool_calls":[{"id":"c"}]}]})", {}));
  EXPECT_FALSE(parse_chat(R"({"messages":[{"role":"assistant","content":"x","tool_calls":{}}]})", {}));
}

TEST(ChatRequestTest, LogprobsAreCounted) {
  EXPECT_EQ(parse_chat(CHAT("\"logprobs\":true"), {})->sampling.logprobs, 0);
  EXPECT_EQ(parse_chat(CHAT("\"logprobs\":true,\"top_logprobs\":3"), {})->sampling.logprobs, 3);
  EXPECT_EQ(parse_chat(CHAT("\"logprobs\":false"), {})->sampling.logprobs, -1);
  EXPECT_EQ(parse_completion(R"({"prompt":"a","logprobs":2})", {})->sampling.logprobs, 2);
}

TEST(ChatRequestTest, DeepJsonIsRefused) {
  const auto deep = "{\"a\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
  ASSERT_FALSE(parse_chat(deep, {}));
}

TEST(CompletionRequestTest, PromptsInAllForms) {
  EXPECT_EQ(parse_completion(R"({"prompt":"a"})", {})->prompts, std::vector<Prompt>{"a"});
  EXPECT_EQ(parse_completion(R"({"prompt":["a","b"]})", {})->prompts, (std::vector<Prompt>{"a", "b"}));
  EXPECT_EQ(parse_completion(R"({"prompt":[1,2]})", {})->prompts, (std::vector<Prompt>{std::vector<Token>{1, 2}}));
  EXPECT_EQ(parse_completion(R"({"prompt":[[1],[2,3]]})", {})->prompts,
            (std::vector<Prompt>{std::vector<Token>{1}, std::vector<Token>{2, 3}}));
  for (const char* bad : {R"({})", R"({"prompt":[]})", R"({"prompt":5})", R"({"prompt":[[]]})", R"({"prompt":[-1]})",
                          R"({"prompt":[1,"a"]})", R"({"prompt":[5000000000]})", R"({"prompt":["a",{}]})",
                          R"({"prompt":["1","2","3","4","5","6","7","8","9"]})", R"({"prompt":["a","b"],"n":5})",
                          R"({"prompt":"a","best_of":3})", R"({"prompt":"a","suffix":"z"})",
                          R"({"prompt":"a","logprobs":true})", R"({"prompt":"a","echo":"yes"})"}) {
    EXPECT_FALSE(parse_completion(bad, {})) << bad;
  }
  EXPECT_TRUE(parse_completion(R"({"prompt":"a","best_of":2,"n":2,"echo":true})", {})->echo);
}

TEST(EmbeddingsRequestTest, FormsAndFaults) {
  const auto r = parse_embeddings(R"({"input":["a",[1]],"encoding_format":"base64","model":"m"})");
  ASSERT_TRUE(r);
  EXPECT_TRUE(r->base64);
  EXPECT_EQ(r->inputs.size(), 2U);
  for (const char* bad :
       {R"({})", R"({"input":"a","encoding_format":"int8"})", R"({"input":"a","dimensions":3})", R"({"input":{}})"})
    EXPECT_FALSE(parse_embeddings(bad)) << bad;
}

TEST(TokenizeRequestTest, TextUnderEitherNameOrMessages) {
  EXPECT_EQ(parse_tokenize(R"({"content":"a"})")->text, "a");
  EXPECT_EQ(parse_tokenize(R"({"prompt":"a","add_special_tokens":false})")->add_special, false);
  EXPECT_EQ(parse_tokenize(R"({"messages":[{"role":"user","content":"a"}]})")->messages.size(), 1U);
  EXPECT_FALSE(parse_tokenize(R"({"content":5})"));
  EXPECT_FALSE(parse_tokenize("{}"));
}

}  // namespace
}  // namespace cocoon::engine
