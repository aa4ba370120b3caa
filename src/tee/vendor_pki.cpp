#include "tee/vendor_pki.hpp"

#include <algorithm>
#include <utility>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "tee/openssl_x509.hpp"
#include "tee/x509.hpp"
#include "tee/x509_parts.hpp"

namespace cocoon::tee {
namespace {

using EvpKey = OpensslPtr<EVP_PKEY, EVP_PKEY_free>;
using CrlPtr = OpensslPtr<X509_CRL, X509_CRL_free>;
using Bn = OpensslPtr<BIGNUM, BN_free>;

constexpr std::uint8_t kNull = 0x05;

EvpKey make_rsa_key(BytesView modulus, BytesView exponent) {
  const Bn n(BN_bin2bn(modulus.data(), static_cast<int>(modulus.size()), nullptr)),
      e(BN_bin2bn(exponent.data(), static_cast<int>(exponent.size()), nullptr));
  const OpensslPtr<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free> builder(OSSL_PARAM_BLD_new());
  const OpensslPtr<EVP_PKEY_CTX, EVP_PKEY_CTX_free> context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* key = nullptr;
  if (n && e && builder && context && OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) == 1 &&
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) == 1) {
    const OpensslPtr<OSSL_PARAM, OSSL_PARAM_free> params(OSSL_PARAM_BLD_to_param(builder.get()));
    if (params && EVP_PKEY_fromdata_init(context.get()) == 1)
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get());
  }
  ERR_clear_error();
  return EvpKey(key);
}

bool rsa_pss_sha384_verify(EVP_PKEY* key, BytesView message, BytesView signature, int salt) {
  const OpensslPtr<EVP_MD_CTX, EVP_MD_CTX_free> context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* how = nullptr;
  const bool good =
      context && EVP_DigestVerifyInit(context.get(), &how, EVP_sha384(), nullptr, key) == 1 &&
      EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING) == 1 &&
      EVP_PKEY_CTX_set_rsa_pss_saltlen(how, salt) == 1 &&
      EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(), message.size()) == 1;
  ERR_clear_error();
  return good;
}

Result<P384Signature> read_p384_signature(BytesView der) {
  der::Reader whole(der);
  TRY_ASSIGN(const auto pair, whole.next(der::sequence));
  der::Reader in(pair);
  P384Signature out;
  for (const std::size_t half : {0U, 48U}) {
    TRY_ASSIGN(const auto raw, in.next(der::integer));
    if (raw.empty() || raw[0] & 0x80) return fail("a signature that is not two positive numbers");
    const auto number = x509::without_zeros(raw);
    if (number.size() > 48) return fail("a signature that is not one of P-384");
    std::ranges::copy(number, out.begin() + static_cast<std::ptrdiff_t>(half + 48 - number.size()));
  }
  if (!in.empty() || !whole.empty()) return fail("a signature of more than two numbers");
  return out;
}

bool pss_or_ecdsa(const X509_ALGOR* algorithm, SignedWith wanted) {
  const ASN1_OBJECT* id = nullptr;
  X509_ALGOR_get0(&id, nullptr, nullptr, algorithm);
  const int nid = OBJ_obj2nid(id);
  return nid == (wanted == SignedWith::rsa_pss_sha384 ? NID_rsassaPss : NID_ecdsa_with_SHA384);
}

}  // namespace

// How a certificate says that it was signed.
struct Signing {
  SignedWith with{};
  int salt = 0;  // bytes; RSA-PSS
};

struct Certificate::State {
  Bytes der;  // everything else points into it
  BytesView body, issuer_der, subject_der, key_info, signature;
  Result<Signing> signing = fail("not read");
  Bytes serial;
  Bits256 sha256;
  std::string subject, issuer;
  Time not_before, not_after;
  std::vector<x509::Extension> extensions;
  bool key_usage_told = false, unknown_critical = false;
  x509::BasicConstraints constraints;
  x509::KeyUsage usage;
  EvpKey rsa;  // null for other keys
};

