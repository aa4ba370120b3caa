// The engine over HTTP, with the real model.
#include "engine/server.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "net/http_client.hpp"
#include "net/testing.hpp"

namespace cocoon::engine {
namespace {

namespace json = boost::json;
using net::Task;

const char* const kModel = COCOON_SOURCE_DIR "/models/tinychat/tinychat-q8_0.gguf";

struct Reply {
  int status = 0;
  std::string type;
  std::string body;

  json::value parsed() const {
    json::error_code failed;
    auto value = json::parse(body, failed);
    EXPECT_FALSE(failed) << body;
    return value;
  }
  std::string code() const {
    const auto value = parsed();
    const auto& code = value.at("error").at("code");
    return code.is_string() ? std::string(code.get_string()) : std::string();
  }
  // The JSON of each event, [DONE] excluded; that one must be the last.
  std::vector<json::value> events() const {
    std::vector<json::value> out;
    std::string_view rest = body;
    bool done = false;
    while (!rest.empty()) {
      const auto end = rest.find("\n\n");
      const auto event = rest.substr(0, end);
      EXPECT_TRUE(event.starts_with("data: ")) << event;
      EXPECT_FALSE(done);
      done = event == "data: [DONE]";
      if (!done) out.push_back(json::parse(json::string_view(event.data() + 6, event.size() - 6)));
      rest.remove_prefix(end == rest.npos ? rest.size() : end + 2);
    }
    EXPECT_TRUE(done);
    return out;
  }
};

// One server for all tests of the suite: loading is part of the first.
class ServerTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    loop_ = new net::testing::Loop;
    std::optional<Result<>> loaded;
    EngineConfig config;
    config.model = kModel;
    config.scheduler.slots = 4;
    config.on_loaded = [&](Result<> result) { loaded = std::move(result); };
    auto started = EngineServer::start(loop_->io.get_executor(), std::move(config));
    ASSERT_TRUE(started) << started.error().what;
    server_ = std::move(*started).release();
    loop_->until([&] { return loaded.has_value(); });
    ASSERT_TRUE(*loaded) << loaded->error().what;
  }
  static void TearDownTestSuite() {
    delete server_;
    delete loop_;
  }

  static std::string url(std::string_view path) {
    return "http://127.0.0.1:" + std::to_string(server_->port()) + std::string(path);
  }
  static Task<Reply> call(net::HttpClient& client, net::HttpCall request) {
    Reply reply;
    auto answer = co_await client.send(std::move(request));
    EXPECT_TRUE(answer);
    if (!answer) co_return reply;
    reply.status = answer->status();
    reply.type = answer->headers().get("Content-Type");
    auto body = co_await answer->read_all();
    EXPECT_TRUE(body);
    if (body) reply.body = std::move(*body);
    co_return reply;
  }
  static Reply send(std::string method, std::string path, std::string body = {}) {
    Reply reply;
    net::HttpClient client(loop_->io.get_executor());
    loop_->run([&]() -> Task<> {
      net::HttpCall request;
      request.method = method;
      request.url = url(path);
      request.body = body;
      reply = co_await call(client, std::move(request));
    });
    return reply;
  }
  static Reply post(std::string path, std::string body) { return send("POST", std::move(path), std::move(body)); }
  static Reply get(std::string path) { return send("GET", std::move(path)); }
  static std::string chat(std::string_view text, std::string_view more = {}) {
    return fmt::format(R"({{"model":"tinychat","temperature":0,"messages":[{{"role":"user","content":"{}"}}]{}}})",
                       text, more);
  }
  static std::string content(const json::value& answer, std::size_t choice = 0) {
    return std::string(answer.at("choices").at(choice).at("message").at("content").as_string());
  }
  // The number that a line of /metrics ends with.
  static double metric(std::string_view name) {
    const auto text = get("/metrics").body;
    const auto at = text.find("\n" + std::string(name) + " ");
    EXPECT_NE(at, text.npos) << name;
    return at == text.npos ? -1 : std::stod(text.substr(at + name.size() + 2));
  }

