#include "tee/p256.hpp"

#include <cstdlib>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/sha.h>

#include "tee/der.hpp"
#include "tee/openssl_ptr.hpp"

namespace cocoon::tee {
namespace {

using Pkey = OpensslPtr<EVP_PKEY, EVP_PKEY_free>;
using PkeyCtx = OpensslPtr<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using MdCtx = OpensslPtr<EVP_MD_CTX, EVP_MD_CTX_free>;
using Group = OpensslPtr<EC_GROUP, EC_GROUP_free>;
using Point = OpensslPtr<EC_POINT, EC_POINT_free>;
using Bn = OpensslPtr<BIGNUM, BN_clear_free>;
using Builder = OpensslPtr<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;
using Params = OpensslPtr<OSSL_PARAM, OSSL_PARAM_free>;
using Sig = OpensslPtr<ECDSA_SIG, ECDSA_SIG_free>;

// OpenSSL refuses these calls only when memory is out or the library is broken: no input can cause it.
void must(bool ok) {
  if (!ok) std::abort();
}

FixedBytes<65> uncompressed(const P256Point& point) {
  FixedBytes<65> out;
  out[0] = 4;
  std::memcpy(out.data() + 1, point.data(), 64);
  return out;
}

// Null when the point is not on the curve.
Pkey make_pkey(const P256Point& point, const Bits256* scalar) {
  const auto encoded = uncompressed(point);
  Builder builder(OSSL_PARAM_BLD_new());
  must(builder && OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) &&
       OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, encoded.data(), encoded.size()));
  Bn secret;
  if (scalar) {
    secret.reset(BN_secure_new());
    must(secret && BN_bin2bn(scalar->data(), 32, secret.get()) &&
         OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, secret.get()));
  }
  Params params(OSSL_PARAM_BLD_to_param(builder.get()));
  PkeyCtx ctx(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  must(params && ctx && EVP_PKEY_fromdata_init(ctx.get()) == 1);
  EVP_PKEY* key = nullptr;
  if (EVP_PKEY_fromdata(ctx.get(), &key, scalar ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
    ERR_clear_error();
    return nullptr;
  }
  return Pkey(key);
}

}  // namespace

P256Key::~P256Key() { crypto::wipe(scalar_); }

P256Key P256Key::generate(crypto::Random& random) {
  while (true) {
    auto key = from_scalar(random.bits256());
    if (key) return *key;
  }
}

Result<P256Key> P256Key::from_scalar(const Bits256& scalar) {
  Group group(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1));
  Bn number(BN_secure_new());
  must(group && number && BN_bin2bn(scalar.data(), 32, number.get()));
  if (BN_is_zero(number.get()) || BN_cmp(number.get(), EC_GROUP_get0_order(group.get())) >= 0)
    return fail("not a P-256 private key");
  Point point(EC_POINT_new(group.get()));
  FixedBytes<65> encoded;
  must(point && EC_POINT_mul(group.get(), point.get(), number.get(), nullptr, nullptr, nullptr) == 1 &&
       EC_POINT_point2oct(group.get(), point.get(), POINT_CONVERSION_UNCOMPRESSED, encoded.data(), encoded.size(),
                          nullptr) == encoded.size());
  P256Key out;
  out.scalar_ = scalar;
  out.point_ = P256Point::from(encoded.view().subspan(1));
  return out;
}

P256Signature P256Key::sign(BytesView message) const {
  const auto key = make_pkey(point_, &scalar_);
  MdCtx ctx(EVP_MD_CTX_new());
  std::array<std::uint8_t, 128> der{};
  std::size_t n = der.size();
  must(key && ctx && EVP_DigestSignInit(ctx.get(), nullptr, EVP_sha256(), nullptr, key.get()) == 1 &&
       EVP_DigestSign(ctx.get(), der.data(), &n, message.data(), message.size()) == 1);
  const unsigned char* at = der.data();
  Sig sig(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(n)));
  P256Signature out;
  must(sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig.get()), out.data(), 32) == 32 &&
       BN_bn2binpad(ECDSA_SIG_get0_s(sig.get()), out.data() + 32, 32) == 32);
  return out;
}

Bytes p256_signature_der(const P256Signature& signature) {
  return der::write_sequence(
      {der::write_integer(signature.view().first(32)), der::write_integer(signature.view().subspan(32))});
}

FixedBytes<48> sha384(BytesView in) {
  FixedBytes<48> out;
  SHA384(in.data(), in.size(), out.data());
  return out;
}

}  // namespace cocoon::tee
