// StateInit: what an account is born with, and the address that follows from it (contracts.md 2.1).
#pragma once
#include "ton/cell.hpp"

namespace cocoon::ton {

struct StateInit {
  std::optional<std::uint8_t> split_depth;  // 5 bits
  std::optional<std::uint8_t> special;      // tick 2, tock 1
  std::optional<Cell> code, data, libraries;

  friend bool operator==(const StateInit&, const StateInit&) = default;
};

StateInit load_state_init(CellSlice&);
void store_state_init(CellBuilder&, const StateInit&);
Result<StateInit> parse_state_init(const Cell&);
// At most 13 bits and 3 references: always fits.
Cell build_state_init(const StateInit&);

Address address_of(const StateInit&, std::int8_t workchain = 0);

// The same from what is known of code and data without having them.
struct CellId {
  Bits256 hash;
  std::uint16_t depth = 0;

  static CellId of(const Cell& c) { return {c.hash(), static_cast<std::uint16_t>(c.depth())}; }
  friend bool operator==(const CellId&, const CellId&) = default;
};
Address address_from_hashes(const CellId& code, const CellId& data, std::int8_t workchain = 0);

}  // namespace cocoon::ton
