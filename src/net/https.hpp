// The client's side of TLS as the web uses it: a server is believed when its certificate names the host and ends in one
// of the system's roots. A pure transformation, no sockets. Nodes speak to each other by tls.hpp.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "net/asio.hpp"

namespace cocoon::net {

// Whom an HTTP client believes.
class HttpsTrust {
 public:
  // The system's roots, and the certificates in `ca_file` (PEM) when it is not empty.
  static Result<std::shared_ptr<HttpsTrust>> make(const std::string& ca_file);
  ~HttpsTrust();
  HttpsTrust(const HttpsTrust&) = delete;
  HttpsTrust& operator=(const HttpsTrust&) = delete;

 private:
  friend class HttpsSession;
  struct Impl;
  explicit HttpsTrust(std::unique_ptr<Impl>);
  std::unique_ptr<Impl> impl_;
};

class HttpsSession {
 public:
  // `host`: a name or an IP address; an error when it cannot be either.
  static Result<std::unique_ptr<HttpsSession>> make(std::shared_ptr<HttpsTrust>, std::string host);
  ~HttpsSession();
  HttpsSession(const HttpsSession&) = delete;
  HttpsSession& operator=(const HttpsSession&) = delete;

  void feed(BytesView cipher);
  // True once the handshake is complete; false: send what output() holds, then feed more. Errors: net_untrusted,
  // net_malformed.
  Result<bool> handshake();
  // Plain bytes into `out`; 0: feed more. An error: nothing more will come; it is the server's own word that this is
  // the end (else somebody may have cut it off) when said_goodbye().
  Result<std::size_t> read(std::span<char> out);
  bool said_goodbye() const;
  Result<> write(std::string_view plain);
  // Cipher bytes to be sent take the place of what is in `to`. Also after errors: an alert may be among them.
  void take_output(Bytes& to);

 private:
  struct Impl;
  explicit HttpsSession(std::unique_ptr<Impl>);
  std::unique_ptr<Impl> impl_;
};

}  // namespace cocoon::net
