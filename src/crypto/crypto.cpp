#include "crypto/crypto.hpp"

#include <algorithm>
#include <cstdlib>

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

namespace cocoon::crypto {
namespace {

// OpenSSL refuses these calls only when memory is out or the library is broken: no input can cause it.
void must(bool ok) {
  if (!ok) std::abort();
}

struct PkeyFree {
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
};
using Pkey = std::unique_ptr<EVP_PKEY, PkeyFree>;
struct PkeyCtxFree {
  void operator()(EVP_PKEY_CTX* p) const { EVP_PKEY_CTX_free(p); }
};
struct MdCtxFree {
  void operator()(EVP_MD_CTX* p) const { EVP_MD_CTX_free(p); }
};
using MdCtx = std::unique_ptr<EVP_MD_CTX, MdCtxFree>;
struct CipherFree {
  void operator()(EVP_CIPHER_CTX* p) const { EVP_CIPHER_CTX_free(p); }
};
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, CipherFree>;
struct BnFree {
  void operator()(BIGNUM* p) const { BN_free(p); }
};
using Bn = std::unique_ptr<BIGNUM, BnFree>;
struct BnCtxFree {
  void operator()(BN_CTX* p) const { BN_CTX_free(p); }
};

Result<Bytes> cbc(bool encrypt, const Bits256& key, const FixedBytes<16>& iv, BytesView in) {
  if (in.size() % 16 != 0) return fail("AES-CBC input of {} bytes is not a multiple of 16", in.size());
  if (in.size() > (std::size_t{1} << 30)) return fail("AES-CBC input of {} bytes is too long", in.size());
  Cipher ctx(EVP_CIPHER_CTX_new());
  must(ctx && EVP_CipherInit_ex(ctx.get(), EVP_aes_256_cbc(), nullptr, key.data(), iv.data(), encrypt ? 1 : 0) == 1);
  EVP_CIPHER_CTX_set_padding(ctx.get(), 0);
  Bytes out(in.size() + 16);
  int n = 0;
  must(EVP_CipherUpdate(ctx.get(), out.data(), &n, in.data(), static_cast<int>(in.size())) == 1);
  int tail = 0;
  if (EVP_CipherFinal_ex(ctx.get(), out.data() + n, &tail) != 1) return fail("AES-CBC failed");
  out.resize(static_cast<std::size_t>(n) + static_cast<std::size_t>(tail));
  return out;
}

}  // namespace

// OpenSSL's one-shot functions look the algorithm up anew and make a context in every call, which costs more than a
// short message: both are kept.
Bits256 sha256(BytesView in) {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  static thread_local const MdCtx ctx(EVP_MD_CTX_new());
  Bits256 out;
  must(algorithm != nullptr && ctx && EVP_DigestInit_ex(ctx.get(), algorithm, nullptr) == 1 &&
       EVP_DigestUpdate(ctx.get(), in.data(), in.size()) == 1 &&
       EVP_DigestFinal_ex(ctx.get(), out.data(), nullptr) == 1);
  return out;
}

Bits512 sha512(BytesView in) {
  Bits512 out;
  SHA512(in.data(), in.size(), out.data());
  return out;
}

Bits256 hmac_sha256(BytesView key, BytesView message) {
  Bits256 out;
  unsigned n = 32;
  must(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), message.data(), message.size(), out.data(), &n));
  return out;
}

Bits512 hmac_sha512(BytesView key, BytesView message) {
  Bits512 out;
  unsigned n = 64;
  must(HMAC(EVP_sha512(), key.data(), static_cast<int>(key.size()), message.data(), message.size(), out.data(), &n));
  return out;
}

void wipe(std::span<std::uint8_t> secret) { OPENSSL_cleanse(secret.data(), secret.size()); }