namespace {

constexpr std::size_t kMaxExtensions = 32;
constexpr std::size_t kLeastRsa = 256, kMostRsa = 1024;  // bytes of the modulus; AMD's have 512

bool is_oid(BytesView content, std::string_view dotted) {
  return std::ranges::equal(content, der::oid_content(dotted));
}

// AlgorithmIdentifier of a hash: parameters NULL or none.
Result<> read_sha384(BytesView sequence) {
  der::Reader in(sequence);
  TRY_ASSIGN(const auto id, in.next(der::oid));
  const bool bare = in.empty() || (in.next(kNull) && in.empty());
  return bare && is_oid(id, "2.16.840.1.101.3.4.2.2") ? Result<>{} : fail("another hash than SHA-384");
}

// RSASSA-PSS-params: SHA-384 everywhere, the only trailer there is.
Result<int> read_pss(BytesView sequence) {
  der::Reader in(sequence);
  TRY_ASSIGN(const auto hash, in.next(0xa0));
  der::Reader hash_in(hash);
  TRY_ASSIGN(const auto hash_id, hash_in.next(der::sequence));
  TRY(read_sha384(hash_id));
  TRY_ASSIGN(const auto mask, in.next(0xa1));
  der::Reader mask_in(mask);
  TRY_ASSIGN(const auto mask_id, mask_in.next(der::sequence));
  der::Reader mgf(mask_id);
  TRY_ASSIGN(const auto mgf_oid, mgf.next(der::oid));
  TRY_ASSIGN(const auto mgf_hash, mgf.next(der::sequence));
  TRY(read_sha384(mgf_hash));
  TRY_ASSIGN(const auto salt, in.next(0xa2));
  der::Reader salt_in(salt);
  TRY_ASSIGN(const auto salt_raw, salt_in.next(der::integer));
  TRY_ASSIGN(const auto bytes, der::small_integer(salt_raw));
  if (in.at(0xa3)) {
    TRY_ASSIGN(const auto trailer, in.next(0xa3));
    if (!std::ranges::equal(trailer, std::array<std::uint8_t, 3>{der::integer, 1, 1})) return fail("another trailer");
  }
  const bool whole = hash_in.empty() && mask_in.empty() && mgf.empty() && salt_in.empty() && in.empty();
  if (!whole || !is_oid(mgf_oid, "1.2.840.113549.1.1.8") || bytes > 512) return fail("other parameters of RSA-PSS");
  return static_cast<int>(bytes);
}

Result<Signing> read_signing(BytesView algorithm) {
  der::Reader in(algorithm);
  TRY_ASSIGN(const auto id, in.next(der::oid));
  if (is_oid(id, "1.2.840.10045.4.3.3") && in.empty()) return Signing{SignedWith::ecdsa_sha384};
  if (!is_oid(id, "1.2.840.113549.1.1.10")) return fail("another signature algorithm");
  TRY_ASSIGN(const auto parameters, in.next(der::sequence));
  TRY_ASSIGN(const auto salt, read_pss(parameters));
  if (!in.empty()) return fail("another signature algorithm");
  return Signing{SignedWith::rsa_pss_sha384, salt};
}

// The subject's first common name, printable.
std::string common_name_in(BytesView name_der) {
  std::string out;
  der::Reader whole(name_der);
  const auto name = whole.next(der::sequence);
  if (!name) return out;
  der::Reader parts(*name);
  while (!parts.empty()) {
    const auto part = parts.next(der::set);
    if (!part) return out;
    der::Reader attributes(*part);
    const auto attribute = attributes.next(der::sequence);
    if (!attribute) return out;
    der::Reader fields(*attribute);
    const auto id = fields.next(der::oid);
    const auto value = fields.next();
    if (!id || !value || !is_oid(*id, "2.5.4.3")) continue;
    out = to_text(value->content.first(std::min<std::size_t>(value->content.size(), 127)));
    for (auto& c : out)
      if (c < 0x20 || c > 0x7e) c = '?';
    return out;
  }
  return out;
}

// Made here and not by OpenSSL's decoders, which take longer than verifying a signature does.
Result<EvpKey> rsa_key_of(BytesView key_info) {
  der::Reader in(key_info);
  TRY_ASSIGN(const auto algorithm, in.next(der::sequence));
  TRY_ASSIGN(const auto bits, in.next(der::bit_string));
  der::Reader ids(algorithm);
  TRY_ASSIGN(const auto kind, ids.next(der::oid));
  if (!is_oid(kind, "1.2.840.113549.1.1.1")) return EvpKey{};
  if (bits.empty() || bits[0] != 0) return fail("an RSA key that is not whole bytes");
  der::Reader outer(bits.subspan(1));
  TRY_ASSIGN(const auto pair, outer.next(der::sequence));
  der::Reader numbers(pair);
  TRY_ASSIGN(const auto modulus, numbers.next(der::integer));
  TRY_ASSIGN(const auto exponent, numbers.next(der::integer));
  if (!outer.empty() || !numbers.empty()) return fail("an RSA key of more than two numbers");
  const auto n = x509::without_zeros(modulus), e = x509::without_zeros(exponent);
  if (n.size() < kLeastRsa || n.size() > kMostRsa || e.empty() || e.size() > 8)
    return fail("an RSA key of {} bytes", n.size());
  return make_rsa_key(n, e);
}

// The critical ones that are understood, or that say nothing which matters here.
bool understood(const x509::Extension& extension) {
  switch (extension.standard()) {
    case x509::basic_constraints:
    case x509::key_usage:
    case x509::key_identifier:
    case x509::authority_key_identifier:
    case x509::distribution_points:
    case x509::extended_key_usage:
      return true;
    default:
      return false;
  }
}

}  // namespace

