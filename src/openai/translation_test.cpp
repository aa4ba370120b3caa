// Requests in the words of other routes, and chat answers told in them.
#include "openai/translation.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "openai/sse.hpp"

namespace cocoon::openai {
namespace {

namespace json = boost::json;
using testing::HasSubstr;

constexpr std::string_view kResponses = "/v1/responses", kMessages = "/v1/messages";

std::unique_ptr<Translation> translated(std::string_view path, std::string_view body) {
  auto t = translate(path, body, {"x1", 1'700'000'000});
  EXPECT_TRUE(t) << t.error().what;
  return t ? std::move(*t) : nullptr;
}
json::value chat_of(std::string_view path, std::string_view body) {
  return json::parse(translated(path, body)->chat_body());
}
void expect_refused(std::string_view path, std::string_view body, const std::string& why) {
  const auto t = translate(path, body, {"x1", 0});
  ASSERT_FALSE(t) << body;
  EXPECT_EQ(t.error().code, 621);
  EXPECT_THAT(t.error().what, HasSubstr(why));
}

// Events of a stream that comes in pieces of `size` bytes: their names and their data.
std::vector<std::pair<std::string, json::value>> events_of(Translation& t, std::string_view chat, std::size_t size) {
  std::string out;
  for (std::size_t at = 0; at < chat.size(); at += size) t.push(chat.substr(at, size), out);
  t.finish(out);
  SseReader reader;
  reader.push(out);
  std::vector<std::pair<std::string, json::value>> events;
  while (const auto event = reader.next().value()) {
    events.emplace_back(std::string(event->name), json::parse(event->data));
    EXPECT_EQ(events.back().second.at("type").as_string(), events.back().first);
  }
  return events;
}
std::vector<std::string> names_of(const std::vector<std::pair<std::string, json::value>>& events) {
  std::vector<std::string> out;
  for (const auto& [name, data] : events)
    if (out.empty() || out.back() != name) out.push_back(name);  // runs of deltas count once
  return out;
}

const std::string kChatStream =
    R"(data: {"choices":[{"index":0,"delta":{"role":"assistant","reasoning_content":"hm"}}]})"
    "\n\n"
    R"(data: {"choices":[{"index":0,"delta":{"content":"Let "}}]})"
    "\n\n"
    R"(data: {"choices":[{"index":0,"delta":{"content":"me see"}}]})"
    "\n\n"
    R"(data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c1","type":"function","function":{"name":"f","arguments":""}}]}}]})"
    "\n\n"
    R"(data: {"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\":"}}]}}]})"
    "\n\n"
    R"(data: {"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"1}"}}]}}]})"
    "\n\n"
    R"(data: {"choices":[{"delta":{"tool_calls":[{"index":1,"id":"c2","function":{"name":"g","arguments":"{}"}}]}}]})"
    "\n\n"
    R"(data: {"choices":[{"delta":{},"finish_reason":"tool_calls"}]})"
    "\n\n"
    R"(data: {"choices":[],"usage":{"prompt_tokens":12,"completion_tokens":7,"prompt_tokens_details":{"cached_tokens":5},"completion_tokens_details":{"reasoning_tokens":2},"total_cost":99}})"
    "\n\ndata: [DONE]\n\n";
const std::string kChatWhole =
    R"({"choices":[{"message":{"role":"assistant","reasoning_content":"hm","content":"Let me see","tool_calls":[)"
    R"({"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},)"
    R"({"id":"c2","type":"function","function":{"name":"g","arguments":"{}"}}]},"finish_reason":"tool_calls"}],)"
    R"("usage":{"prompt_tokens":12,"completion_tokens":7,"prompt_tokens_details":{"cached_tokens":5},)"
    R"("completion_tokens_details":{"reasoning_tokens":2},"total_cost":99}})";

TEST(ResponsesRequest, ATextIsAUsersMessage) {
  EXPECT_EQ(chat_of(kResponses, R"({"model":"m","input":"hi","instructions":"be brief","max_output_tokens":9,
                                    "temperature":0.5,"top_k":3,"timeout":4,"user":"u","store":true,"metadata":{}})"),
            json::parse(R"({"model":"m","messages":[{"role":"system","content":"be brief"},
                            {"role":"user","content":"hi"}],"max_completion_tokens":9,"temperature":0.5,"top_k":3,
                            "timeout":4,"user":"u"})"));
}

