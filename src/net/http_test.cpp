#include <cctype>
#include <cstring>

#include <gtest/gtest.h>

#include "net/http_client.hpp"
#include "net/http_server.hpp"
#include "net/testing.hpp"

namespace cocoon::net {
namespace {

using testing::connect_to;
using testing::Loop;

bool starts(const std::string& text, const std::string& with) { return text.starts_with(with); }

// 0 when there is no error.
template <class T>
int code_of(const Result<T>& result) {
  return result ? 0 : result.error().code;
}

HttpHeaders text() { return HttpHeaders::content_type("text/plain"); }

class HttpTest : public ::testing::Test {
 protected:
  void serve(HttpHandler handler, HttpServerOptions options = {}) {
    server = std::make_unique<HttpServer>(loop.io.get_executor(), options, std::move(handler));
    ASSERT_TRUE(server->listen("127.0.0.1:0"));
    base = "http://127.0.0.1:" + std::to_string(server->port());
  }
  void echo(HttpServerOptions options = {}) {
    serve(
        [](const HttpRequest& request, HttpResponder& responder) -> Task<> {
          co_await responder.respond(200, text(), request.method + " " + request.target + " " + request.body);
        },
        options);
  }
  HttpCall call(std::string path, std::string body = {}) {
    HttpCall out;
    out.method = body.empty() ? "GET" : "POST";
    out.url = base + path;
    out.body = std::move(body);
    return out;
  }
  // Writes bytes and reads until the server closes.
  std::string raw(std::string bytes) {
    std::string answer;
    loop.run([&]() -> Task<> {
      auto socket = connect_to(loop.io, server->port());
      co_await asio::async_write(socket, asio::buffer(bytes), no_throw);
      std::array<char, 4096> piece{};
      while (true) {
        const auto [ec, n] = co_await socket.async_read_some(asio::buffer(piece), no_throw);
        answer.append(piece.data(), n);
        if (ec) break;
      }
    });
    return answer;
  }
  void TearDown() override {
    client.reset();
    if (server) {
      server->close();
      loop.until([&] { return server->connections() == 0; });
    }
    server.reset();
    loop.settle();
  }

