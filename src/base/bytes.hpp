// Byte strings and their texts.
#pragma once
#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace cocoon {

using Bytes = std::vector<std::uint8_t>;
using BytesView = std::span<const std::uint8_t>;

// A fixed number of raw bytes in natural order: hashes, keys, request ids. Ordered, hashable, zero by default.
template <std::size_t N>
struct FixedBytes : std::array<std::uint8_t, N> {
  constexpr FixedBytes() : std::array<std::uint8_t, N>{} {}

  // The first N bytes of `from`; `from` must hold at least N.
  static FixedBytes from(BytesView from) {
    FixedBytes out;
    std::memcpy(out.data(), from.data(), N);
    return out;
  }

  bool is_zero() const {
    for (auto b : *this)
      if (b != 0) return false;
    return true;
  }
  BytesView view() const { return {this->data(), N}; }
};

using Bits256 = FixedBytes<32>;
using Bits512 = FixedBytes<64>;

inline BytesView as_bytes(std::string_view s) { return {reinterpret_cast<const std::uint8_t*>(s.data()), s.size()}; }
inline std::string_view as_text(BytesView b) { return {reinterpret_cast<const char*>(b.data()), b.size()}; }
inline Bytes to_bytes(BytesView b) { return {b.begin(), b.end()}; }
inline Bytes to_bytes(std::string_view s) { return to_bytes(as_bytes(s)); }
inline std::string to_text(BytesView b) { return std::string(as_text(b)); }
inline void append(Bytes& to, BytesView more) { to.insert(to.end(), more.begin(), more.end()); }

std::string to_hex(BytesView);             // lower case
Result<Bytes> from_hex(std::string_view);  // either case, no separators
std::string to_base64(BytesView);          // standard alphabet, padded
std::string to_base64url(BytesView);       // url alphabet, no padding
// Reads both alphabets, with or without padding; anything else is an error.
Result<Bytes> from_base64(std::string_view);

// Exactly N bytes from hex text.
template <std::size_t N>
Result<FixedBytes<N>> fixed_from_hex(std::string_view text) {
  TRY_ASSIGN(auto bytes, from_hex(text));
  if (bytes.size() != N) return fail("{} hex bytes expected, got {}", N, bytes.size());
  return FixedBytes<N>::from(bytes);
}

std::uint16_t crc16_xmodem(BytesView);  // polynomial 0x1021, initial 0 (TON friendly addresses)
std::uint32_t crc32_ieee(BytesView);    // zlib polynomial (TL constructor ids)
std::uint32_t crc32c(BytesView);        // Castagnoli (bag of cells)

}  // namespace cocoon

template <std::size_t N>
struct std::hash<cocoon::FixedBytes<N>> {
  // The contents are hashes, keys or random ids already: their first bytes are as good a hash as any, and tables keyed
  // by values a peer chooses are bounded by the limits of their owners.
  std::size_t operator()(const cocoon::FixedBytes<N>& v) const noexcept {
    std::size_t h = 0;
    std::memcpy(&h, v.data(), sizeof h < N ? sizeof h : N);
    return h;
  }
};