TEST(ResponsesRequest, ItemsToolsAndFormats) {
  const auto chat = chat_of(kResponses, R"({"model":"m","stream":true,
    "input":[{"role":"user","content":[{"type":"input_text","text":"look"},{"type":"input_image","image_url":"data:x","detail":"low"}]},
             {"type":"reasoning","summary":[]},
             {"type":"message","role":"assistant","content":[{"type":"output_text","text":"ok"}]},
             {"type":"function_call","call_id":"c1","name":"f","arguments":"{}"},
             {"type":"function_call","call_id":"c2","name":"g","arguments":"{}"},
             {"type":"function_call_output","call_id":"c1","output":"41"},
             {"type":"function_call_output","call_id":"c2","output":{"n":42}}],
    "tools":[{"type":"function","name":"f","description":"d","strict":true,"parameters":{"type":"object"}}],
    "tool_choice":{"type":"function","name":"f"},"parallel_tool_calls":false,
    "reasoning":{"effort":"high","summary":"auto"},
    "text":{"verbosity":"low","format":{"type":"json_schema","name":"n","strict":true,"schema":{"type":"object"}}}})");
  EXPECT_EQ(chat, json::parse(R"({"model":"m","stream":true,"stream_options":{"include_usage":true},
    "messages":[{"role":"user","content":[{"type":"text","text":"look"},{"type":"image_url","image_url":{"url":"data:x","detail":"low"}}]},
                {"role":"assistant","content":"ok","tool_calls":[
                  {"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}},
                  {"id":"c2","type":"function","function":{"name":"g","arguments":"{}"}}]},
                {"role":"tool","tool_call_id":"c1","content":"41"},
                {"role":"tool","tool_call_id":"c2","content":"{\"n\":42}"}],
    "tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"},"strict":true}}],
    "tool_choice":{"type":"function","function":{"name":"f"}},"parallel_tool_calls":false,
    "reasoning_effort":"high","verbosity":"low",
    "response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object"},"strict":true}}})"));
}

TEST(ResponsesRequest, WhatCannotBeServedIsRefused) {
  expect_refused(kResponses, R"({"model":"m","input":"x","previous_response_id":"resp_1"})", "previous_response_id");
  expect_refused(kResponses, R"({"model":"m","input":"x","background":true})", "background");
  expect_refused(kResponses, R"({"model":"m","input":"x","tools":[{"type":"web_search"}]})", "tools");
  expect_refused(kResponses, R"({"model":"m"})", "input");
  expect_refused(kResponses, R"({"model":"m","input":[{"type":"item_reference","id":"1"}]})", "item_reference");
  expect_refused(kResponses, R"({"model":"m","input":[{"role":"user","content":[{"type":"input_image"}]}]})", "image");
  expect_refused(kResponses, R"([])", "object");
  expect_refused(kResponses, R"({"input":)", "JSON");
  expect_refused(kResponses, R"({"a":)" + std::string(1000, '[') + std::string(1000, ']') + "}", "deeper");
}

