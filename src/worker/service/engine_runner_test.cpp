// Jobs against engines that answer, stream, stumble and die.
#include "worker/service/engine_runner.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/http_server.hpp"
#include "net/testing.hpp"
#include "wire/messages.hpp"

namespace cocoon::worker {
namespace {

using net::HttpHeaders;
using net::HttpRequest;
using net::HttpResponder;
using net::Task;

constexpr const char* kUsage = R"("usage":{"prompt_tokens":10,"completion_tokens":5})";

std::string event(std::string_view json) { return "data: " + std::string(json) + "\n\n"; }

class EngineRunnerTest : public ::testing::Test {
 protected:
  void serve(net::HttpHandler handler) {
    server = std::make_unique<net::HttpServer>(loop.io.get_executor(), net::HttpServerOptions{}, std::move(handler));
    ASSERT_TRUE(server->listen("127.0.0.1:0"));
    connect("http://127.0.0.1:" + std::to_string(server->port()));
  }
  void connect(const std::string& url) {
    EngineRunner::Options options;
    options.url = url;
    options.health_every = std::chrono::milliseconds(1);
    options.context_timeout = std::chrono::milliseconds(50);
    options.model = "org/m";
    options.ask_context = ask_context;
    EngineRunner::Hooks hooks;
    hooks.event = [this](Event e) { events.push_back(std::move(e)); };
    hooks.send = [this](role::LinkId link, BytesView object) {
      EXPECT_EQ(link, 7U);
      if (link_gone) return false;
      ++part_count;
      if (const auto counted = wire::decode<wire::proxy::QueryAnswerPartCounted>(object)) {
        parts += as_text(counted->answer);
        counts.push_back(counted->tokens_used.total_tokens_used);
        return true;
      }
      const auto part = wire::decode<wire::proxy::QueryAnswerPartEx>(object);
      EXPECT_TRUE(part);
      EXPECT_FALSE(part->is_final());
      parts += as_text(part->answer);
      return true;
    };
    hooks.queued = [this](role::LinkId) { return queued; };
    runner = std::make_unique<EngineRunner>(loop.io.get_executor(), options, std::move(hooks));
  }
  static StartJob job(JobId id = 1) {
    StartJob j;
    j.job = id;
    j.link = 7;
    j.path = "/v1/chat/completions";
    j.headers = {{"Content-Type", "application/json"}, {"X-Request-Id", "r-1"}};
    j.body = to_bytes(R"({"model":"m"})");
    j.deadline = std::chrono::seconds(10);
    j.pricing = {1000, {}, 3};
    return j;
  }
  template <class T>
  const T* last() const {
    return events.empty() ? nullptr : std::get_if<T>(&events.back());
  }
  void run_job(StartJob j) {
    runner->start(std::move(j));
    loop.until([&] { return runner->running() == 0; });
  }
  void TearDown() override {
    runner.reset();
    if (server) {
      server->close();
      loop.until([&] { return server->connections() == 0; });
    }
    server.reset();
    loop.settle();
  }

