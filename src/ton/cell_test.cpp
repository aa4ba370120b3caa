#include "ton/cell.hpp"

#include <gtest/gtest.h>

namespace cocoon::ton {
namespace {

TEST(Cell, EmptyCellHasItsKnownHash) {
  EXPECT_EQ(to_hex(Cell().hash().view()), "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7");
  EXPECT_EQ(Cell().depth(), 0u);
  EXPECT_EQ(Cell(), CellBuilder().must_finish());
}

TEST(Cell, FieldsComeBackInOrder) {
  const Address a{-1, Bits256::from(Bytes(32, 0x5a))};
  const Cell child = CellBuilder().store_uint(7, 3).must_finish();
  const Cell c = CellBuilder()
                     .store_uint(0xdeadbeef, 32)
                     .store_int(-5, 7)
                     .store_bit(true)
                     .store_coins(15'000'000'000)
                     .store_coins(0)
                     .store_address(a)
                     .store_maybe_address(std::nullopt)
                     .store_maybe_address(a)
                     .store_bytes(as_bytes("abc"))
                     .store_ref(child)
                     .store_maybe_ref(std::nullopt)
                     .store_maybe_ref(Cell())
                     .must_finish();
  CellSlice s(c);
  EXPECT_EQ(s.load_u32(), 0xdeadbeefu);
  EXPECT_EQ(s.load_int(7), -5);
  EXPECT_TRUE(s.load_bit());
  EXPECT_EQ(s.load_coins(), 15'000'000'000u);
  EXPECT_EQ(s.load_coins(), 0u);
  EXPECT_EQ(s.load_address(), a);
  EXPECT_EQ(s.load_maybe_address(), std::nullopt);
  EXPECT_EQ(s.load_maybe_address(), a);
  EXPECT_EQ(to_text(s.load_bytes(3)), "abc");
  EXPECT_EQ(s.load_ref(), child);
  EXPECT_EQ(s.load_maybe_ref(), std::nullopt);
  EXPECT_EQ(s.load_maybe_ref(), Cell());
  EXPECT_TRUE(s.end()) << s.end().error().what;
}

TEST(Cell, BuilderTellsWhatDoesNotFit) {
  EXPECT_FALSE(CellBuilder().store_uint(8, 3).finish());
  EXPECT_FALSE(CellBuilder().store_int(4, 3).finish());
  EXPECT_TRUE(CellBuilder().store_int(-4, 3).finish());
  EXPECT_TRUE(CellBuilder().store_zeros(1023).finish());
  EXPECT_FALSE(CellBuilder().store_zeros(1023).store_bit(false).finish());
  EXPECT_FALSE(CellBuilder().store_bytes(Bytes(200)).finish());
  CellBuilder b;
  for (int i = 0; i < 5; ++i) b.store_ref(Cell());
  EXPECT_FALSE(b.finish());
}

TEST(CellSlice, FirstErrorStaysAndLoadsTurnHarmless) {
  CellSlice s(CellBuilder().store_uint(3, 8).must_finish());
  EXPECT_EQ(s.load_uint(9), 0u);
  EXPECT_FALSE(s.ok());
  EXPECT_EQ(s.load_uint(8), 0u);
  EXPECT_EQ(s.load_ref(), Cell());
  EXPECT_EQ(s.load_bits256(), Bits256{});
  EXPECT_EQ(s.status().error().what, "a cell ends within a field");
  EXPECT_TRUE(s.at_end());
}

TEST(CellSlice, TrailingContentIsAnError) {
  CellSlice s(CellBuilder().store_uint(3, 9).store_ref(Cell()).must_finish());
  EXPECT_EQ(s.load_uint(8), 1u);
  EXPECT_FALSE(s.end());
  s.load_bit();
  EXPECT_FALSE(s.end());
  s.load_ref();
  EXPECT_TRUE(s.end());
}

TEST(CellSlice, CoinsOverEightBytesAreRefused) {
  CellSlice s(CellBuilder().store_uint(9, 4).store_zeros(72).must_finish());
  s.load_coins();
  EXPECT_FALSE(s.ok());
}

TEST(Cell, DepthIsLimited) {
  Cell c;
  for (unsigned i = 0; i < kMaxBuildDepth; ++i) c = CellBuilder().store_ref(c).must_finish();
  EXPECT_EQ(c.depth(), kMaxBuildDepth);
  EXPECT_FALSE(CellBuilder().store_ref(c).finish());
}

// A tree, the proof of it, and what the hashes of each level must say.
TEST(Cell, MerkleProofsCarryTheHashesOfTheUnprunedTree) {
  const Cell leaf = CellBuilder().store_uint(0xabcdef, 24).store_ref(Cell()).must_finish();
  const Cell other = CellBuilder().store_uint(1, 1).must_finish();
  const Cell tree = CellBuilder().store_uint(5, 3).store_ref(leaf).store_ref(other).must_finish();

  const Cell pruned = CellBuilder()
                          .store_uint(1, 8)
                          .store_uint(1, 8)
                          .store_bytes(leaf.hash())
                          .store_uint(leaf.depth(), 16)
                          .finish_exotic()
                          .value();
  EXPECT_EQ(pruned.level_mask(), 1u);
  EXPECT_EQ(pruned.hash(0), leaf.hash());
  EXPECT_EQ(pruned.depth(0), leaf.depth());
  EXPECT_NE(pruned.hash(), leaf.hash());

  const Cell partial = CellBuilder().store_uint(5, 3).store_ref(pruned).store_ref(other).must_finish();
  EXPECT_EQ(partial.level_mask(), 1u);
  EXPECT_EQ(partial.hash(0), tree.hash());
  EXPECT_EQ(partial.depth(0), tree.depth());
  EXPECT_NE(partial.hash(), tree.hash());

  const auto proof = [&](const Bits256& hash, unsigned depth) {
    return CellBuilder().store_uint(3, 8).store_bytes(hash).store_uint(depth, 16).store_ref(partial).finish_exotic();
  };
  ASSERT_TRUE(proof(tree.hash(), tree.depth()));
  EXPECT_EQ(proof(tree.hash(), tree.depth())->level_mask(), 0u);
  EXPECT_FALSE(proof(leaf.hash(), tree.depth()));
  EXPECT_FALSE(proof(tree.hash(), tree.depth() + 1));
  EXPECT_FALSE(CellSlice(pruned).ok());
}

TEST(Cell, ExoticShapesAreChecked) {
  EXPECT_FALSE(CellBuilder().store_uint(0, 8).finish_exotic());
  EXPECT_FALSE(CellBuilder().store_uint(5, 8).finish_exotic());
  EXPECT_FALSE(CellBuilder().store_uint(1, 8).finish_exotic());
  EXPECT_FALSE(CellBuilder().store_uint(2, 8).store_zeros(255).finish_exotic());
  EXPECT_TRUE(CellBuilder().store_uint(2, 8).store_zeros(256).finish_exotic());
}

TEST(BitString, SlicesPrefixesAndOrder) {
  const auto a = BitString::of_uint(0b1011001, 7);
  EXPECT_EQ(a.slice(2, 4), BitString::of_uint(0b1100, 4));
  EXPECT_EQ(a.common_prefix(BitString::of_uint(0b10111, 5)), 4u);
  EXPECT_EQ(a.common_prefix(BitString::of_uint(0b101, 3)), 3u);
  EXPECT_LT(BitString::of_uint(3, 8), BitString::of_uint(4, 8));
  EXPECT_EQ(a.to_uint(), 0b1011001u);
}

}  // namespace
}  // namespace cocoon::ton
