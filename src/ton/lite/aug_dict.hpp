// Hashmaps whose every node carries a sum over what lies below it (TL-B HashmapAug), as shard states and blocks use
// them. The sums that occur there are amounts: a Currency without extra currencies, behind `prefix_bits` zero bits (the
// split depth of DepthBalanceInfo).
#pragma once
#include <optional>
#include <vector>

#include "ton/cell.hpp"

namespace cocoon::ton::lite {

struct AugShape {
  unsigned key_bits = 256;
  unsigned prefix_bits = 0;
};
inline constexpr AugShape kShardAccountsShape{256, 5};  // ShardAccounts: values are ShardAccount
inline constexpr AugShape kAccountBlocksShape{256, 0};  // ShardAccountBlocks: values are AccountBlock
inline constexpr AugShape kTransactionsShape{64, 0};    // AccountBlock.transactions: values are ^Transaction

// A value: changes give this handle a new tree, copies keep theirs. Every operation walks one path and returns an error
// where that path is malformed or pruned.
class AugDict {
 public:
  explicit AugDict(AugShape shape) : shape_(shape) {}
  // The HashmapAugE at the front of `from`.
  static Result<AugDict> load(CellSlice& from, AugShape shape);
  void store(CellBuilder& to) const;  // as HashmapAugE

  const std::optional<Cell>& root() const { return root_; }
  bool empty() const { return !root_; }
  std::uint64_t sum() const { return sum_; }  // nanoTON, of all entries

  // Keys have shape.key_bits bits. The slice stands behind the sum, at the value.
  Result<std::optional<CellSlice>> find(const BitString& key) const;
  Result<> set(const BitString& key, const Cell& value, std::uint64_t amount);
  Result<bool> erase(const BitString& key);  // was it there?
  // The cells on the way to where `key` is or would be, root first: what a proof about it has to show.
  Result<std::vector<Cell>> path(const BitString& key) const;
  struct Entry {
    BitString key;
    CellSlice value;
  };
  Result<std::vector<Entry>> entries(std::size_t limit) const;

 private:
  AugShape shape_;
  std::optional<Cell> root_;
  std::uint64_t sum_ = 0;
};

}  // namespace cocoon::ton::lite
