#include "cli/operator_command.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cocoon::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(OrderInWords, SaysWhatEachMessageDoesAndCosts) {
  const auto words = order_in_words(
      R"({"state":"planned","messages":[{"operation":"client_withdraw","to":"UQx","attached_nano":700000000,
          "moved_nano":0,"fees_nano":12000000,"comes_back_nano":688000000,"arrives_nano":3000000000,"arrives_at":"UQw",
          "effect":"3 TON come back"}],"totals":{"attached_nano":700000000,"fees_nano":12000000,
          "comes_back_nano":688000000},"note":"later"})");
  ASSERT_TRUE(words) << words.error().what;
  EXPECT_THAT(*words, HasSubstr("Dry run: nothing is sent"));
  EXPECT_THAT(*words, HasSubstr("client_withdraw"));
  EXPECT_THAT(*words, HasSubstr("attached 0.70 TON"));
  EXPECT_THAT(*words, HasSubstr("about 0.012 TON are fees, 0.688 TON come back"));
  EXPECT_THAT(*words, HasSubstr("3.00 TON arrive at UQw"));
  EXPECT_THAT(*words, HasSubstr("later"));
  EXPECT_THAT(*words, Not(HasSubstr("in all")));  // one message is its own total
}

TEST(OrderInWords, SaysHowItEnded) {
  const auto ended = [](const char* json) { return order_in_words(json).value(); };
  EXPECT_THAT(ended(R"({"state":"done","messages":[],"outcome":"arrived"})"), "arrived\n");
  EXPECT_THAT(ended(R"({"state":"failed","messages":[],"outcome":"exit code 5"})"), "failed: exit code 5\n");
  EXPECT_THAT(ended(R"({"state":"sent","messages":[]})"), HasSubstr("not been seen on chain"));
}

TEST(OrderInWords, WhatIsNotAnAnswerIsAnError) {
  for (const auto* text : {"", "[]", "null", "{", "<html>"}) EXPECT_FALSE(order_in_words(text)) << text;
  // Members of other types than expected say nothing, and break nothing.
  for (const auto* text :
       {"{}", R"({"messages":3,"totals":[]})", R"({"messages":[1,{}],"totals":{"attached_nano":-1}})",
        R"({"state":1,"note":{},"outcome":[],"totals":{}})"})
    EXPECT_TRUE(order_in_words(text)) << text;
}

}  // namespace
}  // namespace cocoon::cli
