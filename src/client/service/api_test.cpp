// The HTTP API against a core that the test plays.
#include "client/service/api.hpp"

#include <filesystem>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.hpp"
#include "crypto/crypto.hpp"
#include "net/http_client.hpp"
#include "net/testing.hpp"
#include "openai/request.hpp"
#include "store/api_keys.hpp"
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
  on_request = [&](const ApiRequest& r) { api->deliver(ApiFailed{r.id, 652, "enough"}); };
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

std::string salt_of(const ApiRequest& r) {
  std::string out;
  for (const auto& [name, value] : r.headers)
    if (equal_ignoring_case(name, openai::kCacheSaltHeader)) out += value;
  return out;
}

TEST_F(ApiTest, OneSaltForAllWithoutAKeyWhateverTheySay) {
  on_request = [&](const ApiRequest& r) { api->deliver(ApiFailed{r.id, 652, "enough"}); };
  chat(R"({"model":"m"})");
  auto c = call("POST", "/v1/chat/completions", R"({"model":"m"})");
  c.headers.add("X-Cocoon-Cache-Salt", "of-somebody-else");
  exchange(std::move(c));
  ASSERT_EQ(events.size(), 2U);
  const auto salt = salt_of(std::get<ApiRequest>(events[0]));
  EXPECT_TRUE(openai::is_cache_salt(salt)) << salt;
  EXPECT_EQ(salt_of(std::get<ApiRequest>(events[1])), salt);
}

