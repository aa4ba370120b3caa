// Requests on the engine, their answers and their ends (wire.md 4.7.3, 5.4, 5.5, 5.8).
#include <gmock/gmock.h>

#include "worker/core/testdata/world.hpp"

namespace cocoon::worker {
namespace {

using testdata::all;
using testdata::filled;
using testdata::only;
using testdata::only_packet;
using testdata::packets;
using testdata::World;
using testing::HasSubstr;
using namespace std::chrono_literals;
using wire::proxy::QueryAnswerErrorEx;
using wire::proxy::QueryAnswerEx;
using wire::proxy::QueryAnswerPartEx;

const openai::Usage kUsage{120, 20, 300, 100};
const wire::TokensUsed kTokens{150, 3, 1200, 600, 1953};  // of vector usage-1: coefficient 1500

std::string header(const wire::http::Response& r, std::string_view name) {
  for (const auto& h : r.headers)
    if (h.name == name) return h.value;
  return "(none)";
}

TEST(WorkerRequests, ABodyIsRewrittenAndStarted) {
  World w;
  w.become_ready();
  const auto job = only<StartJob>(w.packet(World::query(1, R"({"model":"m","stream":true,"max_tokens":7})")));
  EXPECT_EQ(job.path, "/v1/chat/completions");
  EXPECT_EQ(
      as_text(job.body),
      R"({"model":"m","stream":true,"max_tokens":7,"stream_options":{"include_usage":true},"max_completion_tokens":7,)"
      R"("cache_salt":")" +
          to_hex(BytesView(filled(1))) + "\"}");
  EXPECT_TRUE(job.drop_usage_event);
  EXPECT_TRUE(job.needs_usage);
  EXPECT_EQ(job.deadline, 95s);
  EXPECT_EQ(job.link, w.link);
  EXPECT_EQ(job.request_id, filled(1));
  EXPECT_TRUE(job.ex);
  EXPECT_EQ(job.pricing.coefficient, 1500);
  EXPECT_EQ(job.pricing.multipliers, (market::Multipliers{10000, 1000, 40000, 40000}));
  EXPECT_EQ(job.pricing.price_per_token, 20);
  EXPECT_EQ(w.core.status().running, 1U);
}

TEST(WorkerRequests, PartsAreCountedForTheProxyThatAsksForIt) {
  World w;
  w.become_ready();
  auto query = World::query(1, R"({"model":"m"})");
  EXPECT_FALSE(only<StartJob>(w.packet(query)).counts);
  query.request_id = filled(2);
  query.want_counts();
  EXPECT_TRUE(only<StartJob>(w.packet(query)).counts);
}

TEST(WorkerRequests, TheClientSaysWhosePromptsMayShareACache) {
  const auto body_for = [](const std::string& salt, bool wanted) {
    auto config = World::make_config();
    config.cache_salt = wanted;
    World w{.config = std::move(config)};
    w.become_ready();
    wire::http::Request http;
    http.method = "POST";
    http.url = "/v1/embeddings";
    http.http_version = "HTTP/1.0";
    http.headers = {{"X-Cocoon-Cache-Salt", salt}};
    http.payload = to_bytes(R"({"model":"m"})");
    auto q = World::query(1, "");
    q.query = wire::encode(http);
    return to_text(only<StartJob>(w.packet(q)).body);
  };
  const std::string tenant(32, 'a');
  EXPECT_EQ(body_for(tenant, true), R"({"model":"m","cache_salt":")" + tenant + "\"}");
  EXPECT_EQ(body_for("\"}", true), R"({"model":"m","cache_salt":")" + to_hex(BytesView(filled(1))) + "\"}");
  EXPECT_EQ(body_for(tenant, false), R"({"model":"m"})");
}

