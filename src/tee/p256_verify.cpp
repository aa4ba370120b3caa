// Verification goes through OpenSSL's older ECDSA calls: making an EVP_PKEY from a point costs a quarter of the
// verification itself, and here every key is used once.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <cstdlib>
#include <memory>

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>

#include "tee/p256.hpp"

namespace cocoon::tee {
namespace {

// What any verification needs: a key to put points into and a signature to put numbers into.
class Scratch {
 public:
  Scratch() : key_(EC_KEY_new_by_curve_name(NID_X9_62_prime256v1)), signature_(ECDSA_SIG_new()) {
    auto* r = BN_new();
    auto* s = BN_new();
    if (!key_ || !signature_ || !r || !s || ECDSA_SIG_set0(signature_, r, s) != 1) std::abort();  // out of memory
    r_ = r;
    s_ = s;
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    ECDSA_SIG_free(signature_);
    EC_KEY_free(key_);
  }

  bool verify(const P256Point& point, const Bits256& digest, const P256Signature& signature) {
    std::array<std::uint8_t, 65> encoded{4};
    std::memcpy(encoded.data() + 1, point.data(), point.size());
    if (!BN_bin2bn(signature.data(), 32, r_) || !BN_bin2bn(signature.data() + 32, 32, s_)) std::abort();
    return EC_KEY_oct2key(key_, encoded.data(), encoded.size(), nullptr) == 1 &&
           ECDSA_do_verify(digest.data(), static_cast<int>(digest.size()), signature_, key_) == 1;
  }

 private:
  EC_KEY* key_;
  ECDSA_SIG* signature_;  // owns r_ and s_
  BIGNUM* r_ = nullptr;
  BIGNUM* s_ = nullptr;
};

constexpr std::size_t kRemembered = 1024;

}  // namespace

bool p256_verify_digest(const P256Point& point, const Bits256& digest, const P256Signature& signature) {
  thread_local Scratch scratch;
  const bool good = scratch.verify(point, digest, signature);
  if (!good) ERR_clear_error();
  return good;
}

bool p256_verify(const P256Point& point, BytesView message, const P256Signature& signature) {
  return p256_verify_digest(point, crypto::sha256(message), signature);
}

bool SignatureMemo::verify(const P256Point& point, const Bits256& digest, const P256Signature& signature) {
  std::array<std::uint8_t, 64 + 32 + 64> all{};
  std::memcpy(all.data(), point.data(), 64);
  std::memcpy(all.data() + 64, digest.data(), 32);
  std::memcpy(all.data() + 96, signature.data(), 64);
  const auto name = crypto::sha256(all);
  if (right_.contains(name)) return true;
  if (!p256_verify_digest(point, digest, signature)) return false;
  if (right_.size() >= kRemembered) right_.clear();
  right_.insert(name);
  return true;
}

}  // namespace cocoon::tee
