#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "tee/certificate.hpp"
#include "tee/der.hpp"
#include "tee/openssl_x509.hpp"
#include "tee/quote.hpp"

namespace cocoon::tee {
namespace {

// The raw values of our critical extensions.
struct Found {
  std::array<std::optional<Bytes>, 5> values;  // in the order of kOids
};
constexpr std::array<std::string_view, 5> kOids{kTdxQuoteOid, kTdxClaimsOid, kSnpReportDataOid, kSnpReportOid,
                                                kSnpVcekOid};

// Index into kOids, or -1.
int own_extension(const ASN1_OBJECT* id) {
  static const auto contents = [] {
    std::array<Bytes, 5> out;
    for (std::size_t i = 0; i < 5; ++i) out[i] = der::oid_content(kOids[i]);
    return out;
  }();
  const BytesView raw(OBJ_get0_data(id), OBJ_length(id));
  for (std::size_t i = 0; i < 5; ++i)
    if (std::ranges::equal(raw, contents[i])) return static_cast<int>(i);
  return -1;
}

Result<Found> read_extensions(const X509* certificate) {
  Found out;
  for (int i = 0; i < X509_get_ext_count(certificate); ++i) {
    auto* extension = X509_get_ext(certificate, i);
    if (!X509_EXTENSION_get_critical(extension)) continue;
    const int own = own_extension(X509_EXTENSION_get_object(extension));
    if (own < 0) {
      if (!X509_supported_extension(extension)) return fail("the certificate has an unknown critical extension");
      continue;
    }
    const auto* value = X509_EXTENSION_get_data(extension);
    const auto size = static_cast<std::size_t>(ASN1_STRING_length(value));
    if (size > kMaxQuote) return fail("an attestation extension of {} bytes is larger than {}", size, kMaxQuote);
    auto& slot = out.values[static_cast<std::size_t>(own)];
    if (slot) return fail("the certificate repeats an attestation extension");
    slot = to_bytes(BytesView(ASN1_STRING_get0_data(value), size));
  }
  return out;
}

Result<Evidence> evidence_of(Found found) {
  auto& [quote, claims, snp_data, snp_report, vcek] = found.values;
  const bool tdx = quote || claims, snp = snp_data || snp_report || vcek;
  if (tdx && snp) return fail("the certificate carries TDX and SEV attestation together");
  if (tdx) {
    TdxEvidence out;
    out.complete = quote && claims;
    out.quote = std::move(quote).value_or(Bytes{});
    out.user_claims = std::move(claims).value_or(Bytes{});
    return out;
  }
  if (snp) {
    SnpEvidence out;
    out.complete = snp_data && snp_report && vcek;
    out.report_data = std::move(snp_data).value_or(Bytes{});
    out.report = std::move(snp_report).value_or(Bytes{});
    out.vcek = to_text(vcek.value_or(Bytes{}));
    return out;
  }
  return NoEvidence{};
}

Result<crypto::PublicKey> check_key_and_signature(X509* certificate) {
  auto* key = X509_get0_pubkey(certificate);
  crypto::PublicKey out;
  std::size_t n = out.size();
  if (!key || EVP_PKEY_get_base_id(key) != EVP_PKEY_ED25519 || EVP_PKEY_get_raw_public_key(key, out.data(), &n) != 1 ||
      n != out.size())
    return fail("the certificate's key is not Ed25519");
  if (X509_NAME_cmp(X509_get_subject_name(certificate), X509_get_issuer_name(certificate)) != 0)
    return fail("the certificate is not self-signed");
  if (X509_verify(certificate, key) != 1) return fail("the certificate's signature is wrong");
  return out;
}

Result<> check_validity(const X509* certificate, Time now, CertificateFacts& out) {
  TRY_ASSIGN(out.not_before, time_of(X509_get0_notBefore(certificate)));
  TRY_ASSIGN(out.not_after, time_of(X509_get0_notAfter(certificate)));
  if (now < out.not_before) return fail("the certificate is not valid yet: compare the clocks of both machines");
  if (now > out.not_after) return fail("the certificate has expired");
  return {};
}

Result<> check_purpose(X509* certificate, Side whose) {
  const bool server = whose == Side::server;
  const int purpose = server ? X509_PURPOSE_SSL_SERVER : X509_PURPOSE_SSL_CLIENT;
  if (X509_check_purpose(certificate, purpose, 0) != 1)
    return fail("the certificate is not made for a {}", server ? "server" : "client");
  constexpr std::string_view name = "127.0.0.1";
  if (server && X509_check_host(certificate, name.data(), name.size(), 0, nullptr) != 1)
    return fail("the server's certificate does not carry the DNS name {}", name);
  return {};
}

Result<CertificateFacts> read_facts(BytesView der, Side whose, Time now) {
  if (der.empty() || der.size() > kMaxCertificate) return fail("a certificate of {} bytes", der.size());
  TRY_ASSIGN(const auto certificate, read_openssl_x509(der));
  CertificateFacts out;
  TRY_ASSIGN(out.public_key, check_key_and_signature(certificate.get()));
  TRY(check_validity(certificate.get(), now, out));
  TRY_ASSIGN(auto found, read_extensions(certificate.get()));
  TRY_ASSIGN(out.evidence, evidence_of(std::move(found)));
  TRY(check_purpose(certificate.get(), whose));
  out.sha256 = crypto::sha256(der);
  return out;
}

}  // namespace

Result<CertificateFacts> read_certificate(BytesView der, Side whose, Time now) {
  auto out = read_facts(der, whose, now);
  ERR_clear_error();
  return out;
}

}  // namespace cocoon::tee