  static inline net::testing::Loop* loop_ = nullptr;
  static inline EngineServer* server_ = nullptr;
};

TEST_F(ServerTest, ChatAnswersWithTrueUsage) {
  const auto reply = post("/v1/chat/completions", chat("Hello"));
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.type, "application/json");
  const auto answer = reply.parsed();
  EXPECT_EQ(answer.at("object").as_string(), "chat.completion");
  EXPECT_EQ(answer.at("model").as_string(), "tinychat");
  EXPECT_EQ(answer.at("choices").at(0).at("finish_reason").as_string(), "stop");
  EXPECT_NE(content(answer).find("ello"), std::string::npos);
  const auto& usage = answer.at("usage");
  const auto counted = post("/tokenize", R"({"messages":[{"role":"user","content":"Hello"}]})").parsed();
  EXPECT_EQ(usage.at("prompt_tokens"), counted.at("count"));
  const auto said =
      post("/tokenize", json::serialize(json::object{{"content", content(answer)}, {"add_special", false}}));
  EXPECT_EQ(usage.at("completion_tokens").to_number<int>(), said.parsed().at("count").to_number<int>() + 1);
  EXPECT_EQ(usage.at("total_tokens").to_number<int>(),
            usage.at("prompt_tokens").to_number<int>() + usage.at("completion_tokens").to_number<int>());
}

TEST_F(ServerTest, StreamTellsTheSameAsTheWhole) {
  const auto whole = post("/v1/chat/completions", chat("Tell me a story.")).parsed();
  const auto reply = post("/v1/chat/completions",
                          chat("Tell me a story.", R"(,"stream":true,"stream_options":{"include_usage":true})"));
  ASSERT_EQ(reply.status, 200);
  EXPECT_EQ(reply.type, "text/event-stream");
  const auto events = reply.events();
  ASSERT_GT(events.size(), 10U);
  EXPECT_EQ(events.front().at("choices").at(0).at("delta").at("role").as_string(), "assistant");
  std::string text;
  for (std::size_t i = 0; i + 1 < events.size(); ++i) {
    EXPECT_EQ(events[i].at("object").as_string(), "chat.completion.chunk");
    EXPECT_EQ(events[i].at("id"), events[0].at("id"));
    EXPECT_TRUE(events[i].at("usage").is_null());
    const auto& delta = events[i].at("choices").at(0).at("delta").as_object();
    if (const auto* piece = delta.if_contains("content")) text += piece->as_string();
  }
  EXPECT_EQ(text, content(whole));
  EXPECT_EQ(events[events.size() - 2].at("choices").at(0).at("finish_reason").as_string(), "stop");
  EXPECT_TRUE(events.back().at("choices").as_array().empty());
  EXPECT_EQ(events.back().at("usage"), whole.at("usage"));
}

TEST_F(ServerTest, UsageInEachChunkGrowsToTheTotal) {
  const auto reply =
      post("/v1/chat/completions",
           chat("Count to five.",
                R"(,"stream":true,"stream_options":{"include_usage":true,"continuous_usage_stats":true})"));
  const auto events = reply.events();
  std::int64_t last = 0;
  for (std::size_t i = 1; i < events.size(); ++i) {
    const auto now = events[i].at("usage").at("completion_tokens").to_number<std::int64_t>();
    EXPECT_GE(now, last);
    last = now;
  }
  EXPECT_GT(last, 0);
}

TEST_F(ServerTest, StreamWithoutOptionsHasNoUsage) {
  const auto events = post("/v1/chat/completions", chat("Hello", R"(,"stream":true)")).events();
  for (const auto& event : events) EXPECT_FALSE(event.as_object().contains("usage"));
  EXPECT_EQ(events.back().at("choices").at(0).at("finish_reason").as_string(), "stop");
}

