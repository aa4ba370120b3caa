// Addresses as texts name them.
#pragma once
#include <string>
#include <string_view>

#include "net/asio.hpp"

namespace cocoon::net {

// "ip:port" with an IPv4 literal, optionally wrapped in [ ] (wire.md 0); port 0 only where `allow_port_zero`.
Result<tcp::endpoint> parse_endpoint(std::string_view text, bool allow_port_zero = false);
// Opens, binds and listens; the acceptor is closed again on error.
Result<> listen_on(tcp::acceptor& acceptor, const tcp::endpoint& endpoint);
std::string address_text(const tcp::endpoint&);  // "ip:port"

// "http[s]://host[:port][/path]": what an HTTP client needs to know of it.
struct HttpUrl {
  std::string host;          // name or IPv4 literal
  std::uint16_t port = 80;   // 443 by TLS
  std::string target = "/";  // path and query, begins with '/'
  bool tls = false;          // https
};
Result<HttpUrl> parse_http_url(std::string_view text);

}  // namespace cocoon::net