Result<> Certificate::read_extensions(State& state, BytesView sequence) {
  der::Reader in(sequence);
  bool constrained = false;
  while (!in.empty()) {
    TRY_ASSIGN(const auto extension, x509::read_extension(in));
    if (state.extensions.size() >= kMaxExtensions) return fail("more than {} extensions", kMaxExtensions);
    if (extension.standard() == x509::basic_constraints) {
      if (std::exchange(constrained, true)) return fail("basicConstraints twice");
      TRY_ASSIGN(state.constraints, x509::read_basic_constraints(extension.value));
    } else if (extension.standard() == x509::key_usage) {
      if (std::exchange(state.key_usage_told, true)) return fail("keyUsage twice");
      TRY_ASSIGN(state.usage, x509::read_key_usage(extension.value));
    }
    state.unknown_critical |= extension.critical && !understood(extension);
    state.extensions.push_back(extension);
  }
  return {};
}

Result<> Certificate::read_body(State& state, BytesView outer_algorithm) {
  der::Reader whole(state.body);
  TRY_ASSIGN(const auto body, whole.next(der::sequence));
  der::Reader in(body);
  TRY_ASSIGN(const auto version, in.next(x509::kExplicit0));
  if (!std::ranges::equal(version, std::array<std::uint8_t, 3>{der::integer, 1, 2})) return fail("not of version 3");
  TRY_ASSIGN(const auto serial, in.next(der::integer));
  if (serial.empty() || serial[0] & 0x80) return fail("a negative serial number");
  state.serial = to_bytes(x509::without_zeros(serial));
  TRY_ASSIGN(const auto algorithm, in.next_item(der::sequence));
  if (!std::ranges::equal(algorithm.whole, outer_algorithm)) return fail("two signature algorithms");
  state.signing = read_signing(algorithm.content);
  TRY_ASSIGN(const auto issuer, in.next_item(der::sequence));
  state.issuer_der = issuer.whole;
  TRY_ASSIGN(const auto validity, in.next(der::sequence));
  der::Reader times(validity);
  TRY_ASSIGN(state.not_before, x509::read_time(times));
  TRY_ASSIGN(state.not_after, x509::read_time(times));
  if (!times.empty()) return fail("more than two times");
  TRY_ASSIGN(const auto subject, in.next_item(der::sequence));
  state.subject_der = subject.whole;
  TRY_ASSIGN(const auto key, in.next_item(der::sequence));
  state.key_info = key.content;
  TRY_ASSIGN(state.rsa, rsa_key_of(state.key_info));
  if (in.empty()) return {};
  TRY_ASSIGN(const auto tagged, in.next(x509::kExplicit3));
  der::Reader wrapped(tagged);
  TRY_ASSIGN(const auto extensions, wrapped.next(der::sequence));
  if (!wrapped.empty() || !in.empty()) return fail("bytes after the extensions");
  return read_extensions(state, extensions);
}