TEST_F(ServerTest, SeveralChoices) {
  const auto answer = post("/v1/chat/completions",
                           chat("Tell me a story.", R"(,"n":3,"temperature":1.5,"min_p":0,"seed":4,"max_tokens":30)"))
                          .parsed();
  ASSERT_EQ(answer.at("choices").as_array().size(), 3U);
  EXPECT_NE(content(answer, 0), content(answer, 1));
  const auto alone = post("/v1/chat/completions", chat("Tell me a story.", R"(,"max_tokens":30)")).parsed();
  EXPECT_EQ(answer.at("usage").at("prompt_tokens"), alone.at("usage").at("prompt_tokens"));
  const auto events = post("/v1/chat/completions", chat("Hello", R"(,"n":2,"stream":true)")).events();
  std::array<std::string, 2> texts;
  for (const auto& event : events) {
    const auto& choice = event.at("choices").at(0);
    if (const auto* piece = choice.at("delta").as_object().if_contains("content"))
      texts.at(choice.at("index").to_number<std::size_t>()) += piece->as_string();
  }
  EXPECT_FALSE(texts[0].empty());
  EXPECT_EQ(texts[0], texts[1]);
}

TEST_F(ServerTest, CompletionsTakeTextsAndTokens) {
  const std::string prompt = R"(<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n)";
  const auto text = post("/v1/completions", R"({"temperature":0,"prompt":")" + prompt + R"("})").parsed();
  EXPECT_EQ(text.at("object").as_string(), "text_completion");
  const auto said = content(post("/v1/chat/completions", chat("Hello")).parsed());
  EXPECT_EQ(text.at("choices").at(0).at("text").as_string(), said);

  const auto tokens = post("/tokenize", R"({"content":")" + prompt + R"("})").parsed().at("tokens");
  const auto same = post("/v1/completions", json::serialize(json::object{{"temperature", 0}, {"prompt", tokens}}));
  EXPECT_EQ(same.parsed().at("choices").at(0).at("text").as_string(), said);

  const auto two =
      post("/v1/completions", R"({"temperature":0,"prompt":["Hello","1, 2,"],"max_tokens":4,"echo":true})").parsed();
  ASSERT_EQ(two.at("choices").as_array().size(), 2U);
  EXPECT_TRUE(two.at("choices").at(1).at("text").as_string().starts_with("1, 2,"));
  EXPECT_EQ(two.at("usage").at("completion_tokens").to_number<int>(), 8);

  const auto streamed =
      post("/v1/completions", R"({"temperature":0,"stream":true,"prompt":")" + prompt + R"("})").events();
  std::string pieces;
  for (const auto& event : streamed) pieces += event.at("choices").at(0).at("text").as_string();
  EXPECT_EQ(pieces, said);
}

TEST_F(ServerTest, JsonObjectsAreJson) {
  const auto answer =
      post("/v1/chat/completions", chat("Hello", R"(,"response_format":{"type":"json_object"},"max_tokens":200)"))
          .parsed();
  EXPECT_EQ(content(answer).front(), '{');
  if (answer.at("choices").at(0).at("finish_reason") == "stop") {
    json::error_code failed;
    json::parse(content(answer), failed);
    EXPECT_FALSE(failed) << content(answer);
  }
}

TEST_F(ServerTest, AnswersFollowASchema) {
  const auto answer =
      post(
          "/v1/chat/completions",
          chat(
              "Hello",
              R"(,"max_tokens":200,"temperature":1.5,"seed":3,"response_format":{"type":"json_schema","json_schema":{"name":"s",
           "schema":{"type":"object","properties":{"kind":{"enum":["cat","dog"]},"age":{"type":"integer"},
           "tags":{"type":"array","items":{"type":"boolean"},"minItems":1,"maxItems":2}},
           "required":["kind","age","tags"],"additionalProperties":false}}})"))
          .parsed();
  const auto text = content(answer);
  ASSERT_EQ(answer.at("choices").at(0).at("finish_reason").as_string(), "stop") << text;
  const auto value = json::parse(text);
  EXPECT_EQ(value.as_object().size(), 3U);
  EXPECT_TRUE(value.at("kind") == "cat" || value.at("kind") == "dog");
  EXPECT_TRUE(value.at("age").is_int64());
  EXPECT_TRUE(value.at("tags").at(0).is_bool());
}

