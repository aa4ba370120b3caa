#include "base/bytes.hpp"

namespace cocoon {
namespace {

constexpr std::string_view kStd = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrl = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

int base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+' || c == '-') return 62;
  if (c == '/' || c == '_') return 63;
  return -1;
}

std::string encode64(BytesView in, std::string_view alphabet, bool pad) {
  std::string out((in.size() + 2) / 3 * 4, '=');
  auto digits = [&, at = out.begin()](std::uint32_t three, std::size_t count) mutable {
    for (std::size_t k = 0; k < count; ++k) *at++ = alphabet[(three >> (18 - 6 * k)) & 63];
  };
  std::size_t i = 0;
  for (; i + 3 <= in.size(); i += 3)
    digits(std::uint32_t{in[i]} << 16 | std::uint32_t{in[i + 1]} << 8 | std::uint32_t{in[i + 2]}, 4);
  const std::size_t left = in.size() - i;
  if (left == 1) digits(std::uint32_t{in[i]} << 16, 2);
  if (left == 2) digits(std::uint32_t{in[i]} << 16 | std::uint32_t{in[i + 1]} << 8, 3);
  if (!pad && left > 0) out.resize(out.size() - (3 - left));
  return out;
}

constexpr std::array<std::uint16_t, 256> crc16_table() {
  std::array<std::uint16_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t c = i << 8;
    for (int k = 0; k < 8; ++k) c = ((c << 1) ^ ((c & 0x8000) != 0 ? 0x1021U : 0U)) & 0xffff;
    table[i] = static_cast<std::uint16_t>(c);
  }
  return table;
}

template <std::uint32_t Polynomial>
constexpr std::array<std::uint32_t, 256> crc32_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t c = i;
    for (int k = 0; k < 8; ++k) c = (c >> 1) ^ ((c & 1) != 0 ? Polynomial : 0);
    table[i] = c;
  }
  return table;
}

template <std::uint32_t Polynomial>
std::uint32_t crc32(BytesView in) {
  static constexpr auto kTable = crc32_table<Polynomial>();
  std::uint32_t c = 0xffffffff;
  for (auto b : in) c = (c >> 8) ^ kTable[(c ^ b) & 0xff];
  return c ^ 0xffffffff;
}

}  // namespace

std::string to_hex(BytesView in) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out(in.size() * 2, '0');
  auto at = out.begin();
  for (auto b : in) {
    *at++ = digits[b >> 4];
    *at++ = digits[b & 15];
  }
  return out;
}

Result<Bytes> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return fail("hex text of odd length {}", text.size());
  Bytes out;
  out.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int hi = hex_digit(text[i]);
    const int lo = hex_digit(text[i + 1]);
    if (hi < 0 || lo < 0) return fail("not a hex digit at offset {}", i);
    out.push_back(static_cast<std::uint8_t>(hi * 16 + lo));
  }
  return out;
}

std::string to_base64(BytesView in) { return encode64(in, kStd, true); }
std::string to_base64url(BytesView in) { return encode64(in, kUrl, false); }

Result<Bytes> from_base64(std::string_view text) {
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  if (text.size() % 4 == 1) return fail("base64 text of impossible length {}", text.size());
  Bytes out;
  out.reserve(text.size() * 3 / 4);
  std::uint32_t acc = 0;
  int bits = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int d = base64_digit(text[i]);
    if (d < 0) return fail("not a base64 digit at offset {}", i);
    acc = (acc << 6) | static_cast<std::uint32_t>(d);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out.push_back(static_cast<std::uint8_t>((acc >> bits) & 0xff));
    }
  }
  return out;
}

std::uint16_t crc16_xmodem(BytesView in) {
  static constexpr auto kTable = crc16_table();
  std::uint32_t c = 0;
  for (auto b : in) c = ((c << 8) ^ kTable[(c >> 8) ^ b]) & 0xffff;
  return static_cast<std::uint16_t>(c);
}

std::uint32_t crc32_ieee(BytesView in) { return crc32<0xedb88320>(in); }
std::uint32_t crc32c(BytesView in) { return crc32<0x82f63b78>(in); }

}  // namespace cocoon