  net::testing::Loop loop;
  std::unique_ptr<net::HttpServer> server;
  std::unique_ptr<EngineRunner> runner;
  std::vector<Event> events;
  std::string parts;
  int part_count = 0;
  std::vector<std::int64_t> counts;  // of the parts that carry one
  std::size_t queued = 0;
  bool link_gone = false;
  bool ask_context = false;
};

TEST_F(EngineRunnerTest, AShortAnswerIsOneEventWithItsCosts) {
  serve([](const HttpRequest& q, HttpResponder& r) -> Task<> {
    EXPECT_EQ(q.method, "POST");
    EXPECT_EQ(q.target, "/v1/chat/completions");
    EXPECT_EQ(q.body, R"({"model":"m"})");
    EXPECT_EQ(q.headers.get("Content-Type"), "application/json");
    EXPECT_FALSE(q.headers.has("Accept-Encoding"));
    co_await r.respond(200, HttpHeaders::content_type("application/json"), "{" + std::string(kUsage) + "}");
  });
  run_job(job());
  ASSERT_EQ(events.size(), 1U);
  const auto* answer = last<EngineAnswer>();
  ASSERT_NE(answer, nullptr);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->usage, (openai::Usage{10, 0, 5, 0}));
  EXPECT_EQ(as_text(answer->body),
            R"({"usage":{"prompt_tokens":10,"completion_tokens":5,"prompt_total_cost":30,"completion_total_cost":15,)"
            R"("total_cost":45}})");
}

TEST_F(EngineRunnerTest, ErrorsOfTheEnginePassWithTheirStatus) {
  serve([](const HttpRequest&, HttpResponder& r) -> Task<> {
    co_await r.respond(400, HttpHeaders::content_type("text/plain"), "too long");
  });
  run_job(job());
  const auto* answer = last<EngineAnswer>();
  ASSERT_NE(answer, nullptr);
  EXPECT_EQ(answer->status, 400);
  EXPECT_EQ(as_text(answer->body), "too long");
  EXPECT_EQ(answer->usage, openai::Usage{});
}

TEST_F(EngineRunnerTest, WhatIsNoWholeJsonIsNoAnswer) {
  std::string body;
  int status = 200;
  serve([&](const HttpRequest&, HttpResponder& r) -> Task<> {
    co_await r.respond(status, HttpHeaders::content_type("application/json"), body);
  });
  for (const auto* broken : {"\xff\xfe{]", R"({"choices":[)", ""}) {
    body = broken;
    run_job(job());
    const auto* failed = last<EngineFailed>();
    ASSERT_NE(failed, nullptr) << broken;
    EXPECT_EQ(failed->how, EngineFailed::How::broken);
    EXPECT_EQ(failed->usage, openai::Usage{}) << "nobody has got anything";
  }
  status = 500;  // an error is told whatever its words
  run_job(job());
  ASSERT_NE(last<EngineAnswer>(), nullptr);
  EXPECT_EQ(last<EngineAnswer>()->status, 500);
}

TEST_F(EngineRunnerTest, ALongAnswerThatIsNoWholeJsonBreaksOff) {
  serve([](const HttpRequest&, HttpResponder& r) -> Task<> {
    co_await r.respond(200, HttpHeaders::content_type("application/json"), "[" + std::string(100'000, ' '));
  });
  run_job(job());
  ASSERT_NE(last<EngineFailed>(), nullptr);
  EXPECT_EQ(last<EngineFailed>()->how, EngineFailed::How::broken);
  EXPECT_EQ(parts.size(), 100'001U);
}

TEST_F(EngineRunnerTest, AStreamGoesToTheLinkPieceByPiece) {
  serve([](const HttpRequest&, HttpResponder& r) -> Task<> {
    co_await r.start(200, HttpHeaders::content_type("text/event-stream"), event(R"({"choices":[{}],"n":1})"));
    co_await r.write(event(R"({"choices":[{}],"n":2})"));
    co_await r.write(event("{\"choices\":[]," + std::string(kUsage) + "}"));
    co_await r.finish(event("[DONE]"));
  });
  auto order = job();
  order.drop_usage_event = true;
  run_job(order);
  ASSERT_EQ(events.size(), 2U);
  const auto* head = std::get_if<EngineHead>(&events[0]);
  ASSERT_NE(head, nullptr);
  EXPECT_EQ(head->status, 200);
  const auto* done = last<EngineDone>();
  ASSERT_NE(done, nullptr);
  EXPECT_EQ(done->usage, (openai::Usage{10, 0, 5, 0}));
  EXPECT_EQ(parts + std::string(as_text(done->last)),
            event(R"({"choices":[{}],"n":1})") + event(R"({"choices":[{}],"n":2})") + event("[DONE]"));
}

TEST_F(EngineRunnerTest, NobodyListensThere) {
  serve([](const HttpRequest&, HttpResponder&) -> Task<> { co_return; });
  const std::string url = "http://127.0.0.1:" + std::to_string(server->port());
  server->close();
  loop.until([&] { return server->connections() == 0; });
  server.reset();
  connect(url);
  run_job(job());
  const auto* failed = last<EngineFailed>();
  ASSERT_NE(failed, nullptr);
  EXPECT_EQ(failed->how, EngineFailed::How::unreachable);
}

TEST_F(EngineRunnerTest, AnEngineThatDoesNotAnswerRunsIntoTheDeadline) {
  auto forever = std::make_shared<net::Event>(loop.io.get_executor());
  serve([forever](const HttpRequest&, HttpResponder& r) -> Task<> {
    r.on_client_gone([forever] { forever->notify(); });
    co_await forever->wait();
  });
  auto order = job();
  order.deadline = std::chrono::milliseconds(50);
  run_job(order);
  const auto* failed = last<EngineFailed>();
  ASSERT_NE(failed, nullptr);
  EXPECT_EQ(failed->how, EngineFailed::How::timeout);
}

TEST_F(EngineRunnerTest, AnAnswerThatBreaksOffSaysSo) {
  serve([](const HttpRequest&, HttpResponder& r) -> Task<> {
    co_await r.start(200, HttpHeaders::content_type("application/json"), "{" + std::string(kUsage));
    r.abort();
  });
  run_job(job());
  ASSERT_EQ(events.size(), 2U);
  const auto* failed = last<EngineFailed>();
  ASSERT_NE(failed, nullptr);
  EXPECT_EQ(failed->how, EngineFailed::How::broken);
  EXPECT_EQ(failed->usage, (openai::Usage{10, 0, 5, 0}));
}

// Without the end of its format a stream is no whole answer, however politely the connection ends; what went out
// counts.
TEST_F(EngineRunnerTest, AStreamWithoutItsEndIsBrokenAndCountsWhatWentOut) {
  serve([](const HttpRequest&, HttpResponder& r) -> Task<> {
    const auto role = event(R"({"choices":[{"delta":{"role":"assistant","content":""}}]})");
    co_await r.start(200, HttpHeaders::content_type("text/event-stream"), role);
    co_await r.write(event(R"({"choices":[{"delta":{"content":"Hel"}}]})"));
    co_await r.finish(event(R"({"choices":[{"delta":{"content":"lo"}}]})"));
  });
  run_job(job());
  const auto* failed = last<EngineFailed>();
  ASSERT_NE(failed, nullptr);
  EXPECT_EQ(failed->how, EngineFailed::How::broken);
  EXPECT_EQ(failed->usage, (openai::Usage{0, 0, 2, 0}));
  EXPECT_NE(parts.find("\"lo\""), std::string::npos) << "all of it was delivered";
}

TEST_F(EngineRunnerTest, AnAnswerWithoutUsageHasFailedWhereUsageIsNeeded) {
  serve([](const HttpRequest&, HttpResponder& r) -> Task<> {
    co_await r.respond(200, HttpHeaders::content_type("application/json"),
                       R"({"choices":[{"message":{"content":"Hi"}}]})");
  });
  auto order = job();
  run_job(order);
  EXPECT_NE(last<EngineAnswer>(), nullptr) << "nobody needs it";
  order.job = 2;
  order.needs_usage = true;
  run_job(order);
  const auto* failed = last<EngineFailed>();
  ASSERT_NE(failed, nullptr);
  EXPECT_EQ(failed->how, EngineFailed::How::broken);
  EXPECT_THAT(failed->why, testing::HasSubstr("no usage"));
}

TEST_F(EngineRunnerTest, AnErrorNeedsNoUsage) {
  serve([](const HttpRequest&, HttpResponder& r) -> Task<> {
    co_await r.respond(400, HttpHeaders::content_type("application/json"), R"({"error":{"message":"no"}})");
  });
  auto order = job();
  order.needs_usage = true;
  run_job(order);
  ASSERT_NE(last<EngineAnswer>(), nullptr);
  EXPECT_EQ(last<EngineAnswer>()->status, 400);
}

// Its reader gets no [DONE], and what went out counts.
TEST_F(EngineRunnerTest, AStreamWithoutUsageHasFailedWhereUsageIsNeeded) {
  serve([](const HttpRequest&, HttpResponder& r) -> Task<> {
    co_await r.start(200, HttpHeaders::content_type("text/event-stream"),
                     event(R"({"choices":[{"delta":{"content":"Hel"}}]})"));
    co_await r.write(event(R"({"choices":[{"delta":{"content":"lo"},"finish_reason":"stop"}]})"));
    co_await r.finish(event("[DONE]"));
  });
  auto order = job();
  order.drop_usage_event = order.needs_usage = true;
  run_job(order);
  const auto* failed = last<EngineFailed>();
  ASSERT_NE(failed, nullptr);
  EXPECT_EQ(failed->how, EngineFailed::How::broken);
  EXPECT_EQ(failed->usage, (openai::Usage{0, 0, 2, 0}));
  EXPECT_NE(parts.find("\"lo\""), std::string::npos);
  EXPECT_EQ(parts.find("[DONE]"), std::string::npos);
}

TEST_F(EngineRunnerTest, PartsCarryWhatHasGoneOutWhereThatIsWanted) {
  const auto hel = event(R"({"choices":[{"delta":{"content":"Hel"}}]})");
  const auto lo = event(R"({"choices":[{"delta":{"content":"lo"}}]})");
  serve([&](const HttpRequest&, HttpResponder& r) -> Task<> {
    co_await r.start(200, HttpHeaders::content_type("text/event-stream"), hel);
    co_await r.write(lo);
    co_await r.write(event("{\"choices\":[]," + std::string(kUsage) + "}"));
    co_await r.finish(event("[DONE]"));
  });
  run_job(job());
  EXPECT_TRUE(counts.empty());
  parts.clear();
  part_count = 0;
  auto order = job(2);
  order.counts = true;
  order.pricing.coefficient = 3000;
  run_job(order);
  EXPECT_EQ(static_cast<int>(counts.size()), part_count) << "none without";
  ASSERT_FALSE(counts.empty());
  EXPECT_TRUE(std::is_sorted(counts.begin(), counts.end()));
  EXPECT_EQ(counts.front() % 3, 0) << "adjusted, as the last count is";
  EXPECT_EQ(counts.back(), 45) << "once the engine has said what it cost, that is what counts";
  EXPECT_EQ(parts.find(hel + lo), 0U);
}

TEST_F(EngineRunnerTest, ACancelReachesTheEngineAndNothingMoreIsTold) {
  bool gone = false;
  auto left = std::make_shared<net::Event>(loop.io.get_executor());
  serve([&gone, left](const HttpRequest&, HttpResponder& r) -> Task<> {
    co_await r.start(200, HttpHeaders::content_type("text/event-stream"), event("{}"));
    r.on_client_gone([&gone, left] {
      gone = true;
      left->notify();
    });
    co_await left->wait();
  });
  runner->start(job());
  loop.until([&] { return part_count == 1; });
  runner->cancel(1);
  EXPECT_EQ(runner->running(), 0U);
  loop.until([&] { return gone; });
  EXPECT_EQ(events.size(), 1U) << "only the head";
}

TEST_F(EngineRunnerTest, ALinkThatIsGoneEndsTheJob) {
  bool gone = false;
  auto left = std::make_shared<net::Event>(loop.io.get_executor());
  serve([&gone, left](const HttpRequest&, HttpResponder& r) -> Task<> {
    co_await r.start(200, HttpHeaders::content_type("text/event-stream"), event("{}"));
    r.on_client_gone([&gone, left] {
      gone = true;
      left->notify();
    });
    co_await left->wait();
  });
  link_gone = true;
  runner->start(job());
  loop.until([&] { return gone && runner->running() == 0; });
}

TEST_F(EngineRunnerTest, AStoppedJobLeavesTheEngineAndTellsWhatWasDelivered) {
  bool gone = false;
  serve([&gone](const HttpRequest&, HttpResponder& r) -> Task<> {
    co_await r.start(200, HttpHeaders::content_type("text/event-stream"));
    const auto role = event(R"({"choices":[{"delta":{"role":"assistant","content":""}}]})");
    co_await r.write(role);
    const auto word = event(R"({"choices":[{"delta":{"content":"word"}}]})");
    for (Result<> ok; ok; ok = co_await r.write(word)) {
    }
    gone = true;
  });
  runner->start(job());
  loop.until([&] { return part_count >= 3; });
  runner->stop(1);
  loop.until([&] { return gone && runner->running() == 0; });
  const auto* end = last<EngineFailed>();
  ASSERT_NE(end, nullptr);
  EXPECT_EQ(end->how, EngineFailed::How::stopped);
  EXPECT_EQ(end->usage.prompt, 0);
  std::size_t words = 0;
  for (std::size_t at = parts.find("word"); at != std::string::npos; at = parts.find("word", at + 1)) ++words;
  EXPECT_EQ(end->usage.completion, static_cast<std::int64_t>(words)) << "as many as the link was given";
}

TEST_F(EngineRunnerTest, AFullLinkStopsTheReading) {
  constexpr int kPieces = 2000;
  constexpr std::size_t kPiece = 64 * 1024;
  int written = 0;
  serve([&written](const HttpRequest&, HttpResponder& r) -> Task<> {
    co_await r.start(200, HttpHeaders::content_type("text/plain"));
    for (; written < kPieces; ++written) {
      auto ok = co_await r.write(std::string(kPiece, 'x'));
      if (!ok) co_return;
    }
    co_await r.finish();
  });
  queued = 2u << 20;
  runner->start(job());
  // The engine writes until the sockets between are full, then neither side moves.
  int before = -1;
  loop.until([&] {
    const bool still = written == before && part_count > 0;
    before = written;
    loop.io.run_for(std::chrono::milliseconds(60));
    return still;
  });
  EXPECT_EQ(part_count, 1) << "after one piece the job waits";
  EXPECT_LT(written, kPieces);
  queued = 0;
  runner->look_again();
  loop.until([&] { return runner->running() == 0; });
  EXPECT_NE(last<EngineDone>(), nullptr);
  EXPECT_EQ(parts.size(), kPieces * kPiece);
}

TEST_F(EngineRunnerTest, MayBeDestroyedBeforeItsCoroutinesEverRan) {
  connect("http://127.0.0.1:1");
  runner->watch_health();
  runner->start(job());
  runner.reset();
  loop.settle();
  EXPECT_TRUE(events.empty());
}

TEST_F(EngineRunnerTest, HealthIsToldAsItChanges) {
  int status = 503;
  serve([&status](const HttpRequest& q, HttpResponder& r) -> Task<> {
    EXPECT_EQ(q.target, "/v1/models");
    co_await r.respond(status, HttpHeaders::content_type("application/json"), "{}");
  });
  runner->watch_health();
  loop.until([&] { return last<EngineHealth>() != nullptr; });
  EXPECT_FALSE(last<EngineHealth>()->up);
  EXPECT_EQ(last<EngineHealth>()->why_not, "/v1/models answers 503");
  status = 200;
  loop.until([&] { return last<EngineHealth>()->up; });
  server->close();
  loop.until([&] { return !last<EngineHealth>()->up; });
}

class EngineContextTest : public EngineRunnerTest {
 protected:
  // An engine with these pages and no others.
  void pages(std::map<std::string, std::string> those) {
    ask_context = true;
    serve([this, those = std::move(those)](const HttpRequest& q, HttpResponder& r) -> Task<> {
      asked.push_back(q.method + " " + q.target + q.body);
      const auto page = those.find(q.target);
      const int status = page == those.end() || down ? 404 : 200;
      const std::string body = status == 200 ? page->second : "{}";
      co_await r.respond(status, HttpHeaders::content_type("application/json"), body);
    });
    runner->watch_health();
  }
  std::vector<std::int32_t> told() const {
    std::vector<std::int32_t> out;
    for (const auto& e : events)
      if (const auto* c = std::get_if<EngineContext>(&e)) out.push_back(c->tokens);
    return out;
  }
  std::int32_t said() {
    loop.until([&] { return !told().empty(); });
    return told().back();
  }
  const std::string nameless = R"({"object":"list","data":[{"id":"org/m","meta":{"n_ctx_train":512}}]})";
  std::vector<std::string> asked;
  bool down = false;
};

TEST_F(EngineContextTest, TheListOfModelsSaysIt) {
  pages({{"/v1/models", R"({"data":[{"id":"other","max_model_len":7},{"id":"org/m","max_model_len":4096}]})"}});
  EXPECT_EQ(said(), 4096);
  for (const auto& page : asked) EXPECT_EQ(page, "GET /v1/models");
}

TEST_F(EngineContextTest, OtherPagesSayItWhereTheListDoesNot) {
  pages({{"/v1/models", nameless}, {"/info", R"({"max_total_tokens":2048})"}});
  EXPECT_EQ(said(), 2048);
}

TEST_F(EngineContextTest, OllamaIsAskedByTheModelsName) {
  pages({{"/v1/models", nameless}, {"/api/show", R"({"model_info":{"llama.context_length":8192}})"}});
  EXPECT_EQ(said(), 8192);
  EXPECT_THAT(asked, testing::Contains(R"(POST /api/show{"model":"org/m","name":"org/m"})"));
}

TEST_F(EngineContextTest, WhatTheModelWasTrainedForIsTheLastResort) {
  pages({{"/v1/models", nameless}});
  EXPECT_EQ(said(), 512);
}

TEST_F(EngineContextTest, AnEngineThatDoesNotSayIsUpAllTheSame) {
  pages({{"/v1/models", "{}"}});
  EXPECT_EQ(said(), 0);
  loop.until([&] { return last<EngineHealth>() != nullptr; });
  EXPECT_TRUE(last<EngineHealth>()->up);
}

TEST_F(EngineContextTest, IsAskedAgainWhenTheEngineComesBack) {
  pages({{"/v1/models", R"({"data":[{"id":"org/m","max_model_len":4096}]})"}});
  EXPECT_EQ(said(), 4096);
  loop.until([&] { return last<EngineHealth>() != nullptr; });
  EXPECT_EQ(told().size(), 1U) << "once while it stays up";
  down = true;
  loop.until([&] { return last<EngineHealth>() != nullptr && !last<EngineHealth>()->up; });
  down = false;
  loop.until([&] { return told().size() == 2; });
}

TEST_F(EngineContextTest, APageThatHangsIsLeft) {
  ask_context = true;
  serve([this](const HttpRequest& q, HttpResponder& r) -> Task<> {
    if (q.target != "/v1/models") {
      net::Event gone(loop.io.get_executor());
      r.on_client_gone([&gone] { gone.notify(); });
      co_await gone.wait();
      r.on_client_gone(nullptr);
      co_return r.abort();
    }
    co_await r.respond(200, HttpHeaders::content_type("application/json"), nameless);
  });
  runner->watch_health();
  EXPECT_EQ(said(), 512);
}

}  // namespace
}  // namespace cocoon::worker
