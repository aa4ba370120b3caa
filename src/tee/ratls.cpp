#include "tee/ratls.hpp"

#include <algorithm>
#include <optional>

#include <openssl/err.h>
#include <openssl/x509.h>

#include "tee/cbor.hpp"
#include "tee/certificate.hpp"
#include "tee/der.hpp"
#include "tee/openssl_x509.hpp"

namespace cocoon::tee {
namespace {

constexpr std::string_view kPublicKeyHash = "pubkey-hash";
constexpr std::uint64_t kSha256 = 1;  // IANA named information hash algorithms

// The value of an extension that stands exactly once.
std::optional<BytesView> extension(const X509* certificate, std::string_view dotted) {
  const auto wanted = der::oid_content(dotted);
  std::optional<BytesView> out;
  for (int i = 0; i < X509_get_ext_count(certificate); ++i) {
    auto* one = X509_get_ext(certificate, i);
    const auto* id = X509_EXTENSION_get_object(one);
    if (!std::ranges::equal(BytesView(OBJ_get0_data(id), OBJ_length(id)), wanted)) continue;
    if (out) return std::nullopt;
    const auto* value = X509_EXTENSION_get_data(one);
    out = BytesView(ASN1_STRING_get0_data(value), static_cast<std::size_t>(ASN1_STRING_length(value)));
  }
  return out;
}

Result<Bytes> public_key_of(const X509* certificate) {
  unsigned char* raw = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &raw);
  if (size <= 0) return fail("the certificate's key cannot be read");
  const Bytes out(raw, raw + size);
  OPENSSL_free(raw);
  return out;
}

// [algorithm, hash], as it is or, as existing certificates have it, wrapped into a byte string.
Result<BytesView> key_hash(cbor::Reader& in) {
  cbor::Reader look = in;
  TRY_ASSIGN(const auto head, look.head());
  const bool wrapped = head.major == cbor::Major::bytes;
  BytesView content;
  if (wrapped) {
    TRY_ASSIGN(content, in.string(cbor::Major::bytes));
  }
  cbor::Reader inner(content);
  auto& entry = wrapped ? inner : in;
  TRY_ASSIGN(const auto parts, entry.expect(cbor::Major::array));
  TRY_ASSIGN(const auto algorithm, entry.expect(cbor::Major::number));
  TRY_ASSIGN(const auto hash, entry.string(cbor::Major::bytes));
  if (parts != 2 || algorithm != kSha256 || hash.size() != 32 || !inner.empty())
    return fail("the claims' pubkey-hash is malformed");
  return hash;
}

// The hash of the public key that the claims hold.
Result<BytesView> claimed_key_hash(BytesView claims) {
  cbor::Reader in(claims);
  TRY_ASSIGN(const auto members, in.expect(cbor::Major::map));
  std::optional<BytesView> out;
  for (std::uint64_t i = 0; i < members; ++i) {
    TRY_ASSIGN(const auto name, in.string(cbor::Major::text));
    if (as_text(name) != kPublicKeyHash) {
      TRY(in.skip());
      continue;
    }
    if (out) return fail("the claims hold two pubkey-hash");
    TRY_ASSIGN(out, key_hash(in));
  }
  if (!out || !in.empty()) return fail("the claims hold no pubkey-hash");
  return *out;
}

Result<> read_ccc(BytesView value, RatlsCertificate& out) {
  cbor::Reader in(value);
  TRY_ASSIGN(const auto tag, in.expect(cbor::Major::tag));
  if (tag != kCccQuoteTag) return fail("evidence of CBOR tag {}: only quotes ({}) are read", tag, kCccQuoteTag);
  TRY_ASSIGN(const auto items, in.expect(cbor::Major::array));
  TRY_ASSIGN(const auto quote, in.string(cbor::Major::bytes));
  TRY_ASSIGN(const auto claims, in.string(cbor::Major::bytes));
  if (items != 2 || !in.empty()) return fail("the evidence is not [quote, claims]");
  TRY_ASSIGN(const auto claimed, claimed_key_hash(claims));
  if (!std::ranges::equal(claimed, crypto::sha256(out.public_key))) return fail("the claims are about another key");
  out.profile = RatlsProfile::ccc;
  out.quote = to_bytes(quote);
  std::ranges::copy(crypto::sha256(claims), out.expected_report_data.begin());
  return {};
}

Result<> read_dstack(BytesView value, RatlsCertificate& out) {
  der::Reader in(value);
  TRY_ASSIGN(const auto quote, in.next(der::octet_string));
  if (!in.empty()) return fail("bytes after dstack's quote");
  out.profile = RatlsProfile::dstack;
  out.quote = to_bytes(quote);
  auto bound = to_bytes("ratls-cert:");
  append(bound, out.public_key);
  out.expected_report_data = crypto::sha512(bound);
  return {};
}

Result<RatlsCertificate> read(BytesView der) {
  if (der.empty() || der.size() > kMaxCertificate) return fail("a certificate of {} bytes", der.size());
  TRY_ASSIGN(const auto certificate, read_openssl_x509(der));
  RatlsCertificate out;
  TRY_ASSIGN(out.public_key, public_key_of(certificate.get()));
  TRY_ASSIGN(out.not_before, time_of(X509_get0_notBefore(certificate.get())));
  TRY_ASSIGN(out.not_after, time_of(X509_get0_notAfter(certificate.get())));
  if (const auto dice = extension(certificate.get(), kDiceTaggedEvidenceOid)) {
    TRY(read_ccc(*dice, out));
  } else if (const auto dstack = extension(certificate.get(), kDstackQuoteOid)) {
    TRY(read_dstack(*dstack, out));
  } else {
    return fail("the certificate carries no attestation that is known");
  }
  return out;
}

}  // namespace

std::string_view to_string(RatlsProfile profile) { return profile == RatlsProfile::ccc ? "CCC RA-TLS" : "dstack"; }

bool RatlsCertificate::binds(const Bits512& report_data) const {
  const std::size_t bytes = profile == RatlsProfile::ccc ? 32 : 64;
  return std::ranges::equal(report_data.view().first(bytes), expected_report_data.view().first(bytes));
}

Result<RatlsCertificate> read_ratls_certificate(BytesView der) {
  auto out = read(der);
  ERR_clear_error();
  return out;
}

}  // namespace cocoon::tee
