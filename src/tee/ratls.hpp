// RA-TLS certificates of others: the TCG DICE extension as the CCC's "Interoperable RA-TLS" profile fills it, and
// dstack's. Any key type; self-signed or issued (attestation.md 5). Cocoon's own certificates are certificate.hpp's.
#pragma once
#include "base/time.hpp"
#include "tee/evidence.hpp"

namespace cocoon::tee {

inline constexpr std::string_view kDiceTaggedEvidenceOid = "2.23.133.5.4.9";
inline constexpr std::string_view kDstackQuoteOid = "1.3.6.1.4.1.62397.1.1";
inline constexpr std::uint64_t kCccQuoteTag = 60000;  // [quote, claims]; 60001 and 60002 are its kin for other TEEs

enum class RatlsProfile { ccc, dstack };
std::string_view to_string(RatlsProfile);

struct RatlsCertificate {
  RatlsProfile profile = RatlsProfile::ccc;
  Bytes public_key;  // SubjectPublicKeyInfo, DER
  Bytes quote;
  Bits512 expected_report_data;  // what binds the quote to the key; CCC: only the first 32 bytes count
  Time not_before, not_after;

  // Is the quote made for this key? CCC: SHA-256 of the claims, which hold the hash of the key; dstack:
  // SHA-512("ratls-cert:", key).
  bool binds(const Bits512& report_data) const;
};

// An error when there is no evidence of these profiles, or when the claims are about another key. Total on any bytes.
Result<RatlsCertificate> read_ratls_certificate(BytesView der);

}  // namespace cocoon::tee
