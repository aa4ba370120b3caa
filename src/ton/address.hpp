// Addresses of accounts and their texts.
#pragma once
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.hpp"

namespace cocoon::ton {

// A standard internal address without anycast (contracts.md 0, type `addr`).
struct Address {
  std::int8_t workchain = 0;
  Bits256 hash;

  friend auto operator<=>(const Address&, const Address&) = default;
};

// What the friendly text says beside the address itself.
struct FriendlyFlags {
  bool bounceable = false;
  bool testnet = false;
};

struct FriendlyAddress {
  Address address;
  FriendlyFlags flags;
};

std::string to_raw_text(const Address&);  // "0:aa..": the house's form for logs and JSON
// 48 characters of base64url: flags, workchain, hash, crc16.
std::string to_friendly_text(const Address&, FriendlyFlags flags = {});

Result<Address> address_from_raw(std::string_view);               // "0:" + 64 hex digits; workchain -128..127
Result<FriendlyAddress> address_from_friendly(std::string_view);  // 48 characters, either base64 alphabet
Result<Address> address_from_text(std::string_view);              // either of the two

}  // namespace cocoon::ton

template <>
struct std::hash<cocoon::ton::Address> {
  std::size_t operator()(const cocoon::ton::Address& a) const noexcept {
    return std::hash<cocoon::Bits256>{}(a.hash) ^ static_cast<std::size_t>(static_cast<unsigned char>(a.workchain));
  }
};
