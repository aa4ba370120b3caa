// Certificates, lists and keys made for tests: AMD's and NVIDIA's profiles without AMD and NVIDIA. Tests only.
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/assert.hpp"
#include "tee/openssl_ptr.hpp"
#include "tee/vendor_pki.hpp"

namespace cocoon::tee::testing {

using KeyPtr = OpensslPtr<EVP_PKEY, EVP_PKEY_free>;

inline void must(bool good) { COCOON_ASSERT(good); }

// RSA of 2048 bits (AMD's have 4096: the profile fixes the padding, the pinned root fixes the size).
inline KeyPtr rsa_key() { return KeyPtr(EVP_RSA_gen(2048)); }
inline KeyPtr p384_key() { return KeyPtr(EVP_EC_gen("P-384")); }

inline P384Point point_of(EVP_PKEY* key) {
  std::array<std::uint8_t, 97> raw{};
  std::size_t n = 0;
  must(EVP_PKEY_get_octet_string_param(key, "pub", raw.data(), raw.size(), &n) == 1 && n == 97);
  return P384Point::from(BytesView(raw).subspan(1));
}

// r and s big-endian.
inline P384Signature sign_p384(EVP_PKEY* key, BytesView message) {
  OpensslPtr<EVP_MD_CTX, EVP_MD_CTX_free> ctx(EVP_MD_CTX_new());
  std::array<std::uint8_t, 160> der{};
  std::size_t n = der.size();
  must(EVP_DigestSignInit(ctx.get(), nullptr, EVP_sha384(), nullptr, key) == 1 &&
       EVP_DigestSign(ctx.get(), der.data(), &n, message.data(), message.size()) == 1);
  const unsigned char* at = der.data();
  OpensslPtr<ECDSA_SIG, ECDSA_SIG_free> sig(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(n)));
  P384Signature out;
  must(sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig.get()), out.data(), 48) == 48 &&
       BN_bn2binpad(ECDSA_SIG_get0_s(sig.get()), out.data() + 48, 48) == 48);
  return out;
}

struct Extension {
  std::string oid;
  Bytes value;
  bool critical = false;
};

struct Spec {
  std::string subject, issuer;
  std::uint32_t serial = 1;
  Time not_before, not_after;
  std::optional<bool> ca;  // none: no basicConstraints
  std::string key_usage;   // in OpenSSL's words; empty: none
  std::vector<Extension> extensions;
  bool legacy_padding = false;  // PKCS #1 v1.5 instead of PSS
};

inline void name(X509_NAME* to, const std::string& common_name) {
  must(X509_NAME_add_entry_by_txt(to, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(common_name.data()),
                                  static_cast<int>(common_name.size()), -1, 0) == 1);
}

// A context that signs as the key's profile asks: PSS with SHA-384 and 48 bytes of salt for RSA, ECDSA for P-384.
inline OpensslPtr<EVP_MD_CTX, EVP_MD_CTX_free> signing_context(EVP_PKEY* key, bool legacy_padding = false) {
  OpensslPtr<EVP_MD_CTX, EVP_MD_CTX_free> ctx(EVP_MD_CTX_new());
  EVP_PKEY_CTX* params = nullptr;
  must(EVP_DigestSignInit(ctx.get(), &params, EVP_sha384(), nullptr, key) == 1);
  if (EVP_PKEY_is_a(key, "RSA") && !legacy_padding)
    must(EVP_PKEY_CTX_set_rsa_padding(params, RSA_PKCS1_PSS_PADDING) == 1 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(params, 48) == 1);
  return ctx;
}

inline void add_config_extension(X509* to, int nid, const std::string& value) {
  OpensslPtr<X509_EXTENSION, X509_EXTENSION_free> made(X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str()));
  must(made && X509_add_ext(to, made.get(), -1) == 1);
}

template <class T, class I2d>
Bytes der_of(T* value, I2d i2d) {
  unsigned char* raw = nullptr;
  const int n = i2d(value, &raw);
  must(n > 0);
  Bytes out(raw, raw + n);
  OPENSSL_free(raw);
  return out;
}

