#include "tee/vendor_pki.hpp"

#include <algorithm>
#include <ctime>

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "tee/openssl_ptr.hpp"
#include "tee/x509.hpp"

namespace cocoon::tee {
namespace {

using X509Ptr = OpensslPtr<X509, X509_free>;
using CrlPtr = OpensslPtr<X509_CRL, X509_CRL_free>;
using Object = OpensslPtr<ASN1_OBJECT, ASN1_OBJECT_free>;
using Bn = OpensslPtr<BIGNUM, BN_free>;

Result<Time> time_of(const ASN1_TIME* text) {
  std::tm parts{};
  const bool good = text && ASN1_TIME_to_tm(text, &parts) == 1;
  ERR_clear_error();
  if (!good) return fail("a time that cannot be read");
  // Certificates that never expire say the year 9999, which microseconds since 1970 still carry.
  return from_unix(timegm(&parts));
}

std::string common_name(const X509_NAME* name) {
  char text[128] = {};
  X509_NAME_get_text_by_NID(name, NID_commonName, text, sizeof text);
  std::string out(text);
  for (auto& c : out)
    if (c < 0x20 || c > 0x7e) c = '?';
  ERR_clear_error();
  return out;
}

Bytes serial_of(const ASN1_INTEGER* serial) {
  Bn number(ASN1_INTEGER_to_BN(serial, nullptr));
  if (!number) return {};
  Bytes out(static_cast<std::size_t>(BN_num_bytes(number.get())));
  BN_bn2bin(number.get(), out.data());
  return out;
}

// Digest and key kind of a signature, told from the algorithm that is inside the signed part.
template <class Info>
bool made_with(SignedWith wanted, Info&& info) {
  int digest = 0, key = 0;
  if (!info(&digest, &key)) return false;
  return digest == NID_sha384 && key == (wanted == SignedWith::rsa_pss_sha384 ? EVP_PKEY_RSA_PSS : EVP_PKEY_EC);
}

bool pss_or_ecdsa(const X509_ALGOR* algorithm, SignedWith wanted) {
  const ASN1_OBJECT* id = nullptr;
  X509_ALGOR_get0(&id, nullptr, nullptr, algorithm);
  const int nid = OBJ_obj2nid(id);
  return nid == (wanted == SignedWith::rsa_pss_sha384 ? NID_rsassaPss : NID_ecdsa_with_SHA384);
}

}  // namespace

struct Certificate::State {
  X509Ptr x509;
  Bytes der, serial;
  Bits256 sha256;
  std::string subject, issuer;
  Time not_before, not_after;
  std::uint32_t flags = 0, key_usage = 0;
};

Result<Certificate> Certificate::read(BytesView der) {
  if (der.empty() || der.size() > kMaxCertificateDer)
    return fail("a certificate of {} bytes, at most {}", der.size(), kMaxCertificateDer);
  auto state = std::make_shared<State>();
  const unsigned char* at = der.data();
  state->x509.reset(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  ERR_clear_error();
  if (!state->x509 || at != der.data() + der.size()) return fail("a malformed certificate");
  auto* x509 = state->x509.get();
  state->der = to_bytes(der);
  state->sha256 = crypto::sha256(der);
  state->subject = tee::common_name(X509_get_subject_name(x509));
  state->issuer = tee::common_name(X509_get_issuer_name(x509));
  state->serial = serial_of(X509_get0_serialNumber(x509));
  TRY_ASSIGN(state->not_before, time_of(X509_get0_notBefore(x509)));
  TRY_ASSIGN(state->not_after, time_of(X509_get0_notAfter(x509)));
  // The first call parses and caches the extensions: after it the object is only read.
  state->flags = X509_get_extension_flags(x509);
  state->key_usage = X509_get_key_usage(x509);
  X509_get0_pubkey(x509);
  ERR_clear_error();
  if (state->flags & EXFLAG_INVALID) return fail("certificate '{}' has malformed extensions", state->subject);
  return Certificate(std::move(state));
}

const Bytes& Certificate::der() const { return state_->der; }
const Bits256& Certificate::sha256() const { return state_->sha256; }
const std::string& Certificate::common_name() const { return state_->subject; }
const std::string& Certificate::issuer_name() const { return state_->issuer; }
const Bytes& Certificate::serial() const { return state_->serial; }
Time Certificate::not_before() const { return state_->not_before; }
Time Certificate::not_after() const { return state_->not_after; }
bool Certificate::self_issued() const { return (state_->flags & EXFLAG_SI) != 0; }
bool Certificate::is_ca() const {
  return (state_->flags & EXFLAG_BCONS) && (state_->flags & EXFLAG_CA) &&
         (!(state_->flags & EXFLAG_KUSAGE) || (state_->key_usage & KU_KEY_CERT_SIGN));
}
std::optional<std::size_t> Certificate::path_length() const {
  const long n = X509_get_pathlen(state_->x509.get());
  return n < 0 ? std::nullopt : std::optional(static_cast<std::size_t>(n));
}
bool Certificate::may_sign_crl() const { return !(state_->flags & EXFLAG_KUSAGE) || (state_->key_usage & KU_CRL_SIGN); }
bool Certificate::unknown_critical() const { return (state_->flags & EXFLAG_CRITICAL) != 0; }

Result<std::optional<Bytes>> Certificate::extension(std::string_view oid) const {
  Object id(OBJ_txt2obj(std::string(oid).c_str(), 1));
  ERR_clear_error();
  const int at = id ? X509_get_ext_by_OBJ(state_->x509.get(), id.get(), -1) : -1;
  if (at < 0) return std::nullopt;
  if (X509_get_ext_by_OBJ(state_->x509.get(), id.get(), at) >= 0)
    return fail("certificate '{}' has extension {} twice", common_name(), oid);
  const auto* value = X509_EXTENSION_get_data(X509_get_ext(state_->x509.get(), at));
  const auto* data = ASN1_STRING_get0_data(value);
  return Bytes(data, data + ASN1_STRING_length(value));
}

Result<P384Point> Certificate::p384_key() const {
  const auto* key = X509_get0_pubkey(state_->x509.get());
  std::array<std::uint8_t, 128> raw{};
  std::size_t n = 0;
  char group[32] = {};
  const bool good =
      key && EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, group, sizeof group, nullptr) == 1 &&
      std::string_view(group) == "secp384r1" &&
      EVP_PKEY_get_octet_string_param(key, "pub", raw.data(), raw.size(), &n) == 1 && n == 97 && raw[0] == 4;
  ERR_clear_error();
  if (!good) return fail("certificate '{}' has no P-384 key", common_name());
  return P384Point::from(BytesView(raw).subspan(1));
}

Result<> Certificate::issued_by(const Certificate& issuer, SignedWith with) const {
  auto* x509 = state_->x509.get();
  if (X509_NAME_cmp(X509_get_issuer_name(x509), X509_get_subject_name(issuer.state_->x509.get())) != 0)
    return fail("'{}' was issued by '{}', not by '{}'", common_name(), issuer_name(), issuer.common_name());
  const bool right_kind = made_with(
      with, [&](int* digest, int* key) { return X509_get_signature_info(x509, digest, key, nullptr, nullptr) == 1; });
  ERR_clear_error();
  if (!right_kind) return fail("'{}' is signed with another algorithm", common_name());
  auto* key = X509_get0_pubkey(issuer.state_->x509.get());
  const bool good = key && X509_verify(x509, key) == 1;
  ERR_clear_error();
  if (!good) return fail("'{}' is not signed by '{}'", common_name(), issuer.common_name());
  return {};
}

Result<> Certificate::valid_at(Time now) const {
  if (now < state_->not_before) return fail("certificate '{}' is not valid yet", common_name());
  if (now > state_->not_after) return fail("certificate '{}' has expired", common_name());
  return {};
}

struct RevocationList::State {
  CrlPtr crl;
  Time this_update, next_update;
};

Result<RevocationList> RevocationList::read(BytesView der) {
  if (der.empty() || der.size() > kMaxCrlDer)
    return fail("a revocation list of {} bytes, at most {}", der.size(), kMaxCrlDer);
  auto state = std::make_shared<State>();
  const unsigned char* at = der.data();
  state->crl.reset(d2i_X509_CRL(nullptr, &at, static_cast<long>(der.size())));
  ERR_clear_error();
  if (!state->crl || at != der.data() + der.size()) return fail("a malformed revocation list");
  TRY_ASSIGN(state->this_update, time_of(X509_CRL_get0_lastUpdate(state->crl.get())));
  TRY_ASSIGN(state->next_update, time_of(X509_CRL_get0_nextUpdate(state->crl.get())));
  return RevocationList(std::move(state));
}

Result<> RevocationList::issued_by(const Certificate& issuer, SignedWith with) const {
  auto* crl = state_->crl.get();
  auto* x509 = issuer.state_->x509.get();
  if (X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(x509)) != 0)
    return fail("the revocation list was not issued by '{}'", issuer.common_name());
  if (!issuer.may_sign_crl()) return fail("'{}' may not sign revocation lists", issuer.common_name());
  const X509_ALGOR* algorithm = nullptr;
  X509_CRL_get0_signature(crl, nullptr, &algorithm);
  auto* key = X509_get0_pubkey(x509);
  const bool good = pss_or_ecdsa(algorithm, with) && key && X509_CRL_verify(crl, key) == 1;
  ERR_clear_error();
  if (!good) return fail("the revocation list is not signed by '{}'", issuer.common_name());
  return {};
}

