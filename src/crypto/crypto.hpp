// Hashes, signatures, key agreement and ciphers. OpenSSL lives behind this door only.
// Everything here is a pure function of its arguments; `Random::from_os` is the one source of entropy, for shells.
#pragma once
#include <memory>
#include <string_view>

#include "base/bytes.hpp"

namespace cocoon::crypto {

Bits256 sha256(BytesView);
Bits512 sha512(BytesView);
Bits256 hmac_sha256(BytesView key, BytesView message);
Bits512 hmac_sha512(BytesView key, BytesView message);

// Overwrites memory in a way the compiler keeps.
void wipe(std::span<std::uint8_t> secret);
// Equality whose time does not depend on where the difference is.
bool equal_constant_time(BytesView a, BytesView b);

// SHA-256 over several pieces.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  Sha256& update(BytesView);
  Bits256 finish();  // once

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// --- Ed25519 (RFC 8032). A seed is the 32-byte private key; it is wiped when the pair dies.
using Seed = Bits256;
using PublicKey = Bits256;
using Signature = Bits512;

class KeyPair {
 public:
  explicit KeyPair(const Seed& seed);
  ~KeyPair();
  KeyPair(const KeyPair&) = default;
  KeyPair& operator=(const KeyPair&) = default;

  const Seed& seed() const { return seed_; }
  const PublicKey& public_key() const { return public_key_; }
  Signature sign(BytesView message) const;

 private:
  Seed seed_;
  PublicKey public_key_;
};

bool verify(const PublicKey&, BytesView message, const Signature&);

// A key of its own purpose from a master seed: HMAC-SHA-256(seed, label). One label, one use.
Seed derive_seed(const Seed& master, std::string_view label);

// --- X25519 and the Ed25519 -> X25519 conversions used by ADNL and by encrypted requests (wire.md 6.2).
Bits256 x25519(const Bits256& scalar, const Bits256& point);
Bits256 x25519_scalar_from_ed25519(const Seed&);
Result<Bits256> x25519_point_from_ed25519(const PublicKey&);
// Shared secret between an Ed25519 seed and a peer's Ed25519 public key, by the conversions above.
Result<Bits256> shared_secret(const Seed& own, const PublicKey& peer);

// --- AES
class Aes256Ctr {  // a running key stream
 public:
  Aes256Ctr(const Bits256& key, const FixedBytes<16>& iv);
  ~Aes256Ctr();
  Aes256Ctr(Aes256Ctr&&) noexcept;
  Aes256Ctr& operator=(Aes256Ctr&&) noexcept;
  void apply(std::span<std::uint8_t> in_place);

 private:
  struct State;
  std::unique_ptr<State> state_;
};
// CBC without padding; the length must be a multiple of 16.
Result<Bytes> aes256_cbc_encrypt(const Bits256& key, const FixedBytes<16>& iv, BytesView plain);
Result<Bytes> aes256_cbc_decrypt(const Bits256& key, const FixedBytes<16>& iv, BytesView cipher);

// A deterministic generator (ChaCha20 key stream of a 32-byte seed): cores are given one, so that the same seed gives
// the same run. Copying copies the position.
class Random {
 public:
  explicit Random(const Bits256& seed);
  static Random from_os();

  void fill(std::span<std::uint8_t> out);
  std::uint64_t u64();
  std::uint64_t below(std::uint64_t bound);  // uniform in [0, bound); bound > 0
  Bits256 bits256();

 private:
  Bits256 seed_;
  std::uint64_t block_ = 0;
  std::array<std::uint8_t, 256> buffer_{};
  std::size_t used_ = 256;
};

}  // namespace cocoon::crypto
