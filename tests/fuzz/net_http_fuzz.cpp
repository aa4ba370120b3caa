// HTTP from anybody: cut into pieces it is the same message as in one, and no limit is passed.
#include <cstdlib>
#include <string>

#include "net/http_parser.hpp"

namespace {

using namespace cocoon;

constexpr net::HttpLimits limits{.header = 2048, .body = 8192, .header_count = 32};

// What one message came to, as text; bytes after it are left alone.
std::string outcome(net::HttpParser::Kind kind, std::string_view input, std::size_t piece) {
  net::HttpParser parser(kind, limits);
  std::string body;
  std::string pending;
  std::size_t at = 0;
  while (!parser.complete()) {
    const auto taken = parser.feed(pending);
    if (!taken) return "";  // how soon an error shows depends on the pieces, that there is no message does not
    if (*taken > pending.size()) std::abort();
    pending.erase(0, *taken);
    body += parser.take_body();
    if (body.size() > limits.body) std::abort();
    if (parser.complete()) break;
    if (*taken > 0 && !pending.empty()) continue;
    if (at == input.size()) {
      const auto ended = parser.feed_end();
      if (!ended || !parser.complete()) return "";
      break;
    }
    const std::string_view more = input.substr(at, piece);
    pending += more;
    at += more.size();
  }
  body += parser.take_body();
  const net::HttpHead& head = parser.head();
  return head.method + " " + head.target + " " + std::to_string(head.status) + "\n" + body;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  for (const auto kind : {net::HttpParser::Kind::request, net::HttpParser::Kind::response}) {
    const std::string whole = outcome(kind, input, size + 1);
    const std::string pieces = outcome(kind, input, 3);
    if (whole != pieces) std::abort();
  }
  return 0;
}