TEST_F(ServerTest, ToolsAreCalledWholeAndStreamed) {
  const std::string tools =
      R"(,"temperature":0,"tools":[{"type":"function","function":{"name":"weather","parameters":{"type":"object",
      "properties":{"city":{"enum":["Paris","Rome"]}},"required":["city"]}}}],"tool_choice":"required","parallel_tool_calls":false)";
  const auto whole = post("/v1/chat/completions", chat("Weather in Paris?", tools)).parsed().at("choices").at(0);
  EXPECT_EQ(whole.at("finish_reason").as_string(), "tool_calls");
  EXPECT_TRUE(whole.at("message").at("content").is_null());
  const auto& call = whole.at("message").at("tool_calls").at(0);
  EXPECT_EQ(call.at("type").as_string(), "function");
  EXPECT_EQ(call.at("function").at("name").as_string(), "weather");
  const auto arguments = json::parse(call.at("function").at("arguments").as_string());
  EXPECT_TRUE(arguments.at("city") == "Paris" || arguments.at("city") == "Rome");

  const auto events = post("/v1/chat/completions", chat("Weather in Paris?", tools + R"(,"stream":true)")).events();
  std::string told;
  for (const auto& event : events) {
    const auto& choice = event.at("choices").at(0);
    const auto& delta = choice.at("delta").as_object();
    if (delta.contains("tool_calls")) told = delta.at("tool_calls").at(0).at("function").at("arguments").as_string();
    if (choice.at("finish_reason").is_string()) {
      EXPECT_EQ(choice.at("finish_reason").as_string(), "tool_calls");
    }
  }
  EXPECT_EQ(json::parse(told), arguments);
}

// Whole or streamed, a token stands in the text where its offset says, and is among the likeliest, likely or not.
TEST_F(ServerTest, LogprobsOfTextSayWhereEachTokenStands) {
  const std::string ask = R"({"temperature":2,"seed":7,"prompt":"Ü","n":8,"max_tokens":12,"echo":true,"logprobs":1)";
  auto events = post("/v1/completions", ask + R"(,"stream":true})").events();
  const auto whole = post("/v1/completions", ask + "}").parsed();
  events.push_back(whole);
  std::size_t seen = 0, unlikely = 0;
  const auto check = [&](const std::string& text, const json::value& logprobs) {
    for (std::size_t i = 0; i < logprobs.at("tokens").as_array().size(); ++i, ++seen) {
      const std::string token(logprobs.at("tokens").at(i).as_string());
      // The prompt is one character of two bytes. A token of some other character's bytes is no text of its own.
      const auto at = logprobs.at("text_offset").at(i).to_number<std::size_t>() + 1;
      EXPECT_GE(at, 2U);
      if (text.find_first_of("\xc3\xef", 2) == std::string::npos) {
        EXPECT_EQ(text.substr(at, token.size()), token) << text << i;
      }
      const auto& top = logprobs.at("top_logprobs").at(i).as_object();
      EXPECT_TRUE(top.contains(token)) << token;
      unlikely += top.size() - 1;
    }
  };
  for (const auto& event : events)
    for (const auto& choice : event.at("choices").as_array()) {
      const auto index = choice.at("index").to_number<std::size_t>();
      if (const auto& l = choice.at("logprobs"); l.is_object())
        check(std::string(whole.at("choices").at(index).at("text").as_string()), l);
    }
  EXPECT_GT(seen, 16U);
  EXPECT_GT(unlikely, 0U) << "a token beyond the likeliest was among them";
}

