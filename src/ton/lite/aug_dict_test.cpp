#include "ton/lite/aug_dict.hpp"

#include <map>

#include <gtest/gtest.h>

#include "crypto/crypto.hpp"
#include "ton/boc.hpp"
#include "ton/lite/merkle.hpp"

namespace cocoon::ton::lite {
namespace {

Cell value_of(std::uint64_t n) { return CellBuilder().store_uint(n, 64).must_finish(); }

AugDict built_from(const std::map<BitString, std::uint64_t>& entries, AugShape shape) {
  AugDict out(shape);
  for (const auto& [key, n] : entries) EXPECT_TRUE(out.set(key, value_of(n), n));
  return out;
}

TEST(AugDict, AgreesWithAMapAndIsCanonical) {
  Bits256 seed;
  crypto::Random random(seed);
  for (unsigned key_bits : {3u, 16u, 64u, 256u}) {
    const AugShape shape{key_bits, key_bits == 256 ? 5u : 0u};
    AugDict dict(shape);
    std::map<BitString, std::uint64_t> reference;
    for (int i = 0; i < 400; i++) {
      // Few different keys, so that they are set again and erased; long common prefixes.
      BitString key;
      const auto bits = random.below(6);
      for (unsigned b = 0; b < key_bits; b++)
        key.push(b + 4 > key_bits ? ((bits >> (key_bits - b - 1)) & 1) != 0 : false);
      if (random.below(3) == 0) {
        auto erased = dict.erase(key);
        ASSERT_TRUE(erased) << erased.error().what;
        EXPECT_EQ(*erased, reference.erase(key) == 1);
      } else {
        const auto n = random.below(1'000'000);
        ASSERT_TRUE(dict.set(key, value_of(n), n));
        reference[key] = n;
      }
      std::uint64_t sum = 0;
      for (const auto& [k, n] : reference) sum += n;
      ASSERT_EQ(dict.sum(), sum);
      ASSERT_EQ(dict.empty(), reference.empty());
      ASSERT_EQ(dict.root(), built_from(reference, shape).root()) << "the same entries give the same tree";
    }
    auto entries = dict.entries(100);
    ASSERT_TRUE(entries) << entries.error().what;
    ASSERT_EQ(entries->size(), reference.size());
    auto expected = reference.begin();
    for (auto& [key, value] : *entries) {
      EXPECT_EQ(key, expected->first);
      EXPECT_EQ(value.load_u64(), (expected++)->second);
    }
    EXPECT_FALSE(reference.size() > 1 && dict.entries(1).has_value());
  }
}

TEST(AugDict, StoresAndLoadsItself) {
  AugDict dict(kShardAccountsShape);
  for (std::uint64_t n : {1u, 2u, 77u}) {
    Bits256 key;
    key[0] = static_cast<std::uint8_t>(n);
    ASSERT_TRUE(dict.set(BitString::of_bytes(key.view()), value_of(n), n));
  }
  CellBuilder b;
  dict.store(b);
  CellSlice s(b.must_finish());
  auto back = AugDict::load(s, kShardAccountsShape);
  ASSERT_TRUE(back) << back.error().what;
  EXPECT_EQ(back->root(), dict.root());
  EXPECT_EQ(back->sum(), 80u);
}

TEST(AugDict, KeysOfAnotherLengthAreErrors) {
  AugDict dict(kTransactionsShape);
  const auto key = BitString::of_uint(1, 32);
  EXPECT_FALSE(dict.set(key, Cell(), 1));
  EXPECT_FALSE(dict.erase(key));
  EXPECT_FALSE(dict.find(key));
}

TEST(AugDict, SumsOver64BitsAreErrors) {
  AugDict dict(kTransactionsShape);
  ASSERT_TRUE(dict.set(BitString::of_uint(1, 64), Cell(), ~std::uint64_t{0}));
  EXPECT_FALSE(dict.set(BitString::of_uint(2, 64), Cell(), 1));
  EXPECT_EQ(dict.sum(), ~std::uint64_t{0}) << "a failed change changes nothing";
}

TEST(Merkle, AProofShowsOnlyThePathAndKeepsTheHash) {
  AugDict dict(kTransactionsShape);
  for (std::uint64_t n = 0; n < 50; n++) ASSERT_TRUE(dict.set(BitString::of_uint(n * 0x123456789, 64), value_of(n), n));
  const auto key = BitString::of_uint(7 * 0x123456789, 64);
  CellBuilder b;
  dict.store(b);
  const auto whole = b.must_finish();

  Shown shown;
  auto path = dict.path(key);
  ASSERT_TRUE(path);
  for (const auto& cell : *path) shown.cell(cell);
  auto proof = merkle_proof(whole, shown);
  ASSERT_TRUE(proof) << proof.error().what;
  EXPECT_LT(write_boc(*proof).size(), write_boc(whole).size() / 2);

  auto read = read_boc(write_boc(*proof));
  ASSERT_TRUE(read) << read.error().what;
  auto body = open_merkle_proof(*read, whole.hash());
  ASSERT_TRUE(body) << body.error().what;
  CellSlice s(*body);
  auto cut = AugDict::load(s, kTransactionsShape);
  ASSERT_TRUE(cut) << cut.error().what;
  auto found = cut->find(key);
  ASSERT_TRUE(found) << found.error().what;
  ASSERT_TRUE(*found);
  EXPECT_EQ((*found)->load_u64(), 7u);
  EXPECT_FALSE(cut->find(BitString::of_uint(40 * 0x123456789, 64))) << "what is pruned is an error, not an absence";

  EXPECT_FALSE(open_merkle_proof(*read, Bits256())) << "a proof about something else";
  EXPECT_FALSE(open_merkle_proof(whole, whole.hash())) << "not a proof";
}

TEST(Merkle, UpdatesNameBothStates) {
  const auto before = CellBuilder().store_uint(1, 8).store_ref(value_of(1)).must_finish();
  const auto after = CellBuilder().store_uint(2, 8).store_ref(value_of(2)).must_finish();
  const auto update = merkle_update(before, after);
  EXPECT_EQ(update.level_mask(), 0u);
  EXPECT_EQ(merkle_update_result(update).value(), after.hash());
  EXPECT_FALSE(merkle_update_result(before));
  auto read = read_boc(write_boc(update));
  ASSERT_TRUE(read) << read.error().what;
  EXPECT_EQ(read->hash(), update.hash());
}

}  // namespace
}  // namespace cocoon::ton::lite
