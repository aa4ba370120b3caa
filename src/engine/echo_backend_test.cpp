#include "engine/echo_backend.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "net/http_client.hpp"
#include "net/testing.hpp"

namespace cocoon::engine {
namespace {

namespace json = boost::json;
using net::Task;

struct Reply {
  Result<> sent;  // an answer began
  int status = 0;
  Result<std::string> body;
};

class EchoTest : public testing::Test {
 protected:
  void SetUp() override {
    auto started = EchoBackend::start(loop_.io.get_executor());
    ASSERT_TRUE(started) << started.error().what;
    backend_ = std::move(*started);
  }

  Reply send(std::string method, std::string path, std::string body = {}, int patience_ms = 10'000) {
    Reply reply;
    net::HttpClient client(loop_.io.get_executor());
    loop_.run([&]() -> Task<> {
      net::HttpCall call;
      call.method = method;
      call.url = "http://127.0.0.1:" + std::to_string(backend_->port()) + path;
      call.body = body;
      call.deadline = net::Millis(patience_ms);
      auto answer = co_await client.send(std::move(call));
      if (!answer) {
        reply.sent = std::unexpected(answer.error());
        co_return;
      }
      reply.status = answer->status();
      reply.body = co_await answer->read_all();
    });
    return reply;
  }
  Reply chat(std::string_view more, int patience_ms = 10'000) {
    std::string body = R"({"model":"any","messages":[{"role":"user","content":"parrot"}])";
    return send("POST", "/v1/chat/completions", body + std::string(more) + "}", patience_ms);
  }

  net::testing::Loop loop_;
  std::unique_ptr<EchoBackend> backend_;
};

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t n = 0;
  for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++n;
  return n;
}

TEST_F(EchoTest, FixedAnswer) {
  const auto reply = chat("");
  EXPECT_EQ(reply.status, 200);
  const auto answer = json::parse(*reply.body);
  EXPECT_EQ(answer.at("choices").at(0).at("message").at("content").as_string(), "Hello there.");
  EXPECT_EQ(answer.at("usage").at("total_tokens").to_number<int>(), 12);
  EXPECT_EQ(answer.at("model").as_string(), "any");
  EXPECT_EQ(backend_->requests(), 1U);
}

TEST_F(EchoTest, StreamsAsManyPiecesAsAsked) {
  const auto reply = chat(R"(,"stream":true,"stream_options":{"include_usage":true},"fixture":{"chunks":7})");
  ASSERT_TRUE(reply.body);
  EXPECT_EQ(count(*reply.body, "word"), 7U);
  EXPECT_NE(reply.body->find(R"("completion_tokens":7)"), std::string::npos);
  EXPECT_TRUE(reply.body->ends_with("data: [DONE]\n\n"));
  EXPECT_EQ(count(*chat(R"(,"stream":true)").body, "word"), 50U);
}

TEST_F(EchoTest, Echoes) {
  EXPECT_NE(chat(R"(,"fixture":{"mode":"echo"})").body->find("parrot"), std::string::npos);
  EXPECT_NE(chat(R"(,"stream":true,"fixture":{"mode":"echo"})").body->find("parrot"), std::string::npos);
}

TEST_F(EchoTest, ErrorsOfEveryShape) {
  auto reply = chat(R"(,"fixture":{"mode":"error","status":429})");
  EXPECT_EQ(reply.status, 429);
  EXPECT_TRUE(json::parse(*reply.body).at("error").is_object());
  reply = chat(R"(,"fixture":{"mode":"flat-error"})");
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(json::parse(*reply.body).at("object").as_string(), "error");
  reply = chat(R"(,"fixture":{"mode":"plain-error"})");
  EXPECT_EQ(reply.status, 502);
  json::error_code failed;
  json::parse(*reply.body, failed);
  EXPECT_TRUE(failed);
  for (const char* mode : {"half-json", "garbage"}) {
    reply = chat(fmt::format(R"(,"fixture":{{"mode":"{}"}})", mode));
    EXPECT_EQ(reply.status, 200);
    json::parse(*reply.body, failed);
    EXPECT_TRUE(failed) << mode;
  }
}

TEST_F(EchoTest, DiesBeforeAndInTheMiddle) {
  EXPECT_FALSE(chat(R"(,"fixture":{"mode":"die"})").sent);
  for (const char* stream : {"true", "false"}) {
    const auto reply = chat(fmt::format(R"(,"stream":{},"fixture":{{"mode":"die-mid"}})", stream));
    EXPECT_TRUE(reply.sent);
    EXPECT_EQ(reply.status, 200);
    EXPECT_FALSE(reply.body);
  }
}

TEST_F(EchoTest, StallsUntilTheCallerGoes) {
  EXPECT_FALSE(chat(R"(,"fixture":{"mode":"stall"})", 50).sent);
  EXPECT_FALSE(chat(R"(,"stream":true,"fixture":{"mode":"stall-mid"})", 50).body);
  EXPECT_FALSE(chat(R"(,"fixture":{"mode":"stall-mid"})", 50).body);
  loop_.until([&] { return backend_->running() == 0; });
  EXPECT_EQ(backend_->cancelled(), 3U);
  EXPECT_EQ(*send("GET", "/fixture/stats").body, R"({"requests":3,"running":0,"cancelled":3})");
}

TEST_F(EchoTest, UsageThatLies) {
  EXPECT_EQ(chat(R"(,"fixture":{"mode":"no-usage"})").body->find("usage"), std::string::npos);
  const auto huge = chat(R"(,"fixture":{"mode":"huge-usage"})");
  EXPECT_EQ(json::parse(*huge.body).at("usage").at("total_tokens").as_int64(), -1);
}

TEST_F(EchoTest, SlowTakesItsTime) {
  const auto began = std::chrono::steady_clock::now();
  const auto reply = chat(R"(,"stream":true,"fixture":{"mode":"slow","chunks":3,"delay_ms":10})");
  ASSERT_TRUE(reply.body);
  EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(30));
}

