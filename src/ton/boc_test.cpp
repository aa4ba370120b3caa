#include "ton/boc.hpp"

#include <random>

#include <gtest/gtest.h>

namespace cocoon::ton {
namespace {

// A tree with shared cells, all lengths of content and all numbers of references.
Cell example() {
  Cell shared = CellBuilder().store_uint(0x1234, 16).must_finish();
  Cell last = CellBuilder().store_uint(1, 3).store_ref(shared).must_finish();
  for (unsigned i = 0; i < 40; ++i) {
    CellBuilder b;
    b.store_zeros(i * 25).store_uint(i, 8);
    b.store_ref(last);
    for (unsigned r = 1; r < 1 + i % 4; ++r) b.store_ref(shared);
    last = b.must_finish();
    if (i % 7 == 0) shared = last;
  }
  return last;
}

void put(Bytes& out, std::uint64_t value, unsigned bytes) {
  for (unsigned i = bytes; i-- > 0;) out.push_back(static_cast<std::uint8_t>(value >> (8 * i) & 0xff));
}
void put_crc(Bytes& out) {
  const auto crc = crc32c(out);
  for (unsigned i = 0; i < 4; ++i) out.push_back(static_cast<std::uint8_t>(crc >> (8 * i) & 0xff));
}

// The parts of a bag that write_boc made, to put them together in the other ways that exist.
struct Parts {
  unsigned ref_bytes = 0;
  std::size_t cells = 0;
  std::vector<Bytes> data;  // each cell as written
};
Parts take_apart(const Bytes& boc) {
  Parts p;
  p.ref_bytes = boc[4] & 7;
  const unsigned offset_bytes = boc[5];
  const auto number = [&](std::size_t at, unsigned n) {
    std::size_t v = 0;
    for (unsigned i = 0; i < n; ++i) v = v << 8 | boc[at + i];
    return v;
  };
  p.cells = number(6, p.ref_bytes);
  std::size_t at = 6 + 3u * p.ref_bytes + offset_bytes + p.ref_bytes;
  for (std::size_t i = 0; i < p.cells; ++i) {
    const std::size_t size = 2u + (boc[at + 1] + 1u) / 2u + (boc[at] & 7u) * p.ref_bytes;
    p.data.emplace_back(boc.begin() + static_cast<std::ptrdiff_t>(at),
                        boc.begin() + static_cast<std::ptrdiff_t>(at + size));
    at += size;
  }
  return p;
}

struct Form {
  std::uint32_t magic = 0xb5ee9c72;
  bool index = false, crc = false, cache_bits = false;
  unsigned offset_bytes = 3;
};
Bytes assemble(const Parts& p, const Form& f) {
  const bool legacy = f.magic != 0xb5ee9c72;
  Bytes out;
  put(out, f.magic, 4);
  put(out, (legacy ? 0u : (f.index ? 0x80u : 0u) | (f.crc ? 0x40u : 0u) | (f.cache_bits ? 0x20u : 0u)) | p.ref_bytes,
      1);
  put(out, f.offset_bytes, 1);
  put(out, p.cells, p.ref_bytes);
  put(out, 1, p.ref_bytes);
  put(out, 0, p.ref_bytes);
  std::size_t total = 0;
  for (const auto& d : p.data) total += d.size();
  put(out, total, f.offset_bytes);
  if (!legacy) put(out, 0, p.ref_bytes);
  std::size_t end = 0;
  for (const auto& d : p.data) {
    end += d.size();
    if (f.index || legacy) put(out, f.cache_bits ? end * 2 + 1 : end, f.offset_bytes);
  }
  for (const auto& d : p.data) append(out, d);
  if (f.crc) put_crc(out);
  return out;
}

TEST(Boc, EveryFormIsReadAndTheCanonicalOneWritten) {
  const Cell c = example();
  const Bytes canonical = write_boc(c);
  EXPECT_EQ(read_boc(canonical).value(), c);
  EXPECT_EQ(write_boc(read_boc(canonical).value()), canonical);
  const Parts parts = take_apart(canonical);
  EXPECT_EQ(assemble(parts, {.crc = true, .offset_bytes = canonical[5]}), canonical);
  for (const bool index : {false, true}) {
    for (const bool crc : {false, true}) {
      EXPECT_EQ(read_boc(write_boc(c, {.crc32c = crc, .index = index})).value(), c);
      for (const bool cache_bits : {false, true}) {
        for (unsigned offset_bytes = 2; offset_bytes <= 8; ++offset_bytes) {
          const auto read = read_boc(assemble(parts, {0xb5ee9c72, index, crc, cache_bits, offset_bytes}));
          ASSERT_EQ(read.has_value(), index || !cache_bits);
          EXPECT_TRUE(!read || *read == c);
        }
      }
    }
  }
  EXPECT_EQ(read_boc(assemble(parts, {.magic = 0x68ff65f3})).value(), c);
  EXPECT_EQ(read_boc(assemble(parts, {.magic = 0xacc3a728, .crc = true})).value(), c);
}

TEST(Boc, SeveralRoots) {
  const Cell a = example(), b = a.ref(0), lone = CellBuilder().store_uint(7, 5).must_finish();
  const std::vector<Cell> roots{b, lone, a, lone};
  EXPECT_EQ(read_boc_roots(write_boc(roots)).value(), roots);
  EXPECT_FALSE(read_boc(write_boc(roots)));
  EXPECT_FALSE(read_boc_roots(write_boc(roots), {.roots = 3}));
}

TEST(Boc, StoredHashesMustBeTheCellsOwn) {
  const Cell leaf = CellBuilder().store_uint(0xab, 8).must_finish();
  const Cell c = CellBuilder().store_uint(5, 8).store_ref(leaf).must_finish();
  const auto boc = [&](const Bits256& hash, unsigned depth) {
    Bytes cells;
    put(cells, 1 | 16, 1);
    put(cells, 2, 1);
    append(cells, hash.view());
    put(cells, depth, 2);
    put(cells, 5, 1);
    put(cells, 1, 1);
    append(cells, Bytes{0, 2, 0xab});
    Bytes out;
    put(out, 0xb5ee9c72, 4);
    append(out, Bytes{1, 1, 2, 1, 0, static_cast<std::uint8_t>(cells.size()), 0});
    append(out, cells);
    return out;
  };
  EXPECT_EQ(read_boc(boc(c.hash(), 1)).value(), c);
  EXPECT_FALSE(read_boc(boc(leaf.hash(), 1)));
  EXPECT_FALSE(read_boc(boc(c.hash(), 2)));
}

TEST(Boc, ExoticCellsKeepTheirKindAndLevel) {
  const Cell tree = example();
  const Cell pruned = CellBuilder()
                          .store_uint(1, 8)
                          .store_uint(1, 8)
                          .store_bytes(tree.hash())
                          .store_uint(tree.depth(), 16)
                          .finish_exotic()
                          .value();
  const Cell proof = CellBuilder()
                         .store_uint(3, 8)
                         .store_bytes(pruned.hash(0))
                         .store_uint(pruned.depth(0), 16)
                         .store_ref(pruned)
                         .finish_exotic()
                         .value();
  const Cell back = read_boc(write_boc(proof)).value();
  EXPECT_EQ(back, proof);
  EXPECT_EQ(back.type(), CellType::merkle_proof);
  EXPECT_EQ(back.ref(0).type(), CellType::pruned_branch);
  EXPECT_EQ(back.ref(0).hash(0), tree.hash());
  EXPECT_EQ(read_boc(write_boc(pruned)).value().level_mask(), 1u);
}

TEST(Boc, LimitsHold) {
  const Bytes boc = write_boc(example());
  EXPECT_FALSE(read_boc(boc, {.bytes = boc.size() - 1}));
  EXPECT_FALSE(read_boc(boc, {.cells = 10}));
  EXPECT_FALSE(read_boc(boc, {.depth = 10}));
  Cell deep;
  for (unsigned i = 0; i <= kMaxBocDepth; ++i) deep = CellBuilder().store_ref(deep).must_finish();
  EXPECT_TRUE(read_boc(write_boc(deep.ref(0))));
  EXPECT_FALSE(read_boc(write_boc(deep)));
}

TEST(Boc, HostileShapesAreErrors) {
  const auto bad = [](std::string_view hex) { return !read_boc(from_hex(hex).value()).has_value(); };
  EXPECT_FALSE(bad("b5ee9c72010101010002000000"));       // the empty cell
  EXPECT_TRUE(bad("b5ee9c7201010101000200000000"));      // a byte too many
  EXPECT_TRUE(bad("b5ee9c72010101010002010000"));        // root out of range
  EXPECT_TRUE(bad("b5ee9c72010102010003000001000000"));  // data shorter than said
  EXPECT_TRUE(bad("b5ee9c7201010101000300010000"));      // refers to itself
  EXPECT_TRUE(
      bad("b5ee9c720101020100050000000100"
          "00"));  // refers backwards
  EXPECT_TRUE(
      bad("b5ee9c72010101010003000001"
          "80"));  // last byte is a tag only
  EXPECT_TRUE(
      bad("b5ee9c72010101010003000001"
          "00"));                                  // last byte without tag
  EXPECT_TRUE(bad("b5ee9c72010101010002000500"));  // five references
  EXPECT_TRUE(bad("b5ee9c72010101010002001700"));  // an absent cell
  EXPECT_TRUE(bad("b5ee9c72010101010002002000"));  // a level that it has not
  EXPECT_TRUE(
      bad("b5ee9c7201010101000200"
          "0800"));                                // exotic without a kind
  EXPECT_TRUE(bad("b5ee9c72090101010002000000"));  // unknown flags
  EXPECT_TRUE(bad("b5ee9c72000101010002000000"));  // references of no bytes
  EXPECT_TRUE(bad("b5ee9c72010001010002000000"));  // offsets of no bytes
  EXPECT_TRUE(
      bad("b5ee9c7201010100000200"
          "0000"));                                // no roots
  EXPECT_TRUE(bad("b5ee9c72010101010102000000"));  // absent cells
  EXPECT_TRUE(bad("b5ee9c720404ffffffff00000001000000007fffffff00000000"));
  EXPECT_TRUE(bad(""));
}

// Whatever bytes come: a value that writes back to itself, or an error. Under the sanitizers this is also a search for
// reads out of bounds.
TEST(Boc, MutationsNeverSurprise) {
  std::mt19937_64 random(3);
  std::vector<Bytes> seeds{write_boc(example()), write_boc(example(), {.crc32c = false}),
                           write_boc(example(), {.crc32c = false, .index = true}),
                           write_boc(CellBuilder().store_uint(1, 1).must_finish(), {.crc32c = false})};
  int read = 0;
  for (int i = 0; i < 20'000; ++i) {
    Bytes b = seeds[random() % seeds.size()];
    for (std::uint64_t n = 1 + random() % 3; n > 0; --n) {
      const auto at = random() % b.size();
      switch (random() % 4) {
        case 0:
          b[at] = static_cast<std::uint8_t>(b[at] ^ (1u << random() % 8));
          break;
        case 1:
          b[at] = static_cast<std::uint8_t>(random());
          break;
        case 2:
          b.resize(at + 1);
          break;
        default:
          b.insert(b.begin() + static_cast<std::ptrdiff_t>(at), static_cast<std::uint8_t>(random()));
      }
    }
    const auto cell = read_boc(b);
    if (!cell) continue;
    ++read;
    EXPECT_EQ(read_boc(write_boc(*cell)).value(), *cell);
  }
  EXPECT_GT(read, 100);
}

}  // namespace
}  // namespace cocoon::ton
