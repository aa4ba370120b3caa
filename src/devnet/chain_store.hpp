// A chain on disk: one SQLite file, one transaction per block, so that a crash leaves the chain as it was after some
// block, never between two.
#pragma once
#include <memory>
#include <string>

#include "devnet/chain.hpp"

namespace cocoon::devnet {

class ChainStore {
 public:
  // Opens or creates the file and keeps it to itself: a second process gets an error.
  static Result<ChainStore> open(const std::string& path);
  ~ChainStore();
  ChainStore(ChainStore&&) noexcept;
  ChainStore& operator=(ChainStore&&) noexcept;

  // What was kept; nothing if the file is new. The settings say how much history is wanted.
  Result<std::optional<ChainImage>> load(const ChainSettings& settings);
  // The first block of a new chain, with what is the same for all blocks.
  Result<> begin(const Chain& chain, const BlockDelta& first);
  Result<> append(const BlockDelta& delta, const ChainSettings& settings);

 private:
  struct Impl;
  explicit ChainStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace cocoon::devnet
