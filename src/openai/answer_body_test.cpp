#include "openai/answer_body.hpp"

#include <gtest/gtest.h>

#include "openai/chat.hpp"
#include "openai/error.hpp"
#include "openai/sse.hpp"

namespace cocoon::openai {
namespace {

struct Passed {
  std::string out;
  Usage usage;
  bool whole = false;
  bool error = false;
  friend bool operator==(const Passed&, const Passed&) = default;
};

Passed pass(std::string_view in, std::size_t piece, AnswerBody::Options options) {
  AnswerBody body(std::move(options));
  Passed p;
  for (std::size_t at = 0; at < in.size(); at += piece) body.push(in.substr(at, piece), p.out);
  body.finish(p.out);
  p.usage = body.usage();
  p.whole = body.whole();
  p.error = body.has_error();
  return p;
}

// Whole, then cut into pieces of every size, then into two at every position: always the same.
Passed pass_all_ways(std::string_view in, const AnswerBody::Options& options) {
  Passed whole = pass(in, in.size() + 1, options);
  for (std::size_t piece = 1; piece < in.size(); ++piece) {
    const Passed cut = pass(in, piece, options);
    EXPECT_EQ(cut, whole) << "pieces of " << piece << ": " << cut.out;
  }
  for (std::size_t at = 0; at <= in.size(); ++at) {
    AnswerBody body(options);
    Passed p;
    body.push(in.substr(0, at), p.out);
    body.push(in.substr(at), p.out);
    body.finish(p.out);
    EXPECT_EQ(p.out, whole.out) << "cut at " << at;
    EXPECT_EQ(body.usage(), whole.usage) << "cut at " << at;
  }
  return whole;
}

std::string cost(const Usage& u) { return "\"total_cost\":" + std::to_string(u.prompt + 10 * u.completion); }

struct EngineSays {
  const char* who;
  const char* usage;
  Usage expected;
};
const EngineSays kEngines[] = {
    {"vllm",
     R"({"prompt_tokens":12,"total_tokens":20,"completion_tokens":8,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":3}})",
     {12, 4, 8, 3}},
    {"sglang",
     R"({"prompt_tokens":12,"total_tokens":20,"completion_tokens":8,"prompt_tokens_details":null,"reasoning_tokens":5})",
     {12, 0, 8, 5}},
    {"llama-server",
     R"({"completion_tokens":8,"prompt_tokens":12,"total_tokens":20,"prompt_tokens_details":{"cached_tokens":0}})",
     {12, 0, 8, 0}},
    {"ollama", R"({"prompt_tokens":12,"completion_tokens":8,"total_tokens":20})", {12, 0, 8, 0}},
    {"responses",
     R"({"input_tokens":12,"output_tokens":8,"input_tokens_details":{"cached_tokens":1},"output_tokens_details":{"reasoning_tokens":2}})",
     {12, 1, 8, 2}},
    {"nonsense",
     R"({"prompt_tokens":-1,"completion_tokens":1.5,"prompt_tokens_details":{"cached_tokens":"4"},"completion_tokens_details":[7]})",
     {}},
    {"huge", R"({"prompt_tokens":99999999999999999999,"completion_tokens":1})", {0, 0, 1, 0}},
};

TEST(AnswerBody, UsageWhereverEnginesPutIt) {
  for (const auto& engine : kEngines) {
    const std::string body =
        std::string(
            R"({"id":"x","choices":[{"message":{"content":"usage: {}"},"usage":{"prompt_tokens":99}}],"usage":)") +
        engine.usage + "}";
    const Passed p = pass_all_ways(body, {.form = BodyForm::json});
    EXPECT_EQ(p.usage, engine.expected) << engine.who;
    EXPECT_EQ(p.out, body);
    EXPECT_TRUE(p.whole);
    const std::string event = "data: " + body + "\n\ndata: [DONE]\n\n";
    const Passed streamed = pass(event, 7, {.form = BodyForm::event_stream});
    EXPECT_EQ(streamed.usage, engine.expected) << engine.who;
    EXPECT_EQ(streamed.out, event);
  }
}

TEST(AnswerBody, CostsGoInAtTheEndOfUsage) {
  const Passed p = pass_all_ways(R"({"usage":{"prompt_tokens":2,"completion_tokens":3},"x":[{}]})",
                                 {.form = BodyForm::json, .annotate = cost});
  EXPECT_EQ(p.out, R"({"usage":{"prompt_tokens":2,"completion_tokens":3,"total_cost":32},"x":[{}]})");
}

