#include <algorithm>

#include "ton/cell.hpp"

namespace cocoon::ton {

CellSlice::CellSlice(Cell cell) : cell_(cell), bit_end_(cell.bit_count()), ref_end_(cell.ref_count()) {
  if (cell_.is_exotic()) reject("an exotic cell where data was expected");
}

CellSlice CellSlice::of_exotic(Cell cell) {
  CellSlice out;
  out.cell_ = cell;
  out.bit_end_ = cell.bit_count();
  out.ref_end_ = cell.ref_count();
  return out;
}

void CellSlice::reject(const char* why) {
  if (!error_) error_ = why;
  skip_rest();
}

void CellSlice::skip_rest() {
  bit_ = bit_end_;
  ref_ = ref_end_;
}

bool CellSlice::take(unsigned bits) {
  if (error_) return false;
  if (bits > bits_left()) {
    reject("a cell ends within a field");
    return false;
  }
  bit_ += bits;
  return true;
}

std::uint64_t CellSlice::load_uint(unsigned bits) {
  COCOON_ASSERT(bits <= 64);
  const unsigned at = bit_;
  return take(bits) ? detail::read_bits(cell_.data_->bytes.data(), at, bits) : 0;
}

std::uint64_t CellSlice::peek_uint(unsigned bits) const {
  COCOON_ASSERT(bits <= 64);
  return error_ || bits > bits_left() ? 0 : detail::read_bits(cell_.data_->bytes.data(), bit_, bits);
}

std::int64_t CellSlice::load_int(unsigned bits) {
  COCOON_ASSERT(bits >= 1 && bits <= 64);
  const std::uint64_t raw = load_uint(bits);
  if (bits == 64 || (raw >> (bits - 1) & 1) == 0) return static_cast<std::int64_t>(raw);
  return static_cast<std::int64_t>(raw | ~((1ull << bits) - 1));
}

BitString CellSlice::load_bits(unsigned count) {
  const unsigned at = bit_;
  BitString out;
  if (take(count)) out.append(cell_.data_->bytes, at, count);
  return out;
}

Bytes CellSlice::load_bytes(unsigned count) {
  if (count > kMaxCellBits / 8) {
    reject("a cell ends within a field");
    return {};
  }
  Bytes out(count);
  load_into(out);
  return out;
}

void CellSlice::load_into(std::span<std::uint8_t> out) {
  const unsigned at = bit_;
  const auto bits = static_cast<unsigned>(out.size() * 8);
  if (take(bits)) detail::copy_bits(out.data(), 0, cell_.data_->bytes.data(), at, bits);
}

std::uint64_t CellSlice::load_var_uint(unsigned length_bits) {
  const auto length = static_cast<unsigned>(load_uint(length_bits));
  if (length > 8) {
    reject("a number longer than 8 bytes");
    return 0;
  }
  return load_uint(length * 8);
}

Address CellSlice::load_address() {
  if (load_uint(3) != 0b100) reject("a standard address without anycast was expected");
  Address out;
  out.workchain = static_cast<std::int8_t>(load_int(8));
  out.hash = load_bits256();
  return ok() ? out : Address{};
}

std::optional<Address> CellSlice::load_maybe_address() {
  if (ok() && bits_left() >= 2 && peek_uint(2) == 0) {
    load_uint(2);
    return std::nullopt;
  }
  const Address out = load_address();
  if (!ok()) return std::nullopt;
  return out;
}

Cell CellSlice::load_ref() {
  if (!error_ && ref_ == ref_end_) reject("a cell lacks a reference");
  if (error_) return {};
  return cell_.ref(ref_++);
}

std::optional<Cell> CellSlice::load_maybe_ref() {
  if (!load_bit()) return std::nullopt;
  const Cell out = load_ref();
  if (!ok()) return std::nullopt;
  return out;
}

Cell CellSlice::load_rest() {
  if (error_) return {};
  auto made = CellBuilder().store_slice(*this).finish();
  COCOON_ASSERT(made.has_value());
  skip_rest();
  return *made;
}

Result<> CellSlice::status() const {
  if (error_) return fail(std::string(error_));
  return {};
}

Result<> CellSlice::end() const {
  TRY(status());
  if (!at_end()) return fail("{} bits and {} references too many", bits_left(), refs_left());
  return {};
}

}  // namespace cocoon::ton