TEST_F(ServerTest, LogprobsAreTheModelsOwn) {
  const auto choice =
      post("/v1/chat/completions", chat("Hello", R"(,"temperature":0,"max_tokens":4,"logprobs":true,"top_logprobs":3)"))
          .parsed()
          .at("choices")
          .at(0);
  const auto& tokens = choice.at("logprobs").at("content").as_array();
  ASSERT_FALSE(tokens.empty());
  std::string text;
  for (const auto& t : tokens) {
    text += t.at("token").as_string();
    EXPECT_LE(t.at("logprob").to_number<double>(), 0);
    ASSERT_EQ(t.at("top_logprobs").as_array().size(), 3U);
    // At temperature 0 the likeliest is chosen.
    EXPECT_EQ(t.at("top_logprobs").at(0).at("token"), t.at("token"));
    EXPECT_GE(t.at("top_logprobs").at(0).at("logprob").to_number<double>(),
              t.at("top_logprobs").at(1).at("logprob").to_number<double>());
  }
  EXPECT_EQ(text, choice.at("message").at("content").as_string());
  const auto events =
      post("/v1/chat/completions", chat("Hello", R"(,"temperature":0,"max_tokens":4,"logprobs":true,"stream":true)"))
          .events();
  std::size_t streamed = 0;
  for (const auto& event : events)
    if (const auto& l = event.at("choices").at(0).at("logprobs"); l.is_object())
      streamed += l.at("content").as_array().size();
  EXPECT_EQ(streamed, tokens.size());
}

TEST_F(ServerTest, Embeddings) {
  const auto one = post("/v1/embeddings", R"({"input":"a blue sky","model":"tinychat"})").parsed();
  ASSERT_EQ(one.at("data").at(0).at("embedding").as_array().size(), 256U);
  const auto both =
      post("/v1/embeddings", R"({"input":["a blue sky","seven cats"],"encoding_format":"base64"})").parsed();
  ASSERT_EQ(both.at("data").as_array().size(), 2U);
  EXPECT_EQ(both.at("data").at(0).at("embedding").as_string().size(), (256 * 4 + 2) / 3 * 4);
  EXPECT_GT(both.at("usage").at("prompt_tokens").to_number<int>(),
            one.at("usage").at("prompt_tokens").to_number<int>());
  std::string many = R"({"input":")";
  for (int i = 0; i < 2000; ++i) many += "word ";
  EXPECT_EQ(post("/v1/embeddings", many + "\"}").code(), "context_length_exceeded");
}

TEST_F(ServerTest, ModelsHealthMetrics) {
  const auto list = get("/v1/models").parsed();
  EXPECT_EQ(list.at("data").at(0).at("id").as_string(), "tinychat");
  EXPECT_EQ(list.at("data").at(0).at("max_model_len").to_number<int>(), 1024);
  EXPECT_EQ(get("/v1/models/tinychat").parsed(), list.at("data").at(0));
  EXPECT_EQ(get("/v1/models/tiny%63hat").status, 200);
  EXPECT_EQ(get("/v1/models/other").code(), "model_not_found");
  EXPECT_EQ(get("/health").status, 200);
  const auto before = metric("cocoon_engine_completion_tokens_total");
  const auto usage = post("/v1/chat/completions", chat("Hello")).parsed().at("usage");
  EXPECT_EQ(metric("cocoon_engine_completion_tokens_total") - before,
            usage.at("completion_tokens").to_number<double>());
  EXPECT_EQ(metric("cocoon_engine_running"), 0);
  EXPECT_EQ(metric("cocoon_engine_ready"), 1);
}

struct BadCase {
  const char* method;
  const char* path;
  const char* body;
  int status;
  const char* code;
};

