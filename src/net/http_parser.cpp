#include "net/http_parser.hpp"

#include <optional>

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include "base/text.hpp"
#include "net/asio.hpp"

namespace cocoon::net {
namespace {

namespace http = boost::beast::http;
using boost::beast::string_view;
using ErrorCode = boost::beast::error_code;

// Collects what Beast's parser finds.
template <bool is_request>
class Collector final : public http::basic_parser<is_request> {
 public:
  HttpHead head;
  std::string body;
  std::size_t header_count_limit = 0;

 private:
  void on_request_impl(http::verb, string_view method, string_view target, int version, ErrorCode&) override {
    head.method.assign(method.data(), method.size());
    head.target.assign(target.data(), target.size());
    head.version = version;
  }
  void on_response_impl(int status, string_view, int version, ErrorCode&) override {
    head.status = status;
    head.version = version;
  }
  void on_field_impl(http::field, string_view name, string_view value, ErrorCode& ec) override {
    if (this->is_header_done()) return;  // trailers are read and dropped
    if (head.headers.size() >= header_count_limit) {
      ec = http::error::header_limit;
      return;
    }
    head.headers.add({name.data(), name.size()}, {value.data(), value.size()});
  }
  void on_header_impl(ErrorCode& ec) override {
    // Any other coding would let two readers of one message disagree about where it ends.
    if (head.headers.has("transfer-encoding") &&
        (!this->chunked() || !equal_ignoring_case(head.headers.get("transfer-encoding"), "chunked")))
      ec = http::error::bad_transfer_encoding;
  }
  void on_body_init_impl(boost::optional<std::uint64_t> const&, ErrorCode&) override {}
  std::size_t on_body_impl(string_view piece, ErrorCode&) override {
    body.append(piece.data(), piece.size());
    return piece.size();
  }
  void on_chunk_header_impl(std::uint64_t, string_view, ErrorCode&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, string_view piece, ErrorCode&) override {
    body.append(piece.data(), piece.size());
    return piece.size();
  }
  void on_finish_impl(ErrorCode&) override {}

 public:
  bool is_header_done() const { return http::basic_parser<is_request>::is_header_done(); }
};

std::unexpected<Error> explain(const ErrorCode& ec) {
  if (ec == http::error::header_limit) return fail(net_too_large, "HTTP header too large");
  if (ec == http::error::body_limit) return fail(net_too_large, "HTTP body too large");
  return fail(net_malformed, "malformed HTTP: {}", ec.message());
}

}  // namespace

struct HttpParser::Impl {
  template <class F>
  decltype(auto) visit(F&& f) {
    return request ? f(*request) : f(*response);
  }
  std::optional<Collector<true>> request;
  std::optional<Collector<false>> response;
  bool started = false;
  bool body_too_large = false;
};

HttpParser::HttpParser(Kind kind, const HttpLimits& limits, bool no_body) : impl_(std::make_unique<Impl>()) {
  if (kind == Kind::request)
    impl_->request.emplace();
  else
    impl_->response.emplace();
  impl_->visit([&](auto& parser) {
    parser.header_count_limit = limits.header_count;
    parser.header_limit(limits.header);
    parser.body_limit(limits.body);
    parser.eager(true);
    parser.skip(no_body);
    return 0;
  });
}

HttpParser::~HttpParser() = default;
HttpParser::HttpParser(HttpParser&&) noexcept = default;
HttpParser& HttpParser::operator=(HttpParser&&) noexcept = default;

Result<std::size_t> HttpParser::feed(std::string_view input) {
  return impl_->visit([&](auto& parser) -> Result<std::size_t> {
    if (input.empty() || parser.is_done()) return 0u;
    impl_->started = true;
    ErrorCode ec;
    const auto taken = parser.put(asio::buffer(input.data(), input.size()), ec);
    impl_->body_too_large = ec == http::error::body_limit;
    if (ec && ec != http::error::need_more) return explain(ec);
    return taken;
  });
}

Result<> HttpParser::feed_end() {
  return impl_->visit([&](auto& parser) -> Result<> {
    if (parser.is_done()) return {};
    if (!parser.got_some()) return fail(net_closed, "the connection ended before a message");
    ErrorCode ec;
    parser.put_eof(ec);
    if (ec) return fail(net_closed, "the connection ended within a message");
    return {};
  });
}

bool HttpParser::body_too_large() const { return impl_->body_too_large; }
bool HttpParser::started() const { return impl_->started; }
bool HttpParser::header_complete() const {
  return impl_->visit([](auto& parser) { return parser.is_header_done(); });
}
bool HttpParser::complete() const {
  return impl_->visit([](auto& parser) { return parser.is_done(); });
}
bool HttpParser::keep_alive() const {
  return impl_->visit([](auto& parser) { return parser.keep_alive(); });
}
bool HttpParser::expects_continue() const {
  return impl_->visit([](auto& parser) {
    return parser.head.version >= 11 && equal_ignoring_case(parser.head.headers.get("expect"), "100-continue");
  });
}
HttpHead& HttpParser::head() {
  return impl_->visit([](auto& parser) -> HttpHead& { return parser.head; });
}
std::string HttpParser::take_body() {
  return impl_->visit([](auto& parser) { return std::exchange(parser.body, {}); });
}
std::size_t HttpParser::body_waiting() const {
  return impl_->visit([](auto& parser) { return parser.body.size(); });
}

}  // namespace cocoon::net
