#include "openai/request.hpp"

#include <gtest/gtest.h>

namespace cocoon::openai {
namespace {

Result<ClientRequest> parse(std::string_view body, const RequestDefaults& defaults = {}) {
  return parse_client_request(Endpoint::chat_completions, body, defaults);
}
Result<EngineRequest> rewrite(std::string_view body, std::string_view model) {
  return rewrite_for_engine(Endpoint::chat_completions, body, model);
}

TEST(EngineRequest, ASaltStandsBeforeTheApplicationsOwn) {
  const auto salted = [](std::string_view body) {
    auto r = rewrite_for_engine(Endpoint::embeddings, body, "m", {}, "0123456789abcdef");
    return r ? r->body : r.error().what;
  };
  EXPECT_EQ(salted(R"({"model":"m"})"), R"({"model":"m","cache_salt":"0123456789abcdef"})");
  EXPECT_EQ(salted(R"({"model":"m","cache_salt":null})"), R"({"model":"m","cache_salt":"0123456789abcdef"})");
  EXPECT_EQ(salted(R"({"cache_salt":"a\"b","model":"m"})"), R"({"cache_salt":"0123456789abcdef.a\"b","model":"m"})");
  EXPECT_EQ(salted(R"({"cache_salt":1,"model":"m"})"), "cache_salt is not a string");
}

TEST(EngineRequest, SaltsAreLettersAndDigits) {
  EXPECT_TRUE(is_cache_salt("0123456789abcDEF"));
  EXPECT_TRUE(is_cache_salt(std::string(128, 'z')));
  for (const auto& bad : {std::string(15, 'a'), std::string(129, 'a'), std::string(16, '"'), std::string(16, '\\'),
                          std::string(16, '.'), std::string()})
    EXPECT_FALSE(is_cache_salt(bad)) << bad;
}

TEST(ClientRequest, DefaultsAndPassingThrough) {
  const auto r = parse(
      R"({ "model" : "m", "messages": [ {"role":"user", "content":"h i\n"} ], "temperature": 0.70, "seed": 12345678901234567890123 })");
  ASSERT_TRUE(r) << r.error().what;
  EXPECT_EQ(r->model, "m");
  EXPECT_EQ(r->max_tokens, 10000);
  EXPECT_EQ(r->max_coefficient, 4000);
  EXPECT_EQ(r->timeout, 120);
  EXPECT_FALSE(r->stream);
  EXPECT_EQ(
      r->body,
      R"({"model":"m","messages":[ {"role":"user", "content":"h i\n"} ],"temperature":0.70,"seed":12345678901234567890123,"max_tokens":10000})");
}

TEST(ClientRequest, WhatNeedsNoChangeIsTheSameBytes) {
  const std::string body = R"( {"model" : "m",  "max_tokens":5, "stop":["a"], "x_vendor":{"deep":[1e2, null]} })";
  EXPECT_EQ(parse(body)->body, body);
  const std::string embed = R"({ "input": ["a", "b"], "model":"m" })";
  const auto r = parse_client_request(Endpoint::embeddings, embed);
  ASSERT_TRUE(r) << r.error().what;
  EXPECT_EQ(r->body, embed);
  EXPECT_EQ(r->max_tokens, 0);
  EXPECT_EQ(rewrite_for_engine(Endpoint::embeddings, embed, "m")->body, embed);
}

// Every member of OpenAI's chat API, and some of engines' own: all of them reach the engine as they were written.
TEST(ClientRequest, TheWholeSurfaceOfChatPassesThrough) {
  const std::string members =
      R"("messages":[{"role":"developer","content":"d"},{"role":"user","name":"u","content":[{"type":"text","text":"t"},)"
      R"({"type":"image_url","image_url":{"url":"data:image/png;base64,AA==","detail":"low"}},)"
      R"({"type":"input_audio","input_audio":{"data":"AA==","format":"wav"}},{"type":"file","file":{"file_id":"f"}}]},)"
      R"({"role":"assistant","content":null,"refusal":null,"audio":{"id":"a"},"tool_calls":[{"id":"c","type":"function",)"
      R"("function":{"name":"f","arguments":"{}"}},{"id":"d","type":"custom","custom":{"name":"g","input":"x"}}]},)"
      R"({"role":"tool","tool_call_id":"c","content":"42"}],)"
      R"("tools":[{"type":"function","function":{"name":"f","strict":true,"parameters":{"type":"object"}}}],)"
      R"("tool_choice":{"type":"function","function":{"name":"f"}},"parallel_tool_calls":false,"functions":[],)"
      R"("function_call":"auto","response_format":{"type":"json_schema","json_schema":{"name":"s","schema":{}}},)"
      R"("modalities":["text","audio"],"audio":{"voice":"v","format":"wav"},"prediction":{"type":"content","content":""},)"
      R"("logprobs":true,"top_logprobs":5,"n":2,"stop":["a","b"],"seed":-7,"logit_bias":{"50256":-100},)"
      R"("frequency_penalty":0.5,"presence_penalty":-0.50,"repetition_penalty":1.1,"temperature":0.0,"top_p":1,)"
      R"("top_k":40,"min_p":0.05,"reasoning_effort":"high","reasoning":{"effort":"low"},"verbosity":"low",)"
      R"("chat_template_kwargs":{"enable_thinking":false},"stream":true,)"
      R"("stream_options":{"include_usage":true,"include_obfuscation":false},"metadata":{"a":"b"},"store":false,)"
      R"("user":"u","safety_identifier":"i","prompt_cache_key":"k","service_tier":"auto","web_search_options":{},)"
      R"("guided_json":{"type":"object"},"x_vendor":[1e400,"\u00e9"],"max_completion_tokens":9,"max_tokens":9)";
  const std::string body = R"({"model":"m",)" + members + "}";
  const auto r = parse(body);
  ASSERT_TRUE(r) << r.error().what;
  EXPECT_EQ(r->body, body);
  EXPECT_EQ(r->max_tokens, 18) << "two choices of 9";
  const auto engine = rewrite(r->body, "m");
  ASSERT_TRUE(engine) << engine.error().what;
  EXPECT_EQ(engine->body, body);
}

TEST(ClientRequest, AStopTravelsAsAList) {
  EXPECT_EQ(parse(R"({"model":"m","max_tokens":1,"stop":"\n\n"})")->body,
            R"({"model":"m","max_tokens":1,"stop":["\n\n"]})");
  EXPECT_EQ(parse(R"({"model":"m","max_tokens":1,"stop":null})")->body, R"({"model":"m","max_tokens":1,"stop":null})");
}

TEST(ClientRequest, ChoicesMultiplyWhatIsReserved) {
  EXPECT_EQ(parse(R"({"model":"m","max_tokens":100,"n":3})")->max_tokens, 300);
  EXPECT_EQ(parse(R"({"model":"m","max_tokens":100,"n":1,"best_of":4})")->max_tokens, 400);
  EXPECT_EQ(parse(R"({"model":"m","max_tokens":2147483647,"n":2147483647})")->max_tokens, 2147483647);
  // Engines that take these for numbers would make more than is reserved.
  for (const auto* n : {"\"3\"", "3.0", "-1", "[3]"}) {
    EXPECT_FALSE(parse(R"({"model":"m","n":)" + std::string(n) + "}")) << n;
    EXPECT_FALSE(parse(R"({"model":"m","best_of":)" + std::string(n) + "}")) << n;
  }
  EXPECT_EQ(parse(R"({"model":"m","max_tokens":100,"n":null})")->max_tokens, 100);
}

TEST(ClientRequest, OwnMembersAreReadAndRemoved) {
  const auto r = parse(
      R"({"timeout":30.5,"model":"m","max_coefficient":1500,"enable_debug":true,"request_guid":"g","receiver_public_key":"k",
          "max_completion_tokens":7,"max_tokens":9,"stream":true,"stream_options":{"include_usage":true},"is_encrypted":"v1"})");
  ASSERT_TRUE(r) << r.error().what;
  EXPECT_EQ(r->timeout, 30.5);
  EXPECT_EQ(r->max_coefficient, 1500);
  EXPECT_TRUE(r->enable_debug);
  EXPECT_EQ(r->request_guid, "g");
  EXPECT_EQ(r->receiver_public_key, "k");
  EXPECT_EQ(r->max_tokens, 7) << "max_completion_tokens is preferred";
  EXPECT_TRUE(r->stream);
  EXPECT_TRUE(r->include_usage);
  EXPECT_TRUE(r->encrypted);
  EXPECT_EQ(r->body, R"({"model":"m","receiver_public_key":"k","max_completion_tokens":7,"stream":true,)"
                     R"("stream_options":{"include_usage":true},"is_encrypted":"v1"})");
}

TEST(ClientRequest, NullCountsAsAbsent) {
  const auto r = parse(
      R"({"model":"m","max_tokens":null,"max_completion_tokens":null,"timeout":null,"stream":null,"stream_options":null})");
  ASSERT_TRUE(r) << r.error().what;
  EXPECT_EQ(r->max_tokens, 10000);
  EXPECT_EQ(r->body, R"({"model":"m","stream":null,"stream_options":null,"max_tokens":10000})");
}

TEST(ClientRequest, WrongTypesAndValuesAre621AndNamed) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({})", "model"},
      {R"({"model":1})", "model"},
      {R"({"model":""})", "model"},
      {R"({"model":"m","max_tokens":-1})", "max_tokens"},
      {R"({"model":"m","max_tokens":1.5})", "max_tokens"},
      {R"({"model":"m","max_tokens":1e3})", "max_tokens"},
      {R"({"model":"m","max_tokens":"5"})", "max_tokens"},
      {R"({"model":"m","max_tokens":2147483648})", "max_tokens"},
      {R"({"model":"m","max_completion_tokens":99999999999999999999999})", "max_completion_tokens"},
      {R"({"model":"m","max_coefficient":true})", "max_coefficient"},
      {R"({"model":"m","timeout":0})", "timeout"},
      {R"({"model":"m","timeout":-3})", "timeout"},
      {R"({"model":"m","timeout":1e999})", "timeout"},
      {R"({"model":"m","timeout":"1"})", "timeout"},
      {R"({"model":"m","enable_debug":1})", "enable_debug"},
      {R"({"model":"m","request_guid":[]})", "request_guid"},
      {R"({"model":"m","receiver_public_key":{}})", "receiver_public_key"},
      {R"({"model":"m","stream":"true"})", "stream"},
      {R"({"model":"m","stream_options":[]})", "stream_options"},
      {R"([])", "object"},
      {R"("x")", "object"},
      {R"({"model":"m"} x)", "JSON"},
      {R"()", "JSON"},
      {"{\"model\":\"\xff\"}", "UTF-8"},
      {R"({"model":"\ud800"})", "escape"},
  };
  for (const auto& [body, word] : cases) {
    const auto r = parse(body);
    ASSERT_FALSE(r) << body;
    EXPECT_EQ(r.error().code, 621) << body;
    EXPECT_NE(r.error().what.find(word), std::string::npos) << r.error().what;
  }
}

