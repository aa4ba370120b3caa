// Merkle proofs: a tree of cells with all but the interesting parts cut off, under the hash of the whole.
#pragma once
#include <unordered_map>
#include <unordered_set>

#include "ton/cell.hpp"

namespace cocoon::ton::lite {

// Which cells of a tree a proof shows, by representation hash. What is not shown becomes a pruned branch.
class Shown {
 public:
  void cell(const Cell& cell) { hashes_.insert(cell.hash()); }
  // A cell and everything below it.
  void tree(const Cell& root);
  bool contains(const Cell& cell) const { return hashes_.contains(cell.hash()); }

 private:
  std::unordered_set<Bits256> hashes_;
};

// The exotic cell that stands for `root` in a proof. The root itself is always shown; exotic cells are shown whole.
Result<Cell> merkle_proof(const Cell& root, const Shown& shown);
// The pruned tree inside of a proof, after checking that it proves something about the cell named `root_hash`.
Result<Cell> open_merkle_proof(const Cell& proof, const Bits256& root_hash);

// "The tree with the one root became the tree with the other", showing neither.
Cell merkle_update(const Cell& before, const Cell& after);
// Hash of the tree after a Merkle update.
Result<Bits256> merkle_update_result(const Cell& update);

}  // namespace cocoon::ton::lite
