// A block in the making. Internal to the chain.
#pragma once
#include "devnet/chain.hpp"

namespace cocoon::devnet {

struct Chain::Work {
  struct Touched {
    ton::Cell account_before;  // Account, for the hash update
    lite::AugDict transactions{lite::kTransactionsShape};
    std::uint64_t next_lt = 0;
  };
  StepInfo step;
  std::uint64_t balance_before = 0;
  std::uint64_t fees = 0;
  std::uint64_t last_lt = 0;
  std::size_t executed = 0;
  std::map<Bits256, Touched> touched;
  BlockDelta delta;

  bool full(const ChainSettings& settings) const { return executed >= settings.block_transactions; }
};

}  // namespace cocoon::devnet
