// Hashmaps with keys of a fixed number of bits (TL-B HashmapE), plain or of a tree that a stranger made.
#pragma once
#include <vector>

#include "ton/cell.hpp"

namespace cocoon::ton {

// A value: set and erase give this handle a new tree and leave other copies as they are. Every operation walks only as
// much of the tree as it needs and returns an error where that part is malformed.
class Dict {
 public:
  explicit Dict(unsigned key_bits, std::optional<Cell> root = std::nullopt);  // 1..1023 bits
  // `maybe ^`: what a layout holds. The tree itself is looked at later.
  static Dict load(CellSlice& from, unsigned key_bits) { return Dict(key_bits, from.load_maybe_ref()); }
  void store(CellBuilder& to) const { to.store_maybe_ref(root_); }

  unsigned key_bits() const { return key_bits_; }
  bool empty() const { return !root_; }
  const std::optional<Cell>& root() const { return root_; }

  // Keys must have key_bits() bits; others give an error.
  Result<std::optional<CellSlice>> find(const BitString& key) const;
  // The content of `value` becomes the content of the leaf: an error if it does not fit beside the key's label.
  Result<> set(const BitString& key, const Cell& value);
  Result<bool> erase(const BitString& key);  // was it there?

  struct Entry {
    BitString key;
    CellSlice value;
  };
  // All entries, by key. A tree that shares branches can spell out more entries than it has cells: at most `limit`.
  Result<std::vector<Entry>> entries(std::size_t limit) const;

  Result<std::optional<CellSlice>> find(const Bits256& key) const { return find(BitString::of_bytes(key.view())); }
  Result<> set(const Bits256& key, const Cell& value) { return set(BitString::of_bytes(key.view()), value); }
  Result<bool> erase(const Bits256& key) { return erase(BitString::of_bytes(key.view())); }

 private:
  unsigned key_bits_;
  std::optional<Cell> root_;
};

}  // namespace cocoon::ton
