#include "ton/dict.hpp"

#include <map>
#include <random>

#include <gtest/gtest.h>

#include "ton/boc.hpp"

namespace cocoon::ton {
namespace {

Cell number(std::uint64_t v) { return CellBuilder().store_uint(v, 64).must_finish(); }

std::map<std::uint64_t, std::uint64_t> contents(const Dict& d) {
  std::map<std::uint64_t, std::uint64_t> out;
  auto entries = d.entries(100'000);
  EXPECT_TRUE(entries) << entries.error().what;
  for (auto& e : *entries) out[e.key.to_uint()] = e.value.load_u64();
  return out;
}

TEST(Dict, BehavesAsAMapWhateverTheOrder) {
  for (unsigned bits : {1u, 5u, 16u, 64u}) {
    std::mt19937_64 random(bits);
    std::map<std::uint64_t, std::uint64_t> model;
    Dict dict(bits);
    const std::uint64_t mask = bits == 64 ? ~0ull : (1ull << bits) - 1;
    for (int i = 0; i < 2000; ++i) {
      const std::uint64_t key = random() & mask & (random() % 3 == 0 ? 0xffull : ~0ull);
      const auto k = BitString::of_uint(key, bits);
      if (random() % 3 != 0) {
        const std::uint64_t value = random();
        model[key] = value;
        ASSERT_TRUE(dict.set(k, number(value)));
      } else {
        ASSERT_EQ(dict.erase(k).value(), model.erase(key) == 1);
      }
      auto found = dict.find(k).value();
      ASSERT_EQ(found.has_value(), model.contains(key));
    }
    EXPECT_EQ(contents(dict), model);
    // One map, one tree: built again in key order it is the same cell.
    Dict again(bits);
    for (auto [key, value] : model) ASSERT_TRUE(again.set(BitString::of_uint(key, bits), number(value)));
    EXPECT_EQ(again.root(), dict.root());
  }
}

TEST(Dict, RefusesKeysOfAnotherLengthAndValuesThatDoNotFit) {
  Dict d(32);
  EXPECT_FALSE(d.set(BitString::of_uint(1, 31), Cell()));
  EXPECT_FALSE(d.find(BitString::of_uint(1, 33)));
  EXPECT_FALSE(d.set(BitString::of_uint(1, 32), CellBuilder().store_zeros(1023).must_finish()));
  EXPECT_TRUE(d.empty());
}

TEST(Dict, HostileTreesGiveErrors) {
  const auto root_of = [](const Cell& c) { return Dict(8, c); };
  EXPECT_FALSE(root_of(Cell()).entries(10));
  // A fork with one branch; a label longer than the key; a value where a fork must be.
  EXPECT_FALSE(root_of(CellBuilder().store_uint(0, 2).store_ref(Cell()).must_finish()).entries(10));
  EXPECT_FALSE(root_of(CellBuilder().store_uint(0b10, 2).store_uint(9, 4).store_zeros(9).must_finish()).entries(10));
  EXPECT_FALSE(root_of(CellBuilder().store_uint(0b110, 3).store_uint(15, 4).must_finish()).entries(10));
  EXPECT_FALSE(root_of(CellBuilder().store_uint(0, 2).store_uint(7, 9).must_finish()).find(BitString::of_uint(0, 8)));
}

// 255 levels of a fork whose both branches are one cell: 2^255 entries in 256 cells.
TEST(Dict, SharedBranchesCannotMakeItWorkForEver) {
  Cell c = CellBuilder().store_uint(0, 2).must_finish();
  for (int i = 0; i < 256; ++i) c = CellBuilder().store_uint(0, 2).store_ref(c).store_ref(c).must_finish();
  const Dict d(256, c);
  EXPECT_FALSE(d.entries(1000));
  EXPECT_TRUE(d.find(Bits256{}).value().has_value());
}

}  // namespace
}  // namespace cocoon::ton
