#include "cli/amount.hpp"

#include <gtest/gtest.h>

namespace cocoon::cli {
namespace {

TEST(Amount, IsReadToTheNano) {
  EXPECT_EQ(parse_ton("0"), 0u);
  EXPECT_EQ(parse_ton("1"), 1'000'000'000u);
  EXPECT_EQ(parse_ton("1.5"), 1'500'000'000u);
  EXPECT_EQ(parse_ton("1.5 TON"), 1'500'000'000u);
  EXPECT_EQ(parse_ton("0.000000001"), 1u);
  EXPECT_EQ(parse_ton("999999999.999999999"), 999'999'999'999'999'999u);
}

TEST(Amount, AnythingElseIsRefusedAndNamed) {
  for (const auto* text : {"", ".5", "5.", "1e9", "-1", "+1", "1,5", "0x10", " 1", "1.0000000001", "1000000000", "TON",
                           "1 TON TON", "1.-5", "1.5.5", "\xff", "١"}) {
    const auto amount = parse_ton(text);
    ASSERT_FALSE(amount) << text;
    EXPECT_NE(amount.error().what.find(text), std::string::npos);
  }
}

TEST(Amount, IsWrittenAsItIsRead) {
  EXPECT_EQ(ton_text(0), "0.00 TON");
  EXPECT_EQ(ton_text(1), "0.000000001 TON");
  EXPECT_EQ(ton_text(1'500'000'000), "1.50 TON");
  for (const std::uint64_t nano : {0ull, 1ull, 10ull, 123'456'789ull, 999'999'999'999'999'999ull})
    EXPECT_EQ(parse_ton(ton_text(nano)), nano);
}

}  // namespace
}  // namespace cocoon::cli