Result<> RevocationList::valid_at(Time now) const {
  if (now < state_->this_update) return fail("the revocation list is not valid yet");
  if (now > state_->next_update) return fail("the revocation list has expired");
  return {};
}

bool RevocationList::revokes(const Certificate& certificate) const {
  X509_REVOKED* entry = nullptr;
  auto* serial = X509_get_serialNumber(certificate.state_->x509.get());
  return X509_CRL_get0_by_serial(state_->crl.get(), &entry, serial) != 0;
}

Time RevocationList::this_update() const { return state_->this_update; }
Time RevocationList::next_update() const { return state_->next_update; }

Result<> check_link(const std::vector<Certificate>& chain, std::size_t i, SignedWith with) {
  const auto& certificate = chain[i];
  TRY(certificate.issued_by(chain[std::min(i + 1, chain.size() - 1)], with));
  const auto& name = certificate.common_name();
  if (certificate.unknown_critical()) return fail("'{}' has a critical extension that is not understood", name);
  if (i == 0) {
    if (certificate.is_ca()) return fail("the leaf '{}' is a CA", name);
    return {};
  }
  if (!certificate.is_ca()) return fail("'{}' may not issue certificates", name);
  const auto limit = certificate.path_length();
  if (limit && i - 1 > *limit) return fail("the path below '{}' is too long", name);
  return {};
}

