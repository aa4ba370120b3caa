// A string of up to 1023 bits: dictionary keys, labels, pieces of cells.
#pragma once
#include <bit>
#include <compare>
#include <string>

#include "base/assert.hpp"
#include "base/bytes.hpp"

namespace cocoon::ton {

inline constexpr unsigned kMaxCellBits = 1023;

// Most significant bit first. Bits behind the end are always zero, so that equality is equality of the storage.
class BitString {
 public:
  BitString() = default;
  // The low `bits` of `value`, big-endian; bits <= 64.
  static BitString of_uint(std::uint64_t value, unsigned bits);
  // Whole bytes; at most 127.
  static BitString of_bytes(BytesView bytes);

  unsigned size() const { return size_; }
  bool empty() const { return size_ == 0; }
  bool at(unsigned i) const { return (bytes_[i >> 3] >> (7 - (i & 7)) & 1) != 0; }
  // The bits as bytes; the last one is padded with zeros.
  BytesView bytes() const { return {bytes_.data(), (size_ + 7u) / 8u}; }
  // The first up to 64 bits as a number.
  std::uint64_t to_uint() const;
  // Only for strings of 256 bits; others give zero.
  Bits256 to_bits256() const;

  void push(bool bit);                                          // size() < 1023
  void append(const BitString& more);                           // the sum fits 1023 bits
  void append(BytesView from, unsigned first, unsigned count);  // bits [first, first+count) of `from`
  BitString slice(unsigned first, unsigned count) const;        // within size()
  unsigned common_prefix(const BitString& other) const;

  friend bool operator==(const BitString& a, const BitString& b) { return a.size_ == b.size_ && a.bytes_ == b.bytes_; }
  // By bits, then by length: for strings of one length the order of the numbers they spell.
  friend std::strong_ordering operator<=>(const BitString& a, const BitString& b) {
    if (auto c = a.bytes_ <=> b.bytes_; c != 0) return c;
    return a.size_ <=> b.size_;
  }

 private:
  std::array<std::uint8_t, 128> bytes_{};
  unsigned size_ = 0;
};

namespace detail {
// Copies `count` bits from `from` (starting at bit `from_bit`) over zeroed bits of `to` (starting at bit `to_bit`).
void copy_bits(std::uint8_t* to, unsigned to_bit, const std::uint8_t* from, unsigned from_bit, unsigned count);
// Reads up to 64 bits, most significant first.
std::uint64_t read_bits(const std::uint8_t* from, unsigned from_bit, unsigned count);
}  // namespace detail

}  // namespace cocoon::ton
