#include "openai/error.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace cocoon::openai {
namespace {

TEST(ErrorBody, HasOpenAisShapeAndCocoonsCode) {
  const auto body = boost::json::parse(error_body({404, 621, "no \"x\"\n", "model_not_found", "model"}));
  EXPECT_EQ(body.at("error_code").as_int64(), 621);
  const auto& error = body.at("error").as_object();
  EXPECT_EQ(error.at("message").as_string(), "no \"x\"\n");
  EXPECT_EQ(error.at("type").as_string(), "not_found_error");
  EXPECT_EQ(error.at("code").as_string(), "model_not_found");
  EXPECT_EQ(error.at("param").as_string(), "model");
  EXPECT_EQ(error.size(), 4U);
}

TEST(ErrorBody, WhatIsNotSaidFollowsFromTheStatus) {
  const auto of = [](int status) { return boost::json::parse(error_body(status, 0, "m")).at("error").as_object(); };
  EXPECT_TRUE(of(400).at("param").is_null());
  EXPECT_EQ(of(400).at("type").as_string(), "invalid_request_error");
  EXPECT_EQ(of(400).at("code").as_string(), "invalid_request");
  EXPECT_EQ(of(401).at("code").as_string(), "invalid_api_key");
  EXPECT_EQ(of(402).at("type").as_string(), "insufficient_quota");
  EXPECT_EQ(of(429).at("code").as_string(), "rate_limit_exceeded");
  EXPECT_EQ(of(502).at("type").as_string(), "server_error");
  EXPECT_EQ(of(504).at("code").as_string(), "timeout");
}

TEST(ErrorBody, StatusesOfTheProtocolsCodes) {
  EXPECT_EQ(http_status_of(652), 504);
  EXPECT_EQ(http_status_of(651), 502);
  EXPECT_EQ(http_status_of(621), 400);
  EXPECT_EQ(http_status_of(602), 500);
  EXPECT_EQ(http_status_of(653), 500);
  EXPECT_EQ(http_status_of_models(653), 502);
  EXPECT_EQ(http_status_of_models(602), 400);
}

TEST(ErrorEvent, IsOneEvent) {
  const auto event = error_event({504, 652, "late\nvery"});
  EXPECT_TRUE(event.starts_with("data: {\"error\""));
  EXPECT_EQ(event.find('\n'), event.size() - 2);
}

}  // namespace
}  // namespace cocoon::openai
