// Bags of cells: the byte form of trees of cells.
#pragma once
#include <span>

#include "ton/cell.hpp"

namespace cocoon::ton {

struct BocLimits {
  std::size_t bytes = 16u << 20;
  std::size_t cells = 1u << 18;
  std::size_t roots = 16;
  unsigned depth = kMaxBocDepth;
};

// Reads every form that exists: with and without index, cache bits, checksum and stored hashes, several roots, the two
// legacy magics. Strict: references point forward, declared sizes, index, levels and stored hashes must agree with the
// content, nothing may follow it.
Result<std::vector<Cell>> read_boc_roots(BytesView, const BocLimits& = {});
// The same, for exactly one root.
Result<Cell> read_boc(BytesView, const BocLimits& = {});

struct BocOptions {
  bool crc32c = true;
  bool index = false;
};

// The canonical form: every distinct cell once, parents before children, smallest field widths.
Bytes write_boc(const Cell& root, BocOptions = {});
Bytes write_boc(std::span<const Cell> roots, BocOptions = {});

}  // namespace cocoon::ton