TEST_F(ApiTest, ReadsTheReceiversKeyInEveryForm) {
  on_request = [&](const ApiRequest& r) { api->deliver(ApiFailed{r.id, 652, "enough"}); };
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
  on_models = [&](const ApiModels& m) { api->deliver(ApiModelList{m.id, {{"m", {{0, 1000, 0, 1}}}}}); };
  for (const auto& c :
       {Case{ApiFailed::Why::peer, 652, 504}, Case{ApiFailed::Why::peer, 651, 502},
        Case{ApiFailed::Why::peer, 621, 400}, Case{ApiFailed::Why::peer, 602, 500}, Case{ApiFailed::Why::peer, 0, 500},
        Case{ApiFailed::Why::not_connected, 651, 503}, Case{ApiFailed::Why::no_funds, 602, 402}}) {
    on_request = [&](const ApiRequest& r) { api->deliver(ApiFailed{r.id, c.code, "the reason", c.why}); };
    const auto a = chat();
    expect_error(a, c.http, c.code, "the reason");
    EXPECT_EQ(a.headers.has("retry-after"), c.http != 402 && (c.code == 651 || c.code == 602));
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

// Who ends its side counts as gone, and must not be told that we broke.
TEST_F(ApiTest, ACallerThatEndsItsSideHearsNothingMore) {
  const std::string ask = fmt::format("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{}",
                                      std::string_view(kAsk).size(), kAsk);
  std::string heard;
  bool over = false;
  loop.run([&]() -> Task<> {
    net::tcp::socket socket(loop.io);
    const net::tcp::endpoint to(net::asio::ip::address_v4::loopback(), api->port());
    co_await socket.async_connect(to, net::no_throw);
    co_await net::asio::async_write(socket, net::asio::buffer(ask), net::no_throw);
    boost::system::error_code ignored;
    socket.shutdown(net::tcp::socket::shutdown_send, ignored);
    co_await net::asio::async_read(socket, net::asio::dynamic_buffer(heard), net::no_throw);
    over = true;
  });
  loop.until([&] { return over && count<ApiGone>() == 1; });
  EXPECT_EQ(heard, "");
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

TEST_F(ApiTest, DebugTextsAreTheLastLineOfAStream) {
  on_request = [&](const ApiRequest& r) {
    api->deliver(head(r.id));
    api->deliver(ApiPart{r.id, bytes("data: {\"choices\":[]}\n\n")});
    post([this, id = r.id] { api->deliver(ApiEnd{id, bytes("data: [DONE]\n\n"), {}, R"({"type":"worker"})", "{}"}); });
  };
  const auto text = chat(R"({"model":"m","stream":true,"enable_debug":true})").body;
  const auto at = text.find("data: [DONE]\n\n{");
  ASSERT_NE(at, text.npos) << text;
  const auto debug = json::parse(text.substr(at + 14)).as_object();
  EXPECT_EQ(debug.at("debug").at("worker").at("type").as_string(), "worker");
}

TEST_F(ApiTest, TheConfiguredPolicyIsForRequestsThatNameNone) {
  ApiConfig config;
  config.policy = "cheapest";
  serve(config);
  on_request = [&](const ApiRequest& r) { api->deliver(ApiFailed{r.id, 652, "enough"}); };
  for (const std::string named : {"", "fastest"}) {
    auto c = call("POST", "/v1/chat/completions", R"({"model":"m","messages":[]})");
    if (!named.empty()) c.headers.add("X-Cocoon-Policy", named);
    exchange(std::move(c));
    std::vector<std::string> sent;
    for (const auto& [name, value] : std::get<ApiRequest>(events.back()).headers)
      if (equal_ignoring_case(name, "x-cocoon-policy")) sent.push_back(value);
    EXPECT_EQ(sent, std::vector<std::string>{named.empty() ? "cheapest" : named});
  }
}

// What applications get wrong, each with its status; none of it is seen by the core.
TEST_F(ApiTest, BadRequestsNeverReachTheCore) {
  const auto with = [](const std::string& member) { return R"({"model":"m","messages":[],)" + member + "}"; };
  const std::string deep(100'000, '[');
  struct Case {
    const char* what;
    std::string body, named;
  };
  for (const auto& c : {
           Case{"nothing", "", "JSON"},
           Case{"half of it", "{\"model\":", "JSON"},
           Case{"an array", "[]", "object"},
           Case{"a string", "\"x\"", "object"},
           Case{"two values", "{\"model\":\"m\"}{}", "JSON"},
           Case{"very deep", with("\"a\":" + deep + std::string(100'000, ']')), "deeper"},
           Case{"deep and cut off", with("\"a\":" + deep), "deeper"},
           Case{"no UTF-8", with("\"a\":\"\xff\""), "UTF-8"},
           Case{"an impossible escape", with("\"timeout\":1,\"\\ud800\":1"), "escape"},
           Case{"no model", R"({"messages":[]})", "model"},
           Case{"an empty model", R"({"model":""})", "model"},
           Case{"a model that is no text", R"({"model":7})", "model"},
           Case{"a negative limit", with("\"max_tokens\":-1"), "max_tokens"},
           Case{"a fractional limit", with("\"max_tokens\":1.5"), "max_tokens"},
           Case{"an exponential limit", with("\"max_tokens\":1e3"), "max_tokens"},
           Case{"a limit as text", with("\"max_tokens\":\"5\""), "max_tokens"},
           Case{"a limit of 2^32+5", with("\"max_tokens\":4294967301"), "max_tokens"},
           Case{"the other limit of 2^32+5", with("\"max_completion_tokens\":4294967301"), "max_completion_tokens"},
           Case{"a limit of 2^31", with("\"max_tokens\":2147483648"), "max_tokens"},
           Case{"a timeout of 0", with("\"timeout\":0"), "timeout"},
           Case{"a timeout of -1", with("\"timeout\":-1"), "timeout"},
           Case{"an infinite timeout", with("\"timeout\":1e999"), "timeout"},
           Case{"a timeout as text", with("\"timeout\":\"1\""), "timeout"},
           Case{"a negative coefficient", with("\"max_coefficient\":-1"), "max_coefficient"},
           Case{"a stream that is no choice", with("\"stream\":\"yes\""), "stream"},
           Case{"options that are no object", with("\"stream_options\":[]"), "stream_options"},
       }) {
    SCOPED_TRACE(c.what);
    const auto a = chat(c.body);
    expect_error(a, 400, 621, c.named);
    EXPECT_EQ(a.parsed().at("error").at("type").as_string(), "invalid_request_error");
    EXPECT_FALSE(a.headers.has("retry-after"));
  }
  EXPECT_TRUE(events.empty());
}

// What looks odd and is served.
TEST_F(ApiTest, OddRequestsThatAreServed) {
  on_request = [&](const ApiRequest& r) {
    api->deliver(head(r.id));
    api->deliver(ApiEnd{r.id, bytes("x"), {}, {}, {}});
  };
  EXPECT_EQ(chat(R"({"model":"m","timeout":1e9})").status, 200);
  EXPECT_EQ(std::get<ApiRequest>(events.at(0)).timeout, std::chrono::seconds(3600)) << "the longest there is";
  EXPECT_EQ(chat(R"({"model":"m","max_tokens":null,"stream":null})").status, 200);
  EXPECT_EQ(exchange(call("POST", "/v1/chat/completions?api-version=1&x=%00", kAsk)).status, 200);
  EXPECT_EQ(std::get<ApiRequest>(events.at(2)).path, "/v1/chat/completions");
  EXPECT_EQ(exchange(call("POST", "/v1/embeddings", R"({"model":"m","input":"x"})")).status, 200);
  const auto& embeddings = std::get<ApiRequest>(events.at(3));
  EXPECT_EQ(embeddings.path, "/v1/embeddings");
  EXPECT_EQ(as_text(embeddings.body), R"({"model":"m","input":"x"})");
  EXPECT_EQ(embeddings.max_tokens, 0);
}

TEST_F(ApiTest, BodiesAtAndAboveTheLimit) {
  ApiConfig config;
  config.max_body = 4096;
  serve(config);
  on_request = [&](const ApiRequest& r) {
    api->deliver(head(r.id));
    api->deliver(ApiEnd{r.id, bytes("x"), {}, {}, {}});
  };
  const auto padded = [](std::size_t size) {
    std::string body = R"({"model":"m","a":"")";
    body.insert(body.size() - 1, size - body.size() - 1, 'x');
    return body + "}";
  };
  EXPECT_EQ(chat(padded(4096)).status, 200);
  const auto a = chat(padded(4097));
  expect_error(a, 413, 621, "larger");
  EXPECT_EQ(a.parsed().at("error").at("code").as_string(), "request_too_large");
  expect_error(chat(padded(4'000'000)), 413, 621, "larger");
  EXPECT_EQ(count<ApiRequest>(), 1U);
}

TEST_F(ApiTest, AnUnknownModelIsSaidToBeOne) {
  on_models = [&](const ApiModels& m) { api->deliver(ApiModelList{m.id, {{"other", {{0, 1000, 0, 1}}}}}); };
  on_request = [&](const ApiRequest& r) { api->deliver(ApiFailed{r.id, 621, "no such thing"}); };
  const auto a = chat();
  expect_error(a, 404, 621, "'m' does not exist");
  EXPECT_EQ(a.parsed().at("error").at("code").as_string(), "model_not_found");
  EXPECT_EQ(a.parsed().at("error").at("param").as_string(), "model");
  // A known one was refused for another reason; without a list nobody knows.
  on_models = [&](const ApiModels& m) { api->deliver(ApiModelList{m.id, {{"m", {}}}}); };
  expect_error(chat(), 400, 621, "no such thing");
  on_models = [&](const ApiModels& m) { api->deliver(ApiFailed{m.id, 652, "late"}); };
  expect_error(chat(), 400, 621, "no such thing");
}

TEST_F(ApiTest, RequestsHaveIdsFromEndToEnd) {
  on_request = [&](const ApiRequest& r) {
    api->deliver(head(r.id, 200, {{"X-Request-Id", "the worker's"}, {"Access-Control-Allow-Origin", "*"}}));
    api->deliver(ApiEnd{r.id, bytes("x"), {}, {}, {}});
  };
  const auto sent = [&](std::size_t i) {
    std::vector<std::string> out;
    for (const auto& [name, value] : std::get<ApiRequest>(events.at(i)).headers)
      if (equal_ignoring_case(name, "x-request-id")) out.push_back(value);
    return out;
  };
  auto c = call("POST", "/v1/chat/completions", kAsk);
  c.headers.add("x-request-id", "mine-1");
  auto a = exchange(c);
  EXPECT_EQ(a.headers.get("x-request-id"), "mine-1");
  EXPECT_FALSE(a.headers.has("access-control-allow-origin")) << "not the worker's to say";
  EXPECT_EQ(sent(0), std::vector<std::string>{"mine-1"});
  c.headers.set("x-request-id", "has a space");
  a = exchange(c);
  const std::string made(a.headers.get("x-request-id"));
  EXPECT_EQ(made.size(), 36U);
  EXPECT_TRUE(made.starts_with("req_"));
  EXPECT_EQ(sent(1), std::vector<std::string>{made});
  EXPECT_TRUE(get("/v1/nothing").headers.has("x-request-id"));
  EXPECT_TRUE(get("/health").headers.has("x-request-id"));
}

TEST_F(ApiTest, RoutesAndMethods) {
  expect_error(get("/v1/nothing"), 404, 621, "/v1/nothing");
  expect_error(get("/"), 404, 621, "no such route");
  expect_error(get("/v1/chat/completions"), 405, 621, "GET");
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
    api->deliver(ApiFailed{r.id, 652, "seen"});
  };
  expect_error(exchange(call("POST", "/v1/completions", kAsk)), 504, 652, "seen");
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
    api->deliver(
        ApiModelList{m.id, {{"org/one", {{1u << 30, 1500, 1, 3, 4096}}}, {"gone", {}}, {"two", {{0, 1000, 0, 1}}}}});
  };
  status.core.root.emplace();
  status.core.root->params.price_per_token = 20;
  Core::Status::Connection proxy;
  proxy.stage = "ready";
  proxy.peer.attested = true;
  proxy.peer.tee = "tdx";
  status.core.connections = {proxy};
  auto list = get("/v1/models").parsed();
  EXPECT_EQ(list.at("object").as_string(), "list");
  ASSERT_EQ(list.at("data").as_array().size(), 2U);
  EXPECT_EQ(list.at("data").at(0).at("id").as_string(), "org/one");
  EXPECT_EQ(list.at("data").at(0).at("workers").at(0).at("coefficient").as_int64(), 1500);
  EXPECT_DOUBLE_EQ(list.at("data").at(0).at("pricing").at("prompt").as_double(), 0.03);
  EXPECT_EQ(list.at("data").at(0).at("capacity").at("free").as_int64(), 2);
  EXPECT_EQ(list.at("data").at(0).at("context_length").as_int64(), 4096);
  EXPECT_FALSE(list.at("data").at(1).as_object().contains("context_length"));
  EXPECT_EQ(list.at("data").at(0).at("tee").at(0).as_string(), "tdx");
  EXPECT_EQ(get("/v1/models/org/one").parsed().at("id").as_string(), "org/one");
  EXPECT_EQ(exchange(call("HEAD", "/v1/models")).status, 200);
  EXPECT_EQ(get("/v1/models/org%2Fone").parsed().at("object").as_string(), "model");
  expect_error(get("/v1/models/gone"), 404, 621, "gone");
  on_models = [&](const ApiModels& m) { api->deliver(ApiFailed{m.id, 653, "", ApiFailed::Why::peer}); };
  expect_error(get("/v1/models"), 502, 653, "cancelled");
  on_models = [&](const ApiModels& m) { api->deliver(ApiFailed{m.id, 651, "x", ApiFailed::Why::not_connected}); };
  expect_error(get("/v1/models"), 503, 651, "x");
}

// An answer of an engine, whole, with the given status.
struct Says {
  ApiServer& api;
  int status;
  std::string type, body;
  void operator()(const ApiRequest& r) const {
    api.deliver(head(r.id, status, {{"Content-Type", type}}));
    api.deliver(ApiEnd{r.id, bytes(body), {}, {}, {}});
  }
};

TEST_F(ApiTest, EnginesErrorsHaveOneShape) {
  const std::string nested = R"({"error":{"message":"too long","type":"x","code":"context_length_exceeded"}})";
  on_request = Says{*api, 400, "application/json", nested};
  EXPECT_EQ(chat().body, nested) << "already OpenAI's: untouched";
  on_request = Says{*api, 400, "application/json", R"({"object":"error","message":"flat","type":"BadRequest"})"};
  expect_error(chat(), 400, 0, "flat");
  on_request = Says{*api, 422, "application/json", R"({"error":"tgi","error_type":"validation"})"};
  expect_error(chat(), 422, 0, "tgi");
  on_request = Says{*api, 500, "text/html", "<h1>oops</h1>"};
  expect_error(chat(), 500, 0, "oops");
  on_request = Says{*api, 500, "text/plain", "\xff\xfe"};
  expect_error(chat(), 500, 0, "status 500");
  for (const int busy : {429, 502, 503}) {
    on_request = Says{*api, busy, "application/json", nested};
    EXPECT_EQ(chat().headers.get("retry-after"), "1") << busy;
  }
  on_request = Says{*api, 400, "application/json", nested};
  EXPECT_FALSE(chat().headers.has("retry-after"));
  on_request = [&](const ApiRequest& r) {
    api->deliver(head(r.id, 429, {{"Content-Type", "application/json"}, {"Retry-After", "7"}}));
    api->deliver(ApiEnd{r.id, bytes(nested), {}, {}, {}});
  };
  EXPECT_EQ(chat().headers.get("retry-after"), "7") << "the engine knows better";
}

TEST_F(ApiTest, ResponsesAreAnsweredThroughChat) {
  on_request = Says{*api, 200, "application/json",
                    R"({"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}],)"
                    R"("usage":{"prompt_tokens":3,"completion_tokens":1,"total_cost":80}})"};
  auto a = exchange(call("POST", "/v1/responses", R"({"model":"m","input":"hello","max_output_tokens":5})"));
  EXPECT_EQ(a.status, 200);
  EXPECT_EQ(a.parsed().at("output").at(0).at("content").at(0).at("text").as_string(), "hi");
  EXPECT_EQ(a.parsed().at("usage").at("total_cost").as_int64(), 80);
  const auto& r = std::get<ApiRequest>(events.at(0));
  EXPECT_EQ(r.path, "/v1/chat/completions");
  EXPECT_EQ(r.max_tokens, 5);
  expect_error(exchange(call("POST", "/v1/responses", R"({"model":"m","input":"x","background":true})")), 400, 621,
               "background");
  on_request = Says{*api, 200, "application/json", "{}"};
  expect_error(exchange(call("POST", "/v1/responses", R"({"model":"m","input":"x"})")), 502, 601, "cannot be read");
}

TEST_F(ApiTest, AResponsesStreamIsToldInItsOwnEvents) {
  const std::string chunk = "data: {\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\n";
  bool fails = false;
  on_request = [&](const ApiRequest& r) {
    api->deliver(head(r.id));
    api->route_part(r.id, as_bytes(chunk));
    post([this, id = r.id, fails] {
      if (fails)
        api->deliver(ApiFailed{id, 652, "late"});
      else
        api->deliver(ApiEnd{id,
                            bytes("data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
                                  "data: [DONE]\n\n"),
                            {},
                            {},
                            {}});
    });
  };
  const std::string ask = R"({"model":"m","input":"hello","stream":true})";
  auto a = exchange(call("POST", "/v1/responses", ask));
  EXPECT_EQ(a.headers.get("content-type"), "text/event-stream");
  EXPECT_THAT(a.body, HasSubstr("event: response.output_text.delta\ndata: {"));
  EXPECT_THAT(a.body, HasSubstr("event: response.completed\n"));
  EXPECT_THAT(a.body, Not(HasSubstr("[DONE]")));
  fails = true;
  a = exchange(call("POST", "/v1/responses", ask));
  EXPECT_THAT(a.body, HasSubstr("event: error\n"));
  EXPECT_THAT(a.body, HasSubstr("late"));
  a = exchange(call("POST", "/v1/messages",
                    R"({"model":"m","max_tokens":5,"stream":true,"messages":[{"role":"user","content":"x"}]})"));
  EXPECT_THAT(a.body, HasSubstr("event: content_block_delta\n"));
  EXPECT_THAT(a.body, HasSubstr(R"("type":"error")"));
}

TEST_F(ApiTest, MessagesHaveAnthropicsErrors) {
  auto a = exchange(call("POST", "/v1/messages", R"({"model":"m"})"));
  EXPECT_EQ(a.status, 400);
  EXPECT_EQ(a.parsed().at("type").as_string(), "error");
  EXPECT_EQ(a.parsed().at("error").at("type").as_string(), "invalid_request_error");
  on_request = Says{*api, 400, "application/json", R"({"error":{"message":"too long"}})"};
  a = exchange(call("POST", "/v1/messages", R"({"model":"m","messages":[{"role":"user","content":"x"}]})"));
  EXPECT_EQ(a.parsed().at("type").as_string(), "error");
  EXPECT_EQ(a.parsed().at("error").at("message").as_string(), "too long");
}

TEST_F(ApiTest, TranscriptionsTravelAsForms) {
  on_request = Says{*api, 200, "application/json", R"({"text":"hello"})"};
  auto c = call("POST", "/v1/audio/transcriptions",
                "--B\r\nContent-Disposition: form-data; name=model\r\n\r\nwhisper\r\n--B\r\nContent-Disposition: "
                "form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\n\x01\x02\r\n--B--\r\n");
  c.headers.set("Content-Type", "multipart/form-data;boundary=B");
  EXPECT_EQ(exchange(c).parsed().at("text").as_string(), "hello");
  const auto& r = std::get<ApiRequest>(events.at(0));
  EXPECT_EQ(r.path, "/v1/audio/transcriptions");
  EXPECT_EQ(r.model, "whisper");
  std::vector<std::string> types;
  for (const auto& [name, value] : r.headers)
    if (equal_ignoring_case(name, "content-type")) types.push_back(value);
  EXPECT_EQ(types, std::vector<std::string>{"multipart/form-data; boundary=B"});
  EXPECT_THAT(to_text(r.body), HasSubstr("\r\n\r\n\x01\x02\r\n--B\r\n"));
  c.body = "--B--";
  expect_error(exchange(c), 400, 621, "model");
  c.headers.set("Content-Type", "application/json");
  expect_error(exchange(c), 400, 621, "multipart/form-data");
}

TEST_F(ApiTest, KeysAreAskedForWhereTheyAreWanted) {
  const auto folder = std::filesystem::path(testing::TempDir()) / "cocoon-api-test";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  auto keys = store::ApiKeys::open(folder / "keys.sqlite");
  ASSERT_TRUE(keys);
  ASSERT_TRUE(keys->add({.name = "a", .budget = 1'000'000'000'000, .models = {"m"}},
                        crypto::sha256(as_bytes(std::string_view("ck-a")))));
  ApiConfig config;
  config.require_key = true;
  config.keys_file = folder / "keys.sqlite";
  serve(config);
  status.core.root.emplace();
  status.core.root->params.price_per_token = 20;
  on_request = [&](const ApiRequest& r) {
    api->deliver(head(r.id));
    api->deliver(ApiEnd{r.id, bytes("x"), {.total_tokens_used = 7}, {}, {}});
  };
  on_models = [&](const ApiModels& m) {
    api->deliver(ApiModelList{m.id, {{"m", {{0, 1000, 0, 1}}}, {"n", {{0, 1000, 0, 1}}}}});
  };
  expect_error(chat(), 401, 602, "API key");
  expect_error(get("/jsonstats"), 401, 602, "API key");
  EXPECT_NE(get("/health").status, 401);
  const auto with_key = [&](std::string method, const std::string& path, std::string body) {
    auto c = call(std::move(method), path, std::move(body));
    c.headers.add("Authorization", "Bearer ck-a");
    return exchange(std::move(c));
  };
  events.clear();
  EXPECT_EQ(with_key("POST", "/v1/chat/completions", kAsk).status, 200);
  EXPECT_EQ(keys->list()->at(0).spent, 140);
  const auto salt = salt_of(std::get<ApiRequest>(events.at(0)));
  EXPECT_TRUE(openai::is_cache_salt(salt)) << salt;
  ASSERT_TRUE(keys->add({.name = "b"}, crypto::sha256(as_bytes(std::string_view("ck-b")))));
  events.clear();
  auto other = call("POST", "/v1/chat/completions", kAsk);
  other.headers.add("Authorization", "Bearer ck-b");
  exchange(std::move(other));
  const auto others = salt_of(std::get<ApiRequest>(events.at(0)));
  EXPECT_TRUE(openai::is_cache_salt(others)) << others;
  EXPECT_NE(others, salt) << "each key shares with itself only";
  expect_error(with_key("POST", "/v1/chat/completions", R"({"model":"n"})"), 403, 602, "'n'");
  // Reserved at four times the price: 2 * 10^9 tokens for 20 nanoTON each are 160 TON, less than is left.
  EXPECT_EQ(with_key("POST", "/v1/chat/completions", R"({"model":"m","max_tokens":2000000000})").status, 200);
  expect_error(
      with_key("POST", "/v1/chat/completions", R"({"model":"m","max_tokens":2000000000,"max_coefficient":40000})"), 402,
      602, "nanoTON");
  const auto models = with_key("GET", "/v1/models", "").parsed();
  EXPECT_EQ(models.at("data").as_array().size(), 1U);

  // An answer that its caller has left costs what it could have cost.
  ApiId id = 0;
  on_request = [&](const ApiRequest& r) { id = r.id; };
  auto cancel = std::make_shared<net::Cancellation>();
  auto c = call("POST", "/v1/chat/completions", R"({"model":"m","max_tokens":100,"max_coefficient":1000})");
  c.headers.add("Authorization", "Bearer ck-a");
  c.cancel = cancel;
  const auto before = keys->list()->at(0).spent;
  loop.run([&]() -> Task<> {
    net::asio::co_spawn(
        loop.io,
        [&, c]() mutable -> Task<> {
          auto answer = co_await client->send(std::move(c));
          if (answer) co_await answer->read_all();
        },
        net::asio::detached);
    while (id == 0) co_await net::asio::post(loop.io, net::asio::use_awaitable);
    api->deliver(head(id));
    api->route_part(id, as_bytes(std::string_view("data: 1\n\n")));
    cancel->request();
  });
  loop.until([&] { return keys->list()->at(0).spent != before; });
  EXPECT_GE(keys->list()->at(0).spent - before, 100 * 20);
  std::filesystem::remove_all(folder);
}

TEST_F(ApiTest, WithoutAFileOfKeysOnlyLoopbackIsServed) {
  ApiConfig config;
  const auto submit = [](Event) {};
  ApiServer open(loop.io.get_executor(), config, submit, [this] { return status; });
  EXPECT_FALSE(open.listen("0.0.0.0:0"));
  EXPECT_TRUE(open.listen("127.0.0.1:0"));
}

TEST_F(ApiTest, DebugEntriesAreKeptByGuid) {
  on_request = [&](const ApiRequest& r) {
    api->deliver(head(r.id));
    api->deliver(ApiEnd{r.id, bytes("x"), {}, R"({"type":"worker"})", R"({"type":"proxy"})"});
  };
  chat(R"({"model":"m","request_guid":"g 1","enable_debug":true})");
  const auto entry = get("/request/debuglogentry?request_guid=g+1").parsed();
  EXPECT_EQ(entry.at("worker").at("type").as_string(), "worker");
  EXPECT_EQ(get("/request/debuglogentry?request_guid=other").body, "{}");
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

  const auto html = get("/stats");
  EXPECT_EQ(html.headers.get("content-type"), "text/html; charset=utf-8");
  EXPECT_THAT(html.body, HasSubstr("<td>10.0.0.1:1</td>"));
  EXPECT_THAT(html.body, HasSubstr("quotes &quot;"));
  auto json_call = call("GET", "/stats");
  json_call.headers.add("Accept", "application/json");
  EXPECT_EQ(exchange(json_call).parsed().at("wallet"), s.at("wallet"));
  EXPECT_THAT(get("/perf").body, HasSubstr("whole request: 1 values"));

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
