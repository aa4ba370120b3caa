// Inside of cells: levels, hashes and the checks of exotic shapes. For cell.cpp, cell_builder.cpp and boc.cpp only.
#pragma once
#include "ton/cell.hpp"

namespace cocoon::ton::detail {

// Fills in level mask, hashes and depths of a cell whose content is set, or says what is wrong with its shape.
Result<> seal(CellData&);

const Bits256& hash_of(const CellData&, unsigned level);
unsigned depth_of(const CellData&, unsigned level);

// The content with its completion tag; `to` has room for 128 bytes. Returns the number of bytes.
std::size_t write_padded_bits(const CellData&, std::uint8_t* to);

}  // namespace cocoon::ton::detail
