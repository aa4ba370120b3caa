// Encrypted requests (wire.md 6): keys and the transform of one string. Where the strings are in a message is the
// business of whoever holds the message.
#pragma once
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "crypto/crypto.hpp"

namespace cocoon::wire::encryption {

enum class Direction : char { request = 'c', answer = 'w' };

// Key of one message (6.2): `shared` from crypto::shared_secret, `nonce_text` the encryption_nonce as it stands in
// JSON.
Bits256 message_key(const Bits256& shared, std::string_view nonce_text, Direction);

// How many prefix bytes a string of n bytes gets: 16..31.
constexpr std::size_t prefix_size(std::size_t n) { return (n + 31) / 16 * 16 - n; }

// "ENC_..." (6.3). The explicit prefix is prefix_size(text.size()) bytes whose first byte is that number; the other
// form draws it from `random`.
Result<std::string> encrypt_string(const Bits256& key, std::string_view text, BytesView prefix);
std::string encrypt_string(const Bits256& key, std::string_view text, crypto::Random& random);

// Reads "ENC_..." and "DEC_..." (plain). Any other beginning is error 621, a ciphertext that does not verify 602.
Result<std::string> decrypt_string(const Bits256& key, std::string_view text);

// A public key or seed as texts carry it: 64 hex, 44 base64 or 32 raw characters.
Result<Bits256> parse_key(std::string_view text);

}  // namespace cocoon::wire::encryption