Result<Certificate> Certificate::read(BytesView der) {
  if (der.empty() || der.size() > kMaxCertificateDer)
    return fail("a certificate of {} bytes, at most {}", der.size(), kMaxCertificateDer);
  auto state = std::make_shared<State>();
  state->der = to_bytes(der);
  const auto parse = [&]() -> Result<> {
    der::Reader outer(state->der);
    TRY_ASSIGN(const auto whole, outer.next(der::sequence));
    der::Reader in(whole);
    TRY_ASSIGN(const auto body, in.next_item(der::sequence));
    TRY_ASSIGN(const auto algorithm, in.next_item(der::sequence));
    TRY_ASSIGN(const auto bits, in.next(der::bit_string));
    if (!outer.empty() || !in.empty()) return fail("bytes after its end");
    if (bits.empty() || bits[0] != 0) return fail("a signature that is not whole bytes");
    state->body = body.whole;
    state->signature = bits.subspan(1);
    return read_body(*state, algorithm.whole);
  };
  if (const auto parsed = parse(); !parsed) return fail("a malformed certificate: {}", parsed.error().what);
  state->sha256 = crypto::sha256(der);
  state->subject = common_name_in(state->subject_der);
  state->issuer = common_name_in(state->issuer_der);
  return Certificate(std::move(state));
}

const Bytes& Certificate::der() const { return state_->der; }
const Bits256& Certificate::sha256() const { return state_->sha256; }
const std::string& Certificate::common_name() const { return state_->subject; }
const std::string& Certificate::issuer_name() const { return state_->issuer; }
const Bytes& Certificate::serial() const { return state_->serial; }
Time Certificate::not_before() const { return state_->not_before; }
Time Certificate::not_after() const { return state_->not_after; }
bool Certificate::self_issued() const { return std::ranges::equal(state_->subject_der, state_->issuer_der); }
bool Certificate::is_ca() const { return state_->constraints.ca && state_->usage.certificates; }
std::optional<std::size_t> Certificate::path_length() const {
  return is_ca() ? std::optional<std::size_t>(state_->constraints.path_len) : std::nullopt;
}
bool Certificate::may_sign_crl() const { return state_->usage.lists; }
bool Certificate::unknown_critical() const { return state_->unknown_critical; }

Result<std::optional<Bytes>> Certificate::extension(std::string_view oid) const {
  const auto id = der::oid_content(oid);
  std::optional<Bytes> out;
  for (const auto& extension : state_->extensions) {
    if (!std::ranges::equal(extension.id, id)) continue;
    if (out) return fail("certificate '{}' has extension {} twice", common_name(), oid);
    out = to_bytes(extension.value);
  }
  return out;
}

