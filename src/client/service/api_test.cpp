// The HTTP API against a core that the test plays.
#include "client/service/api.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/http_client.hpp"
#include "net/testing.hpp"
#include "wire/error_codes.hpp"

namespace cocoon::client {
namespace {

using net::Task;
using ::testing::HasSubstr;
namespace json = boost::json;

struct Answered {
  int status = 0;
  net::HttpHeaders headers;
  std::string body;
  std::vector<std::string> pieces;
  bool broken = false;
  json::value parsed() const { return json::parse(body); }
};

constexpr const char* kAsk = R"({"model":"m","messages":[{"role":"user","content":"hi"}],"stream":true})";

struct ApiTest : testing::Test {
  net::testing::Loop loop;
  std::vector<Event> events;
  std::function<void(const ApiRequest&)> on_request;  // the core's answer
  std::function<void(const ApiModels&)> on_models;
  NodeStatus status;
  std::unique_ptr<ApiServer> api;
  std::unique_ptr<net::HttpClient> client = std::make_unique<net::HttpClient>(loop.io.get_executor());

  void SetUp() override { serve({}); }
  void serve(ApiConfig config) {
    api = std::make_unique<ApiServer>(
        loop.io.get_executor(), config,
        [this](Event e) {
          events.push_back(e);
          if (const auto* r = std::get_if<ApiRequest>(&e); r != nullptr && on_request) on_request(*r);
          if (const auto* m = std::get_if<ApiModels>(&e); m != nullptr && on_models) on_models(*m);
        },
        [this] { return status; });
    ASSERT_TRUE(api->listen("127.0.0.1:0"));
  }
  void TearDown() override {
    client.reset();
    api.reset();
    loop.settle();
  }

