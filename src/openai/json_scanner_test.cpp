#include "openai/json_scanner.hpp"

#include <random>

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace cocoon::openai {
namespace {

// Every token as text, so that runs can be compared.
struct Recorder final : JsonSink {
  std::string log;
  void token(const JsonToken& t) override {
    static constexpr const char* names[] = {"{", "}", "[", "]", "k", "s", "n", "b", "0"};
    log += names[static_cast<int>(t.kind)];
    log += std::to_string(t.depth) + '@' + std::to_string(t.begin) + '-' + std::to_string(t.end) + ' ' +
           std::string(t.text) + (t.cut ? "~" : "") + '\n';
  }
};

struct Outcome {
  bool ok = false;
  std::string log;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome scan(std::string_view text, std::size_t piece, JsonScanner::Documents documents = JsonScanner::Documents::one) {
  JsonScanner scanner(documents, 16);
  Recorder recorder;
  bool ok = true;
  for (std::size_t at = 0; at < text.size() && ok; at += piece) ok = scanner.push(text.substr(at, piece), recorder);
  ok = scanner.finish(recorder) && ok;
  return {ok, ok ? recorder.log : ""};
}

const char* const kGood[] = {
    R"({})",
    R"([])",
    R"(0)",
    R"(-0.5e+10)",
    R"("")",
    R"( {"a" : [1, 2.5, -3e4, true, false, null], "b\"\u00e9": {"c": "d\\"}} )",
    R"([[[]],{"":{}}])",
    "\"\xd0\xbf\xd1\x80\"",
    R"([1E5,0,10,-1,1.0])",
};
const char* const kBad[] = {
    "",
    " ",
    "{",
    "}",
    "[1,]",
    "{,}",
    R"({"a"})",
    R"({"a":})",
    R"({"a":1,})",
    R"({"a" 1})",
    "01",
    "-",
    "1.",
    "1e",
    "1e+",
    ".5",
    "+1",
    "tru",
    "nulL",
    "truex",
    R"("\x")",
    R"("\u12g4")",
    "\"\n\"",
    "[1}",
    "{\"a\":1]",
    "1 2",
    "[1 2]",
    "'a'",
    "nan",
    R"({1:2})",
    "[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]",
};

TEST(JsonScanner, SameTokensHoweverTheTextIsCut) {
  for (const std::string text : kGood) {
    const Outcome whole = scan(text, text.size());
    EXPECT_TRUE(whole.ok) << text;
    for (std::size_t piece = 1; piece <= text.size(); ++piece)
      EXPECT_EQ(scan(text, piece), whole) << text << ' ' << piece;
  }
}

TEST(JsonScanner, RefusesWhatIsNoJson) {
  for (const std::string text : kBad)
    for (std::size_t piece = 1; piece <= text.size() + 1; ++piece) EXPECT_FALSE(scan(text, piece).ok) << text;
}

TEST(JsonScanner, TokensSayWhereAndWhat) {
  EXPECT_EQ(scan(R"({"k":["v",12]})", 1).log,
            "{0@0-1 \n"
            "k1@1-4 k\n"
            "[1@5-6 \n"
            "s2@6-9 v\n"
            "n2@10-12 12\n"
            "]1@12-13 \n"
            "}0@13-14 \n");
}

TEST(JsonScanner, LongTextsAreCutNotKept) {
  const std::string text = "\"" + std::string(100000, 'x') + "\"";
  const Outcome got = scan(text, 7);
  EXPECT_TRUE(got.ok);
  EXPECT_EQ(got.log, "s0@0-100002 " + std::string(JsonScanner::kCapture, 'x') + "~\n");
}

// Strings are passed over in groups of bytes: each byte must be seen at each place of a group.
TEST(JsonScanner, EveryByteAtEveryPlaceOfAString) {
  for (int byte = 0; byte < 256; ++byte)
    for (std::size_t at = 0; at < 17; ++at) {
      std::string inside(17, 'x');
      inside[at] = static_cast<char>(byte);
      const std::string text = "[\"" + inside + "\",1]";
      const bool ends = byte == '"' || byte == '\\';
      const Outcome whole = scan(text, text.size());
      EXPECT_EQ(whole.ok, !ends && byte >= 0x20) << byte << ' ' << at;
      for (const std::size_t piece : {1u, 3u, 8u, 11u}) EXPECT_EQ(scan(text, piece), whole) << byte << ' ' << at;
    }
}

TEST(JsonScanner, TextsAroundTheLimitInAnyPieces) {
  for (const auto size : {JsonScanner::kCapture - 1, JsonScanner::kCapture, JsonScanner::kCapture + 1}) {
    std::string inside;
    for (std::size_t i = 0; i < size; ++i) inside += static_cast<char>('a' + i % 26);
    const std::string text = "[\"" + inside + "\"," + std::string(size, '1') + "]";
    const Outcome whole = scan(text, text.size());
    EXPECT_TRUE(whole.ok);
    EXPECT_EQ(whole.log.find('~') != std::string::npos, size > JsonScanner::kCapture);
    for (std::size_t piece = 1; piece < text.size(); ++piece)
      EXPECT_EQ(scan(text, piece), whole) << size << ' ' << piece;
  }
}

TEST(JsonScanner, DocumentsOneAfterTheOther) {
  JsonScanner scanner(JsonScanner::Documents::many);
  Recorder recorder;
  EXPECT_TRUE(scanner.push("{}\n{\"a\":1} 12 \"x\"[]3", recorder));
  EXPECT_TRUE(scanner.finish(recorder));
  EXPECT_EQ(scanner.documents(), 6u);
  JsonScanner none(JsonScanner::Documents::many);
  EXPECT_TRUE(none.finish(recorder));
}

// The judgement of the scanner equals that of an independent parser on bent texts.
TEST(JsonScanner, AgreesWithBoostOnBentTexts) {
  std::mt19937 random(7);
  const std::string alphabet = "{}[]\",:\\ue019-+.EtrufalsnxX \n\x01\xd0";
  std::size_t good = 0, bad = 0;
  boost::json::parse_options options;
  options.max_depth = 16;
  for (int round = 0; round < 60000; ++round) {
    std::string text = kGood[random() % std::size(kGood)];
    for (auto edits = 1 + random() % 3; edits > 0 && !text.empty(); --edits) {
      const std::size_t at = random() % text.size();
      switch (random() % 3) {
        case 0:
          text[at] = alphabet[random() % alphabet.size()];
          break;
        case 1:
          text.erase(at, 1);
          break;
        default:
          text.insert(at, 1, alphabet[random() % alphabet.size()]);
      }
    }
    boost::json::error_code error;
    boost::json::parse(text, error, {}, options);
    // A number out of range is well-formed JSON; that is a judgement of values, not of grammar. The scanner leaves the
    // pairing of escaped surrogates and UTF-8 to is_utf8 and to whoever reads the string.
    if (error == boost::json::error::exponent_overflow || error == boost::json::error::expected_utf16_escape ||
        error == boost::json::error::illegal_leading_surrogate ||
        error == boost::json::error::illegal_trailing_surrogate)
      continue;
    const bool expected = !error;
    const bool ours = scan(text, 3).ok && is_utf8(text);
    ASSERT_EQ(ours, expected) << text << '\n' << error.message();
    (ours ? good : bad) += 1;
  }
  EXPECT_GT(good, 3000u);
  EXPECT_GT(bad, 5000u);
}

TEST(Utf8, WellFormedOnly) {
  EXPECT_TRUE(is_utf8("plain"));
  EXPECT_TRUE(is_utf8("\xd0\xbf\xe2\x82\xac\xf0\x9f\x98\x80"));
  for (const std::string bad :
       {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80", "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80", "\xd0", "\xe2\x82", "\xf0\x9f\x98", "\xe2(\xac"})
    EXPECT_FALSE(is_utf8(bad));
}

}  // namespace
}  // namespace cocoon::openai
