#include "ton/bit_string.hpp"

#include <algorithm>

namespace cocoon::ton {

namespace detail {

std::uint64_t read_bits(const std::uint8_t* from, unsigned from_bit, unsigned count) {
  std::uint64_t out = 0;
  while (count > 0) {
    const unsigned in_byte = from_bit & 7;
    const unsigned take = std::min(8 - in_byte, count);
    const unsigned piece = (static_cast<unsigned>(from[from_bit >> 3]) >> (8 - in_byte - take)) & ((1u << take) - 1u);
    out = (out << take) | piece;
    from_bit += take;
    count -= take;
  }
  return out;
}

void copy_bits(std::uint8_t* to, unsigned to_bit, const std::uint8_t* from, unsigned from_bit, unsigned count) {
  // Of nothing there may be no address, which memcpy must not be given.
  if (count > 0 && (to_bit & 7) == 0 && (from_bit & 7) == 0) {
    std::memcpy(to + (to_bit >> 3), from + (from_bit >> 3), count >> 3);
    const unsigned whole = count & ~7u;
    to_bit += whole;
    from_bit += whole;
    count -= whole;
  }
  while (count > 0) {
    const unsigned in_byte = to_bit & 7;
    const unsigned take = std::min(8 - in_byte, count);
    const auto piece = static_cast<unsigned>(read_bits(from, from_bit, take));
    to[to_bit >> 3] = static_cast<std::uint8_t>(to[to_bit >> 3] | (piece << (8 - in_byte - take)));
    to_bit += take;
    from_bit += take;
    count -= take;
  }
}

}  // namespace detail

BitString BitString::of_uint(std::uint64_t value, unsigned bits) {
  COCOON_ASSERT(bits <= 64);
  BitString out;
  for (unsigned i = bits; i-- > 0;) out.push((value >> i & 1) != 0);
  return out;
}

BitString BitString::of_bytes(BytesView bytes) {
  BitString out;
  out.append(bytes, 0, static_cast<unsigned>(bytes.size() * 8));
  return out;
}

std::uint64_t BitString::to_uint() const { return detail::read_bits(bytes_.data(), 0, std::min(size_, 64u)); }

Bits256 BitString::to_bits256() const { return size_ == 256 ? Bits256::from(bytes_) : Bits256{}; }

void BitString::push(bool bit) {
  COCOON_ASSERT(size_ < kMaxCellBits);
  if (bit) bytes_[size_ >> 3] = static_cast<std::uint8_t>(bytes_[size_ >> 3] | (0x80u >> (size_ & 7)));
  ++size_;
}

void BitString::append(const BitString& more) { append(more.bytes_, 0, more.size_); }

void BitString::append(BytesView from, unsigned first, unsigned count) {
  COCOON_ASSERT(size_ + count <= kMaxCellBits);
  COCOON_ASSERT((first + count + 7u) / 8u <= from.size());
  detail::copy_bits(bytes_.data(), size_, from.data(), first, count);
  size_ += count;
}

BitString BitString::slice(unsigned first, unsigned count) const {
  COCOON_ASSERT(first + count <= size_);
  BitString out;
  out.append(bytes_, first, count);
  return out;
}

unsigned BitString::common_prefix(const BitString& other) const {
  const unsigned limit = std::min(size_, other.size_);
  for (unsigned byte = 0; byte * 8 < limit; ++byte) {
    const auto diff = static_cast<std::uint8_t>(bytes_[byte] ^ other.bytes_[byte]);
    if (diff != 0) return std::min(limit, byte * 8 + static_cast<unsigned>(std::countl_zero(diff)));
  }
  return limit;
}

}  // namespace cocoon::ton