TEST(ClientRequest, LimitsOfSizeDepthAndMembers) {
  RequestDefaults d;
  d.limits = {.max_bytes = 100, .max_depth = 3, .max_members = 3};
  EXPECT_FALSE(parse("{\"model\":\"" + std::string(100, 'm') + "\"}", d));
  EXPECT_TRUE(parse(R"({"model":"m","a":[[1]]})", d));
  EXPECT_FALSE(parse(R"({"model":"m","a":[[[1]]]})", d));
  EXPECT_FALSE(parse(R"({"model":"m","a":1,"b":2,"c":3})", d));
  EXPECT_EQ(parse(R"({"model":"m","timeout":1e9})")->timeout, 3600);
}

TEST(ClientRequest, DuplicateAndEscapedNamesCannotHideAnything) {
  const auto r = parse(R"({"model":"a","m\u006fdel":"b","max_tok\u0065ns":5,"timeout":1,"t\u0069meout":2})");
  ASSERT_TRUE(r) << r.error().what;
  EXPECT_EQ(r->model, "b");
  EXPECT_EQ(r->timeout, 2);
  EXPECT_EQ(r->body, R"({"model":"b","max_tokens":5})");
}

TEST(EngineRequest, StreamsAlwaysReportUsage) {
  auto r = rewrite(R"({"model":"m","stream":true})", "m");
  ASSERT_TRUE(r) << r.error().what;
  EXPECT_EQ(r->body, R"({"model":"m","stream":true,"stream_options":{"include_usage":true}})");
  EXPECT_TRUE(r->stream);
  EXPECT_FALSE(r->include_usage);
  r = rewrite(R"({"model":"m","stream":true,"stream_options":{"include_usage":false,"x":1}})", "m");
  EXPECT_EQ(r->body, R"({"model":"m","stream":true,"stream_options":{"include_usage":true,"x":1}})");
  EXPECT_FALSE(r->include_usage);
  r = rewrite(R"({"model":"m","stream":true,"stream_options":{"include_usage":true}})", "m");
  EXPECT_TRUE(r->include_usage);
  r = rewrite(R"({"model":"m","stream":false,"stream_options":{"include_usage":true}})", "m");
  EXPECT_EQ(r->body, R"({"model":"m","stream":false})");
  EXPECT_FALSE(r->include_usage);
}

