// An HTTP/1.1 client, plain or by TLS: kept-alive connections, streamed answers, deadlines, cancel.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "net/event.hpp"
#include "net/http_types.hpp"

namespace cocoon::net {

struct HttpClientOptions {
  std::uint32_t max_header = 64 * 1024;
  std::uint64_t max_body = 256 * 1024 * 1024;
  Millis connect_time{5'000};   // name resolution, TCP and TLS
  Millis header_time{120'000};  // from the request's last byte to the answer's headers
  Millis body_gap{120'000};     // between two pieces of the body
  Millis write_time{30'000};    // a request that makes no progress
  Millis idle_time{30'000};     // how long an unused connection is kept
  std::size_t max_idle_per_host = 64;
  std::string ca_file;  // PEM: certificates that https servers may end in besides the system's roots
};

struct HttpCall {
  std::string method = "GET";
  std::string url;  // "http[s]://host[:port]/path?query"
  HttpHeaders headers;
  std::string body;
  // For the whole exchange, from send() to the last byte of the body; none: only the options' own deadlines.
  std::optional<Millis> deadline;
  // Asked to stop, the exchange ends with net_cancelled and its connection is closed.
  std::shared_ptr<Cancellation> cancel;
};

// An answer whose body is still arriving. Dropping it closes the connection unless the body was read to its end.
class HttpAnswer {
 public:
  int status() const;
  const HttpHeaders& headers() const;
  // The next piece of the body as it arrived (at most about 64 KiB); empty once: the end.
  Task<Result<std::string>> read_some();
  // The rest of the body; net_too_large beyond `limit`.
  Task<Result<std::string>> read_all(std::size_t limit = 64 * 1024 * 1024);
  void cancel();

  struct State;
  explicit HttpAnswer(std::shared_ptr<State> state);
  ~HttpAnswer();
  HttpAnswer(HttpAnswer&&) noexcept;
  HttpAnswer& operator=(HttpAnswer&&) noexcept;

 private:
  std::shared_ptr<State> state_;
};

class HttpClient {
 public:
  explicit HttpClient(Executor executor, HttpClientOptions options = {});
  ~HttpClient();  // closes idle connections; answers in use live on
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Returns when the answer's headers are there. A kept-alive connection that turns out dead before any byte of an
  // answer is replaced by a fresh one, once. Errors: net_refused, net_timeout, net_closed, net_malformed,
  // net_too_large, net_cancelled, net_invalid; net_untrusted: an https server whose certificate is not believed.
  Task<Result<HttpAnswer>> send(HttpCall call);

  // Reads the roots of https, which the first such call does otherwise; an error when they cannot be read.
  Result<> load_roots();

  // Connections kept for reuse, all hosts.
  std::size_t idle_connections() const;

  struct State;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace cocoon::net
