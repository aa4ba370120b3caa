// Amounts as messages and accounts carry them.
#pragma once
#include "ton/cell.hpp"

namespace cocoon::ton {

struct Currency {
  std::uint64_t coins = 0;    // nanoTON
  std::optional<Cell> extra;  // other currencies, as the dictionary's root: carried, not read

  friend bool operator==(const Currency&, const Currency&) = default;
};

inline Currency load_currency(CellSlice& s) {
  Currency out;
  out.coins = s.load_coins();
  out.extra = s.load_maybe_ref();
  return out;
}

inline void store_currency(CellBuilder& b, const Currency& c) { b.store_coins(c.coins).store_maybe_ref(c.extra); }

}  // namespace cocoon::ton
