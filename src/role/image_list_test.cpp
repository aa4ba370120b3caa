#include "role/image_list.hpp"

#include <gtest/gtest.h>

#include "crypto/crypto.hpp"

namespace cocoon::role {
namespace {

using std::chrono::seconds;

const Bits256 kOld = crypto::sha256(as_bytes("old")), kNew = crypto::sha256(as_bytes("new"));

TEST(ImageList, AnImageThatLeavesIsAcceptedForTheGrace) {
  const Time start = from_unix(1'700'000'000);
  ImageList images(seconds(60));
  EXPECT_FALSE(images.accepts(kOld, start));
  images.adopt({kOld}, start);
  EXPECT_TRUE(images.accepts(kOld, start));
  images.adopt({kNew}, start + seconds(10));
  EXPECT_NE(images.warning(kOld, "proxy p", start + seconds(30)).find("of proxy p has left"), std::string::npos);
  EXPECT_NE(images.warning(kOld, "proxy p", start + seconds(30)).find("in 40 s"), std::string::npos);
  EXPECT_EQ(images.warning(kOld, "", start + seconds(70)), "");
  EXPECT_EQ(images.warning(kNew, "", start + seconds(30)), "");
  EXPECT_TRUE(images.accepts(kOld, start + seconds(10)));
  images.adopt({kNew}, start + seconds(30));  // the clock of the first absence goes on
  EXPECT_TRUE(images.accepts(kOld, start + seconds(70) - Duration(1)));
  EXPECT_FALSE(images.accepts(kOld, start + seconds(70)));
  EXPECT_TRUE(images.accepts(kNew, start + seconds(1'000'000)));
}

TEST(ImageList, WhatComesBackIsListedAgain) {
  const Time start = from_unix(1'700'000'000);
  ImageList images(seconds(60));
  images.adopt({kOld}, start);
  images.adopt({}, start);
  images.adopt({kOld}, start + seconds(100));
  EXPECT_EQ(images.warning(kOld, "", start + seconds(100)), "");
  images.adopt({}, start + seconds(200));
  EXPECT_TRUE(images.accepts(kOld, start + seconds(259)));
  EXPECT_FALSE(images.accepts(kOld, start + seconds(260)));
}

TEST(ImageList, WithoutGraceItIsRefusedAtOnce) {
  const Time start = from_unix(1'700'000'000);
  ImageList images(seconds(0));
  images.adopt({kOld}, start);
  images.adopt({kNew}, start);
  EXPECT_FALSE(images.accepts(kOld, start));
}

}  // namespace
}  // namespace cocoon::role
