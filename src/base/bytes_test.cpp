#include "base/bytes.hpp"

#include <gtest/gtest.h>

namespace cocoon {
namespace {

TEST(Hex, RoundTripAndRefusals) {
  EXPECT_EQ(to_hex(Bytes{0x00, 0xab, 0xff}), "00abff");
  EXPECT_EQ(from_hex("00ABff").value(), (Bytes{0x00, 0xab, 0xff}));
  EXPECT_FALSE(from_hex("0").has_value());
  EXPECT_FALSE(from_hex("0g").has_value());
  EXPECT_FALSE(fixed_from_hex<32>("00").has_value());
}

TEST(Base64, BothAlphabetsBothPaddings) {
  const Bytes b{0xfb, 0xff, 0xbf, 0x01};
  EXPECT_EQ(to_base64(b), "+/+/AQ==");
  EXPECT_EQ(to_base64url(b), "-_-_AQ");
  EXPECT_EQ(from_base64("+/+/AQ==").value(), b);
  EXPECT_EQ(from_base64("-_-_AQ").value(), b);
  EXPECT_FALSE(from_base64("A").has_value());
  EXPECT_FALSE(from_base64("AA A").has_value());
}

TEST(Base64, EveryLengthOfTheLastGroup) {
  const std::pair<std::string_view, std::string_view> known[] = {
      {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}};
  for (const auto& [text, code] : known) {
    EXPECT_EQ(to_base64(as_bytes(text)), code);
    EXPECT_EQ(to_base64url(as_bytes(text)), code.substr(0, code.find('=')));
  }
}

TEST(Crc, KnownValues) {
  EXPECT_EQ(crc16_xmodem(as_bytes("123456789")), 0x31c3);
  EXPECT_EQ(crc32_ieee(as_bytes("123456789")), 0xcbf43926U);
  EXPECT_EQ(crc32c(as_bytes("123456789")), 0xe3069283U);
}

TEST(FixedBytes, ZeroHashOrder) {
  Bits256 a;
  EXPECT_TRUE(a.is_zero());
  a[31] = 1;
  EXPECT_FALSE(a.is_zero());
  EXPECT_LT(Bits256{}, a);
}

}  // namespace
}  // namespace cocoon
