#include "tl/tl.hpp"

#include <gtest/gtest.h>

namespace cocoon::tl {
namespace {

struct Inner {
  static constexpr std::uint32_t kId = 0x11111111;
  std::int32_t a = 0;
  std::string text;
  static void fields(auto& ar, auto& m) { ar(m.a, m.text); }
  friend bool operator==(const Inner&, const Inner&) = default;
};
struct Other {
  static constexpr std::uint32_t kId = 0x22222222;
  double d = 0;
  static void fields(auto& ar, auto& m) { ar(m.d); }
  friend bool operator==(const Other&, const Other&) = default;
};
struct Empty {
  static constexpr std::uint32_t kId = 0x33333333;
  static void fields(auto&, auto&) {}
  friend bool operator==(const Empty&, const Empty&) = default;
};
struct Outer {
  static constexpr std::uint32_t kId = 0x44444444;
  std::uint32_t flags = 0;
  std::int64_t l = 0;
  bool b = false;
  FixedBytes<16> h128;
  Bits256 h256;
  Bytes blob;
  std::vector<Inner> list;
  std::variant<Inner, Other, Empty> choice;
  Inner boxed_one;
  std::vector<std::int32_t> numbers;
  std::int32_t maybe = 0;
  static void fields(auto& ar, auto& m) {
    ar(m.flags, m.l, m.b, m.h128, m.h256, m.blob, m.list, m.choice);
    ar.boxed(m.boxed_one).boxed_vector(m.numbers).when(m.flags, 3, m.maybe);
  }
  friend bool operator==(const Outer&, const Outer&) = default;
};

Outer sample() {
  Outer o;
  o.flags = 8 | 64;
  o.l = -5;
  o.b = true;
  o.h128[0] = 1;
  o.h256[31] = 2;
  o.blob = Bytes(300, 7);
  o.list = {{1, "one"}, {2, ""}};
  o.choice = Other{1.5};
  o.boxed_one = {9, "nine"};
  o.numbers = {1, -2, 3};
  o.maybe = 77;
  return o;
}

TEST(Tl, EveryKindOfFieldThereAndBack) {
  const Outer o = sample();
  const Bytes wire = encode_boxed(o);
  EXPECT_EQ(wire.size(), 4 + size_of(o));
  EXPECT_EQ(peek_id(wire), Outer::kId);
  const auto back = decode_boxed<Outer>(wire);
  ASSERT_TRUE(back) << back.error().what;
  EXPECT_EQ(*back, o);
}

TEST(Tl, AbsentFieldTakesNoSpace) {
  Outer with = sample(), without = sample();
  without.flags = 64;
  EXPECT_EQ(size_of(with), size_of(without) + 4);
  const auto back = decode_boxed<Outer>(encode_boxed(without));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->maybe, 0);
}

TEST(Tl, EveryTruncationAndExtensionIsAnError) {
  Bytes wire = encode_boxed(sample());
  for (std::size_t n = 0; n < wire.size(); ++n) EXPECT_FALSE(decode_boxed<Outer>(BytesView(wire).first(n))) << n;
  wire.push_back(0);
  EXPECT_FALSE(decode_boxed<Outer>(wire));
}

TEST(Tl, EveryFlippedBitIsAValueOrAnError) {
  const Bytes wire = encode_boxed(sample());
  std::size_t values = 0;
  for (std::size_t bit = 0; bit < wire.size() * 8; ++bit) {
    Bytes bent = wire;
    bent[bit / 8] = static_cast<std::uint8_t>(bent[bit / 8] ^ (1u << (bit % 8)));
    values += decode_boxed<Outer>(bent).has_value();
  }
  EXPECT_GT(values, 0u);
  EXPECT_LT(values, wire.size() * 8);
}

TEST(Tl, StringsAtTheHeaderLimits) {
  for (std::size_t n : {0u, 1u, 2u, 3u, 4u, 253u, 254u, 255u, 256u, 65536u, (1u << 24) - 1, 1u << 24, (1u << 24) + 3}) {
    const Bytes text(n, 'x');
    const Bytes wire = encode_inline(text);
    EXPECT_EQ(wire.size(), string_size(n)) << n;
    EXPECT_EQ(wire.size() % 4, 0u);
    const auto back = decode_inline<Bytes>(wire);
    ASSERT_TRUE(back) << n;
    EXPECT_TRUE(*back == text);
  }
}

TEST(Tl, LongHeaderAndDirtyPaddingAreRead) {
  const Bytes lazy = *from_hex("fe0100006100ffee");
  EXPECT_EQ(as_text(*decode_inline<Bytes>(lazy)), "a");
  EXPECT_EQ(as_text(*decode_inline<Bytes>(*from_hex("ff0100000000000061abcdef"))), "a");
  EXPECT_FALSE(decode_inline<Bytes>(*from_hex("ff01000000000001616b6b6b")));
  EXPECT_FALSE(decode_inline<Bytes>(*from_hex("0161")));
}

TEST(Tl, ViewsPointIntoTheInput) {
  const Bytes wire = encode_inline(std::string("hello"));
  const auto view = decode_inline<BytesView>(wire);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->data(), wire.data() + 1);
}

TEST(Tl, ScalarsRejectWhatTheirTypesForbid) {
  EXPECT_FALSE(decode_inline<std::uint32_t>(*from_hex("00000080")));
  EXPECT_EQ(*decode_inline<std::uint32_t>(*from_hex("ffffff7f")), 0x7fffffffu);
  EXPECT_EQ(*decode_inline<std::int32_t>(*from_hex("feffffff")), -2);
  EXPECT_FALSE(decode_inline<bool>(*from_hex("01000000")));
  EXPECT_TRUE(*decode_inline<bool>(*from_hex("b5757299")));
}

TEST(Tl, ListCountsAreBoundedByTheBytesLeft) {
  EXPECT_FALSE(decode_inline<std::vector<std::int32_t>>(*from_hex("ffffff7f00000000")));
  EXPECT_FALSE(decode_inline<std::vector<std::int32_t>>(*from_hex("ffffffff00000000")));
  EXPECT_FALSE(decode_inline<std::vector<std::int32_t>>(*from_hex("0300000000000000")));
  EXPECT_EQ(decode_inline<std::vector<Empty>>(*from_hex("01000000")).error().what,
            "list longer than the input at byte 4 of 4");
}

TEST(Tl, UnknownAlternativeIsAnErrorWithItsPlace) {
  using Choice = std::variant<Inner, Empty>;
  EXPECT_TRUE(std::holds_alternative<Empty>(*decode_boxed<Choice>(*from_hex("33333333"))));
  EXPECT_EQ(decode_boxed<Choice>(*from_hex("55555555")).error().what, "unknown constructor at byte 4 of 4");
  EXPECT_EQ(peek_id(*from_hex("555555")), 0u);
}

}  // namespace
}  // namespace cocoon::tl
