#include "wire/encryption.hpp"

#include <algorithm>

#include "wire/error_codes.hpp"

namespace cocoon::wire::encryption {
namespace {

constexpr std::string_view kMarker = "ENC_";
constexpr std::string_view kPlainMarker = "DEC_";
constexpr std::string_view kExpand = "tde2e_encrypt_data";
constexpr std::size_t kMac = 16;

FixedBytes<16> mac_of(const Bits512& keys, BytesView padded) {
  Bytes message = to_bytes(padded);
  message.resize(message.size() + 4, 0);  // length of an empty extra field
  const Bits256 mac = crypto::hmac_sha256(keys.view().subspan(32), message);
  crypto::wipe(message);
  return FixedBytes<16>::from(mac.view());
}

struct Cipher {
  Bits256 key;
  FixedBytes<16> iv;
};
Cipher cipher_of(const Bits512& keys, const FixedBytes<16>& mac) {
  const Bits512 expanded = crypto::hmac_sha512(keys.view().first(32), mac.view());
  return {Bits256::from(expanded.view()), FixedBytes<16>::from(expanded.view().subspan(32))};
}

Bits512 expand(const Bits256& key) { return crypto::hmac_sha512(key.view(), as_bytes(kExpand)); }

Result<Bytes> decrypt_bytes(const Bits256& key, BytesView in) {
  if (in.size() % 16 != 0 || in.size() < 2 * kMac)
    return fail(kErrorRequest, "ciphertext of {} bytes: not a multiple of 16 or too short", in.size());
  const Bits512 keys = expand(key);
  const auto mac = FixedBytes<16>::from(in);
  const Cipher cipher = cipher_of(keys, mac);
  TRY_ASSIGN(Bytes padded, crypto::aes256_cbc_decrypt(cipher.key, cipher.iv, in.subspan(kMac)));
  if (!crypto::equal_constant_time(mac_of(keys, padded).view(), mac.view()))
    return fail(kErrorRequest, "ciphertext does not verify under this key");
  if (padded[0] < 16 || padded[0] > padded.size()) return fail(kErrorRequest, "ciphertext has an impossible prefix");
  padded.erase(padded.begin(), padded.begin() + padded[0]);
  return padded;
}

}  // namespace

Bits256 message_key(const Bits256& shared, std::string_view nonce_text, Direction direction) {
  crypto::Sha256 hash;
  const char d = static_cast<char>(direction);
  hash.update(shared.view()).update(as_bytes(nonce_text)).update(as_bytes(std::string_view(&d, 1)));
  return hash.finish();
}

Result<std::string> encrypt_string(const Bits256& key, std::string_view text, BytesView prefix) {
  if (prefix.size() != prefix_size(text.size()) || prefix[0] != prefix.size())
    return fail("prefix of {} bytes where {} are needed", prefix.size(), prefix_size(text.size()));
  Bytes padded = to_bytes(prefix);
  append(padded, as_bytes(text));
  const Bits512 keys = expand(key);
  const auto mac = mac_of(keys, padded);
  const Cipher cipher = cipher_of(keys, mac);
  auto encrypted = crypto::aes256_cbc_encrypt(cipher.key, cipher.iv, padded);
  crypto::wipe(padded);
  if (!encrypted) return std::unexpected(std::move(encrypted).error());
  return std::string(kMarker) + to_hex(mac.view()) + to_hex(*encrypted);
}

std::string encrypt_string(const Bits256& key, std::string_view text, crypto::Random& random) {
  Bytes prefix(prefix_size(text.size()));
  random.fill(prefix);
  prefix[0] = static_cast<std::uint8_t>(prefix.size());
  return encrypt_string(key, text, prefix).value();
}

Result<std::string> decrypt_string(const Bits256& key, std::string_view text) {
  if (text.starts_with(kPlainMarker)) return std::string(text.substr(kPlainMarker.size()));
  if (!text.starts_with(kMarker))
    return fail(kErrorProtocolViolation, "string of an encrypted message is neither ENC_ nor DEC_");
  auto raw = from_hex(text.substr(kMarker.size()));
  if (!raw) return fail(kErrorRequest, "ciphertext is not hexadecimal");
  TRY_ASSIGN(const Bytes plain, decrypt_bytes(key, *raw));
  return to_text(plain);
}

Result<Bits256> parse_key(std::string_view text) {
  if (text.size() == 64) return fixed_from_hex<32>(text);
  if (text.size() == 32) return Bits256::from(as_bytes(text));
  if (text.size() == 44) {
    TRY_ASSIGN(const Bytes raw, from_base64(text));
    if (raw.size() == 32) return Bits256::from(raw);
  }
  return fail("a key is 64 hexadecimal, 44 base64 or 32 raw characters; this text has {}", text.size());
}

}  // namespace cocoon::wire::encryption