TEST(AnswerBody, CountsKeepTheirMaximumOverConcatenatedValues) {
  const Passed p = pass_all_ways(
      R"({"usage":{"prompt_tokens":2,"completion_tokens":1}})"
      "\n"
      R"({"usage":{"prompt_tokens":2,"completion_tokens":1}}{"usage":null}{"usage":{"prompt_tokens":1,"completion_tokens":6}})",
      {.form = BodyForm::json, .annotate = cost});
  EXPECT_EQ(p.usage, (Usage{2, 0, 6, 0}));
  EXPECT_EQ(
      p.out,
      R"({"usage":{"prompt_tokens":2,"completion_tokens":1,"total_cost":12}})"
      "\n"
      R"({"usage":{"prompt_tokens":2,"completion_tokens":1}}{"usage":null}{"usage":{"prompt_tokens":1,"completion_tokens":6,"total_cost":62}})");
  EXPECT_TRUE(p.whole);
}

TEST(AnswerBody, WhatIsNoJsonPassesUnchanged) {
  for (const std::string text :
       {"Internal Server Error", "<html>{}</html>", "{\"usage\":{\"prompt_tokens\":5}} and more", "{\"a\":", ""}) {
    const Passed p = pass_all_ways(text, {.form = BodyForm::json});
    EXPECT_EQ(p.out, text);
    EXPECT_FALSE(p.whole) << text;
  }
  EXPECT_EQ(pass_all_ways("\x1f\x8b zipped", {.form = BodyForm::opaque}).out, "\x1f\x8b zipped");
}

const std::string kStream =
    "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"usage\":null}\n\n"
    ": comment\n\n"
    "data: {\"choices\":[{\"delta\":{\"content\":\"\\n\\ndata: x\"}}]}\n\n";
const std::string kUsageEvent = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}\n\n";
const std::string kDone = "data: [DONE]\n\n";

TEST(AnswerBody, StreamWithUsageAskedFor) {
  const Passed p = pass_all_ways(kStream + kUsageEvent + kDone, {.form = BodyForm::event_stream, .annotate = cost});
  EXPECT_EQ(p.usage, (Usage{3, 0, 2, 0}));
  EXPECT_EQ(p.out,
            kStream +
                "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,\"total_cost\":23}}\n\n" +
                kDone);
  EXPECT_TRUE(p.whole);
}

TEST(AnswerBody, StreamWithUsageNotAskedFor) {
  const Passed p = pass_all_ways(kStream + kUsageEvent + kDone,
                                 {.form = BodyForm::event_stream, .drop_usage_event = true, .annotate = cost});
  EXPECT_EQ(p.usage, (Usage{3, 0, 2, 0}));
  EXPECT_EQ(p.out, kStream + kDone);
}

TEST(AnswerBody, UsageNotAskedForMovesIntoTheEventThatEndsTheChoices) {
  const std::string end = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
  const std::string open = "data: {\"choices\":[{\"delta\":{\"content\":\"x\"},\"finish_reason\":null}]}\n\n";
  const AnswerBody::Options options{.form = BodyForm::event_stream, .drop_usage_event = true, .annotate = cost};
  Passed p = pass_all_ways(open + end + kUsageEvent + kDone, options);
  EXPECT_EQ(p.out, open +
                       "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":3,"
                       "\"completion_tokens\":2,\"total_cost\":23}}\n\n" +
                       kDone);
  EXPECT_EQ(p.usage, (Usage{3, 0, 2, 0}));
  // Without usage after it, or cut off, the event goes on as it was.
  p = pass_all_ways(open + end + kDone, options);
  EXPECT_EQ(p.out, open + end + kDone);
  p = pass_all_ways(open + end, options);
  EXPECT_EQ(p.out, open + end);
  p = pass_all_ways(end + open + kUsageEvent + kDone, options);
  EXPECT_EQ(p.out, end + open + kDone);
}

TEST(AnswerBody, TheEndWaitsForFinishUntilThereIsUsage) {
  AnswerBody body({.form = BodyForm::event_stream});
  std::string out;
  body.push(kStream + kDone, out);
  EXPECT_FALSE(body.counted());
  EXPECT_EQ(out, kStream);
  body.finish(out);
  EXPECT_EQ(out, kStream + kDone);
  EXPECT_TRUE(body.whole());

  AnswerBody counted({.form = BodyForm::event_stream});
  out.clear();
  counted.push(kStream + kUsageEvent + kDone, out);
  EXPECT_TRUE(counted.counted());
  EXPECT_EQ(out, kStream + kUsageEvent + kDone);
}

