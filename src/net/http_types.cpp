#include "net/http_types.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "base/text.hpp"

namespace cocoon::net {
namespace {

// The characters of a header's name.
constexpr auto kToken = [] {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  std::array<bool, 256> out{};
  for (unsigned i = 0; i < 256; ++i) {
    const char c = static_cast<char>(i);
    out[i] = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || marks.contains(c);
  }
  return out;
}();

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return kToken[static_cast<unsigned char>(c)]; });
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// Is any of eight bytes a control character? Those below 0x20 borrow when it is taken away from them, and 0x7f is the
// one that its complement leaves nothing of.
bool has_control(std::uint64_t eight) {
  constexpr std::uint64_t ones = 0x0101010101010101, tops = 0x80 * ones;
  const std::uint64_t deletes = eight ^ (0x7f * ones);
  return ((((eight - 0x20 * ones) & ~eight) | ((deletes - ones) & ~deletes)) & tops) != 0;
}

// No control character but the tab.
bool is_value(std::string_view text) {
  const auto allowed = [](char c) { return !is_control(c) || c == '\t'; };
  for (std::uint64_t eight = 0; text.size() >= sizeof eight; text.remove_prefix(sizeof eight)) {
    std::memcpy(&eight, text.data(), sizeof eight);
    if (has_control(eight) && !std::ranges::all_of(text.substr(0, sizeof eight), allowed)) return false;
  }
  return std::ranges::all_of(text, allowed);
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char l = to_lower(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

}  // namespace

const HttpHeader* HttpHeaders::find(std::string_view name) const {
  for (const auto& item : items_)
    if (equal_ignoring_case(item.name, name)) return &item;
  return nullptr;
}

std::string_view HttpHeaders::get(std::string_view name) const {
  const auto* item = find(name);
  return item ? std::string_view(item->value) : std::string_view();
}

void HttpHeaders::set(std::string_view name, std::string value) {
  remove(name);
  items_.push_back({std::string(name), std::move(value)});
}

void HttpHeaders::remove(std::string_view name) {
  std::erase_if(items_, [&](const HttpHeader& item) { return equal_ignoring_case(item.name, name); });
}

bool is_hop_by_hop(std::string_view name) {
  static constexpr std::string_view kOwn[] = {"connection", "keep-alive", "proxy-connection", "transfer-encoding",
                                              "te",         "trailer",    "upgrade",          "content-length"};
  return is_one_of_ignoring_case(name, kOwn);
}

bool is_valid_header(const HttpHeader& header) { return is_token(header.name) && is_value(header.value); }

std::string_view reason_phrase(int status) {
  switch (status) {
    case 100:
      return "Continue";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 402:
      return "Payment Required";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 411:
      return "Length Required";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return "Status";
  }
}

std::string url_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
      out.push_back(static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2])));
      i += 2;
    } else {
      out.push_back(text[i] == '+' ? ' ' : text[i]);
    }
  }
  return out;
}

std::string query_value(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const auto end = query.find('&');
    const auto item = query.substr(0, end);
    query = end == query.npos ? std::string_view() : query.substr(end + 1);
    const auto equals = item.find('=');
    if (url_decode(item.substr(0, equals)) != name) continue;
    return equals == item.npos ? std::string() : url_decode(item.substr(equals + 1));
  }
  return {};
}

}  // namespace cocoon::net