TEST(EngineRequest, OneTokenLimitUnderBothNames) {
  EXPECT_EQ(rewrite(R"({"model":"m","max_tokens":5,"max_completion_tokens":9})", "m")->body,
            R"({"model":"m","max_tokens":5,"max_completion_tokens":5})");
  EXPECT_EQ(rewrite(R"({"max_completion_tokens":9,"model":"m"})", "m")->body,
            R"({"max_completion_tokens":9,"model":"m","max_tokens":9})");
  EXPECT_EQ(rewrite(R"({"model":"m"})", "m")->body, R"({"model":"m"})");
  EXPECT_EQ(rewrite(R"({"model":"m","max_tokens":0})", "m")->body, R"({"model":"m","max_tokens":0})");
}

TEST(EngineRequest, CocoonsOwnMembersDoNotReachTheEngine) {
  const auto r = rewrite(
      R"({"model":"m","timeout":5,"max_coefficient":1,"enable_debug":true,"request_guid":"g","receiver_public_key":"k",)"
      R"("sender_public_key":"s","encryption_nonce":"n","is_encrypted":"v1","tools":[]})",
      "m");
  ASSERT_TRUE(r);
  EXPECT_EQ(r->body, R"({"model":"m","tools":[]})");
}

TEST(EngineRequest, AnotherModelIsRefused) {
  EXPECT_EQ(rewrite(R"({"model":"x"})", "m").error().code, 621);
  EXPECT_EQ(rewrite(R"({})", "m").error().code, 621);
  EXPECT_EQ(rewrite(R"({"model":null})", "m").error().code, 621);
}

