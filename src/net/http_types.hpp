// What HTTP/1.1 servers and clients of this room speak of.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace cocoon::net {

struct HttpHeader {
  std::string name, value;
};

// In the order of the message; names compare without case.
class HttpHeaders {
 public:
  HttpHeaders() = default;
  // HttpHeaders().with("Content-Type", "text/plain").with(...): g++ 12 cannot hold a braced list across a co_await.
  HttpHeaders&& with(std::string name, std::string value) && {
    add(std::move(name), std::move(value));
    return std::move(*this);
  }
  static HttpHeaders content_type(std::string value) { return HttpHeaders().with("Content-Type", std::move(value)); }

  // The first value of that name; empty when there is none.
  std::string_view get(std::string_view name) const;
  bool has(std::string_view name) const { return find(name) != nullptr; }
  void add(std::string name, std::string value) { items_.push_back({std::move(name), std::move(value)}); }
  void reserve(std::size_t count) { items_.reserve(count); }
  void set(std::string_view name, std::string value);
  void remove(std::string_view name);

  auto begin() const { return items_.begin(); }
  auto end() const { return items_.end(); }
  std::size_t size() const { return items_.size(); }

 private:
  const HttpHeader* find(std::string_view name) const;
  std::vector<HttpHeader> items_;
};

// Headers that speak of one connection (and Content-Length): never forwarded, always our own.
bool is_hop_by_hop(std::string_view name);
// Printable and free of line breaks: what may be written as a header.
bool is_valid_header(const HttpHeader&);
std::string_view reason_phrase(int status);

// Undoes %XX and '+'; malformed escapes stay as they are.
std::string url_decode(std::string_view text);
// The value of `name` in "a=1&b=2", decoded; empty when absent.
std::string query_value(std::string_view query, std::string_view name);

}  // namespace cocoon::net