TEST(WorkerRequests, TheEngineHearsTheRequestsIdAndNothingElse) {
  const auto headers_for = [](const std::string& id) {
    World w;
    w.become_ready();
    wire::http::Request http;
    http.method = "POST";
    http.url = "/v1/embeddings";
    http.http_version = "HTTP/1.0";
    http.headers = {{"Authorization", "secret"}, {"x-Request-ID", id}, {"X-Other", "x"}};
    http.payload = to_bytes(R"({"model":"m","input":"x"})");
    auto q = World::query(1, "");
    q.query = wire::encode(http);
    const auto job = only<StartJob>(w.packet(q));
    EXPECT_EQ(job.path, "/v1/embeddings");
    EXPECT_EQ(as_text(job.body), R"({"model":"m","input":"x","cache_salt":")" + to_hex(BytesView(filled(1))) + "\"}");
    return job.headers;
  };
  EXPECT_EQ(headers_for("req_1"), (Headers{{"Content-Type", "application/json"}, {"X-Request-Id", "req_1"}}));
  const Headers plain{{"Content-Type", "application/json"}};
  EXPECT_EQ(headers_for(std::string(128, 'x')).size(), 2U);
  EXPECT_EQ(headers_for(std::string(129, 'x')), plain);
  EXPECT_EQ(headers_for("two\r\nlines"), plain);
}

TEST(WorkerRequests, FormsReachTheEngineAsForms) {
  World w;
  w.become_ready();
  wire::http::Request http;
  http.method = "POST";
  http.url = "/v1/audio/transcriptions";
  http.http_version = "HTTP/1.0";
  http.headers = {{"CONTENT-TYPE", "multipart/form-data; boundary=B"}};
  http.payload = to_bytes(
      "--B\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n--B\r\nContent-Disposition: form-data; "
      "name=\"file\"; filename=\"a\"\r\n\r\n\x01\r\n--B--\r\n");
  auto q = World::query(1, "");
  q.query = wire::encode(http);
  const auto job = only<StartJob>(w.packet(q));
  EXPECT_EQ(job.path, "/v1/audio/transcriptions");
  EXPECT_FALSE(job.needs_usage);
  EXPECT_EQ(job.headers, (Headers{{"Content-Type", "multipart/form-data; boundary=B"}}));
  EXPECT_EQ(job.body, http.payload);
  http.headers.clear();
  q.query = wire::encode(http);
  q.request_id = filled(2);
  EXPECT_EQ(only_packet<QueryAnswerErrorEx>(w.packet(q)).error_code, 621);
}

TEST(WorkerRequests, AnAnswerThatIsThereAtOnceIsOneMessage) {
  World w;
  w.become_ready();
  const auto job = w.start();
  w.now += 2s;
  const auto effects =
      w.handle(EngineAnswer{job.job,
                            200,
                            {{"content-type", "application/json"}, {"Connection", "close"}, {"X-Id", "5"}},
                            to_bytes("{}"),
                            kUsage});
  const auto answer = only_packet<QueryAnswerEx>(effects);
  EXPECT_TRUE(answer.is_final());
  EXPECT_EQ(answer.request_id, filled(1));
  EXPECT_EQ(answer.final_info.tokens_used, kTokens);
  EXPECT_EQ(answer.final_info.flags, 2U);
  EXPECT_EQ(answer.final_info.worker_end_time - answer.final_info.worker_start_time, 2);
  const auto response = wire::decode<wire::http::Response>(answer.answer);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status_code, 200);
  EXPECT_EQ(response->http_version, "HTTP/1.1");
  EXPECT_EQ(as_text(response->payload), "{}");
  EXPECT_EQ(header(*response, "content-type"), "application/json");
  EXPECT_EQ(header(*response, "Connection"), "(none)");
  EXPECT_EQ(header(*response, "X-Id"), "5");
  EXPECT_EQ(header(*response, "Content-Length"), "2");
  EXPECT_EQ(header(*response, "X-Cocoon-Worker-Start"), "1800000000.000000");
  EXPECT_EQ(w.core.status().running, 0U);
  EXPECT_EQ(w.core.status().succeeded, 1U);
  EXPECT_EQ(w.core.status().tokens.total, 1953);
  EXPECT_TRUE(w.handle(EngineDone{job.job, {}, {}}).empty()) << "events of a job that is over change nothing";
}