TEST(Endpoint, ByPath) {
  EXPECT_EQ(endpoint_of("/v1/chat/completions"), Endpoint::chat_completions);
  EXPECT_EQ(endpoint_of("/v1/completions?x=1"), Endpoint::completions);
  EXPECT_EQ(endpoint_of("http:/v1/completions"), Endpoint::completions);
  EXPECT_EQ(endpoint_of("/v1/embeddings"), Endpoint::embeddings);
  EXPECT_EQ(endpoint_of("/v1/audio/transcriptions"), Endpoint::audio_transcriptions);
  EXPECT_EQ(path_of(Endpoint::embeddings), "/v1/embeddings");
  EXPECT_EQ(endpoint_of("/v1/models"), std::nullopt);
  EXPECT_EQ(endpoint_of(""), std::nullopt);
}

TEST(JsonText, QuotedTextIsAlwaysValidJson) {
  EXPECT_EQ(json_quote("a\"b\\c\n\x01"), R"("a\"b\\c\n\u0001")");
  EXPECT_EQ(json_quote("\xd0\xbf\xff\xe2\x82"), "\"\xd0\xbf\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  const std::string text = "{" + json_quote(all) + ":" + json_quote(all) + "}";
  EXPECT_TRUE(JsonObject::parse(text));
}

}  // namespace
}  // namespace cocoon::openai