TEST(ResponsesAnswer, AWholeOne) {
  const auto t = translated(kResponses, R"({"model":"m","input":"x","temperature":0.5})");
  const auto answer = t->whole(kChatWhole);
  ASSERT_TRUE(answer) << answer.error().what;
  const auto r = json::parse(*answer);
  EXPECT_EQ(r.at("id").as_string(), "resp_x1");
  EXPECT_EQ(r.at("object").as_string(), "response");
  EXPECT_EQ(r.at("status").as_string(), "completed");
  EXPECT_EQ(r.at("created_at").as_int64(), 1'700'000'000);
  EXPECT_EQ(r.at("temperature").as_double(), 0.5);
  EXPECT_FALSE(r.at("store").as_bool());
  const auto& output = r.at("output").as_array();
  ASSERT_EQ(output.size(), 4U);
  EXPECT_EQ(output[0].at("content").at(0).at("text").as_string(), "hm");
  EXPECT_EQ(output[1].at("content").at(0).at("text").as_string(), "Let me see");
  EXPECT_EQ(output[2].at("arguments").as_string(), "{\"a\":1}");
  EXPECT_EQ(output[2].at("call_id").as_string(), "c1");
  EXPECT_EQ(output[3].at("name").as_string(), "g");
  EXPECT_EQ(r.at("usage").at("input_tokens").as_int64(), 12);
  EXPECT_EQ(r.at("usage").at("input_tokens_details").at("cached_tokens").as_int64(), 5);
  EXPECT_EQ(r.at("usage").at("output_tokens_details").at("reasoning_tokens").as_int64(), 2);
  EXPECT_EQ(r.at("usage").at("total_tokens").as_int64(), 19);
  EXPECT_EQ(r.at("usage").at("total_cost").as_int64(), 99);
}

TEST(ResponsesAnswer, AStreamSaysTheSameHoweverItIsCut) {
  const auto whole = json::parse(translated(kResponses, R"({"model":"m","input":"x"})")->whole(kChatWhole).value());
  for (const std::size_t size : {1UL, 7UL, 100UL, kChatStream.size()}) {
    const auto t = translated(kResponses, R"({"model":"m","input":"x","stream":true})");
    EXPECT_TRUE(t->stream());
    const auto events = events_of(*t, kChatStream, size);
    EXPECT_EQ(names_of(events), (std::vector<std::string>{"response.created",
                                                          "response.in_progress",
                                                          "response.output_item.added",
                                                          "response.content_part.added",
                                                          "response.reasoning_text.delta",
                                                          "response.reasoning_text.done",
                                                          "response.content_part.done",
                                                          "response.output_item.done",
                                                          "response.output_item.added",
                                                          "response.content_part.added",
                                                          "response.output_text.delta",
                                                          "response.output_text.done",
                                                          "response.content_part.done",
                                                          "response.output_item.done",
                                                          "response.output_item.added",
                                                          "response.function_call_arguments.delta",
                                                          "response.function_call_arguments.done",
                                                          "response.output_item.done",
                                                          "response.output_item.added",
                                                          "response.function_call_arguments.delta",
                                                          "response.function_call_arguments.done",
                                                          "response.output_item.done",
                                                          "response.completed"}));
    for (std::size_t i = 0; i < events.size(); ++i)
      EXPECT_EQ(events[i].second.at("sequence_number").to_number<std::size_t>(), i);
    EXPECT_EQ(events.back().second.at("response"), whole);
  }
}

TEST(ResponsesAnswer, EndsThatAreNone) {
  auto t = translated(kResponses, R"({"model":"m","input":"x"})");
  auto cut = json::parse(t->whole(R"({"choices":[{"message":{"content":"a"},"finish_reason":"length"}]})").value());
  EXPECT_EQ(cut.at("status").as_string(), "incomplete");
  EXPECT_EQ(cut.at("incomplete_details").at("reason").as_string(), "max_output_tokens");
  EXPECT_TRUE(cut.at("usage").is_null());
  EXPECT_FALSE(translated(kResponses, R"({"input":"x"})")->whole("{}"));
  EXPECT_FALSE(translated(kResponses, R"({"input":"x"})")->whole(R"({"error":{"message":"no"}})"));
  for (const auto& chat :
       {std::string(), kChatStream.substr(0, 300), std::string("data: {\"error\":{\"message\":\"no\"}}\n\n"),
        std::string("data: nonsense\n\n")}) {
    t = translated(kResponses, R"({"model":"m","input":"x","stream":true})");
    const auto events = events_of(*t, chat, 50);
    EXPECT_EQ(events.back().first, "response.failed") << chat;
    EXPECT_EQ(events.back().second.at("response").at("status").as_string(), "failed");
  }
  t = translated(kResponses, R"({"model":"m","input":"x","stream":true})");
  const auto event = t->error_event({504, 652, "late"});
  EXPECT_THAT(event, HasSubstr("event: error\n"));
  EXPECT_THAT(event, HasSubstr(R"("message":"late")"));
  std::string more;
  t->push(kChatStream, more);
  t->finish(more);
  EXPECT_EQ(more, "") << "an error is the last word";
}

TEST(MessagesRequest, BlocksBecomeMessages) {
  const auto chat = chat_of(kMessages, R"({"model":"m","max_tokens":50,"stop_sequences":["END"],"top_k":5,
    "system":[{"type":"text","text":"be","cache_control":{"type":"ephemeral"}},{"type":"text","text":"brief"}],
    "metadata":{"user_id":"u"},"thinking":{"type":"enabled","budget_tokens":1024},
    "messages":[{"role":"user","content":[{"type":"text","text":"look"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AA=="}}]},
                {"role":"assistant","content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"ok"},{"type":"tool_use","id":"t1","name":"f","input":{"a":1}}]},
                {"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":[{"type":"text","text":"41"}]},{"type":"text","text":"and?"}]},
                {"role":"user","content":"now"}],
    "tools":[{"name":"f","description":"d","input_schema":{"type":"object"}}],
    "tool_choice":{"type":"any","disable_parallel_tool_use":true}})");
  EXPECT_EQ(chat, json::parse(R"({"model":"m","max_tokens":50,"stop":["END"],"top_k":5,"user":"u",
    "messages":[{"role":"system","content":"be\nbrief"},
                {"role":"user","content":[{"type":"text","text":"look"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}}]},
                {"role":"assistant","content":"ok","tool_calls":[{"id":"t1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]},
                {"role":"tool","tool_call_id":"t1","content":"41"},
                {"role":"user","content":"and?"},
                {"role":"user","content":"now"}],
    "tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"}}}],
    "tool_choice":"required","parallel_tool_calls":false})"));
}

