// The one HTTP/1.1 parser of the room, fed with whatever bytes have arrived. Total on any input.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "net/http_types.hpp"

namespace cocoon::net {

struct HttpLimits {
  std::uint32_t header = 16 * 1024;       // bytes of start line and headers together
  std::uint64_t body = 16 * 1024 * 1024;  // bytes of body
  std::size_t header_count = 128;
};

struct HttpHead {
  std::string method, target;  // requests
  int status = 0;              // responses
  int version = 11;            // 10 or 11
  HttpHeaders headers;
};

class HttpParser {
 public:
  enum class Kind { request, response };

  // `no_body`: the answer to HEAD, which has the headers of a body and no body.
  HttpParser(Kind kind, const HttpLimits& limits, bool no_body = false);
  ~HttpParser();
  HttpParser(HttpParser&&) noexcept;
  HttpParser& operator=(HttpParser&&) noexcept;

  // Takes bytes from the front of `input`; returns how many. Fewer than given (or none): call again with more appended.
  // Errors: net_malformed, net_too_large.
  Result<std::size_t> feed(std::string_view input);
  // The other side closed: ends a body that only the end of the connection delimits.
  Result<> feed_end();

  bool started() const;          // at least one byte was taken or offered
  bool header_complete() const;  // head() may be read
  bool complete() const;
  bool body_too_large() const;    // that was the error
  bool keep_alive() const;        // after header_complete()
  bool expects_continue() const;  // after header_complete()
  HttpHead& head();
  // Body bytes decoded so far and not yet taken.
  std::string take_body();
  std::size_t body_waiting() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cocoon::net