TEST_F(EchoTest, TheModelsNameMayChooseTheMode) {
  const auto reply = send("POST", "/v1/chat/completions", R"({"model":"fixture-flat-error"})");
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(send("POST", "/v1/completions", R"({"model":"fixture","prompt":"x"})").status, 200);
}

TEST_F(EchoTest, HealthIsWhatWeSay) {
  EXPECT_EQ(send("GET", "/health").status, 200);
  EXPECT_EQ(send("POST", "/fixture/health", R"({"status":503})").status, 200);
  EXPECT_EQ(send("GET", "/health").status, 503);
  EXPECT_EQ(send("POST", "/fixture/health", R"({"status":"ill"})").status, 400);
  backend_->set_health(200);
  EXPECT_EQ(send("GET", "/health").status, 200);
}

TEST_F(EchoTest, BadRequestsAndRoutes) {
  EXPECT_EQ(send("POST", "/v1/chat/completions", "{").status, 400);
  EXPECT_EQ(chat(R"(,"fixture":{"mode":"dance"})").status, 400);
  EXPECT_EQ(chat(R"(,"fixture":{"chunks":0})").status, 400);
  EXPECT_EQ(send("GET", "/nowhere").status, 404);
  EXPECT_EQ(json::parse(*send("GET", "/v1/models").body).at("data").at(0).at("id").as_string(), "fixture");
}

TEST_F(EchoTest, ToolsAndFormatsGetWhatFits) {
  const std::string tools =
      R"(,"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"a":{"type":"integer"},"b":{"enum":["x"]}}}}},)"
      R"({"type":"function","function":{"name":"g"}}])";
  auto choice = json::parse(*chat(tools).body).at("choices").at(0);
  EXPECT_EQ(choice.at("finish_reason").as_string(), "tool_calls");
  EXPECT_EQ(choice.at("message").at("tool_calls").as_array().size(), 1U);
  EXPECT_EQ(json::parse(choice.at("message").at("tool_calls").at(0).at("function").at("arguments").as_string()),
            json::parse(R"({"a":7,"b":"x"})"));
  choice = json::parse(*chat(tools + R"(,"parallel_tool_calls":true)").body).at("choices").at(0);
  EXPECT_EQ(choice.at("message").at("tool_calls").as_array().size(), 2U);
  choice = json::parse(*chat(tools + R"(,"tool_choice":"none")").body).at("choices").at(0);
  EXPECT_EQ(choice.at("finish_reason").as_string(), "stop");
  const auto streamed =
      *chat(tools + R"(,"stream":true,"tool_choice":{"type":"function","function":{"name":"g"}})").body;
  EXPECT_NE(streamed.find(R"("name":"g")"), streamed.npos);
  EXPECT_NE(streamed.find(R"("finish_reason":"tool_calls")"), streamed.npos);
  choice =
      json::parse(
          *chat(
               R"(,"response_format":{"type":"json_schema","json_schema":{"schema":{"type":"array","items":{"type":"boolean"}}}})")
               .body)
          .at("choices")
          .at(0);
  EXPECT_EQ(choice.at("message").at("content").as_string(), "[true]");
}

TEST_F(EchoTest, EmbeddingsAndTranscriptions) {
  const auto reply = send("POST", "/v1/embeddings", R"({"input":["a","b","a"]})");
  const auto vectors = json::parse(*reply.body).at("data").as_array();
  ASSERT_EQ(vectors.size(), 3U);
  EXPECT_EQ(vectors[0].at("embedding"), vectors[2].at("embedding"));
  EXPECT_NE(vectors[0].at("embedding"), vectors[1].at("embedding"));
  EXPECT_EQ(send("POST", "/v1/embeddings", "{}").status, 400);
  EXPECT_EQ(send("POST", "/v1/audio/transcriptions", "no form").status, 400);
}

}  // namespace
}  // namespace cocoon::engine
