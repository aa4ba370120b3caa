#include "openai/models.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace cocoon::openai {
namespace {

TEST(Models, SayWhatTheyCostAndHowMuchIsFree) {
  ModelEntry m{"org/\"m\"",
               {{1500, 1, 3, 8192}, {1000, 5, 4, 4096}, {1000, 0, 0}},
               ModelPrices{20, 10000, 1000, 40000, 80000},
               {"tdx"}};
  const auto body = boost::json::parse(model_body(m));
  EXPECT_EQ(body.at("id").as_string(), "org/\"m\"");
  EXPECT_EQ(body.at("object").as_string(), "model");
  EXPECT_EQ(body.at("workers").at(0).at("coefficient").as_int64(), 1500);
  // 20 nanoTON a token at coefficient 1.000: 20 * 10^6 nanoTON a million tokens.
  const auto& pricing = body.at("pricing");
  EXPECT_DOUBLE_EQ(pricing.at("prompt").as_double(), 0.02);
  EXPECT_DOUBLE_EQ(pricing.at("cached").as_double(), 0.002);
  EXPECT_DOUBLE_EQ(pricing.at("completion").as_double(), 0.08);
  EXPECT_DOUBLE_EQ(pricing.at("reasoning").as_double(), 0.16);
  EXPECT_EQ(pricing.at("per_tokens").as_int64(), 1'000'000);
  EXPECT_EQ(body.at("capacity").at("max_running").as_int64(), 7);
  EXPECT_EQ(body.at("capacity").at("free").as_int64(), 2);
  EXPECT_EQ(body.at("tee").at(0).as_string(), "tdx");
  EXPECT_EQ(body.at("context_length").as_int64(), 4096) << "holds whichever worker answers";
  EXPECT_EQ(body.at("workers").at(0).at("context_length").as_int64(), 8192);
  EXPECT_FALSE(body.at("workers").at(2).as_object().contains("context_length"));
}

TEST(Models, WhatIsNotKnownIsNotThere) {
  const auto list = boost::json::parse(models_body({{"a", {}}, {"b", {{1000, 0, 1}}}}));
  EXPECT_EQ(list.at("object").as_string(), "list");
  for (const auto& m : list.at("data").as_array()) {
    EXPECT_FALSE(m.as_object().contains("pricing"));
    EXPECT_FALSE(m.as_object().contains("context_length"));
    EXPECT_TRUE(m.at("tee").as_array().empty());
  }
}

TEST(Models, IdsAreReadBack) {
  EXPECT_EQ(model_ids(models_body({{"a\"b", {{1000, 1, 20}}}, {"c", {}}})).value(),
            (std::vector<std::string>{"a\"b", "c"}));
  for (const char* bad : {"", "{}", "[]", "{\"data\":5}", "nonsense"}) EXPECT_FALSE(model_ids(bad)) << bad;
  EXPECT_TRUE(model_ids(R"({"data":[1,{"id":5},{}]})")->empty());
}

}  // namespace
}  // namespace cocoon::openai