  Loop loop;
  std::unique_ptr<HttpServer> server;
  std::string base;
  std::unique_ptr<HttpClient> client = std::make_unique<HttpClient>(loop.io.get_executor());
};

TEST_F(HttpTest, AnswersAndKeepsTheConnection) {
  echo();
  loop.run([&]() -> Task<> {
    for (int i = 0; i < 5; ++i) {
      auto answer = co_await client->send(call("/a?b=" + std::to_string(i), "body"));
      EXPECT_TRUE(answer);
      if (!answer) co_return;
      EXPECT_EQ(answer->status(), 200);
      EXPECT_EQ(answer->headers().get("content-type"), "text/plain");
      const auto body = co_await answer->read_all();
      EXPECT_EQ(body.value_or(""), "POST /a?b=" + std::to_string(i) + " body");
    }
  });
  EXPECT_EQ(server->connections(), 1u);
  EXPECT_EQ(client->idle_connections(), 1u);
}

TEST_F(HttpTest, StreamsChunkByChunk) {
  Event go(loop.io.get_executor());
  serve([&](const HttpRequest&, HttpResponder& responder) -> Task<> {
    co_await responder.start(200, text());
    for (int i = 0; i < 5; ++i) {
      co_await responder.write("part" + std::to_string(i));
      co_await go.wait();  // the next part is written only after the caller has seen this one
    }
    co_await responder.finish("end");
  });
  loop.run([&]() -> Task<> {
    auto answer = co_await client->send(call("/"));
    EXPECT_TRUE(answer);
    if (!answer) co_return;
    for (int i = 0; i < 5; ++i) {
      const auto piece = co_await answer->read_some();
      EXPECT_EQ(piece.value_or("?"), "part" + std::to_string(i));
      go.notify();
    }
    const auto rest = co_await answer->read_all();
    EXPECT_EQ(rest.value_or("?"), "end");
  });
  EXPECT_EQ(client->idle_connections(), 1u);
}

TEST_F(HttpTest, HandlerLearnsThatTheCallerLeft) {
  bool told = false, write_failed = false, done = false;
  serve([&](const HttpRequest&, HttpResponder& responder) -> Task<> {
    Event gone(loop.io.get_executor());
    responder.on_client_gone([&] {
      told = true;
      gone.notify();
    });
    EXPECT_FALSE(responder.client_gone());
    co_await responder.start(200, text(), "first");
    while (!responder.client_gone()) co_await gone.wait();
    for (int i = 0; i < 100 && !write_failed; ++i) write_failed = !co_await responder.write(std::string(100'000, 'x'));
    done = true;
  });
  loop.run([&]() -> Task<> {
    auto answer = co_await client->send(call("/"));
    EXPECT_TRUE(answer);
    if (answer) answer->cancel();
  });
  loop.until([&] { return done; });
  EXPECT_TRUE(told);
  EXPECT_TRUE(write_failed);
}

TEST_F(HttpTest, SlowReaderSlowsTheWriter) {
  std::size_t written = 0;
  bool done = false;
  const std::string block(256 * 1024, 'b');
  constexpr std::size_t blocks = 200;
  serve([&](const HttpRequest&, HttpResponder& responder) -> Task<> {
    co_await responder.start(200, text());
    for (std::size_t i = 0; i < blocks; ++i) {
      if (!co_await responder.write(block)) break;
      written += block.size();
    }
    co_await responder.finish();
    done = true;
  });
  loop.run([&]() -> Task<> {
    auto answer = co_await client->send(call("/"));
    EXPECT_TRUE(answer);
    if (!answer) co_return;
    // Nobody reads: the writer must come to rest with most of the answer unwritten.
    std::size_t before = 1;
    asio::steady_timer pause(loop.io);
    while (before != written) {
      before = written;
      pause.expires_after(Millis(100));
      co_await pause.async_wait(no_throw);
    }
    EXPECT_LT(written, blocks * block.size() / 2);
    EXPECT_FALSE(done);
    std::size_t total = 0;
    while (true) {
      const auto piece = co_await answer->read_some();
      EXPECT_TRUE(piece);
      if (!piece || piece->empty()) break;
      total += piece->size();
    }
    EXPECT_EQ(total, blocks * block.size());
  });
  loop.until([&] { return done; });
}

TEST_F(HttpTest, LimitsOfTheServer) {
  echo({.max_header = 2048, .max_body = 1000});
  EXPECT_PRED2(starts, raw("GET / HTTP/1.1\r\nX: " + std::string(4000, 'x') + "\r\n\r\n"), "HTTP/1.1 431 ");
  EXPECT_PRED2(starts, raw("POST / HTTP/1.1\r\nContent-Length: 1001\r\n\r\n"), "HTTP/1.1 413 ");
  EXPECT_PRED2(starts,
               raw("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n" + std::string(1000, 'x') +
                   "\r\n1\r\nx\r\n0\r\n\r\n"),
               "HTTP/1.1 413 ");
  EXPECT_PRED2(starts, raw("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(100'000, '1')),
               "HTTP/1.1 4");
  EXPECT_PRED2(starts, raw("rubbish\r\n\r\n"), "HTTP/1.1 400 ");
  EXPECT_PRED2(starts, raw("GET / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
               "HTTP/1.1 400 ");
  EXPECT_PRED2(starts, raw("GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n"), "HTTP/1.1 400 ");
}

TEST_F(HttpTest, ExactLimitPasses) {
  echo({.max_header = 2048, .max_body = 1000});
  const auto answer =
      raw("POST / HTTP/1.1\r\nConnection: close\r\nContent-Length: 1000\r\n\r\n" + std::string(1000, 'x'));
  EXPECT_PRED2(starts, answer, "HTTP/1.1 200 ");
  EXPECT_NE(answer.find("Connection: close\r\n"), answer.npos);
}

TEST_F(HttpTest, PipelinedRequestsAreAnsweredInOrder) {
  echo();
  const auto answer =
      raw("GET /1 HTTP/1.1\r\n\r\nGET http://h/2 HTTP/1.1\r\n\r\nHEAD /3 HTTP/1.1\r\nConnection: close\r\n\r\n");
  const auto one = answer.find("GET /1"), two = answer.find("GET /2");
  EXPECT_NE(one, answer.npos);
  EXPECT_LT(one, two);
  EXPECT_EQ(answer.find("HEAD /3"), answer.npos) << "an answer to HEAD has no body";
  EXPECT_NE(answer.find("Content-Length: 8", two), answer.npos);
}

TEST_F(HttpTest, OldVersionGetsNoChunks) {
  serve([&](const HttpRequest&, HttpResponder& responder) -> Task<> {
    co_await responder.start(200, text(), "one");
    co_await responder.write("two");
    co_await responder.finish("three");
  });
  const auto answer = raw("GET / HTTP/1.0\r\n\r\n");
  EXPECT_EQ(answer.find("chunked"), answer.npos);
  EXPECT_TRUE(answer.ends_with("\r\n\r\nonetwothree")) << answer;
  const auto chunked = raw("GET / HTTP/1.1\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(chunked.ends_with("\r\n\r\n3\r\none\r\n3\r\ntwo\r\n5\r\nthree\r\n0\r\n\r\n")) << chunked;
}

TEST_F(HttpTest, ExpectContinue) {
  echo();
  const auto answer =
      raw("POST / HTTP/1.1\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi");
  EXPECT_PRED2(starts, answer, "HTTP/1.1 200 ") << "the body was already there";
  std::string head;
  loop.run([&]() -> Task<> {
    auto socket = connect_to(loop.io, server->port());
    const std::string request = "POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    co_await asio::async_write(socket, asio::buffer(request), no_throw);
    std::array<char, 200> piece{};
    const auto [ec, n] = co_await socket.async_read_some(asio::buffer(piece), no_throw);
    head.assign(piece.data(), n);
  });
  EXPECT_EQ(head, "HTTP/1.1 100 Continue\r\n\r\n");
}

TEST_F(HttpTest, DeadlinesOfTheServer) {
  echo({.header_time = Millis(30), .body_time = Millis(30), .idle_time = Millis(30)});
  EXPECT_EQ(raw(""), "") << "a silent caller is closed";
  EXPECT_PRED2(starts, raw("GET / HT"), "HTTP/1.1 408 ") << "half a header";
  EXPECT_PRED2(starts, raw("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab"), "HTTP/1.1 408 ") << "half a body";
}

TEST_F(HttpTest, RefusalsMayHaveABody) {
  HttpServerOptions options{.max_body = 10, .body_time = Millis(30)};
  options.refusal_type = "application/json";
  options.refusal_body = [](int status) { return fmt::format("{{\"status\":{}}}", status); };
  echo(options);
  for (const auto& [sent, status] : {std::pair("rubbish\r\n\r\n", 400),
                                     {"POST / HTTP/1.1\r\nContent-Length: 11\r\n\r\n", 413},
                                     {"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab", 408}}) {
    const auto answer = raw(sent);
    EXPECT_TRUE(answer.ends_with(fmt::format("\r\n\r\n{{\"status\":{}}}", status))) << answer;
    EXPECT_NE(answer.find("Content-Type: application/json\r\n"), std::string::npos);
  }
}

TEST_F(HttpTest, DeadlinesOfTheClient) {
  serve([&](const HttpRequest& request, HttpResponder& responder) -> Task<> {
    Event never(loop.io.get_executor());
    responder.on_client_gone([&] { never.notify(); });
    if (request.path() == "/body") co_await responder.start(200, text(), "some");
    while (!responder.client_gone()) co_await never.wait();
  });
  HttpClientOptions options;
  options.header_time = options.body_gap = Millis(30);
  client = std::make_unique<HttpClient>(loop.io.get_executor(), options);
  loop.run([&]() -> Task<> {
    auto answer = co_await client->send(call("/head"));
    EXPECT_EQ(code_of(answer), net_timeout);
    auto begun = co_await client->send(call("/body"));
    EXPECT_TRUE(begun);
    if (!begun) co_return;
    const auto body = co_await begun->read_all();
    EXPECT_EQ(code_of(body), net_timeout);
  });
  client = std::make_unique<HttpClient>(loop.io.get_executor());
  loop.run([&]() -> Task<> {
    auto limited = call("/body");
    limited.deadline = Millis(40);
    auto begun = co_await client->send(std::move(limited));
    EXPECT_TRUE(begun);
    if (!begun) co_return;
    const auto body = co_await begun->read_all();
    EXPECT_EQ(code_of(body), net_timeout);
  });
}

TEST_F(HttpTest, CancelBeforeAndDuringTheAnswer) {
  auto cancel = std::make_shared<Cancellation>();
  int gone = 0;
  serve([&](const HttpRequest&, HttpResponder& responder) -> Task<> {
    Event never(loop.io.get_executor());
    responder.on_client_gone([&] {
      ++gone;
      never.notify();
    });
    cancel->request();
    while (!responder.client_gone()) co_await never.wait();
  });
  loop.run([&]() -> Task<> {
    auto cancelled = call("/");
    cancelled.cancel = cancel;
    auto answer = co_await client->send(std::move(cancelled));
    EXPECT_EQ(code_of(answer), net_cancelled);
    auto too_late = call("/");
    too_late.cancel = cancel;
    auto second = co_await client->send(std::move(too_late));
    EXPECT_EQ(code_of(second), net_cancelled);
  });
  loop.until([&] { return gone == 1; });
}

TEST_F(HttpTest, ClientLimits) {
  serve([&](const HttpRequest&, HttpResponder& responder) -> Task<> {
    co_await responder.respond(200, text(), std::string(2000, 'x'));
  });
  HttpClientOptions options;
  options.max_body = 1000;
  loop.run([&]() -> Task<> {
    HttpClient small(loop.io.get_executor(), options);
    auto answer = co_await small.send(call("/"));
    EXPECT_EQ(code_of(answer), net_too_large);
    auto whole = co_await client->send(call("/"));
    EXPECT_TRUE(whole);
    if (!whole) co_return;
    const auto body = co_await whole->read_all(100);
    EXPECT_EQ(code_of(body), net_too_large);
  });
}

TEST_F(HttpTest, AStaleConnectionIsReplaced) {
  echo();
  loop.run([&]() -> Task<> {
    auto answer = co_await client->send(call("/1"));
    EXPECT_TRUE(answer);
    if (answer) co_await answer->read_all();
  });
  EXPECT_EQ(client->idle_connections(), 1u);
  const auto port = server->port();
  server->close();
  loop.until([&] { return client->idle_connections() == 0 && server->connections() == 0; });
  server = std::make_unique<HttpServer>(
      loop.io.get_executor(), HttpServerOptions{},
      [](const HttpRequest&, HttpResponder& r) -> Task<> { co_await r.respond(200, text(), "again"); });
  ASSERT_TRUE(server->listen("127.0.0.1:" + std::to_string(port)));
  loop.run([&]() -> Task<> {
    auto answer = co_await client->send(call("/2"));
    EXPECT_TRUE(answer);
    if (!answer) co_return;
    EXPECT_EQ((co_await answer->read_all()).value_or(""), "again");
  });
}

TEST_F(HttpTest, NobodyListens) {
  echo();
  server->close();
  loop.run([&]() -> Task<> {
    auto answer = co_await client->send(call("/"));
    EXPECT_EQ(code_of(answer), net_refused);
    for (const char* url : {"https://", "http://", "http://a b/", "http://h:0/", "http://h:99999/", "ftp:"}) {
      HttpCall bad;
      bad.url = url;
      auto refused = co_await client->send(std::move(bad));
      EXPECT_EQ(code_of(refused), net_invalid) << url;
    }
  });
}

TEST_F(HttpTest, HeadersCannotBeInjected) {
  serve([&](const HttpRequest&, HttpResponder& responder) -> Task<> {
    const auto split = co_await responder.respond(200, HttpHeaders().with("X", "a\r\nSet-Cookie: b"), "x");
    EXPECT_EQ(code_of(split), net_invalid);
    const auto name = co_await responder.respond(200, HttpHeaders().with("X Y", "a"), "x");
    EXPECT_FALSE(name);
    co_await responder.respond(200, HttpHeaders().with("Content-Length", "99").with("Connection", "x"), "whole");
  });
  loop.run([&]() -> Task<> {
    auto bad = call("/");
    bad.headers.add("A", "b\nc");
    auto refused = co_await client->send(std::move(bad));
    EXPECT_FALSE(refused);
    auto answer = co_await client->send(call("/"));
    EXPECT_TRUE(answer);
    if (!answer) co_return;
    EXPECT_EQ((co_await answer->read_all()).value_or(""), "whole");
  });
}

TEST_F(HttpTest, AFailedOrSilentHandlerGives500) {
  serve([&](const HttpRequest& request, HttpResponder& responder) -> Task<> {
    if (request.path() == "/throw") throw std::runtime_error("broken");
    if (request.path() == "/half") co_await responder.start(200, text(), "half");
  });
  loop.run([&]() -> Task<> {
    for (const char* path : {"/throw", "/silent"}) {
      auto answer = co_await client->send(call(path));
      EXPECT_TRUE(answer);
      if (!answer) co_return;
      EXPECT_EQ(answer->status(), 500);
      co_await answer->read_all();
    }
    auto half = co_await client->send(call("/half"));
    EXPECT_TRUE(half);
    if (!half) co_return;
    const auto body = co_await half->read_all();
    EXPECT_FALSE(body) << "an unfinished answer must not look complete";
  });
}

TEST_F(HttpTest, DrainLetsRunningRequestsFinish) {
  Event go(loop.io.get_executor());
  bool began = false, drained = false;
  serve([&](const HttpRequest&, HttpResponder& responder) -> Task<> {
    began = true;
    co_await go.wait();
    co_await responder.respond(200, text(), "late");
  });
  std::string body;
  asio::co_spawn(
      loop.io,
      [&]() -> Task<> {
        auto answer = co_await client->send(call("/"));
        EXPECT_TRUE(answer);
        if (answer) body = (co_await answer->read_all()).value_or("?");
      },
      asio::detached);
  loop.until([&] { return began; });
  auto idle = connect_to(loop.io, server->port());
  loop.until([&] { return server->connections() == 2; });
  asio::co_spawn(
      loop.io,
      [&]() -> Task<> {
        co_await server->drain(Millis(10'000));
        drained = true;
      },
      asio::detached);
  loop.settle();
  EXPECT_FALSE(drained);
  idle.close();
  go.notify();
  loop.until([&] { return drained && !body.empty(); });
  EXPECT_EQ(body, "late");
}

TEST_F(HttpTest, TooManyConnections) {
  echo({.max_connections = 1});
  auto first = connect_to(loop.io, server->port());
  loop.until([&] { return server->connections() == 1; });
  EXPECT_PRED2(starts, raw(""), "HTTP/1.1 503 ");
}

// Values are looked at in groups of bytes: each byte must be seen at each place of a group.
TEST(HttpTexts, EveryByteAtEveryPlaceOfAHeader) {
  for (int byte = 0; byte < 256; ++byte)
    for (std::size_t at = 0; at < 17; ++at) {
      HttpHeader header{"name", std::string(17, 'x')};
      header.value[at] = static_cast<char>(byte);
      EXPECT_EQ(is_valid_header(header), (byte >= 0x20 && byte != 0x7f) || byte == '\t') << byte << ' ' << at;
      std::swap(header.name, header.value);
      const bool token = std::isalnum(byte) != 0 || (byte > 0 && std::strchr("!#$%&'*+-.^_`|~", byte) != nullptr);
      EXPECT_EQ(is_valid_header(header), token) << byte << ' ' << at;
    }
  EXPECT_FALSE(is_valid_header({"", "x"}));
}

TEST(HttpTexts, QueriesAndUrls) {
  EXPECT_EQ(query_value("a=1&b=%41+c&d", "b"), "A c");
  EXPECT_EQ(query_value("a=1&b=2&d", "d"), "");
  EXPECT_EQ(query_value("a=1", "x"), "");
  EXPECT_EQ(url_decode("%4"), "%4");
  EXPECT_EQ(url_decode("%zz%"), "%zz%");
  HttpHeaders headers;
  headers.add("A", "1");
  headers.set("a", "2");
  EXPECT_EQ(headers.size(), 1u);
  EXPECT_EQ(headers.get("A"), "2");
}

}  // namespace
}  // namespace cocoon::net