TEST_F(ServerTest, WhatBadInputGets) {
  const char* const ok = R"("messages":[{"role":"user","content":"x"}])";
  const std::string unknown = std::string(R"({"model":"gpt-5",)") + ok + "}";
  const std::string bias = std::string(R"({"logit_bias":{"5000":1},)") + ok + "}";
  const std::vector<BadCase> cases = {
      {"POST", "/v1/chat/completions", "{not json", 400, ""},
      {"POST", "/v1/chat/completions", "", 400, ""},
      {"POST", "/v1/chat/completions", "{\"messages\":3}", 400, ""},
      {"POST", "/v1/chat/completions", unknown.c_str(), 404, "model_not_found"},
      {"POST", "/v1/chat/completions", bias.c_str(), 400, ""},
      {"POST", "/v1/completions", "{\"prompt\":[4096]}", 400, ""},
      {"POST", "/v1/completions", "{\"prompt\":[2147483647]}", 400, ""},
      {"POST", "/v1/completions", "{\"prompt\":\"x\",\"model\":\"other\"}", 404, "model_not_found"},
      {"POST", "/v1/embeddings", "{\"input\":[-3]}", 400, ""},
      {"POST", "/tokenize", "{}", 400, ""},
      {"GET", "/v1/chat/completions", "", 405, "method_not_allowed"},
      {"DELETE", "/v1/models", "", 405, "method_not_allowed"},
      {"POST", "/health", "", 405, "method_not_allowed"},
      {"GET", "/", "", 404, "not_found"},
      {"POST", "/v1/images/generations", "{}", 404, "not_found"},
      {"GET", "/v1/models/", "", 404, "not_found"},
  };
  for (const auto& c : cases) {
    const auto reply = send(c.method, c.path, c.body);
    EXPECT_EQ(reply.status, c.status) << c.path << ' ' << c.body;
    EXPECT_EQ(reply.code(), c.code) << c.path << ' ' << c.body;
    EXPECT_FALSE(reply.parsed().at("error").at("message").as_string().empty());
  }
}