TEST(MessagesRequest, WhatCannotBeServedIsRefused) {
  expect_refused(kMessages, R"({"model":"m"})", "messages");
  expect_refused(kMessages, R"({"messages":[{"role":"system","content":"x"}]})", "role");
  expect_refused(kMessages, R"({"messages":[{"role":"user","content":[{"type":"document"}]}]})", "document");
  expect_refused(kMessages, R"({"messages":[],"tools":[{"type":"bash_20250124","name":"bash"}]})", "bash_20250124");
}

TEST(MessagesAnswer, WholeAndStreamed) {
  const auto t = translated(kMessages, R"({"model":"m","max_tokens":5,"messages":[]})");
  const auto whole = json::parse(t->whole(kChatWhole).value());
  EXPECT_EQ(whole.at("id").as_string(), "msg_x1");
  EXPECT_EQ(whole.at("stop_reason").as_string(), "tool_use");
  const auto& content = whole.at("content").as_array();
  ASSERT_EQ(content.size(), 4U);
  EXPECT_EQ(content[0].at("thinking").as_string(), "hm");
  EXPECT_EQ(content[1].at("text").as_string(), "Let me see");
  EXPECT_EQ(content[2].at("input").at("a").as_int64(), 1);
  EXPECT_EQ(content[3].at("id").as_string(), "c2");
  EXPECT_EQ(whole.at("usage").at("input_tokens").as_int64(), 7) << "without what the cache held";
  EXPECT_EQ(whole.at("usage").at("cache_read_input_tokens").as_int64(), 5);

  for (const std::size_t size : {1UL, 64UL, kChatStream.size()}) {
    const auto stream = translated(kMessages, R"({"model":"m","max_tokens":5,"messages":[],"stream":true})");
    const auto events = events_of(*stream, kChatStream, size);
    EXPECT_EQ(names_of(events),
              (std::vector<std::string>{"message_start", "content_block_start", "content_block_delta",
                                        "content_block_stop", "content_block_start", "content_block_delta",
                                        "content_block_stop", "content_block_start", "content_block_delta",
                                        "content_block_stop", "content_block_start", "content_block_delta",
                                        "content_block_stop", "message_delta", "message_stop"}));
    const auto& last = events[events.size() - 2].second;
    EXPECT_EQ(last.at("delta").at("stop_reason").as_string(), "tool_use");
    EXPECT_EQ(last.at("usage"), whole.at("usage"));
    std::string text, input;
    for (const auto& [name, data] : events) {
      if (name != "content_block_delta") continue;
      const auto& delta = data.at("delta").as_object();
      if (delta.contains("text")) text += std::string_view(delta.at("text").as_string());
      if (delta.contains("partial_json") && data.at("index").to_number<int>() == 2)
        input += std::string_view(delta.at("partial_json").as_string());
    }
    EXPECT_EQ(text, "Let me see");
    EXPECT_EQ(input, "{\"a\":1}");
  }
}

TEST(MessagesAnswer, ErrorsInAnthropicsShape) {
  const auto body = json::parse(translated_error_body(kMessages, {429, 0, "slowly"}));
  EXPECT_EQ(body.at("type").as_string(), "error");
  EXPECT_EQ(body.at("error").at("type").as_string(), "rate_limit_error");
  EXPECT_EQ(body.at("error").at("message").as_string(), "slowly");
  const auto t = translated(kMessages, R"({"model":"m","messages":[],"stream":true})");
  const auto events = events_of(*t, kChatStream.substr(0, 200), 50);
  EXPECT_EQ(events.back().first, "error");
  EXPECT_EQ(events.back().second.at("error").at("type").as_string(), "api_error");
}

}  // namespace
}  // namespace cocoon::openai
