#include "net/address.hpp"

#include <gtest/gtest.h>

namespace cocoon::net {
namespace {

TEST(Address, ReadsWhatTheRootContractHolds) {
  for (const char* text : {"127.0.0.1:11001", "[127.0.0.1:11001]"}) {
    const auto endpoint = parse_endpoint(text);
    ASSERT_TRUE(endpoint) << text;
    EXPECT_EQ(address_text(*endpoint), "127.0.0.1:11001");
  }
  EXPECT_TRUE(parse_endpoint("1.2.3.4:0", true));
  for (const char* text :
       {"", "[]", "1.2.3.4", "1.2.3.4:", "1.2.3.4:0", "1.2.3.4:65536", "1.2.3.4:-1", "1.2.3.4: 1", "1.2.3:80",
        "1.2.3.4.5:80", "host:80", "::1:80", "[1.2.3.4:80", "1.2.3.4:80]", "1.2.3.4:8o"}) {
    const auto endpoint = parse_endpoint(text);
    EXPECT_FALSE(endpoint) << text;
    EXPECT_EQ(endpoint ? 0 : endpoint.error().code, net_invalid);
  }
  EXPECT_FALSE(parse_endpoint(std::string(1000, '1') + ":80"));
}

TEST(Address, TakesUrlsApart) {
  const auto url = parse_http_url("http://engine.local:8000/v1/models?x=1#part");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->host, "engine.local");
  EXPECT_EQ(url->port, 8000);
  EXPECT_EQ(url->target, "/v1/models?x=1");
  EXPECT_EQ(parse_http_url("http://h").value().target, "/");
  EXPECT_EQ(parse_http_url("http://h?a=b").value().target, "/?a=b");
  EXPECT_EQ(parse_http_url("http://h").value().port, 80);
  EXPECT_FALSE(parse_http_url("http://h").value().tls);
  EXPECT_TRUE(parse_http_url("https://h/x").value().tls);
  EXPECT_EQ(parse_http_url("https://h/x").value().port, 443);
  EXPECT_EQ(parse_http_url("https://h:8081/x").value().port, 8081);
  for (const char* text : {"ftp://h/", "https:///", "https:/h", "HTTPS://h/", "http:///x", "http://h:x/", "http://u@h/",
                           "http://h/a b", "http://h/\r\nX: y", "h"})
    EXPECT_FALSE(parse_http_url(text)) << text;
}

}  // namespace
}  // namespace cocoon::net