Result<std::vector<Certificate>> read_certificates(std::string_view pem, std::size_t limit) {
  TRY_ASSIGN(const auto ders, read_pem(pem, "CERTIFICATE", limit));
  std::vector<Certificate> out;
  for (const auto& der : ders) {
    TRY_ASSIGN(auto certificate, Certificate::read(der));
    out.push_back(std::move(certificate));
  }
  return out;
}

namespace {

using Response = OpensslPtr<OCSP_RESPONSE, OCSP_RESPONSE_free>;
using Basic = OpensslPtr<OCSP_BASICRESP, OCSP_BASICRESP_free>;
using CertId = OpensslPtr<OCSP_CERTID, OCSP_CERTID_free>;
using Store = OpensslPtr<X509_STORE, X509_STORE_free>;
void free_stack(STACK_OF(X509) * stack) { sk_X509_free(stack); }
using Stack = OpensslPtr<STACK_OF(X509), free_stack>;

// Signed by the issuer itself, or by a certificate inside the response that the issuer made for OCSP signing.
Result<> check_responder(OCSP_BASICRESP* basic, X509* issuer, Time now) {
  Store store(X509_STORE_new());
  Stack with(sk_X509_new_null());
  if (!store || !with || X509_STORE_add_cert(store.get(), issuer) != 1 || !sk_X509_push(with.get(), issuer))
    return fail("out of memory");
  auto* param = X509_STORE_get0_param(store.get());
  X509_VERIFY_PARAM_set_time(param, unix_time(now));
  // The issuer is the anchor here, although it is not self-signed: its own chain was checked by the caller.
  X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
  const bool good = OCSP_basic_verify(basic, with.get(), store.get(), 0) == 1;
  ERR_clear_error();
  if (!good) return fail("the OCSP response is not signed by the issuer or its responder");
  return {};
}

}  // namespace

