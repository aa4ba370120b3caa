#include "node/wallet_page.hpp"

#include <gtest/gtest.h>

namespace cocoon::node {
namespace {

std::string page_with(const std::string& wallet) { return R"({"status":{},"wallet":)" + wallet + "}"; }

TEST(WalletPage, IsReadAsItIsWritten) {
  const WalletPage w{ton::Address{0, Bits256{}}, 12345, 7, 2, "more \"coins\"", "exit code 33"};
  const auto back = wallet_of_status(page_with(wallet_json(w)));
  ASSERT_TRUE(back) << back.error().what;
  EXPECT_EQ(back->address, w.address);
  EXPECT_EQ(back->balance, w.balance);
  EXPECT_EQ(back->seqno, w.seqno);
  EXPECT_EQ(back->pending, w.pending);
  EXPECT_EQ(back->waiting_for, w.waiting_for);
  EXPECT_EQ(back->last_refusal, w.last_refusal);
}

TEST(WalletPage, WhatIsNotThereOrNoNumberIsNothing) {
  const auto back = wallet_of_status(page_with(R"({"address":")" + ton::to_friendly_text({}) +
                                               R"(","balance":-5,"seqno":4294967296,"waiting_for":1})"));
  ASSERT_TRUE(back) << back.error().what;
  EXPECT_EQ(back->balance, 0U);
  EXPECT_EQ(back->seqno, 0U);
  EXPECT_EQ(back->pending, 0U);
  EXPECT_EQ(back->waiting_for, "");
}

TEST(WalletPage, OtherPagesAreRefused) {
  for (const auto* page :
       {"", "nonsense", "[]", "{}", R"({"wallet":5})", R"({"wallet":{}})", R"({"wallet":{"address":"x"}})"})
    EXPECT_FALSE(wallet_of_status(page)) << page;
}

}  // namespace
}  // namespace cocoon::node
