// The opening of a link, step by step, against peers made by hand.
#include <boost/asio/ssl.hpp>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "net/link_fixture.hpp"

namespace cocoon::net {
namespace {

using testing::connect_to;
using testing::LinkTest;

// A TLS peer made of OpenSSL alone, that says what it is told.
class RawTls {
 public:
  RawTls(tcp::socket socket, bool server, const tee::Identity* identity, bool binds_sessions = false)
      : context(server ? asio::ssl::context::tlsv13_server : asio::ssl::context::tlsv13_client),
        stream(std::move(socket), prepare(context, identity, binds_sessions)) {
    type = server ? asio::ssl::stream_base::server : asio::ssl::stream_base::client;
  }
  static asio::ssl::context& prepare(asio::ssl::context& context, const tee::Identity* identity, bool binds_sessions) {
    context.set_verify_mode(asio::ssl::verify_none);
    if (binds_sessions) offer_session(context);
    if (identity) {
      auto* key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, identity->key.seed().data(), 32);
      SSL_CTX_use_certificate_ASN1(context.native_handle(), static_cast<int>(identity->certificate.size()),
                                   identity->certificate.data());
      SSL_CTX_use_PrivateKey(context.native_handle(), key);
      EVP_PKEY_free(key);
    }
    return context;
  }
  // Says that it can prove its session (net/tls.cpp), as our own nodes do.
  static void offer_session(asio::ssl::context& context) {
    const auto add = [](SSL*, unsigned, unsigned, const unsigned char** out, std::size_t* size, X509*, std::size_t,
                        int*, void*) {
      static constexpr unsigned char version = 1;
      *out = &version;
      *size = 1;
      return 1;
    };
    constexpr unsigned where = SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_3_ENCRYPTED_EXTENSIONS | SSL_EXT_TLS1_3_ONLY;
    SSL_CTX_add_custom_ext(context.native_handle(), 0xff43, where, add, nullptr, nullptr, nullptr, nullptr);
  }
  asio::ssl::context context;
  asio::ssl::stream<tcp::socket> stream;
  asio::ssl::stream_base::handshake_type type;
};

class HandshakeTest : public LinkTest {
 protected:
  HandshakeTest() {
    for (auto* options : {&server_config.options, &client_config.options})
      options->pow_time = options->tls_time = options->open_time = Millis(60);
    server_config.judge = client_config.judge = std::make_shared<PeerJudge>(any(), trust);
  }
  tee::Identity identity() { return tee::make_identity(tee::attest_nothing(), random, wall_clock()).value(); }
  // A socket whose server has accepted its proof of work.
  tcp::socket past_pow() {
    auto socket = connect_to(loop.io, listener->port());
    const auto challenge = wire::pow::decode_challenge(receive(socket, wire::pow::kChallengeSize)).value();
    send(socket, wire::pow::encode_response(wire::pow::solve(challenge, 10).value()));
    return socket;
  }
  boost::system::error_code shake(RawTls& tls) {
    boost::system::error_code out;
    loop.run([&]() -> Task<> {
      const auto [ec] = co_await tls.stream.async_handshake(tls.type, no_throw);
      out = ec;
    });
    return out;
  }
  Bytes read(RawTls& tls, std::size_t n) {
    Bytes out(n);
    loop.run([&]() -> Task<> {
      const auto [ec, got] = co_await asio::async_read(tls.stream, asio::buffer(out), no_throw);
      out.resize(got);
    });
    return out;
  }
  // Dials a server made by hand and returns the failure.
  template <class Serve>
  Error dial_into(Serve serve) {
    tcp::acceptor acceptor(loop.io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    target = acceptor.local_endpoint();
    Result<LinkPtr> link = fail("not dialled");
    bool done = false;
    asio::co_spawn(
        loop.io,
        [&]() -> Task<> {
          auto result = co_await connect_link(loop.io.get_executor(), target, client_config);
          link = std::move(result);
          done = true;
        },
        asio::detached);
    tcp::socket socket = accept(acceptor);
    serve(socket);
    loop.until([&] { return done; });
    EXPECT_FALSE(link);
    return link ? Error{} : link.error();
  }
  void ask_nothing(tcp::socket& socket) {
    wire::pow::Challenge challenge;
    challenge.difficulty = 0;
    send(socket, wire::pow::encode_challenge(challenge));
    EXPECT_EQ(receive(socket, wire::pow::kResponseSize).size(), wire::pow::kResponseSize);
  }
};

TEST_F(HandshakeTest, NoClientCertificate) {
  listen();
  RawTls tls(past_pow(), false, nullptr);
  shake(tls);  // succeeds on this side: TLS 1.3 clients hear of the refusal later
  EXPECT_EQ(read(tls, 1).size(), 0u);
  EXPECT_EQ(listener->stats().failed, 1u);
  EXPECT_EQ(listener->stats().opened, 0u);
}

TEST_F(HandshakeTest, AHandMadeClientGetsIn) {
  listen();
  const auto own = identity();
  RawTls tls(past_pow(), false, &own);
  ASSERT_FALSE(shake(tls));
  const auto opening = wire::encode_frame(0, tl::encode_boxed(wire::tcp::Connect{5}));
  loop.run([&]() -> Task<> { co_await asio::async_write(tls.stream, asio::buffer(opening), no_throw); });
  EXPECT_EQ(read(tls, 20), wire::encode_frame(0, tl::encode_boxed(wire::tcp::Connected{5})));
  EXPECT_EQ(server.link->peer().peer.public_key, own.key.public_key());
}

// The length in front of the evidence for a session: the longest that is read, and one byte more.
TEST_F(HandshakeTest, EvidenceForTheSessionIsBounded) {
  server_config.credentials =
      Credentials::make(tee::attest_plain_client(), random, wall_clock, tee::SessionAttester{}).value();
  for (auto* time : {&server_config.options.tls_time, &server_config.options.open_time}) *time = Millis(60'000);
  listen();
  const auto own = identity();
  const auto opening = wire::encode_frame(0, tl::encode_boxed(wire::tcp::Connect{5}));
  const auto connected = wire::encode_frame(0, tl::encode_boxed(wire::tcp::Connected{5}));
  tee::TdxEvidence quote;
  quote.quote.resize(tee::kMaxSessionEvidence - 10);
  const auto longest = tee::encode_session_evidence({quote, {}});
  ASSERT_EQ(longest.size(), tee::kMaxSessionEvidence);
  for (const std::size_t more : {std::size_t{0}, std::size_t{1}}) {
    RawTls tls(past_pow(), false, &own, true);
    const auto size = longest.size() + more;
    Bytes said(32, 7);  // our nonce
    for (int shift = 0; shift < 32; shift += 8) said.push_back(static_cast<std::uint8_t>(size >> shift & 0xff));
    if (more == 0) append(said, longest);
    append(said, opening);
    ASSERT_FALSE(shake(tls));
    loop.run([&]() -> Task<> { co_await asio::async_write(tls.stream, asio::buffer(said), no_throw); });
    const auto shown = tee::encode_session_evidence({});
    EXPECT_EQ(read(tls, 32 + 4 + shown.size()).size(), 32 + 4 + shown.size()) << "the server's nonce and evidence";
    EXPECT_EQ(read(tls, connected.size()), more == 0 ? connected : Bytes{});
    EXPECT_EQ(listener->stats().opened, 1U);
    EXPECT_EQ(listener->stats().failed, more);
  }
}

TEST_F(HandshakeTest, AnExpiredCertificateIsRefused) {
  listen();
  const auto old = tee::make_identity(tee::attest_nothing(), random, wall_clock() - std::chrono::hours(25)).value();
  RawTls tls(past_pow(), false, &old);
  shake(tls);
  EXPECT_EQ(read(tls, 1).size(), 0u);
  EXPECT_EQ(listener->stats().untrusted, 1u);
}

TEST_F(HandshakeTest, TwoCertificatesAreRefused) {
  listen();
  const auto own = identity(), other = identity();
  RawTls tls(past_pow(), false, &own);
  const unsigned char* at = other.certificate.data();
  auto* extra = d2i_X509(nullptr, &at, static_cast<long>(other.certificate.size()));
  ASSERT_EQ(SSL_add1_chain_cert(tls.stream.native_handle(), extra), 1);
  X509_free(extra);
  shake(tls);
  EXPECT_EQ(read(tls, 1).size(), 0u);
  EXPECT_EQ(listener->stats().untrusted, 1u);
}

TEST_F(HandshakeTest, SilentClientsHitEachDeadline) {
  listen();
  auto silent = connect_to(loop.io, listener->port());
  EXPECT_EQ(receive(silent, 100).size(), wire::pow::kChallengeSize) << "then closed";
  auto no_tls = past_pow();
  EXPECT_EQ(receive(no_tls, 1).size(), 0u);
  const auto own = identity();
  RawTls no_opening(past_pow(), false, &own);
  ASSERT_FALSE(shake(no_opening));
  EXPECT_EQ(read(no_opening, 1).size(), 0u);
  EXPECT_EQ(listener->stats().timed_out, 3u);
  EXPECT_EQ(listener->stats().handshakes, 0u);
}

TEST_F(HandshakeTest, SilentServersHitEachDeadline) {
  auto error = dial_into([](tcp::socket&) {});
  EXPECT_EQ(error.code, net_timeout);
  EXPECT_NE(error.what.find("proof of work"), std::string::npos) << error.what;
  error = dial_into([&](tcp::socket& socket) { ask_nothing(socket); });
  EXPECT_EQ(error.code, net_timeout);
  EXPECT_NE(error.what.find("TLS"), std::string::npos) << error.what;
  const auto own = identity();
  std::unique_ptr<RawTls> tls;
  error = dial_into([&](tcp::socket& socket) {
    ask_nothing(socket);
    tls = std::make_unique<RawTls>(std::move(socket), true, &own);
    ASSERT_FALSE(shake(*tls));
    EXPECT_EQ(read(*tls, 20).size(), 20u) << "tcp.connect comes without waiting";
  });
  EXPECT_EQ(error.code, net_timeout);
  EXPECT_NE(error.what.find("opening"), std::string::npos) << error.what;
}

TEST_F(HandshakeTest, NobodyListens) {
  {
    tcp::acceptor acceptor(loop.io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    target = acceptor.local_endpoint();
  }
  const auto link = dial();
  ASSERT_FALSE(link);
  EXPECT_EQ(link.error().code, net_refused);
}

TEST_F(HandshakeTest, HalfOpenFloodIsLimited) {
  for (auto* options : {&server_config.options, &client_config.options}) options->pow_time = Millis(10'000);
  listener_options.max_handshakes = 5;
  listen();
  std::vector<tcp::socket> flood;
  flood.reserve(12);
  for (int i = 0; i < 12; ++i) flood.push_back(connect_to(loop.io, listener->port()));
  loop.until([&] { return listener->stats().accepted == 12; });
  EXPECT_EQ(listener->stats().handshakes, 5u);
  EXPECT_EQ(listener->stats().turned_away, 7u);
  EXPECT_TRUE(closed_by_peer(flood.back()));
  flood.clear();
  loop.until([&] { return listener->stats().handshakes == 0; });
  connect();
  EXPECT_TRUE(client.link->open()) << "room again";
}

TEST_F(HandshakeTest, OneAddressMayNotTakeEverything) {
  for (auto* options : {&server_config.options, &client_config.options}) options->pow_time = Millis(10'000);
  listener_options.max_handshakes_per_address = 3;
  listen();
  std::vector<tcp::socket> flood;
  flood.reserve(5);
  for (int i = 0; i < 5; ++i) flood.push_back(connect_to(loop.io, listener->port()));
  loop.until([&] { return listener->stats().accepted == 5; });
  EXPECT_EQ(listener->stats().turned_away, 2u);
  // Closing the listener ends what is half-open at once.
  listener->close();
  EXPECT_TRUE(closed_by_peer(flood.front()));
  loop.until([&] { return listener->stats().handshakes == 0; });
}

}  // namespace
}  // namespace cocoon::net
