#include <algorithm>
#include <bit>

#include "ton/cell.hpp"
#include "ton/cell_hash.hpp"

namespace cocoon::ton {

bool CellBuilder::room_for(unsigned bits) {
  if (error_) return false;
  if (bits_ + bits > kMaxCellBits) error_ = "a cell holds 1023 bits";
  return error_ == nullptr;
}

CellBuilder& CellBuilder::store_uint(std::uint64_t value, unsigned bits) {
  if (!room_for(bits)) return *this;
  if (bits > 64 || (bits < 64 && value >> bits != 0)) {
    error_ = "a number does not fit its field";
    return *this;
  }
  std::array<std::uint8_t, 8> big_endian{};
  for (unsigned i = 0; i < 8; ++i) big_endian[i] = static_cast<std::uint8_t>(value >> (56 - 8 * i) & 0xff);
  detail::copy_bits(bytes_.data(), bits_, big_endian.data(), 64 - bits, bits);
  bits_ += bits;
  return *this;
}

CellBuilder& CellBuilder::store_int(std::int64_t value, unsigned bits) {
  if (bits == 0 || bits > 64) {
    if (!error_) error_ = "a signed field has 1 to 64 bits";
    return *this;
  }
  const std::int64_t top = value >> (bits - 1);
  if (top != 0 && top != -1) {
    if (!error_) error_ = "a number does not fit its field";
    return *this;
  }
  const std::uint64_t mask = bits == 64 ? ~0ull : (1ull << bits) - 1;
  return store_uint(static_cast<std::uint64_t>(value) & mask, bits);
}

CellBuilder& CellBuilder::store_bit(bool b) { return store_uint(b ? 1 : 0, 1); }

CellBuilder& CellBuilder::store_zeros(unsigned bits) {
  if (room_for(bits)) bits_ += bits;
  return *this;
}

CellBuilder& CellBuilder::store_bits(const BitString& b) {
  if (!room_for(b.size())) return *this;
  detail::copy_bits(bytes_.data(), bits_, b.bytes().data(), 0, b.size());
  bits_ += b.size();
  return *this;
}

CellBuilder& CellBuilder::store_bytes(BytesView b) {
  if (b.size() > 127) {
    if (!error_) error_ = "a cell holds 1023 bits";
    return *this;
  }
  const auto bits = static_cast<unsigned>(b.size() * 8);
  if (!room_for(bits)) return *this;
  detail::copy_bits(bytes_.data(), bits_, b.data(), 0, bits);
  bits_ += bits;
  return *this;
}

CellBuilder& CellBuilder::store_var_uint(std::uint64_t value, unsigned length_bits) {
  const auto length = (static_cast<unsigned>(std::bit_width(value)) + 7) / 8;
  return store_uint(length, length_bits).store_uint(value, length * 8);
}

CellBuilder& CellBuilder::store_address(const Address& a) {
  return store_uint(0b100, 3).store_int(a.workchain, 8).store_bytes(a.hash);
}

CellBuilder& CellBuilder::store_maybe_address(const std::optional<Address>& a) {
  return a ? store_address(*a) : store_uint(0, 2);
}

CellBuilder& CellBuilder::store_ref(const Cell& c) {
  if (error_) return *this;
  if (ref_count_ == kMaxCellRefs) {
    error_ = "a cell holds 4 references";
    return *this;
  }
  refs_[ref_count_++] = c.data_;
  return *this;
}

CellBuilder& CellBuilder::store_maybe_ref(const std::optional<Cell>& c) {
  store_bit(c.has_value());
  return c ? store_ref(*c) : *this;
}

CellBuilder& CellBuilder::store_cell(const Cell& content) { return store_slice(CellSlice::of_exotic(content)); }

CellBuilder& CellBuilder::store_slice(const CellSlice& rest) {
  if (!rest.ok()) {
    if (!error_) error_ = rest.error_;
    return *this;
  }
  const unsigned bits = rest.bits_left();
  if (!room_for(bits)) return *this;
  detail::copy_bits(bytes_.data(), bits_, rest.cell_.data_->bytes.data(), rest.bit_, bits);
  bits_ += bits;
  for (unsigned i = rest.ref_; i < rest.ref_end_; ++i) store_ref(rest.cell_.ref(i));
  return *this;
}

Result<Cell> CellBuilder::make(CellType type) const {
  if (error_) return fail(std::string(error_));
  auto data = std::make_shared<detail::CellData>();
  data->bytes = bytes_;
  data->bits = static_cast<std::uint16_t>(bits_);
  data->refs = refs_;
  data->ref_count = static_cast<std::uint8_t>(ref_count_);
  data->type = type;
  TRY(detail::seal(*data));
  return Cell(std::move(data));
}

Result<Cell> CellBuilder::finish() const { return make(CellType::ordinary); }

Cell CellBuilder::must_finish() const {
  auto made = finish();
  COCOON_ASSERT(made.has_value());
  return *made;
}

Result<Cell> CellBuilder::finish_exotic() const {
  if (error_) return fail(std::string(error_));
  if (bits_ < 8 || bytes_[0] < 1 || bytes_[0] > 4) return fail("an exotic cell of an unknown kind");
  return make(static_cast<CellType>(bytes_[0]));
}

}  // namespace cocoon::ton