bool equal_constant_time(BytesView a, BytesView b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

struct Sha256::State {
  MdCtx ctx{EVP_MD_CTX_new()};
};
Sha256::Sha256() : state_(std::make_unique<State>()) {
  must(state_->ctx && EVP_DigestInit_ex(state_->ctx.get(), EVP_sha256(), nullptr) == 1);
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;
Sha256& Sha256::update(BytesView in) {
  must(EVP_DigestUpdate(state_->ctx.get(), in.data(), in.size()) == 1);
  return *this;
}
Bits256 Sha256::finish() {
  Bits256 out;
  must(EVP_DigestFinal_ex(state_->ctx.get(), out.data(), nullptr) == 1);
  return out;
}

KeyPair::KeyPair(const Seed& seed) : seed_(seed) {
  Pkey key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed.data(), seed.size()));
  std::size_t n = public_key_.size();
  must(key && EVP_PKEY_get_raw_public_key(key.get(), public_key_.data(), &n) == 1);
}

KeyPair::~KeyPair() { wipe(seed_); }

Signature KeyPair::sign(BytesView message) const {
  Pkey key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed_.data(), seed_.size()));
  MdCtx ctx(EVP_MD_CTX_new());
  Signature out;
  std::size_t n = out.size();
  must(key && ctx && EVP_DigestSignInit(ctx.get(), nullptr, nullptr, nullptr, key.get()) == 1);
  must(EVP_DigestSign(ctx.get(), out.data(), &n, message.data(), message.size()) == 1);
  return out;
}

bool verify(const PublicKey& key_bytes, BytesView message, const Signature& signature) {
  Pkey key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, key_bytes.data(), key_bytes.size()));
  if (!key) return false;
  MdCtx ctx(EVP_MD_CTX_new());
  must(ctx && EVP_DigestVerifyInit(ctx.get(), nullptr, nullptr, nullptr, key.get()) == 1);
  return EVP_DigestVerify(ctx.get(), signature.data(), signature.size(), message.data(), message.size()) == 1;
}

Seed derive_seed(const Seed& master, std::string_view label) { return hmac_sha256(master.view(), as_bytes(label)); }

Bits256 x25519(const Bits256& scalar, const Bits256& point) {
  Pkey own(EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, scalar.data(), scalar.size()));
  Pkey peer(EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, point.data(), point.size()));
  must(own && peer);
  std::unique_ptr<EVP_PKEY_CTX, PkeyCtxFree> ctx(EVP_PKEY_CTX_new(own.get(), nullptr));
  must(ctx && EVP_PKEY_derive_init(ctx.get()) == 1 && EVP_PKEY_derive_set_peer(ctx.get(), peer.get()) == 1);
  Bits256 out;
  std::size_t n = out.size();
  // A point of low order gives an all-zero secret, which OpenSSL refuses: the zero stands for it here too.
  if (EVP_PKEY_derive(ctx.get(), out.data(), &n) != 1) return Bits256{};
  return out;
}

Bits256 x25519_scalar_from_ed25519(const Seed& seed) {
  auto h = sha512(seed.view());
  auto out = Bits256::from(h.view());
  wipe(h);
  out[0] &= 0xf8;
  out[31] &= 0x7f;
  out[31] |= 0x40;
  return out;
}

Result<Bits256> x25519_point_from_ed25519(const PublicKey& key) {
  // u = (1 + y) / (1 - y) mod 2^255 - 19
  Bits256 y_bytes = key;
  y_bytes[31] &= 0x7f;
  std::unique_ptr<BN_CTX, BnCtxFree> ctx(BN_CTX_new());
  Bn p(BN_new());
  Bn y(BN_lebin2bn(y_bytes.data(), 32, nullptr));
  Bn num(BN_new());
  Bn den(BN_new());
  must(ctx && p && y && num && den && BN_set_bit(p.get(), 255) == 1 && BN_sub_word(p.get(), 19) == 1);
  must(BN_mod_add(num.get(), y.get(), BN_value_one(), p.get(), ctx.get()) == 1);
  must(BN_mod_sub(den.get(), BN_value_one(), y.get(), p.get(), ctx.get()) == 1);
  if (BN_is_zero(den.get()) == 1) return fail("Ed25519 public key has no X25519 form");
  must(BN_mod_inverse(den.get(), den.get(), p.get(), ctx.get()) != nullptr);
  must(BN_mod_mul(num.get(), num.get(), den.get(), p.get(), ctx.get()) == 1);
  Bits256 out;
  must(BN_bn2lebinpad(num.get(), out.data(), 32) == 32);
  return out;
}