TEST(AnswerBody, UsageInAnEventWithChoicesIsNeverDropped) {
  const std::string event =
      "data: {\"choices\":[{\"delta\":{}}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}\n\n";
  const Passed p = pass_all_ways(event + kDone, {.form = BodyForm::event_stream, .drop_usage_event = true});
  EXPECT_EQ(p.out, event + kDone);
  EXPECT_EQ(p.usage, (Usage{3, 0, 2, 0}));
}

// As vLLM and OpenAI do when they are asked for usage; names within texts are no names.
TEST(AnswerBody, NullsAndNamesWithinTextsDecideNothing) {
  const std::string chunk =
      "data: {\"choices\":[{\"delta\":{\"content\":\"\\\"usage\\\":{ \\u00e9\"},\"finish_reason\":null}],\"usage\" : "
      "null,"
      "\"error\":null}\n\n";
  const std::string last = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":null}\n\n";
  const std::string usage = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":2,\"completion_tokens\":3}}\n\n";
  const auto asked =
      pass_all_ways(chunk + chunk + last + usage + std::string(kSseDone), {.form = BodyForm::event_stream});
  EXPECT_EQ(asked.out, chunk + chunk + last + usage + std::string(kSseDone));
  EXPECT_EQ(asked.usage, (Usage{2, 0, 3, 0}));
  EXPECT_TRUE(asked.whole);
  EXPECT_FALSE(asked.error);
  const auto not_asked = pass_all_ways(chunk + chunk + last + usage + std::string(kSseDone),
                                       {.form = BodyForm::event_stream, .drop_usage_event = true});
  EXPECT_TRUE(not_asked.out.starts_with(chunk + chunk));
  EXPECT_FALSE(not_asked.out.contains("\"choices\":[]"));
  EXPECT_TRUE(not_asked.out.contains("\"prompt_tokens\":2"));
  EXPECT_EQ(not_asked.usage, (Usage{2, 0, 3, 0}));
  const auto failed = pass_all_ways("data: {\"error\":{\"message\":\"no\"}}\n\n", {.form = BodyForm::event_stream});
  EXPECT_TRUE(failed.error);
}

TEST(AnswerBody, BrokenStreamsPassAndSaySo) {
  Passed p = pass_all_ways(kStream, {.form = BodyForm::event_stream});
  EXPECT_EQ(p.out, kStream);
  EXPECT_FALSE(p.whole) << "no [DONE]";
  p = pass_all_ways(kStream + "data: {\"cho", {.form = BodyForm::event_stream});
  EXPECT_EQ(p.out, kStream + "data: {\"cho");
  p = pass_all_ways("event: error\ndata: {\"error\":{\"message\":\"x\"}}\n\n", {.form = BodyForm::event_stream});
  EXPECT_TRUE(p.error);
  p = pass_all_ways("data: {\"error\":null}\n\n", {.form = BodyForm::event_stream});
  EXPECT_FALSE(p.error);
}

TEST(AnswerBody, TextsThatWentOutAreCounted) {
  AnswerBody body({.form = BodyForm::event_stream});
  std::string out;
  const auto texts_after = [&](std::string_view data) {
    body.push("data: " + std::string(data) + "\n\n", out);
    return body.texts();
  };
  EXPECT_EQ(texts_after(R"({"choices":[{"delta":{"role":"assistant","content":""}}]})"), 0U);
  EXPECT_EQ(texts_after(R"({"choices":[{"delta":{"content":"a"}}]})"), 1U);
  EXPECT_EQ(texts_after(R"({"choices":[{"delta":{"content": "\"content\":\"x"}}]})"), 2U);
  EXPECT_EQ(texts_after(R"({"choices":[{"text":"b"}]})"), 3U);
  EXPECT_EQ(texts_after(R"({"choices":[{"delta":{"reasoning_content":"c","content":null}}]})"), 4U);
  EXPECT_EQ(texts_after(R"({"choices":[{"delta":{},"finish_reason":"stop"}]})"), 4U);
  EXPECT_EQ(texts_after(R"({"choices":[],"usage":{"completion_tokens":3}})"), 4U);
  EXPECT_EQ(texts_after(R"({"choices":[{"delta":{"content":""}},{"index":1,"delta":{"content":"d"}}]})"), 5U);
  EXPECT_EQ(texts_after(R"({"choices":[{"delta":{"content":[{"type":"text","text":"e"}]}}]})"), 6U);
  EXPECT_EQ(texts_after(R"({"choices":[{"delta":{"role":"content"}}],"service_tier":"text"})"), 6U);
  EXPECT_EQ(texts_after("[DONE]"), 6U);
}