TEST(WorkerRequests, AStreamHasAHeadAndAnEnd) {
  World w;
  w.become_ready();
  const auto job = w.start();
  const auto head =
      only_packet<QueryAnswerEx>(w.handle(EngineHead{job.job, 200, {{"Content-Type", "text/event-stream"}}}));
  EXPECT_FALSE(head.is_final());
  const auto response = wire::decode<wire::http::Response>(head.answer);
  EXPECT_EQ(header(*response, "Transfer-Encoding"), "chunked");
  EXPECT_EQ(header(*response, "Content-Type"), "text/event-stream");
  const auto last = only_packet<QueryAnswerPartEx>(w.handle(EngineDone{job.job, to_bytes("tail"), kUsage}));
  EXPECT_TRUE(last.is_final());
  EXPECT_EQ(as_text(last.answer), "tail");
  EXPECT_EQ(last.final_info.tokens_used, kTokens);
}

TEST(WorkerRequests, DebugIsToldWhenAskedFor) {
  World w;
  w.become_ready();
  auto q = World::query();
  q.set_debug(true);
  const auto job = only<StartJob>(w.packet(q));
  const auto answer = only_packet<QueryAnswerEx>(w.handle(EngineAnswer{job.job, 200, {}, {}, {}}));
  EXPECT_EQ(answer.final_info.flags, 3U);
  EXPECT_THAT(answer.final_info.worker_debug, HasSubstr(R"({"type":"worker","start_time":1800000000.000000)"));
  EXPECT_TRUE(openai::JsonObject::parse(answer.final_info.worker_debug));
}

TEST(WorkerRequests, ToAVersion1ProxyNoTimes) {
  World w;
  w.become_ready(1);
  const auto job = w.start();
  EXPECT_EQ(only_packet<QueryAnswerEx>(w.handle(EngineAnswer{job.job, 200, {}, {}, {}})).final_info.flags, 0U);
}

TEST(WorkerRequests, ToAVersion0ProxyTheOldForms) {
  World w;
  w.become_ready(0);
  wire::proxy::RunQuery q;
  q.query = World::query().query;
  q.coefficient = 1500;
  q.timeout = 10;
  q.request_id = filled(1);
  auto job = only<StartJob>(w.packet(q));
  EXPECT_FALSE(job.ex);
  EXPECT_FALSE(only_packet<wire::proxy::QueryAnswer>(w.handle(EngineHead{job.job, 200, {}})).is_completed);
  const auto last = only_packet<wire::proxy::QueryAnswerPart>(w.handle(EngineDone{job.job, to_bytes("x"), kUsage}));
  EXPECT_TRUE(last.is_completed);
  EXPECT_EQ(last.tokens_used, kTokens);

  q.request_id = filled(2);
  job = only<StartJob>(w.packet(q));
  EXPECT_TRUE(only_packet<wire::proxy::QueryAnswer>(w.handle(EngineAnswer{job.job, 200, {}, {}, kUsage})).is_completed);

  q.request_id = filled(3);
  job = only<StartJob>(w.packet(q));
  w.handle(EngineHead{job.job, 200, {}});
  EXPECT_EQ(
      only_packet<wire::proxy::QueryAnswerPartError>(w.handle(EngineFailed{job.job, EngineFailed::How::broken, "", {}}))
          .error_code,
      601);
  q.request_id = filled(4);
  q.timeout = 0;
  EXPECT_EQ(only_packet<wire::proxy::QueryAnswerError>(w.packet(q)).error_code, 652);
}