Result<Bits256> shared_secret(const Seed& own, const PublicKey& peer) {
  TRY_ASSIGN(auto point, x25519_point_from_ed25519(peer));
  auto scalar = x25519_scalar_from_ed25519(own);
  auto secret = x25519(scalar, point);
  wipe(scalar);
  if (secret.is_zero()) return fail("peer's public key is of low order");
  return secret;
}

struct Aes256Ctr::State {
  Cipher ctx{EVP_CIPHER_CTX_new()};
};
Aes256Ctr::Aes256Ctr(const Bits256& key, const FixedBytes<16>& iv) : state_(std::make_unique<State>()) {
  must(state_->ctx && EVP_EncryptInit_ex(state_->ctx.get(), EVP_aes_256_ctr(), nullptr, key.data(), iv.data()) == 1);
}
Aes256Ctr::~Aes256Ctr() = default;
Aes256Ctr::Aes256Ctr(Aes256Ctr&&) noexcept = default;
Aes256Ctr& Aes256Ctr::operator=(Aes256Ctr&&) noexcept = default;
void Aes256Ctr::apply(std::span<std::uint8_t> in_place) {
  while (!in_place.empty()) {
    const auto step = std::min<std::size_t>(in_place.size(), std::size_t{1} << 30);
    int n = 0;
    must(EVP_EncryptUpdate(state_->ctx.get(), in_place.data(), &n, in_place.data(), static_cast<int>(step)) == 1);
    in_place = in_place.subspan(step);
  }
}

Result<Bytes> aes256_cbc_encrypt(const Bits256& key, const FixedBytes<16>& iv, BytesView plain) {
  return cbc(true, key, iv, plain);
}
Result<Bytes> aes256_cbc_decrypt(const Bits256& key, const FixedBytes<16>& iv, BytesView cipher) {
  return cbc(false, key, iv, cipher);
}

Random::Random(const Bits256& seed) : seed_(seed) {}

Random Random::from_os() {
  Bits256 seed;
  must(RAND_priv_bytes(seed.data(), static_cast<int>(seed.size())) == 1);
  return Random(seed);
}

void Random::fill(std::span<std::uint8_t> out) {
  while (!out.empty()) {
    if (used_ == buffer_.size()) {
      FixedBytes<16> iv;  // 32-bit block counter inside a buffer, our own counter in the nonce
      for (std::size_t i = 0; i < 8; ++i) iv[4 + i] = static_cast<std::uint8_t>(block_ >> (8 * i));
      ++block_;
      Cipher ctx(EVP_CIPHER_CTX_new());
      must(ctx && EVP_EncryptInit_ex(ctx.get(), EVP_chacha20(), nullptr, seed_.data(), iv.data()) == 1);
      buffer_.fill(0);
      int n = 0;
      must(EVP_EncryptUpdate(ctx.get(), buffer_.data(), &n, buffer_.data(), static_cast<int>(buffer_.size())) == 1);
      used_ = 0;
    }
    const auto n = std::min(out.size(), buffer_.size() - used_);
    std::memcpy(out.data(), buffer_.data() + used_, n);
    wipe(std::span(buffer_).subspan(used_, n));
    used_ += n;
    out = out.subspan(n);
  }
}

std::uint64_t Random::u64() {
  std::uint64_t v = 0;
  fill({reinterpret_cast<std::uint8_t*>(&v), sizeof v});
  return v;
}

std::uint64_t Random::below(std::uint64_t bound) {
  const std::uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
  for (;;) {
    const auto v = u64();
    if (v < limit) return v % bound;
  }
}

Bits256 Random::bits256() {
  Bits256 out;
  fill(out);
  return out;
}

}  // namespace cocoon::crypto