TEST_F(ServerTest, LongPromptsAreRefusedAsOpenAiDoes) {
  for (const int words : {1500, 400'000}) {
    std::string text;
    for (int i = 0; i < words; ++i) text += "word ";
    const auto reply = post("/v1/chat/completions", chat(text));
    EXPECT_EQ(reply.status, 400);
    EXPECT_EQ(reply.code(), "context_length_exceeded");
    EXPECT_EQ(reply.parsed().at("error").at("param").as_string(), "messages");
  }
}

// More than the slots at once, streamed and whole: everybody gets what they would get alone.
TEST_F(ServerTest, EightAtOnce) {
  const auto alone = content(post("/v1/chat/completions", chat("What is the capital of Italy?")).parsed());
  net::HttpClient client(loop_->io.get_executor());
  int done = 0;
  for (int i = 0; i < 8; ++i) {
    const bool streamed = i % 2 == 0;
    net::asio::co_spawn(
        loop_->io,
        [&client, &done, &alone, streamed]() -> Task<> {
          net::HttpCall request;
          request.method = "POST";
          request.url = url("/v1/chat/completions");
          request.body = chat("What is the capital of Italy?", streamed ? R"(,"stream":true)" : "");
          const auto reply = co_await call(client, std::move(request));
          std::string text;
          if (!streamed) text = content(reply.parsed());
          for (const auto& event : streamed ? reply.events() : std::vector<json::value>())
            if (const auto* piece = event.at("choices").at(0).at("delta").as_object().if_contains("content"))
              text += piece->as_string();
          EXPECT_EQ(text, alone);
          ++done;
        },
        net::asio::detached);
  }
  loop_->until([&] { return done == 8; });
}

// Whoever hangs up, streamed or not, frees the slot long before the answer would have ended.
TEST_F(ServerTest, HangingUpFreesTheSlot) {
  const auto before = metric("cocoon_engine_cancelled_total");
  net::HttpClient client(loop_->io.get_executor());
  for (const char* stream : {"true", "false"}) {
    const auto cancel = std::make_shared<net::Cancellation>();
    bool ended = false;
    net::asio::co_spawn(
        loop_->io,
        [&client, &ended, cancel, stream]() -> Task<> {
          net::HttpCall request;
          request.method = "POST";
          request.url = url("/v1/chat/completions");
          request.body = chat("Tell me a story.", fmt::format(R"(,"ignore_eos":true,"n":8,"stream":{})", stream));
          request.cancel = cancel;
          auto answer = co_await client.send(std::move(request));
          if (answer) co_await answer->read_all();
          ended = true;
        },
        net::asio::detached);
    loop_->until([] { return metric("cocoon_engine_running") > 0; });
    cancel->request();
    loop_->until([&] { return ended; });
    loop_->until([] { return metric("cocoon_engine_running") == 0 && metric("cocoon_engine_queued") == 0; });
  }
  EXPECT_EQ(metric("cocoon_engine_cancelled_total") - before, 16);
  EXPECT_EQ(post("/v1/chat/completions", chat("Hello")).status, 200);
}

TEST(EngineServerTest, WithoutAModelItSaysWhy) {
  net::testing::Loop loop;
  std::optional<Result<>> loaded;
  EngineConfig config;
  config.model = "/nonexistent.gguf";
  config.on_loaded = [&](Result<> result) { loaded = std::move(result); };
  auto server = EngineServer::start(loop.io.get_executor(), std::move(config));
  ASSERT_TRUE(server);
  loop.until([&] { return loaded.has_value(); });
  EXPECT_FALSE(*loaded);
  net::HttpClient client(loop.io.get_executor());
  for (const std::string path : {"/health", "/v1/models", "/metrics"}) {
    loop.run([&]() -> Task<> {
      net::HttpCall request;
      request.url = "http://127.0.0.1:" + std::to_string((*server)->port()) + path;
      auto answer = co_await client.send(std::move(request));
      EXPECT_TRUE(answer);
      if (!answer) co_return;
      EXPECT_EQ(answer->status(), path == "/metrics" ? 200 : 503);
      const auto body = co_await answer->read_all();
      EXPECT_NE(body->find(path == "/metrics" ? "cocoon_engine_ready 0" : "no such file"), std::string::npos) << *body;
    });
  }
}

TEST(EngineServerTest, ListensOnLoopbackOnly) {
  net::testing::Loop loop;
  EngineConfig config;
  config.model = kModel;
  config.listen = "0.0.0.0:0";
  const auto open_to_all = EngineServer::start(loop.io.get_executor(), config);
  ASSERT_FALSE(open_to_all);
  EXPECT_NE(open_to_all.error().what.find("loopback"), std::string::npos);
}

TEST(EngineServerTest, StopsInTheMiddleOfLoadingAndAnswering) {
  for (int round = 0; round < 3; ++round) {
    net::testing::Loop loop;
    std::optional<Result<>> loaded;
    EngineConfig config;
    config.model = kModel;
    config.on_loaded = [&](Result<> result) { loaded = std::move(result); };
    auto server = EngineServer::start(loop.io.get_executor(), std::move(config));
    ASSERT_TRUE(server);
    if (round > 0) loop.until([&] { return loaded.has_value(); });
    net::HttpClient client(loop.io.get_executor());
    if (round > 1) {
      bool ended = false;
      net::asio::co_spawn(
          loop.io,
          [&]() -> Task<> {
            net::HttpCall request;
            request.method = "POST";
            request.url = "http://127.0.0.1:" + std::to_string((*server)->port()) + "/v1/completions";
            request.body = R"({"prompt":"x","ignore_eos":true,"n":8,"stream":true})";
            auto answer = co_await client.send(std::move(request));
            EXPECT_TRUE(answer);
            if (!answer) co_return;
            const auto first = co_await answer->read_some();
            EXPECT_TRUE(first);
            server->reset();
            const auto rest = co_await answer->read_all();
            EXPECT_FALSE(rest);
            ended = true;
          },
          net::asio::detached);
      loop.until([&] { return ended; });
    }
    server->reset();
    loop.settle();
  }
}

}  // namespace
}  // namespace cocoon::engine
