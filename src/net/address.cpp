#include "net/address.hpp"

#include <charconv>

namespace cocoon::net {
namespace {

Result<std::uint16_t> parse_port(std::string_view text, bool allow_zero) {
  unsigned port = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), port);
  const bool read = ec == std::errc{} && end == text.data() + text.size() && !text.empty();
  if (!read || port > 65535 || (port == 0 && !allow_zero)) return fail(net_invalid, "'{}' is not a port", text);
  return static_cast<std::uint16_t>(port);
}

bool is_host_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

}  // namespace

Result<tcp::endpoint> parse_endpoint(std::string_view text, bool allow_port_zero) {
  const auto whole = text;
  if (text.size() >= 2 && text.front() == '[' && text.back() == ']') text = text.substr(1, text.size() - 2);
  const auto colon = text.rfind(':');
  if (colon == text.npos || text.size() > 64)
    return fail(net_invalid, "'{}' is not an address like 127.0.0.1:80", whole);
  boost::system::error_code ec;
  const auto ip = asio::ip::make_address_v4(std::string(text.substr(0, colon)), ec);
  if (ec) return fail(net_invalid, "'{}' does not begin with an IPv4 address", whole);
  TRY_ASSIGN(const auto port, parse_port(text.substr(colon + 1), allow_port_zero));
  return tcp::endpoint(ip, port);
}

Result<> listen_on(tcp::acceptor& acceptor, const tcp::endpoint& endpoint) {
  boost::system::error_code ec;
  acceptor.open(tcp::v4(), ec);
  if (!ec) acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
  if (!ec) acceptor.bind(endpoint, ec);
  if (!ec) acceptor.listen(asio::socket_base::max_listen_connections, ec);
  if (!ec) return {};
  boost::system::error_code ignored;
  acceptor.close(ignored);
  return fail(net_refused, "cannot listen on {}: {}", address_text(endpoint), ec.message());
}

std::string address_text(const tcp::endpoint& endpoint) {
  return fmt::format("{}:{}", endpoint.address().to_string(), endpoint.port());
}

Result<HttpUrl> parse_http_url(std::string_view text) {
  if (text.size() > 4096) return fail(net_invalid, "a URL of {} bytes is too long", text.size());
  HttpUrl url;
  url.tls = text.starts_with("https://");
  if (!url.tls && !text.starts_with("http://"))
    return fail(net_invalid, "'{}' does not begin with http:// or https://", text);
  auto rest = text.substr(text.find("//") + 2);
  if (url.tls) url.port = 443;
  const auto slash = rest.find_first_of("/?#");
  if (slash != rest.npos) {
    url.target = std::string(rest.substr(slash, rest.find('#') - slash));
    if (!url.target.starts_with('/')) url.target.insert(0, "/");
    rest = rest.substr(0, slash);
  }
  if (const auto colon = rest.find(':'); colon != rest.npos) {
    TRY_ASSIGN(url.port, parse_port(rest.substr(colon + 1), false));
    rest = rest.substr(0, colon);
  }
  url.host = std::string(rest);
  const bool good_target = std::ranges::all_of(url.target, [](char c) { return c > ' ' && c < 0x7f; });
  if (rest.empty() || rest.size() > 253 || !std::ranges::all_of(rest, is_host_char) || !good_target)
    return fail(net_invalid, "'{}' is not a URL like http://host:port/path", text);
  return url;
}

}  // namespace cocoon::net
