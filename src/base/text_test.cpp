#include "base/text.hpp"

#include <gtest/gtest.h>

namespace cocoon {
namespace {

TEST(Text, LettersAloneHaveNoCase) {
  EXPECT_TRUE(equal_ignoring_case("Content-Type", "cONTENT-tYPE"));
  EXPECT_TRUE(equal_ignoring_case("", ""));
  EXPECT_FALSE(equal_ignoring_case("Content-Type", "Content-Typ"));
  EXPECT_FALSE(equal_ignoring_case("[", "{")) << "they differ by the same bit as letters";
  EXPECT_FALSE(equal_ignoring_case("@", "`"));
  EXPECT_FALSE(equal_ignoring_case("\xc4", "\xe4"));
}

TEST(Text, BeginningsAndLists) {
  static constexpr std::string_view kNames[] = {"te", "upgrade"};
  EXPECT_TRUE(starts_ignoring_case("Bearer x", "bearer "));
  EXPECT_FALSE(starts_ignoring_case("bear", "bearer "));
  EXPECT_TRUE(is_one_of_ignoring_case("TE", kNames));
  EXPECT_FALSE(is_one_of_ignoring_case("t", kNames));
}

TEST(Text, SpaceAtBothEnds) {
  EXPECT_EQ(trimmed(" \ta b\t "), "a b");
  EXPECT_EQ(trimmed(" \t"), "");
  EXPECT_EQ(trimmed("\na\n"), "\na\n");
}

}  // namespace
}  // namespace cocoon
