#include "tee/p384.hpp"

#include <memory>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "tee/der.hpp"
#include "tee/openssl_ptr.hpp"

namespace cocoon::tee {
namespace {

using Builder = OpensslPtr<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;
using Params = OpensslPtr<OSSL_PARAM, OSSL_PARAM_free>;
using PkeyCtx = OpensslPtr<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using MdCtx = OpensslPtr<EVP_MD_CTX, EVP_MD_CTX_free>;
using Pkey = OpensslPtr<EVP_PKEY, EVP_PKEY_free>;
using Bn = OpensslPtr<BIGNUM, BN_free>;

// Null when the values make no key.
Pkey key_from(const char* kind, OSSL_PARAM_BLD* builder) {
  Params params(OSSL_PARAM_BLD_to_param(builder));
  PkeyCtx ctx(EVP_PKEY_CTX_new_from_name(nullptr, kind, nullptr));
  EVP_PKEY* key = nullptr;
  if (params && ctx && EVP_PKEY_fromdata_init(ctx.get()) == 1 &&
      EVP_PKEY_fromdata(ctx.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) == 1)
    return Pkey(key);
  ERR_clear_error();
  return nullptr;
}

bool verify_digest(EVP_PKEY* key, const EVP_MD* md, BytesView message, BytesView signature) {
  MdCtx ctx(EVP_MD_CTX_new());
  const bool good =
      ctx && EVP_DigestVerifyInit(ctx.get(), nullptr, md, nullptr, key) == 1 &&
      EVP_DigestVerify(ctx.get(), signature.data(), signature.size(), message.data(), message.size()) == 1;
  ERR_clear_error();
  return good;
}

}  // namespace

bool p384_verify(const P384Point& point, BytesView message, const P384Signature& signature) {
  FixedBytes<97> encoded;
  encoded[0] = 4;
  std::memcpy(encoded.data() + 1, point.data(), 96);
  Builder builder(OSSL_PARAM_BLD_new());
  if (!builder || !OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "secp384r1", 0) ||
      !OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, encoded.data(), encoded.size()))
    return false;
  const auto key = key_from("EC", builder.get());
  if (!key) return false;
  const auto der = der::write_sequence(
      {der::write_integer(signature.view().first(48)), der::write_integer(signature.view().subspan(48))});
  return verify_digest(key.get(), EVP_sha384(), message, der);
}

Result<bool> rsa_sha256_verify(BytesView modulus, BytesView exponent, BytesView message, BytesView signature) {
  if (modulus.size() < 256 || modulus.size() > 512 || exponent.empty() || exponent.size() > 4)
    return fail("not an RSA key of 2048 to 4096 bits");
  Bn n(BN_bin2bn(modulus.data(), static_cast<int>(modulus.size()), nullptr));
  Bn e(BN_bin2bn(exponent.data(), static_cast<int>(exponent.size()), nullptr));
  if (!n || !e || BN_num_bits(n.get()) < 2048 || !BN_is_odd(n.get()) || !BN_is_odd(e.get()) || BN_is_one(e.get()))
    return fail("not an RSA key of 2048 to 4096 bits");
  Builder builder(OSSL_PARAM_BLD_new());
  if (!builder || !OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) ||
      !OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()))
    return fail("out of memory");
  const auto key = key_from("RSA", builder.get());
  if (!key) return fail("not an RSA key");
  return verify_digest(key.get(), EVP_sha256(), message, signature);
}

}  // namespace cocoon::tee
