#include "net/https.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include "net/http_client.hpp"
#include "net/http_server.hpp"
#include "net/https_testing.hpp"

namespace cocoon::net {
namespace {

using testing::HttpsServer;
using testing::TestRoot;

class HttpsTest : public ::testing::Test {
 protected:
  HttpsTest() {
    std::ofstream(ca_file) << root().pem();
    believe(ca_file);
  }
  ~HttpsTest() override { std::filesystem::remove(ca_file); }
  // Keys take long to make: one root for all.
  static const TestRoot& root() {
    static const TestRoot made;
    return made;
  }
  static const TestRoot::Issued& for_localhost() {
    static const auto made = root().issue();
    return made;
  }
  void believe(std::string file) {
    HttpClientOptions options;
    options.ca_file = std::move(file);
    client = std::make_unique<HttpClient>(loop.io.get_executor(), options);
  }
  HttpsServer& serve(const TestRoot::Issued& identity, HttpsServer::Script script) {
    return *(server = std::make_unique<HttpsServer>(loop, identity, std::move(script)));
  }
  HttpsServer& serve_hello(const TestRoot::Issued& identity) {
    return serve(identity, [](HttpsServer::Stream& stream, std::string head) -> Task<bool> {
      const auto target = head.substr(4, head.find(' ', 4) - 4);
      std::string answer = fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", target.size(), target);
      co_return co_await HttpsServer::say(stream, std::move(answer));
    });
  }
  // The body, or the error.
  Result<std::string> get(std::string url, std::optional<Millis> deadline = {},
                          std::shared_ptr<Cancellation> cancel = nullptr) {
    Result<std::string> out;
    loop.run([&]() -> Task<> {
      HttpCall call;
      call.url = std::move(url);
      call.deadline = deadline;
      call.cancel = std::move(cancel);
      auto answer = co_await client->send(std::move(call));
      if (answer)
        out = co_await answer->read_all();
      else
        out = std::unexpected(answer.error());
    });
    return out;
  }
  std::string refusal(const Result<std::string>& result, int code) {
    EXPECT_FALSE(result) << *result;
    if (result) return {};
    EXPECT_EQ(result.error().code, code) << result.error().what;
    return result.error().what;
  }
  void TearDown() override {
    client.reset();
    if (server) server->close();
    loop.settle();
    server.reset();
  }