  net::HttpCall call(std::string method, const std::string& path, std::string body = {}) const {
    net::HttpCall c;
    c.method = std::move(method);
    c.url = fmt::format("http://127.0.0.1:{}{}", api->port(), path);
    c.body = std::move(body);
    c.deadline = net::Millis(10'000);
    return c;
  }
  Answered exchange(net::HttpCall c) {
    Answered out;
    loop.run([&]() -> Task<> {
      auto answer = co_await client->send(std::move(c));
      EXPECT_TRUE(answer) << answer.error().what;
      if (!answer) co_return;
      out.status = answer->status();
      out.headers = answer->headers();
      for (;;) {
        auto piece = co_await answer->read_some();
        out.broken = !piece;
        if (!piece || piece->empty()) co_return;
        out.body += *piece;
        out.pieces.push_back(std::move(*piece));
      }
    });
    return out;
  }
  Answered get(const std::string& path) { return exchange(call("GET", path)); }
  Answered chat(std::string body = kAsk) { return exchange(call("POST", "/v1/chat/completions", std::move(body))); }
  template <class T>
  std::size_t count() const {
    return static_cast<std::size_t>(
        std::count_if(events.begin(), events.end(), [](const auto& e) { return std::holds_alternative<T>(e); }));
  }
  void expect_error(const Answered& a, int http, int code, const std::string& what) {
    EXPECT_EQ(a.status, http);
    EXPECT_EQ(a.headers.get("content-type"), "application/json");
    const auto body = a.parsed();
    EXPECT_THAT(json::value_to<std::string>(body.at("error").at("message")), HasSubstr(what));
    EXPECT_TRUE(body.at("error").at("type").is_string());
    EXPECT_EQ(body.at("error_code").as_int64(), code);
  }
  void post(std::function<void()> f) { net::asio::post(loop.io, std::move(f)); }
};

ApiHead head(ApiId id, int status = 200, Headers headers = {{"content-type", "text/event-stream"}}) {
  return {id, status, std::move(headers), {}};
}
Bytes bytes(std::string_view s) { return to_bytes(s); }

TEST_F(ApiTest, HandsTheRequestToTheCore) {
  on_request = [&](const ApiRequest& r) { api->deliver(ApiFailed{r.id, 621, "enough"}); };
  auto c =
      call("POST", "/v1/chat/completions?x=1",
           R"({"model":"m","max_tokens":5,"max_coefficient":2000,"timeout":7.5,"enable_debug":true,"messages":[]})");
  c.headers.add("X-Mine", "yes");
  exchange(std::move(c));
  ASSERT_EQ(events.size(), 1U);
  const auto& r = std::get<ApiRequest>(events[0]);
  EXPECT_EQ(r.path, "/v1/chat/completions");
  EXPECT_EQ(r.model, "m");
  EXPECT_EQ(r.max_tokens, 5);
  EXPECT_EQ(r.max_coefficient, 2000);
  EXPECT_EQ(r.timeout, std::chrono::milliseconds(7500));
  EXPECT_TRUE(r.enable_debug);
  EXPECT_TRUE(r.public_key.is_zero());
  const auto body = json::parse(to_text(r.body)).as_object();
  EXPECT_EQ(body.size(), 3U);
  EXPECT_TRUE(body.contains("max_tokens"));
  EXPECT_TRUE(std::any_of(r.headers.begin(), r.headers.end(), [](const auto& h) { return h.second == "yes"; }));
}

TEST_F(ApiTest, ReadsTheReceiversKeyInEveryForm) {
  on_request = [&](const ApiRequest& r) { api->deliver(ApiFailed{r.id, 621, "enough"}); };
  const Bytes key(32, 'k');
  for (const auto& text : {std::string(32, 'k'), to_hex(key), to_base64(key)}) {
    events.clear();
    chat(fmt::format(R"({{"model":"m","receiver_public_key":"{}"}})", text));
    EXPECT_EQ(std::get<ApiRequest>(events.at(0)).public_key, Bits256::from(key)) << text;
  }
  events.clear();
  expect_error(chat(R"({"model":"m","receiver_public_key":"short"})"), 400, 621, "receiver_public_key");
  EXPECT_TRUE(events.empty());
}

TEST_F(ApiTest, AnAnswerAtOnceIsSentWhole) {
  on_request = [&](const ApiRequest& r) {
    api->deliver(head(r.id, 201, {{"X-A", "b"}, {"bad header", "x"}, {"X-Evil", "a\r\nSet-Cookie: x"}}));
    api->deliver(ApiEnd{r.id, bytes("{\"a\":1}"), {}, {}, {}});
  };
  const auto a = chat();
  EXPECT_EQ(a.status, 201);
  EXPECT_EQ(a.body, "{\"a\":1}");
  EXPECT_EQ(a.headers.get("content-length"), "7");
  EXPECT_EQ(a.headers.get("content-type"), "application/json");  // the worker said nothing
  EXPECT_EQ(a.headers.get("x-a"), "b");
  EXPECT_FALSE(a.headers.has("x-evil"));
  EXPECT_FALSE(a.headers.has("set-cookie"));
  EXPECT_TRUE(a.headers.has("x-cocoon-client-start"));
  EXPECT_TRUE(a.headers.has("x-cocoon-client-end"));
  EXPECT_EQ(count<ApiGone>(), 0U);
}

TEST_F(ApiTest, AStreamGoesOnChunkByChunk) {
  ApiId id = 0;
  on_request = [&](const ApiRequest& r) { id = r.id; };
  std::vector<std::string> seen;
  loop.run([&]() -> Task<> {
    net::asio::co_spawn(
        loop.io,
        [&]() -> Task<> {
          auto answer = co_await client->send(call("POST", "/v1/chat/completions", kAsk));
          EXPECT_EQ(answer->headers().get("transfer-encoding"), "chunked");
          EXPECT_EQ(answer->headers().get("content-type"), "text/event-stream");
          for (;;) {
            auto piece = co_await answer->read_some();
            EXPECT_TRUE(piece);
            seen.push_back(piece.value_or(""));
            if (seen.back().empty()) co_return;
          }
        },
        net::asio::detached);
    const auto turns = [&](auto condition) -> Task<> {
      while (!condition()) co_await net::asio::post(loop.io, net::asio::use_awaitable);
    };
    co_await turns([&] { return id != 0; });
    api->deliver(head(id));
    // Each part is seen before the next one is made.
    for (std::size_t i = 0; i < 3; ++i) {
      api->route_part(id, as_bytes(fmt::format("data: {}\n\n", i)));
      co_await turns([&] { return seen.size() == i + 1; });
      EXPECT_EQ(seen.back(), fmt::format("data: {}\n\n", i));
    }
    api->deliver(ApiPart{id, bytes("data: 3\n\n")});
    api->deliver(ApiEnd{id, bytes("data: [DONE]\n\n"), {}, {}, {}});
    co_await turns([&] { return seen.back().empty(); });
  });
  std::string all;
  for (const auto& s : seen) all += s;
  EXPECT_TRUE(all.ends_with("data: 3\n\ndata: [DONE]\n\n"));
  EXPECT_EQ(count<ApiGone>(), 0U);
}

TEST_F(ApiTest, FailuresBeforeTheFirstByteHaveAStatus) {
  struct Case {
    ApiFailed::Why why;
    int code, http;
  };
  for (const auto& c :
       {Case{ApiFailed::Why::peer, 652, 504}, Case{ApiFailed::Why::peer, 651, 502},
        Case{ApiFailed::Why::peer, 621, 400}, Case{ApiFailed::Why::peer, 602, 500}, Case{ApiFailed::Why::peer, 0, 500},
        Case{ApiFailed::Why::not_connected, 651, 503}, Case{ApiFailed::Why::no_funds, 602, 402}}) {
    on_request = [&](const ApiRequest& r) { api->deliver(ApiFailed{r.id, c.code, "the reason", c.why}); };
    const auto a = chat();
    expect_error(a, c.http, c.code, "the reason");
    EXPECT_EQ(a.headers.has("retry-after"), c.http == 503);
  }
  // After the head, too, as long as there is no body.
  on_request = [&](const ApiRequest& r) {
    api->deliver(head(r.id));
    post([this, id = r.id] { api->deliver(ApiFailed{id, 652, "late"}); });
  };
  expect_error(chat(), 504, 652, "late");
}

TEST_F(ApiTest, AFailureInsideAStreamIsItsLastEvent) {
  for (const std::string first : {"data: {}\n\n", "data: {\"cut"}) {
    on_request = [&](const ApiRequest& r) {
      api->deliver(head(r.id));
      api->route_part(r.id, as_bytes(first));
      post([this, id = r.id] { api->deliver(ApiFailed{id, 651, "the proxy is gone"}); });
    };
    const auto a = chat();
    EXPECT_EQ(a.status, 200);
    EXPECT_FALSE(a.broken);
    const auto at = a.body.find("\n\ndata: {\"error\"");
    ASSERT_NE(at, std::string::npos) << a.body;
    EXPECT_THAT(a.body.substr(at), HasSubstr("the proxy is gone"));
    EXPECT_THAT(a.body, Not(HasSubstr("[DONE]")));
  }
}

TEST_F(ApiTest, AFailureInsideAPlainBodyBreaksTheConnection) {
  on_request = [&](const ApiRequest& r) {
    api->deliver(head(r.id, 200, {}));
    api->route_part(r.id, as_bytes("{\"half\":"));
    post([this, id = r.id] { api->deliver(ApiFailed{id, 651, "gone"}); });
  };
  const auto a = chat();
  EXPECT_EQ(a.status, 200);
  EXPECT_TRUE(a.broken);
}

TEST_F(ApiTest, AnEmptyAnswerIsAFailure) {
  int http = 200;
  on_request = [&](const ApiRequest& r) {
    api->deliver(head(r.id, http));
    api->deliver(ApiEnd{r.id, {}, {}, {}, {}});
  };
  expect_error(chat(), 502, 601, "empty");
  http = 504;
  expect_error(chat(), 504, 0, "status 504");
}

TEST_F(ApiTest, ACallerThatLeavesIsToldToTheCore) {
  ApiId id = 0;
  on_request = [&](const ApiRequest& r) { id = r.id; };
  for (const bool begun : {false, true}) {
    events.clear();
    id = 0;
    auto cancel = std::make_shared<net::Cancellation>();
    auto c = call("POST", "/v1/chat/completions", kAsk);
    c.cancel = cancel;
    loop.run([&]() -> Task<> {
      net::asio::co_spawn(
          loop.io,
          [&, c]() mutable -> Task<> {
            auto answer = co_await client->send(std::move(c));
            if (answer) co_await answer->read_all();
          },
          net::asio::detached);
      while (id == 0) co_await net::asio::post(loop.io, net::asio::use_awaitable);
      if (begun) {
        api->deliver(head(id));
        api->route_part(id, as_bytes("data: 1\n\n"));
      }
      cancel->request();
    });
    loop.until([&] { return count<ApiGone>() == 1; });
    EXPECT_EQ(std::get<ApiGone>(events.back()).id, id);
    api->route_part(id, as_bytes("late"));
    api->deliver(ApiEnd{id, {}, {}, {}, {}});
  }
}

TEST_F(ApiTest, ACallerThatDoesNotReadCostsNoMoreThanTheLimit) {
  ApiConfig config;
  config.max_unread = 100'000;
  serve(config);
  on_request = [&](const ApiRequest& r) {
    api->deliver(head(r.id));
    const std::string part(60'000, 'x');
    api->route_part(r.id, as_bytes(part));
    api->route_part(r.id, as_bytes(part));
    api->route_part(r.id, as_bytes(part));
  };
  const auto a = chat();
  EXPECT_THAT(a.body, HasSubstr("unread"));
  EXPECT_LT(a.body.size(), 70'000U);
  EXPECT_EQ(count<ApiGone>(), 1U);
}

TEST_F(ApiTest, DebugTextsAreMergedIntoAJsonAnswer) {
  on_request = [&](const ApiRequest& r) {
    api->deliver(head(r.id, 200, {{"Content-Type", "application/json"}}));
    api->deliver(ApiPart{r.id, bytes("{\"id\":1,")});
    post([this, id = r.id] {
      api->deliver(ApiEnd{id, bytes("\"x\":2}\n"), {}, R"({"type":"worker"})", "no \" json"});
    });
  };
  const auto a = chat(R"({"model":"m","enable_debug":true})").parsed();
  EXPECT_EQ(a.at("id").as_int64(), 1);
  EXPECT_EQ(a.at("debug").at("worker").at("type").as_string(), "worker");
  EXPECT_EQ(a.at("debug").at("proxy").as_string(), "no \" json");
  EXPECT_EQ(a.at("debug").at("client").at("type").as_string(), "client");
}

TEST_F(ApiTest, BadRequestsNeverReachTheCore) {
  for (const std::string body :
       {"", "[]", "{\"model\":", "{}", "{\"model\":\"m\",\"max_tokens\":-1}",
        "{\"model\":\"m\",\"max_tokens\":4294967301}", "{\"model\":\"m\",\"timeout\":0}", "{\"model\":7}"})
    expect_error(chat(body), 400, 621, "");
  expect_error(chat("{\"model\":\"m\",\"messages\":" + std::string(100000, '[') + std::string(100000, ']') + "}"), 400,
               621, "");
  EXPECT_TRUE(events.empty());
}

TEST_F(ApiTest, RoutesAndMethods) {
  expect_error(get("/v1/nothing"), 404, 621, "/v1/nothing");
  expect_error(get("/"), 404, 621, "no such route");
  auto a = exchange(call("DELETE", "/v1/chat/completions"));
  expect_error(a, 405, 621, "DELETE");
  EXPECT_EQ(a.headers.get("allow"), "POST, OPTIONS");
  expect_error(exchange(call("POST", "/v1/models", "x")), 405, 621, "POST");
  expect_error(exchange(call("POST", "/health", "x")), 405, 621, "POST");
  a = exchange(call("OPTIONS", "/v1/chat/completions"));
  EXPECT_EQ(a.status, 204);
  EXPECT_FALSE(a.headers.has("access-control-allow-origin"));
  on_request = [&](const ApiRequest& r) {
    EXPECT_EQ(r.path, "/v1/completions");
    api->deliver(ApiFailed{r.id, 621, "seen"});
  };
  expect_error(exchange(call("POST", "/v1/completions", kAsk)), 400, 621, "seen");
}

TEST_F(ApiTest, WebPagesNeedPermission) {
  auto c = call("POST", "/v1/chat/completions", kAsk);
  c.headers.add("Origin", "https://example.org");
  EXPECT_EQ(exchange(c).status, 403);
  EXPECT_TRUE(events.empty());
  ApiConfig config;
  config.origins = {"https://example.org"};
  serve(config);
  c = call("OPTIONS", "/v1/chat/completions");
  c.headers.add("Origin", "https://example.org");
  EXPECT_EQ(exchange(c).headers.get("access-control-allow-origin"), "https://example.org");
  on_request = [&](const ApiRequest& r) {
    api->deliver(head(r.id));
    api->deliver(ApiEnd{r.id, bytes("x"), {}, {}, {}});
  };
  c = call("POST", "/v1/chat/completions", kAsk);
  c.headers.add("Origin", "https://example.org");
  EXPECT_EQ(exchange(c).headers.get("access-control-allow-origin"), "https://example.org");
  c.headers.set("Origin", "https://example.com");
  EXPECT_EQ(exchange(c).status, 403);
}

TEST_F(ApiTest, Models) {
  on_models = [&](const ApiModels& m) {
    api->deliver(ApiModelList{m.id, {{"org/one", {{0, 1500, 1, 3}}}, {"gone", {}}, {"two", {{0, 1000, 0, 1}}}}});
  };
  auto list = get("/v1/models").parsed();
  EXPECT_EQ(list.at("object").as_string(), "list");
  ASSERT_EQ(list.at("data").as_array().size(), 2U);
  EXPECT_EQ(list.at("data").at(0).at("id").as_string(), "org/one");
  EXPECT_EQ(list.at("data").at(0).at("workers").at(0).at("coefficient").as_int64(), 1500);
  EXPECT_EQ(get("/v1/models/org/one").parsed().at("id").as_string(), "org/one");
  EXPECT_EQ(get("/v1/models/org%2Fone").parsed().at("object").as_string(), "model");
  expect_error(get("/v1/models/gone"), 404, 621, "gone");
  on_models = [&](const ApiModels& m) { api->deliver(ApiFailed{m.id, 653, "", ApiFailed::Why::peer}); };
  expect_error(get("/v1/models"), 502, 653, "cancelled");
  on_models = [&](const ApiModels& m) { api->deliver(ApiFailed{m.id, 651, "x", ApiFailed::Why::not_connected}); };
  expect_error(get("/v1/models"), 503, 651, "x");
}

TEST_F(ApiTest, PagesForOperators) {
  status.core.waiting_for = "the wallet to be funded";
  auto a = get("/health");
  EXPECT_EQ(a.status, 503);
  EXPECT_EQ(a.parsed().at("waiting_for").as_string(), "the wallet to be funded");
  status.core.ready = true;
  status.core.waiting_for.clear();
  EXPECT_EQ(get("/health").status, 200);

  status.core.root.emplace();
  status.core.root->params.price_per_token = 20;
  status.core.root->registered_proxies = {{1, "10.0.0.1:1"}};
  status.core.money.wallet_balance = 12'345;
  Core::Status::Connection c;
  c.address = "10.0.0.1:1";
  c.stage = "ready";
  c.last_error = "quotes \" and \x01 bytes";
  c.peer.address = "10.0.0.1:1";
  c.peer.tee = "tdx";
  c.peer.verdict = "accepted";
  status.core.connections = {c};
  Money::Status::Contract contract;
  contract.state = ton::ClientState{.balance = 2000, .tokens_used = 7};
  status.core.money.contracts = {contract};
  status.local = {{"listen", "here"}};
  on_request = [&](const ApiRequest& r) {
    api->deliver(head(r.id));
    api->deliver(ApiEnd{r.id, bytes("x"), {}, {}, {}});
  };
  chat();
  const auto s = get("/jsonstats").parsed();
  EXPECT_EQ(s.at("status").at("wallet_balance").to_number<int>(), 12'345);
  EXPECT_EQ(s.at("stats").at("success").at(0).to_number<int>(), 1);
  EXPECT_EQ(s.at("stats").at("queries").as_array().size(), 7U);
  EXPECT_EQ(s.at("proxy_connections").at(0).at("peer").at("tee").as_string(), "tdx");
  EXPECT_TRUE(s.at("proxy_connections").at(0).at("is_ready").as_bool());
  EXPECT_EQ(s.at("proxies").at(0).at("tokens_payed").to_number<int>(), 107);
  EXPECT_EQ(s.at("localconf").at("listen").as_string(), "here");
  EXPECT_EQ(s.at("root_contract_config").at("registered_proxies").as_array().size(), 1U);

  const auto m = get("/metrics");
  EXPECT_THAT(m.body, HasSubstr("# TYPE cocoon_client_requests_total counter\ncocoon_client_requests_total 1\n"));
  EXPECT_THAT(m.body, HasSubstr("cocoon_client_http_responses_total{status=\"200\"} 1\n"));
  EXPECT_THAT(m.body, HasSubstr("cocoon_client_request_seconds_bucket{le=\"+Inf\"} 1\n"));
  EXPECT_THAT(m.body, HasSubstr("cocoon_client_wallet_balance_nano 12345\n"));
}

TEST_F(ApiTest, DrainLetsRunningAnswersEnd) {
  ApiId id = 0;
  on_request = [&](const ApiRequest& r) { id = r.id; };
  Answered got;
  bool drained = false;
  loop.run([&]() -> Task<> {
    net::asio::co_spawn(
        loop.io,
        [&]() -> Task<> {
          auto answer = co_await client->send(call("POST", "/v1/chat/completions", kAsk));
          EXPECT_TRUE(answer);
          if (answer) got.body = (co_await answer->read_all()).value_or("broken");
        },
        net::asio::detached);
    while (id == 0) co_await net::asio::post(loop.io, net::asio::use_awaitable);
    net::asio::co_spawn(
        loop.io,
        [&]() -> Task<> {
          co_await api->drain(net::Millis(5000));
          drained = true;
        },
        net::asio::detached);
    api->deliver(head(id));
    api->deliver(ApiEnd{id, bytes("the end"), {}, {}, {}});
    while (!drained || got.body.empty()) co_await net::asio::post(loop.io, net::asio::use_awaitable);
  });
  EXPECT_EQ(got.body, "the end");
}

}  // namespace
}  // namespace cocoon::client
