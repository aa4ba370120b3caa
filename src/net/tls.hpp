// TLS 1.3 with mutual certificates as a pure transformation: cipher bytes in, plain bytes out, and back. No sockets.
// wire.md 2.2: TLS 1.3 only, AES-GCM suites, no tickets, no resumption, no SNI, no ALPN.
#pragma once
#include <functional>
#include <memory>

#include "tee/certificate.hpp"

namespace cocoon::net {

// One certificate and its key, ready for any number of sessions of either side.
class TlsContext {
 public:
  // `binds_sessions`: show others that the session can be attested (tee/session_binding.hpp).
  static Result<std::shared_ptr<TlsContext>> make(const tee::Identity&, bool binds_sessions = false);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

 private:
  friend class TlsSession;
  struct Impl;
  explicit TlsContext(std::unique_ptr<Impl>);
  std::unique_ptr<Impl> impl_;
};

class TlsSession {
 public:
  // Judges the one certificate the other side showed (DER); an error ends the handshake. Called once per session.
  using Check = std::function<Result<>(BytesView der)>;

  TlsSession(std::shared_ptr<TlsContext>, tee::Side own_side, Check);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  void feed(BytesView cipher);
  // True once the handshake is complete; false: send what output() holds, then feed more.
  Result<bool> handshake();
  // Both sides can attest the session (tee/session_binding.hpp): a private TLS extension that others ignore. After the
  // handshake.
  bool binds_sessions() const;
  // 32 bytes that only the two ends of this session know (RFC 8446 7.5). After the handshake.
  Result<Bits256> exported(std::string_view label) const;
  // Plain bytes into `out`; 0: feed more. An end by close_notify or an alert is an error (net_closed).
  Result<std::size_t> read(std::span<std::uint8_t> out);
  Result<> write(BytesView plain);
  bool has_output() const;
  // Cipher bytes to be sent, appended to `to`. Also after errors: an alert may be among them.
  void take_output(Bytes& to);
  // OpenSSL's two buffers of 16 KB: for a busy session they are kept, else given back after each use (the default).
  void keep_buffers(bool keep);

 private:
  friend class TlsContext;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cocoon::net
