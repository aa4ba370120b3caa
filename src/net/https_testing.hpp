// An https server for tests, with certificates made for it.
#pragma once
#include <filesystem>
#include <fstream>
#include <list>

#include <boost/asio/ssl.hpp>
#include <gtest/gtest.h>

#include "net/testing.hpp"
#include "tee/pki_testing.hpp"
#include "tee/x509.hpp"

namespace cocoon::net::testing {

namespace ssl = asio::ssl;

// A root and what it issues; `until` from now on.
class TestRoot {
 public:
  TestRoot() {
    tee::testing::Spec spec = valid_for(std::chrono::hours(1));
    spec.subject = spec.issuer;
    spec.ca = true;
    spec.key_usage = "keyCertSign,cRLSign";
    certificate = tee::testing::issue(spec, key_.get(), key_.get());
  }
  struct Issued {
    std::string chain, key;  // PEM
  };
  // For localhost by name or 127.0.0.1; `name` is put where certificates name hosts.
  Issued issue(const std::string& name = "localhost", Duration life = std::chrono::hours(1)) const {
    return issue(valid_for(life), name, key_.get());
  }
  // Of a server that is its own root.
  static Issued self_signed() {
    auto spec = valid_for(std::chrono::hours(1));
    spec.issuer = kServer;
    return issue(spec, "localhost", nullptr);
  }
  std::string pem() const { return tee::write_pem(certificate, "CERTIFICATE"); }

  Bytes certificate;

 private:
  static constexpr const char* kServer = "a server";
  static Issued issue(tee::testing::Spec spec, const std::string& name, EVP_PKEY* by) {
    const auto key = tee::testing::rsa_key();
    spec.subject = kServer;
    spec.serial = 2;
    spec.extensions.push_back({"2.5.29.17", alternative_name(name), false});
    const auto made = tee::testing::issue(spec, key.get(), by ? by : key.get());
    return {tee::write_pem(made, "CERTIFICATE"), pem_of(key.get())};
  }
  static tee::testing::Spec valid_for(Duration life) {
    tee::testing::Spec spec;
    spec.issuer = "a root for tests";
    spec.not_after = wall_now() + life;
    spec.not_before = spec.not_after - std::chrono::hours(2);
    spec.legacy_padding = true;
    return spec;
  }
  static Time wall_now() { return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()); }
  static Bytes alternative_name(const std::string& name) {
    boost::system::error_code ec;
    const auto ip = asio::ip::make_address_v4(name, ec);
    Bytes value = ec ? to_bytes(name) : to_bytes(ip.to_bytes());
    Bytes out{0x30, static_cast<std::uint8_t>(value.size() + 2), static_cast<std::uint8_t>(ec ? 0x82 : 0x87),
              static_cast<std::uint8_t>(value.size())};
    append(out, value);
    return out;
  }
  static std::string pem_of(EVP_PKEY* key) {
    tee::OpensslPtr<BIO, BIO_free> out(BIO_new(BIO_s_mem()));
    EXPECT_EQ(PEM_write_bio_PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr), 1);
    char* data = nullptr;
    const long size = BIO_get_mem_data(out.get(), &data);
    return {data, static_cast<std::size_t>(size)};
  }

  tee::testing::KeyPtr key_ = tee::testing::rsa_key();
};

// Each request's head (bodies are not read) is given to `script`, which writes what it likes; false ends the connection
// without a word.
class HttpsServer {
 public:
  using Stream = ssl::stream<tcp::socket>;
  using Script = std::function<Task<bool>(Stream&, std::string head)>;

  HttpsServer(Loop& loop, const TestRoot::Issued& identity, Script script)
      : context_(ssl::context::tls_server), acceptor_(loop.io, {asio::ip::address_v4::loopback(), 0}) {
    context_.use_certificate_chain(asio::buffer(identity.chain));
    context_.use_private_key(asio::buffer(identity.key), ssl::context::pem);
    script_ = std::move(script);
    asio::co_spawn(loop.io, accept(), asio::detached);
  }
  void at_most(int version) { SSL_CTX_set_max_proto_version(context_.native_handle(), version); }
  void close() { acceptor_.close(); }
  std::string url(const std::string& host = "localhost") const {
    return fmt::format("https://{}:{}", host, acceptor_.local_endpoint().port());
  }
  static Task<bool> say(Stream& stream, std::string bytes) {
    const auto [ec, n] = co_await asio::async_write(stream, asio::buffer(bytes), no_throw);
    static_cast<void>(n);
    co_return !ec;
  }

  std::size_t accepted = 0, handshakes = 0;

 private:
  Task<> accept() {
    while (true) {
      auto [ec, socket] = co_await acceptor_.async_accept(no_throw);
      if (ec) co_return;
      ++accepted;
      asio::co_spawn(acceptor_.get_executor(), serve(std::move(socket)), asio::detached);
    }
  }
  Task<> serve(tcp::socket socket) {
    Stream stream(std::move(socket), context_);
    const auto [failed] = co_await stream.async_handshake(Stream::server, no_throw);
    if (failed) co_return;
    ++handshakes;
    std::string in;
    while (true) {
      const auto [ec, n] = co_await asio::async_read_until(stream, asio::dynamic_buffer(in), "\r\n\r\n", no_throw);
      if (ec) co_return;
      const bool more = co_await script_(stream, in.substr(0, n));
      if (!more) co_return;
      in.erase(0, n);
    }
  }

  ssl::context context_;
  tcp::acceptor acceptor_;
  Script script_;
};

}  // namespace cocoon::net::testing
