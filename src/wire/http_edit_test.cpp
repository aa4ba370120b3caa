#include "wire/http_edit.hpp"

#include <gtest/gtest.h>

namespace cocoon::wire {
namespace {

http::Response response() {
  http::Response r;
  r.http_version = "HTTP/1.1";
  r.status_code = 200;
  r.reason = "OK";
  r.headers = {{"Content-Type", "application/json"}, {"X-Long", std::string(300, 'x')}};
  r.payload = to_bytes(std::string_view("{}"));
  return r;
}

TEST(HttpEdit, HeadersAreAddedAsIfTheResponseHadBeenTakenApart) {
  auto r = response();
  const std::vector<http::Header> more = {{"X-Start", "1.000001"}, {"X-End", ""}};
  const auto edited = with_headers(encode(r), more);
  ASSERT_TRUE(edited) << edited.error().what;
  r.headers.insert(r.headers.end(), more.begin(), more.end());
  EXPECT_EQ(*edited, encode(r));
  r.headers.clear();
  EXPECT_EQ(decode<http::Response>(with_headers(encode(r), more).value()).value().headers, more);
  EXPECT_EQ(with_headers(encode(r), {}).value(), encode(r));
}

// Whatever the decoder refuses, so do these, and the other way round.
TEST(HttpEdit, JudgesBytesAsTheDecoderDoes) {
  const std::vector<http::Header> more = {{"a", "b"}};
  http::Request request{"POST", "/v1/x", "HTTP/1.1", {{"Host", "h"}, {"B", "c"}}, to_bytes(std::string_view("body"))};
  for (const Bytes& whole : {encode(response()), encode(request)}) {
    for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
      const auto part = BytesView(whole).first(cut);
      EXPECT_EQ(request_header(part, "x").has_value(), decode<http::Request>(part).has_value()) << cut;
      EXPECT_EQ(with_headers(part, more).has_value(), decode<http::Response>(part).has_value()) << cut;
    }
    for (std::size_t at = 0; at < whole.size(); ++at) {
      for (const unsigned flip : {0x01u, 0x80u, 0xffu}) {
        Bytes changed = whole;
        changed[at] = static_cast<std::uint8_t>(changed[at] ^ flip);
        EXPECT_EQ(request_header(changed, "x").has_value(), decode<http::Request>(changed).has_value()) << at;
        const auto edited = with_headers(changed, more);
        const auto decoded = decode<http::Response>(changed);
        ASSERT_EQ(edited.has_value(), decoded.has_value()) << at;
        if (!edited) continue;
        auto expected = *decoded;
        expected.headers.push_back(more.front());
        EXPECT_EQ(decode<http::Response>(*edited).value(), expected) << at;
      }
    }
    Bytes longer = whole;
    longer.push_back(0);
    EXPECT_FALSE(request_header(longer, "x"));
    EXPECT_FALSE(with_headers(longer, more));
  }
}

TEST(HttpEdit, SecondsAreSpeltToTheMicrosecond) {
  EXPECT_EQ(seconds_text(1764112345.00025), "1764112345.000250");
  EXPECT_EQ(seconds_text(0), "0.000000");
  EXPECT_EQ(seconds_text(1.9999996), "2.000000");
  EXPECT_EQ(seconds_text(1764112345.123456), fmt::format("{:.6f}", 1764112345.123456));
}

TEST(HttpEdit, FindsAHeaderWhateverItsCase) {
  http::Request request;
  request.headers = {{"Host", "a"}, {"X-COCOON-policy", "first"}, {"x-cocoon-policy", "second"}};
  const Bytes bytes = encode(request);
  EXPECT_EQ(*request_header(bytes, "x-cocoon-policy"), "first");
  EXPECT_EQ(*request_header(bytes, "x-cocoon"), "");
  EXPECT_FALSE(request_header(encode(http::Response{}), "x-cocoon-policy"));
}

TEST(HttpEdit, ReadsTheStatusOfAResponse) {
  http::Response response;
  response.http_version = "HTTP/1.1";
  response.status_code = 503;
  EXPECT_EQ(*response_status(encode(response)), 503);
  EXPECT_FALSE(response_status(encode(http::Request{})));
  EXPECT_FALSE(response_status(BytesView(encode(response)).first(12)));
}

}  // namespace
}  // namespace cocoon::wire