TEST(WorkerRequests, RefusalsSayWhyAndAlwaysCarryFinalInfo) {
  struct Case {
    int code;
    const char* why;
    std::function<void(wire::proxy::RunQueryEx&)> spoil;
  };
  const auto body = [](std::string_view text) {
    return [text](auto& q) { q.query = wire::encode(World::http_request(text)); };
  };
  const auto http = [](std::function<void(wire::http::Request&)> change) {
    return [change](auto& q) {
      auto r = World::http_request(R"({"model":"m"})");
      change(r);
      q.query = wire::encode(r);
    };
  };
  const std::vector<Case> cases{
      {621, "cannot be read", [](auto& q) { q.query = to_bytes("nonsense"); }},
      {621, "JSON", body("{")},
      {621, "model", body(R"({"model":"other"})")},
      {621, "stream", body(R"({"model":"m","stream":1})")},
      {621, "path", http([](auto& r) { r.url = "/v1/models"; })},
      {621, "POST", http([](auto& r) { r.method = "GET"; })},
      {621, "coefficient", [](auto& q) { q.coefficient = -1; }},
      {602, "encrypted", [](auto& q) { q.set_private_key(filled(3)); }},
      {602, "encrypted", body(R"({"model":"m","is_encrypted":"v1"})")},
      {652, "time", [](auto& q) { q.timeout = 0; }},
      {652, "time", [](auto& q) { q.timeout = -5; }},
      {652, "time", [](auto& q) { q.timeout = std::numeric_limits<double>::quiet_NaN(); }},
  };
  World w;
  w.become_ready();
  for (const auto& c : cases) {
    SCOPED_TRACE(c.why);
    auto q = World::query();
    c.spoil(q);
    const auto effects = w.packet(q);
    EXPECT_TRUE(all<StartJob>(effects).empty());
    const auto error = only_packet<QueryAnswerErrorEx>(effects);
    EXPECT_EQ(error.error_code, c.code);
    EXPECT_THAT(error.error, HasSubstr(c.why));
    EXPECT_EQ(error.request_id, filled(1));
    EXPECT_TRUE(error.is_final());
    EXPECT_EQ(error.final_info.tokens_used, wire::TokensUsed{});
  }
  EXPECT_EQ(w.core.status().running, 0U);
  EXPECT_EQ(w.core.status().failed, cases.size());
  auto endless = World::query();
  endless.timeout = 1e300;
  EXPECT_EQ(only<StartJob>(w.packet(endless)).deadline, 3420s);
}

TEST(WorkerRequests, AtTheLimitTheNextIsRefusedAtOnce) {
  World w;
  w.become_ready();
  for (std::uint8_t id = 1; id <= 3; ++id) w.start(id);
  EXPECT_EQ(only_packet<QueryAnswerErrorEx>(w.packet(World::query(4))).error_code, 602);
  w.handle(EngineAnswer{1, 200, {}, {}, {}});
  EXPECT_EQ(w.start(5).job, 4U);
}

TEST(WorkerRequests, AnIdThatIsRunningIsNotStartedAgain) {
  World w;
  w.become_ready();
  const auto job = w.start(1);
  EXPECT_TRUE(w.packet(World::query(1)).empty());
  EXPECT_EQ(packets<QueryAnswerEx>(w.handle(EngineAnswer{job.job, 200, {}, {}, {}})).size(), 1U);
  w.start(1);
}

TEST(WorkerRequests, ADeadEngineIsAnHttpErrorWithABody) {
  World w;
  w.become_ready();
  const std::pair<EngineFailed::How, int> cases[] = {
      {EngineFailed::How::unreachable, 502}, {EngineFailed::How::broken, 502}, {EngineFailed::How::timeout, 504}};
  for (const auto& [how, status] : cases) {
    const auto job = w.start();
    const auto answer = only_packet<QueryAnswerEx>(w.handle(EngineFailed{job.job, how, "10.1.2.3 said no", {}}));
    EXPECT_TRUE(answer.is_final());
    EXPECT_EQ(answer.final_info.tokens_used.total_tokens_used, 0);
    const auto response = wire::decode<wire::http::Response>(answer.answer);
    EXPECT_EQ(response->status_code, status);
    EXPECT_EQ(header(*response, "Content-Type"), "application/json");
    const auto body = openai::JsonObject::parse(as_text(response->payload));
    ASSERT_TRUE(body);
    EXPECT_EQ(as_text(response->payload).find("10.1.2.3"), std::string_view::npos);
  }
}