inline Bytes issue(const Spec& spec, EVP_PKEY* subject, EVP_PKEY* issuer) {
  OpensslPtr<X509, X509_free> x509(X509_new());
  X509_set_version(x509.get(), 2);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509.get()), spec.serial);
  name(X509_get_subject_name(x509.get()), spec.subject);
  name(X509_get_issuer_name(x509.get()), spec.issuer);
  ASN1_TIME_set(X509_getm_notBefore(x509.get()), unix_time(spec.not_before));
  ASN1_TIME_set(X509_getm_notAfter(x509.get()), unix_time(spec.not_after));
  X509_set_pubkey(x509.get(), subject);
  if (spec.ca) add_config_extension(x509.get(), NID_basic_constraints, *spec.ca ? "critical,CA:TRUE" : "CA:FALSE");
  if (!spec.key_usage.empty()) add_config_extension(x509.get(), NID_key_usage, "critical," + spec.key_usage);
  for (const auto& [oid, value, critical] : spec.extensions) {
    OpensslPtr<ASN1_OBJECT, ASN1_OBJECT_free> id(OBJ_txt2obj(oid.c_str(), 1));
    OpensslPtr<ASN1_OCTET_STRING, ASN1_OCTET_STRING_free> data(ASN1_OCTET_STRING_new());
    ASN1_OCTET_STRING_set(data.get(), value.data(), static_cast<int>(value.size()));
    OpensslPtr<X509_EXTENSION, X509_EXTENSION_free> made(
        X509_EXTENSION_create_by_OBJ(nullptr, id.get(), critical, data.get()));
    must(made && X509_add_ext(x509.get(), made.get(), -1) == 1);
  }
  const auto ctx = signing_context(issuer, spec.legacy_padding);
  must(X509_sign_ctx(x509.get(), ctx.get()) > 0);
  return der_of(x509.get(), i2d_X509);
}

inline Bytes issue_crl(const std::string& issuer_name, EVP_PKEY* issuer, Time from, Time until,
                       const std::vector<std::uint32_t>& revoked) {
  OpensslPtr<X509_CRL, X509_CRL_free> crl(X509_CRL_new());
  OpensslPtr<X509_NAME, X509_NAME_free> name_of(X509_NAME_new());
  OpensslPtr<ASN1_TIME, ASN1_TIME_free> time(ASN1_TIME_new());
  name(name_of.get(), issuer_name);
  X509_CRL_set_version(crl.get(), 1);
  X509_CRL_set_issuer_name(crl.get(), name_of.get());
  ASN1_TIME_set(time.get(), unix_time(from));
  X509_CRL_set1_lastUpdate(crl.get(), time.get());
  for (const auto serial : revoked) {
    OpensslPtr<X509_REVOKED, X509_REVOKED_free> entry(X509_REVOKED_new());
    OpensslPtr<ASN1_INTEGER, ASN1_INTEGER_free> number(ASN1_INTEGER_new());
    ASN1_INTEGER_set_uint64(number.get(), serial);
    X509_REVOKED_set_serialNumber(entry.get(), number.get());
    X509_REVOKED_set_revocationDate(entry.get(), time.get());
    must(X509_CRL_add0_revoked(crl.get(), entry.release()) == 1);
  }
  ASN1_TIME_set(time.get(), unix_time(until));
  X509_CRL_set1_nextUpdate(crl.get(), time.get());
  X509_CRL_sort(crl.get());
  const auto ctx = signing_context(issuer);
  must(X509_CRL_sign_ctx(crl.get(), ctx.get()) > 0);
  return der_of(crl.get(), i2d_X509_CRL);
}

// A response that the issuer signed itself, or that `responder` (DER) did, which then lies in it; the signature is at
// its end. `status`: V_OCSP_CERTSTATUS_...
inline Bytes ocsp(BytesView subject_der, BytesView issuer_der, EVP_PKEY* signer_key, int status, Time from, Time until,
                  BytesView responder = {}) {
  const auto* at = subject_der.data();
  OpensslPtr<X509, X509_free> subject(d2i_X509(nullptr, &at, static_cast<long>(subject_der.size())));
  at = issuer_der.data();
  OpensslPtr<X509, X509_free> issuer(d2i_X509(nullptr, &at, static_cast<long>(issuer_der.size())));
  OpensslPtr<OCSP_CERTID, OCSP_CERTID_free> id(OCSP_cert_to_id(EVP_sha1(), subject.get(), issuer.get()));
  OpensslPtr<ASN1_TIME, ASN1_TIME_free> this_update(ASN1_TIME_set(nullptr, unix_time(from))),
      next_update(ASN1_TIME_set(nullptr, unix_time(until)));
  OpensslPtr<OCSP_BASICRESP, OCSP_BASICRESP_free> basic(OCSP_BASICRESP_new());
  must(id && OCSP_basic_add1_status(basic.get(), id.get(), status, OCSP_REVOKED_STATUS_UNSPECIFIED, this_update.get(),
                                    this_update.get(), next_update.get()) != nullptr);
  const auto ctx = signing_context(signer_key);
  if (responder.empty()) {
    must(OCSP_basic_sign_ctx(basic.get(), issuer.get(), ctx.get(), nullptr, OCSP_NOCERTS) == 1);
  } else {
    at = responder.data();
    const OpensslPtr<X509, X509_free> signer(d2i_X509(nullptr, &at, static_cast<long>(responder.size())));
    must(OCSP_basic_sign_ctx(basic.get(), signer.get(), ctx.get(), nullptr, 0) == 1);
  }
  OpensslPtr<OCSP_RESPONSE, OCSP_RESPONSE_free> response(
      OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic.get()));
  return der_of(response.get(), i2d_OCSP_RESPONSE);
}

}  // namespace cocoon::tee::testing
