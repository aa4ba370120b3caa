#include "ton/lite/merkle.hpp"

#include "base/assert.hpp"

namespace cocoon::ton::lite {
namespace {

constexpr unsigned kDepthBits = 16, kTypeBits = 8;

Result<Cell> pruned_branch(const Cell& cell) {
  CellBuilder b;
  b.store_uint(static_cast<std::uint8_t>(CellType::pruned_branch), kTypeBits).store_uint(1, 8);
  b.store_bytes(cell.hash(0)).store_uint(cell.depth(0), kDepthBits);
  return b.finish_exotic();
}

// Copies a tree with the hidden parts cut off. Shared cells are visited once, however often a tree spells them out.
class Pruner {
 public:
  explicit Pruner(const Shown& shown) : shown_(shown) {}

  Result<Cell> copy(const Cell& cell) {
    // A cell without references is no larger than the branch that would stand for it.
    if (cell.is_exotic() || cell.ref_count() == 0) return cell;
    const auto known = copies_.find(cell.hash());
    if (known != copies_.end()) return known->second;
    CellBuilder b;
    CellSlice bits(cell);
    b.store_bits(bits.load_bits(cell.bit_count()));
    for (unsigned i = 0; i < cell.ref_count(); i++) {
      const auto child = cell.ref(i);
      const bool keep = shown_.contains(child) || child.is_exotic() || child.ref_count() == 0;
      TRY_ASSIGN(const auto shorter, keep ? copy(child) : pruned_branch(child));
      b.store_ref(shorter);
    }
    TRY_ASSIGN(const auto made, b.finish());
    copies_.emplace(cell.hash(), made);
    return made;
  }

 private:
  const Shown& shown_;
  std::unordered_map<Bits256, Cell> copies_;
};

}  // namespace

void Shown::tree(const Cell& root) {
  if (!hashes_.insert(root.hash()).second) return;
  for (unsigned i = 0; i < root.ref_count(); i++) tree(root.ref(i));
}

Result<Cell> merkle_proof(const Cell& root, const Shown& shown) {
  TRY_ASSIGN(const auto body, Pruner(shown).copy(root));
  CellBuilder b;
  b.store_uint(static_cast<std::uint8_t>(CellType::merkle_proof), kTypeBits);
  b.store_bytes(body.hash(0)).store_uint(body.depth(0), kDepthBits).store_ref(body);
  return b.finish_exotic();
}

Result<Cell> open_merkle_proof(const Cell& proof, const Bits256& root_hash) {
  if (proof.type() != CellType::merkle_proof) return fail("a Merkle proof was expected, this is another cell");
  // The reader of bags of cells has checked that the proof's hash is the one of its content.
  const auto body = proof.ref(0);
  if (body.hash(0) != root_hash) return fail("a Merkle proof about another cell");
  return body;
}

Cell merkle_update(const Cell& before, const Cell& after) {
  const auto must = [](const Result<Cell>& cell) {
    COCOON_ASSERT(cell.has_value());  // fixed shapes
    return *cell;
  };
  CellBuilder b;
  b.store_uint(static_cast<std::uint8_t>(CellType::merkle_update), kTypeBits);
  b.store_bytes(before.hash(0)).store_bytes(after.hash(0));
  b.store_uint(before.depth(0), kDepthBits).store_uint(after.depth(0), kDepthBits);
  b.store_ref(must(pruned_branch(before))).store_ref(must(pruned_branch(after)));
  return must(b.finish_exotic());
}

Result<Bits256> merkle_update_result(const Cell& update) {
  if (update.type() != CellType::merkle_update) return fail("a Merkle update was expected, this is another cell");
  auto s = CellSlice::of_exotic(update);
  s.load_uint(kTypeBits);
  s.load_bits256();
  const auto after = s.load_bits256();
  TRY(s.status());
  return after;
}

}  // namespace cocoon::ton::lite