TEST(AnswerBody, AnEventTooLongToHoldPassesAsBytes) {
  const std::string endless = "data: " + std::string(5000, 'x') + "\n\n" + kDone;
  const Passed p = pass(endless, 100, {.form = BodyForm::event_stream, .max_event = 1000});
  EXPECT_EQ(p.out, endless);
  EXPECT_FALSE(p.whole);
}

TEST(AnswerBody, FormByContentType) {
  EXPECT_EQ(form_of_content_type("application/json"), BodyForm::json);
  EXPECT_EQ(form_of_content_type("Application/JSON; charset=utf-8"), BodyForm::json);
  EXPECT_EQ(form_of_content_type("application/problem+json"), BodyForm::json);
  EXPECT_EQ(form_of_content_type("text/event-stream ;charset=utf-8"), BodyForm::event_stream);
  EXPECT_EQ(form_of_content_type("text/html"), BodyForm::opaque);
  EXPECT_EQ(form_of_content_type(""), BodyForm::opaque);
}

std::vector<std::string> events_of(std::string_view stream, std::size_t piece, std::string* raw = nullptr) {
  SseReader reader;
  std::vector<std::string> out;
  for (std::size_t at = 0; at < stream.size(); at += piece) {
    reader.push(stream.substr(at, piece));
    for (;;) {
      const auto next = reader.next();
      EXPECT_TRUE(next);
      if (!next || !*next) break;
      if (raw != nullptr) *raw += (*next)->raw;
      if ((*next)->has_data) out.push_back(std::string((*next)->name) + "|" + std::string((*next)->data));
    }
  }
  if (raw != nullptr) *raw += reader.rest();
  return out;
}

TEST(Sse, EveryLineEndingAndEveryCut) {
  for (const std::string end : {"\n", "\r\n", "\r"}) {
    std::string stream;
    for (const std::string_view line : {"data: one", "", ":c", "", "event: x", "data:two", "data:  three", "id: 5", "",
                                        "", "data", "data:", "", "data: tail"})
      stream.append(stream.empty() ? "" : end).append(line);
    const std::vector<std::string> expected = {"|one", "x|two\n three", "|"};
    for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
      std::string raw;
      EXPECT_EQ(events_of(stream, piece, &raw), expected) << piece;
      EXPECT_EQ(raw, stream) << "no byte is lost";
    }
  }
}

TEST(Sse, WriterIsReadByTheReader) {
  const std::string stream = sse_data("{\"a\":1}") + std::string(kSseDone);
  EXPECT_EQ(events_of(stream, 3), (std::vector<std::string>{"|{\"a\":1}", "|[DONE]"}));
}

TEST(Errors, AreReadBack) {
  EXPECT_EQ(read_chat_piece(error_body(400, 621, "no")).value().error, "no");
  EXPECT_EQ(events_of(error_event({502, 651, "x"}), 5).size(), 1u);
}

TEST(Chat, QuestionsAndAnswers) {
  EXPECT_EQ(
      chat_request_body("m", {{"user", "a\nb"}}, {.stream = true, .max_tokens = 5, .seed = 7}),
      R"({"model":"m","messages":[{"role":"user","content":"a\nb"}],"stream":true,"stream_options":{"include_usage":true},"max_tokens":5,"seed":7})");
  const auto whole = read_chat_piece(
      R"({"choices":[{"message":{"content":"hi","reasoning_content":"hm"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_cost":44}})");
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->text, "hi");
  EXPECT_EQ(whole->reasoning, "hm");
  EXPECT_EQ(whole->finish_reason, "stop");
  EXPECT_EQ(whole->usage, (Usage{1, 0, 2, 0}));
  EXPECT_EQ(whole->total_cost, 44);
  EXPECT_EQ(read_chat_piece(R"({"choices":[{"delta":{"content":"x"}}],"usage":null})")->text, "x");
  EXPECT_EQ(read_chat_piece(R"({"choices":[{"text":"y"}]})")->text, "y");
  EXPECT_EQ(read_chat_piece(R"({"choices":[]})")->text, "");
  EXPECT_EQ(read_chat_piece(R"({"object":"error","message":"flat"})")->error, "flat");
  EXPECT_EQ(read_chat_piece(R"({"error":"plain","error_type":"t"})")->error, "plain");
  EXPECT_FALSE(read_chat_piece("nope"));
  EXPECT_TRUE(read_chat_piece("[1]"));
}

}  // namespace
}  // namespace cocoon::openai
