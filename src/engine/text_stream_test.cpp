#include "engine/text_stream.hpp"

#include <gtest/gtest.h>

namespace cocoon::engine {
namespace {

constexpr const char* kBad = "\xEF\xBF\xBD";

TEST(Utf8, CutsOnlyBetweenCharacters) {
  const std::string text = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z";
  const std::vector<std::size_t> ends = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11};
  for (std::size_t n = 0; n <= text.size(); ++n) EXPECT_EQ(whole_characters(text.substr(0, n)), ends[n]) << n;
}

TEST(Utf8, HopelessBytesAreNotWaitedFor) {
  for (const std::string bytes : {"\x80", "\xFF", "\xC0\x80", "\xE0\x80", "\xED\xA0", "\xF5", "\xF4\x90", "ab\xC1"})
    EXPECT_EQ(whole_characters(bytes), bytes.size());
}

TEST(Utf8, ReplacesEachMaximalPart) {
  const std::string r = kBad;
  EXPECT_EQ(as_utf8("plain \xC3\xA9"), "plain \xC3\xA9");
  EXPECT_EQ(as_utf8("\xE2\x82"), r);
  EXPECT_EQ(as_utf8("\xE2\x82x"), r + "x");
  EXPECT_EQ(as_utf8("\xED\xA0\x80"), r + r + r);
  EXPECT_EQ(as_utf8("\xF0\x9F\x98!\xFF"), r + "!" + r);
}

std::string fed(TextStream& stream, std::initializer_list<std::string_view> tokens) {
  std::string out;
  for (const auto token : tokens) out += stream.push(token);
  return out;
}

TEST(TextStream, JoinsCharactersAcrossTokens) {
  TextStream stream({});
  EXPECT_EQ(stream.push("\xF0\x9F"), "");
  EXPECT_EQ(stream.push("\x98"), "");
  EXPECT_EQ(stream.push("\x80!"), "\xF0\x9F\x98\x80!");
  EXPECT_EQ(stream.push("\xE2\x82"), "");
  EXPECT_EQ(stream.finish(), kBad);
}

TEST(TextStream, StopsAcrossTokensAndDropsTheRest) {
  TextStream stream({"END"});
  EXPECT_EQ(fed(stream, {"one E", "N", "D two"}), "one ");
  EXPECT_TRUE(stream.stopped());
  EXPECT_EQ(stream.push("more"), "");
  EXPECT_EQ(stream.finish(), "");
}

TEST(TextStream, GivesBackWhatOnlyLookedLikeAStop) {
  TextStream stream({"aab"});
  EXPECT_EQ(stream.push("a"), "");
  EXPECT_EQ(stream.push("a"), "");
  EXPECT_EQ(stream.push("a"), "a");
  EXPECT_EQ(stream.push("c"), "aac");
  EXPECT_EQ(stream.push("aa"), "");
  EXPECT_FALSE(stream.stopped());
  EXPECT_EQ(stream.finish(), "aa");
}

TEST(TextStream, TheEarliestStopWins) {
  TextStream stream({"lazy", "brown", "ow"});
  EXPECT_EQ(fed(stream, {"quick brown fox, lazy"}), "quick ");
  EXPECT_TRUE(stream.stopped());
}

TEST(TextStream, StopMayEndInsideATokenThatHoldsPartOfACharacter) {
  TextStream stream({"\xE2\x82\xAC"});
  EXPECT_EQ(fed(stream, {"5\xE2", "\x82", "\xAC\xC3"}), "5");
  EXPECT_TRUE(stream.stopped());
}

// However the bytes are divided, the text is the same.
TEST(TextStream, DivisionDoesNotMatter) {
  const std::string text = "sto stop\xC3\xA9 \xE2\x82\xAC\xFF st";
  TextStream whole({"stop!", "\xACx"});
  auto expected = whole.push(text);
  expected += whole.finish();
  for (std::size_t a = 0; a <= text.size(); ++a)
    for (std::size_t b = a; b <= text.size(); ++b) {
      TextStream parts({"stop!", "\xACx"});
      auto got = parts.push(text.substr(0, a));
      got += parts.push(text.substr(a, b - a));
      got += parts.push(text.substr(b));
      got += parts.finish();
      ASSERT_EQ(got, expected) << a << ' ' << b;
    }
}

}  // namespace
}  // namespace cocoon::engine
