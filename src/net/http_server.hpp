// An HTTP/1.1 server: keep-alive, bounded requests, whole or streamed (chunked) answers, deadlines, graceful drain.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "net/event.hpp"
#include "net/http_types.hpp"

namespace cocoon::net {

struct HttpRequest {
  std::string method;  // as sent: "GET"
  std::string target;  // as sent, begins with '/': "/v1/models?x=1"
  int version = 11;    // 10 or 11
  HttpHeaders headers;
  std::string body;  // complete
  std::string peer;  // "ip:port"

  std::string_view path() const { return std::string_view(target).substr(0, target.find('?')); }
  std::string_view query() const {
    const auto mark = target.find('?');
    return mark == target.npos ? std::string_view() : std::string_view(target).substr(mark + 1);
  }
};

// The answer to one request; lives as long as the handler runs. Connection, Content-Length and Transfer-Encoding are
// the server's own: given ones are dropped. Every call fails with net_closed once the caller is gone, net_timeout when
// it does not read, net_invalid when calls come out of order or a header cannot be written.
class HttpResponder {
 public:
  virtual ~HttpResponder() = default;

  // The whole answer at once.
  virtual Task<Result<>> respond(int status, HttpHeaders headers, std::string body) = 0;

  // A streamed answer: start, any number of writes, finish. Each returns when the kernel has taken the bytes, which is
  // the backpressure. `first` and `last` travel in the same segment as the header and the end mark.
  virtual Task<Result<>> start(int status, HttpHeaders headers, std::string first = {}) = 0;
  virtual Task<Result<>> write(std::string chunk) = 0;
  virtual Task<Result<>> finish(std::string last = {}) = 0;
  // Breaks the connection off, so that the caller sees a started answer as incomplete.
  virtual void abort() = 0;

  virtual bool started() const = 0;      // respond or start was called
  virtual bool client_gone() const = 0;  // the caller closed its connection
  // Runs once when the caller goes away (at once when it is already gone), while the handler runs; nullptr removes it.
  virtual void on_client_gone(std::function<void()> hook) = 0;
};

// Runs on the server's executor, one per connection at a time. An unanswered request becomes a 500.
using HttpHandler = std::function<Task<>(const HttpRequest&, HttpResponder&)>;

struct HttpServerOptions {
  std::uint32_t max_header = 16 * 1024;
  std::uint64_t max_body = 16 * 1024 * 1024;
  std::size_t max_connections = 4096;  // more are answered 503 and closed
  Millis header_time{10'000};          // from the first byte to the end of the headers
  Millis body_time{60'000};            // for the whole request body
  Millis idle_time{75'000};            // kept-alive connection without a request
  Millis write_time{60'000};           // one write that makes no progress
  // The body of what the server itself refuses before there is a request (400, 408, 413, 431, 503); none: no body.
  std::string_view refusal_type = "text/plain";
  std::function<std::string(int status)> refusal_body;
};

class HttpServer {
 public:
  HttpServer(Executor executor, HttpServerOptions options, HttpHandler handler);
  ~HttpServer();  // closes everything at once
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // `address` is "ip:port"; port 0 takes a free one. Begins to accept.
  Result<> listen(std::string_view address);
  std::uint16_t port() const;
  std::size_t connections() const;

  // Stops accepting, closes idle connections, lets running requests finish until `patience` is over, then closes all.
  Task<> drain(Millis patience);
  void close();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace cocoon::net