// One response, read; the entry about one certificate.
class OcspAnswer {
 public:
  static Result<OcspAnswer> find(BytesView der, const Certificate& subject, const Certificate& issuer) {
    if (der.empty() || der.size() > kMaxCertificateDer) return fail("an OCSP response of {} bytes", der.size());
    const unsigned char* at = der.data();
    const Response response(d2i_OCSP_RESPONSE(nullptr, &at, static_cast<long>(der.size())));
    const bool whole = response && at == der.data() + der.size() &&
                       OCSP_response_status(response.get()) == OCSP_RESPONSE_STATUS_SUCCESSFUL;
    OcspAnswer out;
    out.basic_.reset(whole ? OCSP_response_get1_basic(response.get()) : nullptr);
    ERR_clear_error();
    if (!out.basic_) return fail("not a successful OCSP response");
    // Responders name the certificate by a hash of their choice.
    for (const auto* md : {EVP_sha1(), EVP_sha256(), EVP_sha384()}) {
      const CertId id(OCSP_cert_to_id(md, subject.state_->x509.get(), issuer.state_->x509.get()));
      if (id && OCSP_resp_find_status(out.basic_.get(), id.get(), &out.status_, nullptr, nullptr, &out.from_,
                                      &out.until_) == 1)
        return out;
    }
    ERR_clear_error();
    return fail("the OCSP response is not about '{}'", subject.common_name());
  }

  Result<> signed_for(const Certificate& issuer, Time now) const {
    return check_responder(basic_.get(), issuer.state_->x509.get(), now);
  }
  int status() const { return status_; }
  Result<Time> from() const { return time_of(from_); }
  Result<Time> until() const { return time_of(until_); }

 private:
  Basic basic_;
  int status_ = 0;
  ASN1_GENERALIZEDTIME *from_ = nullptr, *until_ = nullptr;  // inside basic_
};

Result<Time> check_ocsp(BytesView der, const Certificate& subject, const Certificate& issuer, Time now) {
  TRY_ASSIGN(const auto answer, OcspAnswer::find(der, subject, issuer));
  TRY(answer.signed_for(issuer, now));
  TRY_ASSIGN(const auto from, answer.from());
  TRY_ASSIGN(const auto until, answer.until());
  if (now < from || now > until) return fail("the OCSP response for '{}' is not of that time", subject.common_name());
  if (answer.status() == V_OCSP_CERTSTATUS_REVOKED) return fail("'{}' is revoked", subject.common_name());
  if (answer.status() != V_OCSP_CERTSTATUS_GOOD) return fail("OCSP does not know '{}'", subject.common_name());
  return until;
}

bool names_subject(BytesView der, const Certificate& subject, const Certificate& issuer) {
  return OcspAnswer::find(der, subject, issuer).has_value();
}

}  // namespace cocoon::tee
