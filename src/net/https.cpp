#include "net/https.hpp"

#include <openssl/x509v3.h>

#include "net/tls_pipe.hpp"

namespace cocoon::net {

struct HttpsTrust::Impl {
  CtxPtr ctx;
};

HttpsTrust::HttpsTrust(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpsTrust::~HttpsTrust() = default;

Result<std::shared_ptr<HttpsTrust>> HttpsTrust::make(const std::string& ca_file) {
  auto impl = std::make_unique<Impl>();
  impl->ctx.reset(SSL_CTX_new(TLS_client_method()));
  auto* c = impl->ctx.get();
  if (!c || SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION) != 1 || SSL_CTX_set_default_verify_paths(c) != 1)
    return fail("TLS: {}", tls_reason());
  ERR_clear_error();  // a system without roots
  if (!ca_file.empty() && SSL_CTX_load_verify_file(c, ca_file.c_str()) != 1)
    return fail(net_invalid, "no certificates (PEM) can be read from {}: {}", ca_file, tls_reason());
  SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_verify(c, SSL_VERIFY_PEER, nullptr);
  return std::shared_ptr<HttpsTrust>(new HttpsTrust(std::move(impl)));
}

struct HttpsSession::Impl {
  std::shared_ptr<HttpsTrust> trust;
  std::string host;
  TlsPipe pipe;
  SslPtr ssl;
};

HttpsSession::HttpsSession(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<HttpsSession>> HttpsSession::make(std::shared_ptr<HttpsTrust> trust, std::string host) {
  auto impl = std::make_unique<Impl>();
  impl->ssl.reset(SSL_new(trust->impl_->ctx.get()));
  impl->trust = std::move(trust);
  impl->host = std::move(host);
  auto* ssl = impl->ssl.get();
  BIO* bio = BIO_new(TlsPipe::method());
  if (!ssl || !bio) std::abort();  // memory is out
  BIO_set_data(bio, &impl->pipe);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl, bio, bio);
  SSL_set_connect_state(ssl);
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  // Without a name to check every certificate would do: what OpenSSL refuses as one must not pass for it.
  const char* name = impl->host.c_str();
  const bool is_address = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
  const bool named =
      is_address || (!impl->host.empty() && SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1);
  ERR_clear_error();
  if (!named) return fail(net_invalid, "'{}' cannot be the name of an https server", impl->host);
  return std::unique_ptr<HttpsSession>(new HttpsSession(std::move(impl)));
}

HttpsSession::~HttpsSession() = default;

void HttpsSession::feed(BytesView cipher) { impl_->pipe.feed(cipher); }

Result<bool> HttpsSession::handshake() {
  ERR_clear_error();
  auto* ssl = impl_->ssl.get();
  const int result = SSL_do_handshake(ssl);
  if (result == 1) return true;
  const int kind = SSL_get_error(ssl, result);
  if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE) return false;
  const auto reason = tls_reason();
  if (const long why = SSL_get_verify_result(ssl); why != X509_V_OK)
    return fail(net_untrusted, "the certificate of {} is not believed: {}", impl_->host,
                X509_verify_cert_error_string(why));
  return fail(net_malformed, "TLS with {}: {}", impl_->host, reason);
}

Result<std::size_t> HttpsSession::read(std::span<char> out) {
  if (out.empty()) return 0u;
  ERR_clear_error();
  std::size_t n = 0;
  const int result = SSL_read_ex(impl_->ssl.get(), out.data(), out.size(), &n);
  if (result == 1) return n;
  const int kind = SSL_get_error(impl_->ssl.get(), result);
  if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE) return 0u;
  if (kind == SSL_ERROR_ZERO_RETURN) return fail(net_closed, "the server ended the TLS session");
  return fail(net_malformed, "TLS with {}: {}", impl_->host, tls_reason());
}

bool HttpsSession::said_goodbye() const { return SSL_get_shutdown(impl_->ssl.get()) & SSL_RECEIVED_SHUTDOWN; }

Result<> HttpsSession::write(std::string_view plain) {
  if (plain.empty()) return {};
  ERR_clear_error();
  std::size_t n = 0;  // the pipe takes all
  if (SSL_write_ex(impl_->ssl.get(), plain.data(), plain.size(), &n) == 1) return {};
  return fail(net_closed, "TLS with {}: {}", impl_->host, tls_reason());
}

void HttpsSession::take_output(Bytes& to) {
  to.clear();
  to.swap(impl_->pipe.out);
}

}  // namespace cocoon::net
