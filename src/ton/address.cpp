#include "ton/address.hpp"

#include <charconv>

namespace cocoon::ton {

namespace {

constexpr std::uint8_t kBounceable = 0x11;
constexpr std::uint8_t kNonBounceable = 0x51;
constexpr std::uint8_t kTestnet = 0x80;

}  // namespace

std::string to_raw_text(const Address& a) {
  return std::to_string(static_cast<int>(a.workchain)) + ":" + to_hex(a.hash.view());
}

std::string to_friendly_text(const Address& a, FriendlyFlags flags) {
  Bytes raw;
  raw.reserve(36);
  const unsigned tag = (flags.bounceable ? kBounceable : kNonBounceable) | (flags.testnet ? kTestnet : 0u);
  raw.push_back(static_cast<std::uint8_t>(tag));
  raw.push_back(static_cast<std::uint8_t>(a.workchain));
  append(raw, a.hash.view());
  const std::uint16_t crc = crc16_xmodem(raw);
  raw.push_back(static_cast<std::uint8_t>(crc >> 8));
  raw.push_back(static_cast<std::uint8_t>(crc & 0xff));
  return to_base64url(raw);
}

Result<Address> address_from_raw(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return fail("a raw address looks like 0:<64 hex digits>");
  int workchain = 0;
  const auto* end = text.data() + colon;
  const auto parsed = std::from_chars(text.data(), end, workchain);
  if (parsed.ec != std::errc{} || parsed.ptr != end || workchain < -128 || workchain > 127)
    return fail("the workchain of a raw address is a number from -128 to 127");
  TRY_ASSIGN(auto hash, fixed_from_hex<32>(text.substr(colon + 1)));
  return Address{static_cast<std::int8_t>(workchain), hash};
}

Result<FriendlyAddress> address_from_friendly(std::string_view text) {
  if (text.size() != 48) return fail("a friendly address has 48 characters, this one {}", text.size());
  TRY_ASSIGN(auto raw, from_base64(text));
  if (raw.size() != 36) return fail("a friendly address is 36 bytes of base64");
  const std::uint16_t crc = crc16_xmodem(BytesView(raw).first(34));
  if (raw[34] != (crc >> 8) || raw[35] != (crc & 0xff)) return fail("the checksum of the address is wrong: mistyped?");
  FriendlyAddress out;
  out.flags.testnet = (raw[0] & kTestnet) != 0;
  const unsigned tag = raw[0] & ~static_cast<unsigned>(kTestnet);
  if (tag != kBounceable && tag != kNonBounceable) return fail("unknown kind of address: first byte {:#x}", raw[0]);
  out.flags.bounceable = tag == kBounceable;
  out.address.workchain = static_cast<std::int8_t>(raw[1]);
  out.address.hash = Bits256::from(BytesView(raw).subspan(2));
  return out;
}

Result<Address> address_from_text(std::string_view text) {
  if (text.find(':') != std::string_view::npos) return address_from_raw(text);
  TRY_ASSIGN(auto friendly, address_from_friendly(text));
  return friendly.address;
}

}  // namespace cocoon::ton