  testing::Loop loop;
  std::string ca_file =
      (std::filesystem::temp_directory_path() / fmt::format("cocoon-https-{}.pem", ::getpid())).string();
  std::unique_ptr<HttpClient> client;
  std::unique_ptr<HttpsServer> server;
};

TEST_F(HttpsTest, AnswersAndKeepsTheConnection) {
  auto& https = serve_hello(for_localhost());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(get(https.url() + fmt::format("/{}", i)).value_or("?"), fmt::format("/{}", i));
  EXPECT_EQ(https.handshakes, 1u);
  EXPECT_EQ(client->idle_connections(), 1u);
}

TEST_F(HttpsTest, Tls12IsEnough) {
  auto& https = serve_hello(for_localhost());
  https.at_most(TLS1_2_VERSION);
  EXPECT_EQ(get(https.url() + "/a").value_or("?"), "/a");
  EXPECT_EQ(get(https.url() + "/b").value_or("?"), "/b");
  EXPECT_EQ(https.handshakes, 1u);
}

TEST_F(HttpsTest, AConnectionThatDiedIsReplaced) {
  int answers = 0;
  auto& https = serve(for_localhost(), [&](HttpsServer::Stream& stream, std::string) -> Task<bool> {
    if (++answers == 2) co_return false;  // without an answer
    co_return co_await HttpsServer::say(stream, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  });
  EXPECT_EQ(get(https.url()).value_or("?"), "ok");
  EXPECT_EQ(get(https.url()).value_or("?"), "ok");
  EXPECT_EQ(https.handshakes, 2u);
  EXPECT_EQ(answers, 3);
}

TEST_F(HttpsTest, AnAddressIsCheckedLikeAName) {
  auto& https = serve_hello(root().issue("127.0.0.1"));
  EXPECT_EQ(get(https.url("127.0.0.1") + "/x").value_or("?"), "/x");
  const auto what = refusal(get(https.url() + "/x"), net_untrusted);
  EXPECT_NE(what.find("hostname mismatch"), what.npos) << what;
}

TEST_F(HttpsTest, TheHostIsNamedToTheServer) {
  std::string named, head;
  auto& https = serve(for_localhost(), [&](HttpsServer::Stream& stream, std::string request) -> Task<bool> {
    const char* name = SSL_get_servername(stream.native_handle(), TLSEXT_NAMETYPE_host_name);
    named = name ? name : "";
    head = request;
    co_return co_await HttpsServer::say(stream, "HTTP/1.1 204 No Content\r\n\r\n");
  });
  ASSERT_TRUE(get(https.url()));
  EXPECT_EQ(named, "localhost");
  EXPECT_NE(head.find("\r\nHost: localhost:"), head.npos) << head;
}

TEST_F(HttpsTest, StreamsABodyLargerThanAnyBuffer) {
  constexpr std::size_t piece = 100'000, pieces = 50;
  auto& https = serve(for_localhost(), [&](HttpsServer::Stream& stream, std::string) -> Task<bool> {
    std::string begin = fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", piece * pieces);
    co_await HttpsServer::say(stream, std::move(begin));
    for (std::size_t i = 0; i < pieces; ++i) {
      std::string bytes(piece, static_cast<char>('a' + i % 26));
      const bool sent = co_await HttpsServer::say(stream, std::move(bytes));
      if (!sent) co_return false;
    }
    co_return true;
  });
  const auto body = get(https.url());
  ASSERT_TRUE(body) << body.error().what;
  ASSERT_EQ(body->size(), piece * pieces);
  for (std::size_t i = 0; i < pieces; ++i)
    ASSERT_EQ(body->find_first_not_of(static_cast<char>('a' + i % 26), i * piece) >= (i + 1) * piece, true) << i;
  EXPECT_EQ(client->idle_connections(), 1u);
}

TEST_F(HttpsTest, SendsABodyLargerThanAnyBuffer) {
  std::size_t came = 0;
  constexpr std::size_t size = 3'000'000;
  auto& https = serve(for_localhost(), [&](HttpsServer::Stream& stream, std::string) -> Task<bool> {
    // What came with the head is in the server's own buffer and is not counted here.
    std::array<char, 16384> piece{};
    while (came + 65536 < size) {
      const auto [ec, n] = co_await stream.async_read_some(asio::buffer(piece), no_throw);
      if (ec) co_return false;
      came += n;
    }
    co_await HttpsServer::say(stream, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
    co_return false;
  });
  loop.run([&]() -> Task<> {
    HttpCall call;
    call.method = "POST";
    call.url = https.url() + "/";
    call.body.assign(size, 'x');
    auto answer = co_await client->send(std::move(call));
    EXPECT_TRUE(answer);
    if (!answer) co_return;
    const auto body = co_await answer->read_all();
    EXPECT_EQ(body.value_or("?"), "ok");
  });
}

TEST_F(HttpsTest, WhoIsNotBelievedIsRefused) {
  auto& elsewhere = serve_hello(root().issue("elsewhere.example"));
  auto what = refusal(get(elsewhere.url()), net_untrusted);
  EXPECT_NE(what.find("localhost"), what.npos) << what;
  EXPECT_NE(what.find("hostname mismatch"), what.npos) << what;

  auto& expired = serve_hello(root().issue("localhost", -std::chrono::minutes(1)));
  what = refusal(get(expired.url()), net_untrusted);
  EXPECT_NE(what.find("expired"), what.npos) << what;

  auto& unknown = serve_hello(for_localhost());
  believe({});
  what = refusal(get(unknown.url()), net_untrusted);
  EXPECT_NE(what.find("issuer"), what.npos) << what;
}

TEST_F(HttpsTest, ASelfSignedServerIsBelievedWhenItIsInTheFile) {
  const auto itself = TestRoot::self_signed();
  auto& https = serve_hello(itself);
  const auto what = refusal(get(https.url()), net_untrusted);
  EXPECT_NE(what.find("self-signed"), what.npos) << what;
  std::ofstream(ca_file) << root().pem() << itself.chain;
  believe(ca_file);
  EXPECT_EQ(get(https.url() + "/a").value_or("?"), "/a");
}

TEST_F(HttpsTest, ANameThatNobodyCanHaveIsAnError) {
  const auto trust = HttpsTrust::make("").value();
  EXPECT_TRUE(HttpsSession::make(trust, "localhost"));
  EXPECT_TRUE(HttpsSession::make(trust, "127.0.0.1"));
  for (const auto& host : {std::string(), std::string(256, 'a')}) {
    const auto session = HttpsSession::make(trust, host);
    ASSERT_FALSE(session) << host;
    EXPECT_EQ(session.error().code, net_invalid);
  }
}

TEST_F(HttpsTest, AFileWithoutCertificatesIsNamed) {
  std::ofstream(ca_file) << "nothing";
  believe(ca_file);
  const auto loaded = client->load_roots();
  ASSERT_FALSE(loaded);
  EXPECT_NE(loaded.error().what.find(ca_file), std::string::npos) << loaded.error().what;
  EXPECT_FALSE(get("https://127.0.0.1:1/")) << "and nothing is asked without it";
  believe({});
  EXPECT_TRUE(client->load_roots());
}

TEST_F(HttpsTest, APlainServerIsAnError) {
  HttpServer plain(loop.io.get_executor(), {}, [](const HttpRequest&, HttpResponder& responder) -> Task<> {
    co_await responder.respond(200, HttpHeaders{}, "hello");
  });
  ASSERT_TRUE(plain.listen("127.0.0.1:0"));
  const auto at = fmt::format("://localhost:{}/", plain.port());
  EXPECT_EQ(get("http" + at).value_or("?"), "hello");
  EXPECT_EQ(client->idle_connections(), 1u);
  const auto what = refusal(get("https" + at), net_malformed);  // not over the plain connection that was kept
  EXPECT_NE(what.find("TLS"), what.npos) << what;
  client.reset();
  plain.close();
  loop.until([&] { return plain.connections() == 0; });
}

TEST_F(HttpsTest, ASilentServerMeetsTheDeadline) {
  tcp::acceptor silent(loop.io, {asio::ip::address_v4::loopback(), 0});
  const auto url = fmt::format("https://127.0.0.1:{}/", silent.local_endpoint().port());
  refusal(get(url, Millis(50)), net_timeout);

  HttpClientOptions options;
  options.connect_time = Millis(50);
  client = std::make_unique<HttpClient>(loop.io.get_executor(), options);
  refusal(get(url), net_timeout);

  const auto cancel = std::make_shared<Cancellation>();
  asio::steady_timer soon(loop.io, Millis(50));
  soon.async_wait([&](boost::system::error_code) { cancel->request(); });
  client = std::make_unique<HttpClient>(loop.io.get_executor());
  refusal(get(url, {}, cancel), net_cancelled);
}

TEST_F(HttpsTest, AnAnswerThatIsCutOffIsAnError) {
  bool goodbye = false, whole = false;
  auto& https = serve(for_localhost(), [&](HttpsServer::Stream& stream, std::string) -> Task<bool> {
    std::string answer = whole ? "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npart" : "HTTP/1.1 200 OK\r\n\r\npart";
    co_await HttpsServer::say(stream, std::move(answer));
    if (goodbye) co_await stream.async_shutdown(no_throw);
    co_return false;
  });
  const auto what = refusal(get(https.url()), net_closed);
  EXPECT_NE(what.find("TLS"), what.npos) << what;
  whole = true;
  EXPECT_EQ(get(https.url()).value_or("?"), "part") << "its length says that nothing is missing";
  whole = false;
  goodbye = true;
  EXPECT_EQ(get(https.url()).value_or("?"), "part");
}

TEST_F(HttpsTest, OlderThanTls12IsRefused) {
  tcp::acceptor acceptor(loop.io, {asio::ip::address_v4::loopback(), 0});
  testing::ssl::context context(testing::ssl::context::tls_server);
  SSL_CTX_set_security_level(context.native_handle(), 0);
  SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(context.native_handle(), TLS1_1_VERSION);
  context.use_certificate_chain(asio::buffer(for_localhost().chain));
  context.use_private_key(asio::buffer(for_localhost().key), testing::ssl::context::pem);
  asio::co_spawn(
      loop.io,
      [&]() -> Task<> {
        auto [ec, socket] = co_await acceptor.async_accept(no_throw);
        HttpsServer::Stream stream(std::move(socket), context);
        co_await stream.async_handshake(HttpsServer::Stream::server, no_throw);
      },
      asio::detached);
  refusal(get(fmt::format("https://localhost:{}/", acceptor.local_endpoint().port())), net_malformed);
}

}  // namespace
}  // namespace cocoon::net