TEST(WorkerRequests, AnEngineThatBreaksOffFailsTheRequest) {
  World w;
  w.become_ready();
  auto job = w.start();
  w.handle(EngineHead{job.job, 200, {}});
  auto error = only_packet<QueryAnswerErrorEx>(w.handle(EngineFailed{job.job, EngineFailed::How::broken, "", kUsage}));
  EXPECT_EQ(error.error_code, 601);
  EXPECT_EQ(error.final_info.tokens_used, kTokens);
  job = w.start();
  w.handle(EngineHead{job.job, 200, {}});
  error = only_packet<QueryAnswerErrorEx>(w.handle(EngineFailed{job.job, EngineFailed::How::timeout, "", {}}));
  EXPECT_EQ(error.error_code, 652);
}

TEST(WorkerRequests, ACancelStopsTheEngineAndTellsWhatWasDelivered) {
  World w;
  w.become_ready();
  const auto job = w.start();
  w.handle(EngineHead{job.job, 200, {}});
  EXPECT_TRUE(w.packet(wire::proxy::CancelQuery{filled(2)}).empty()) << "of an unknown request";
  EXPECT_EQ(only<StopJob>(w.packet(wire::proxy::CancelQuery{filled(1)})).job, job.job);
  const auto end =
      only_packet<QueryAnswerErrorEx>(w.handle(EngineFailed{job.job, EngineFailed::How::stopped, "stopped", kUsage}));
  EXPECT_EQ(end.error_code, wire::kErrorCancelled);
  EXPECT_EQ(end.final_info.tokens_used, kTokens);
  EXPECT_EQ(w.core.status().running, 0U);
  EXPECT_TRUE(w.packet(wire::proxy::CancelQuery{filled(1)}).empty());
}

TEST(WorkerRequests, TheDeadlineHoldsWhateverTheEngineDoes) {
  World w;
  w.become_ready();
  const auto job = w.start();
  EXPECT_LE(w.core.wake_at(), w.now + 100s);
  EXPECT_TRUE(all<CancelJob>(w.tick(99s)).empty());
  const auto effects = w.tick(1s);
  EXPECT_EQ(only<CancelJob>(effects).job, job.job);
  EXPECT_EQ(only_packet<QueryAnswerErrorEx>(effects).error_code, 652);
  EXPECT_TRUE(w.handle(EngineAnswer{job.job, 200, {}, {}, {}}).empty());
}

TEST(WorkerRequests, WhenTheProxyGoesAwayTheEngineIsTold) {
  World w;
  w.become_ready();
  const auto a = w.start(1), b = w.start(2);
  const auto effects = w.handle(role::LinkDown{w.link, "reset"});
  const auto cancelled = all<CancelJob>(effects);
  ASSERT_EQ(cancelled.size(), 2U);
  EXPECT_EQ(cancelled[0].job + cancelled[1].job, a.job + b.job);
  EXPECT_TRUE(packets<QueryAnswerErrorEx>(effects).empty());
  EXPECT_EQ(w.core.status().running, 0U);
  EXPECT_TRUE(w.handle(EngineHead{a.job, 200, {}}).empty());
  EXPECT_TRUE(w.handle(EngineFailed{b.job, EngineFailed::How::broken, "", {}}).empty());
}

TEST(WorkerRequests, NothingBeforeTheHandshakeIsOverAndNothingUnreadable) {
  World w;
  w.link_up(w.dialled());
  EXPECT_TRUE(w.packet(World::query()).empty());
  World ready;
  ready.become_ready();
  EXPECT_TRUE(all<StartJob>(ready.handle(role::PacketIn{ready.link + 1, wire::encode(World::query())})).empty());
  EXPECT_TRUE(ready.handle(role::PacketIn{ready.link, {}}).empty());
  EXPECT_TRUE(ready.handle(role::PacketIn{ready.link, wire::encode(wire::client::RunQueryEx{})}).empty());
  auto cut = wire::encode(World::query());
  for (std::size_t n = 0; n < cut.size(); n += 7)
    EXPECT_TRUE(all<StartJob>(ready.handle(role::PacketIn{
                                  ready.link, Bytes(cut.begin(), cut.begin() + static_cast<std::ptrdiff_t>(n))}))
                    .empty());
  EXPECT_TRUE(ready.core.status().ready);
}

}  // namespace
}  // namespace cocoon::worker
