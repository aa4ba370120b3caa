#include "net/tls.hpp"

#include <algorithm>

#include "net/asio.hpp"
#include "net/tls_pipe.hpp"

namespace cocoon::net {
namespace {

using PkeyPtr = std::unique_ptr<EVP_PKEY, SslFree<EVP_PKEY_free>>;

// "I can attest a session": in the client's first message, and in the server's answer when it can too. Private use.
constexpr unsigned kBindingExtension = 0xff43;
constexpr unsigned char kBindingVersion = 1;
constexpr unsigned kBindingWhere = SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_3_ENCRYPTED_EXTENSIONS | SSL_EXT_TLS1_3_ONLY;

}  // namespace

struct TlsContext::Impl {
  CtxPtr ctx;
};

struct TlsSession::Impl {
  std::shared_ptr<TlsContext> context;
  Check check;
  TlsPipe pipe;
  SslPtr ssl;
  std::string refusal;
  int refusal_code = 0;
  bool peer_binds = false;  // the other side showed our extension

  std::unexpected<Error> failure(int result) {
    const int kind = SSL_get_error(ssl.get(), result);
    if (!refusal.empty()) {
      ERR_clear_error();
      return fail(refusal_code, refusal);
    }
    if (kind == SSL_ERROR_ZERO_RETURN) {
      ERR_clear_error();
      return fail(net_closed, "the other side ended the TLS session");
    }
    return fail(net_closed, "TLS: {}", tls_reason());
  }

  int verify(X509_STORE_CTX* store) {
    X509* leaf = X509_STORE_CTX_get0_cert(store);
    const auto* sent = X509_STORE_CTX_get0_untrusted(store);
    const int count = sent ? sk_X509_num(sent) : 0;
    unsigned char* raw = nullptr;
    const int size = leaf ? i2d_X509(leaf, &raw) : -1;
    Result<> verdict;
    if (size <= 0)
      verdict = fail(net_untrusted, "no readable certificate");
    else if (count > 1)
      verdict = fail(net_untrusted, "the other side shows {} certificates instead of one", count);
    else
      verdict = check({raw, static_cast<std::size_t>(size)});
    OPENSSL_free(raw);
    if (verdict) return 1;
    refusal = verdict.error().what.empty() ? "refused" : verdict.error().what;
    refusal_code = verdict.error().code;
    X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
    return 0;
  }

  static int add_binding(SSL*, unsigned, unsigned, const unsigned char** out, std::size_t* size, X509*, std::size_t,
                         int*, void*) {
    *out = &kBindingVersion;
    *size = 1;
    return 1;
  }
  static int read_binding(SSL* ssl, unsigned, unsigned, const unsigned char* in, std::size_t size, X509*, std::size_t,
                          int*, void*) {
    static_cast<Impl*>(SSL_get_app_data(ssl))->peer_binds = size == 1 && *in == kBindingVersion;
    return 1;
  }