Result<P384Point> Certificate::p384_key() const {
  const auto read = [&]() -> Result<P384Point> {
    der::Reader in(state_->key_info);
    TRY_ASSIGN(const auto algorithm, in.next(der::sequence));
    TRY_ASSIGN(const auto bits, in.next(der::bit_string));
    der::Reader ids(algorithm);
    TRY_ASSIGN(const auto kind, ids.next(der::oid));
    TRY_ASSIGN(const auto curve, ids.next(der::oid));
    if (!is_oid(kind, "1.2.840.10045.2.1") || !is_oid(curve, "1.3.132.0.34") || bits.size() != 98 || bits[0] != 0 ||
        bits[1] != 4 || !in.empty() || !ids.empty())
      return fail("no P-384 key");
    return P384Point::from(bits.subspan(2));
  };
  auto out = read();
  if (!out) return fail("certificate '{}' has no P-384 key", common_name());
  return out;
}

bool Certificate::signed_by(const Certificate& issuer) const {
  const auto& s = *state_;
  if (s.signing->with == SignedWith::rsa_pss_sha384)
    return issuer.state_->rsa && rsa_pss_sha384_verify(issuer.state_->rsa.get(), s.body, s.signature, s.signing->salt);
  const auto key = issuer.p384_key();
  const auto signature = read_p384_signature(s.signature);
  return key && signature && p384_verify(*key, s.body, *signature);
}

Result<> Certificate::issued_by(const Certificate& issuer, SignedWith with) const {
  if (!std::ranges::equal(state_->issuer_der, issuer.state_->subject_der))
    return fail("'{}' was issued by '{}', not by '{}'", common_name(), issuer_name(), issuer.common_name());
  if (!state_->signing || state_->signing->with != with)
    return fail("'{}' is signed with another algorithm", common_name());
  if (!signed_by(issuer)) return fail("'{}' is not signed by '{}'", common_name(), issuer.common_name());
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
  const std::uint8_t* name = nullptr;
  std::size_t name_size = 0;
  const bool named = X509_NAME_get0_der(X509_CRL_get_issuer(crl), &name, &name_size) == 1;
  if (!named || !std::ranges::equal(BytesView(name, name_size), issuer.state_->subject_der))
    return fail("the revocation list was not issued by '{}'", issuer.common_name());
  if (!issuer.may_sign_crl()) return fail("'{}' may not sign revocation lists", issuer.common_name());
  const X509_ALGOR* algorithm = nullptr;
  X509_CRL_get0_signature(crl, nullptr, &algorithm);
  TRY_ASSIGN(const auto x509, read_openssl_x509(issuer.der()));
  auto* key = X509_get0_pubkey(x509.get());
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
  const auto& raw = certificate.serial();
  const Bn number(BN_bin2bn(raw.data(), static_cast<int>(raw.size()), nullptr));
  const OpensslPtr<ASN1_INTEGER, ASN1_INTEGER_free> serial(number ? BN_to_ASN1_INTEGER(number.get(), nullptr)
                                                                  : nullptr);
  X509_REVOKED* entry = nullptr;
  // Out of memory is no reason to let a revoked one pass.
  return !serial || X509_CRL_get0_by_serial(state_->crl.get(), &entry, serial.get()) != 0;
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
    TRY_ASSIGN(const auto about, read_openssl_x509(subject.der()));
    TRY_ASSIGN(const auto by, read_openssl_x509(issuer.der()));
    // Responders name the certificate by a hash of their choice.
    for (const auto* md : {EVP_sha1(), EVP_sha256(), EVP_sha384()}) {
      const CertId id(OCSP_cert_to_id(md, about.get(), by.get()));
      if (id && OCSP_resp_find_status(out.basic_.get(), id.get(), &out.status_, nullptr, nullptr, &out.from_,
                                      &out.until_) == 1)
        return out;
    }
    ERR_clear_error();
    return fail("the OCSP response is not about '{}'", subject.common_name());
  }

  Result<> signed_for(const Certificate& issuer, Time now) const {
    TRY_ASSIGN(const auto by, read_openssl_x509(issuer.der()));
    return check_responder(basic_.get(), by.get(), now);
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