  // OpenSSL's callback: finds the session behind the store.
  static int verify_hook(X509_STORE_CTX* store, void*) {
    auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    auto* self = static_cast<Impl*>(SSL_get_app_data(ssl));
    return self->verify(store);
  }
};

TlsContext::TlsContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsContext::~TlsContext() = default;

Result<std::shared_ptr<TlsContext>> TlsContext::make(const tee::Identity& identity, bool binds_sessions) {
  CtxPtr ctx(SSL_CTX_new(TLS_method()));
  if (!ctx) return fail("TLS: {}", tls_reason());
  auto* c = ctx.get();
  PkeyPtr key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, identity.key.seed().data(), 32));
  const bool good =
      SSL_CTX_set_min_proto_version(c, TLS1_3_VERSION) == 1 && SSL_CTX_set_max_proto_version(c, TLS1_3_VERSION) == 1 &&
      SSL_CTX_set_ciphersuites(c, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384") == 1 &&
      SSL_CTX_set_cipher_list(c, "ECDHE-ECDSA-AES128-GCM-SHA256") == 1 && SSL_CTX_set_num_tickets(c, 0) == 1 && key &&
      SSL_CTX_use_certificate_ASN1(c, static_cast<int>(identity.certificate.size()), identity.certificate.data()) ==
          1 &&
      SSL_CTX_use_PrivateKey(c, key.get()) == 1;
  if (!good) return fail("TLS: {}", tls_reason());
  SSL_CTX_set_options(c, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  if (binds_sessions && SSL_CTX_add_custom_ext(c, kBindingExtension, kBindingWhere, &TlsSession::Impl::add_binding,
                                               nullptr, nullptr, &TlsSession::Impl::read_binding, nullptr) != 1)
    return fail("TLS: {}", tls_reason());
  SSL_CTX_set_cert_verify_callback(c, &TlsSession::Impl::verify_hook, nullptr);
  auto impl = std::make_unique<Impl>();
  impl->ctx = std::move(ctx);
  return std::shared_ptr<TlsContext>(new TlsContext(std::move(impl)));
}

TlsSession::TlsSession(std::shared_ptr<TlsContext> context, tee::Side own_side, Check check)
    : impl_(std::make_unique<Impl>()) {
  impl_->check = std::move(check);
  impl_->ssl.reset(SSL_new(context->impl_->ctx.get()));
  impl_->context = std::move(context);
  BIO* bio = BIO_new(TlsPipe::method());
  if (!impl_->ssl || !bio) std::abort();  // memory is out
  BIO_set_data(bio, &impl_->pipe);
  BIO_set_init(bio, 1);
  auto* ssl = impl_->ssl.get();
  SSL_set_bio(ssl, bio, bio);
  SSL_set_app_data(ssl, impl_.get());
  if (own_side == tee::Side::server)
    SSL_set_accept_state(ssl);
  else
    SSL_set_connect_state(ssl);
}

TlsSession::~TlsSession() = default;

void TlsSession::feed(BytesView cipher) { impl_->pipe.feed(cipher); }

Result<bool> TlsSession::handshake() {
  const int result = SSL_do_handshake(impl_->ssl.get());
  if (result == 1) return true;
  const int kind = SSL_get_error(impl_->ssl.get(), result);
  if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE) return false;
  return impl_->failure(result);
}

bool TlsSession::binds_sessions() const { return impl_->peer_binds; }

Result<Bits256> TlsSession::exported(std::string_view label) const {
  Bits256 out;
  if (SSL_export_keying_material(impl_->ssl.get(), out.data(), out.size(), label.data(), label.size(), nullptr, 0, 0) !=
      1)
    return fail("TLS: {}", tls_reason());
  return out;
}

Result<std::size_t> TlsSession::read(std::span<std::uint8_t> out) {
  const int result =
      SSL_read(impl_->ssl.get(), out.data(), static_cast<int>(std::min<std::size_t>(out.size(), 1u << 30)));
  if (result > 0) return static_cast<std::size_t>(result);
  const int kind = SSL_get_error(impl_->ssl.get(), result);
  if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE) return 0u;
  return impl_->failure(result);
}

Result<> TlsSession::write(BytesView plain) {
  while (!plain.empty()) {
    const auto piece = plain.first(std::min<std::size_t>(plain.size(), 1u << 30));
    const int result = SSL_write(impl_->ssl.get(), piece.data(), static_cast<int>(piece.size()));
    if (result <= 0) return impl_->failure(result);
    plain = plain.subspan(static_cast<std::size_t>(result));
  }
  return {};
}

bool TlsSession::has_output() const { return !impl_->pipe.out.empty(); }

void TlsSession::take_output(Bytes& to) {
  auto& out = impl_->pipe.out;
  if (to.empty()) {
    to.swap(out);
  } else {
    append(to, out);
  }
  out.clear();
}

void TlsSession::keep_buffers(bool keep) {
  if (keep)
    SSL_clear_mode(impl_->ssl.get(), SSL_MODE_RELEASE_BUFFERS);
  else
    SSL_set_mode(impl_->ssl.get(), SSL_MODE_RELEASE_BUFFERS);
}

}  // namespace cocoon::net
