// X.509 certificates and revocation lists as Intel's PKI uses them: P-256, ecdsa-with-SHA256, DER. Read here and not by
// OpenSSL because OpenSSL 3.0 spends more on decoding one such certificate than on verifying two signatures.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "tee/p256.hpp"

namespace cocoon::tee {

inline constexpr std::size_t kMaxX509 = 16 * 1024;
inline constexpr std::size_t kMaxCrl = 4 * 1024 * 1024;

// What a signature covers, and the signature.
struct Signed {
  Bits256 digest;  // SHA-256 of the signed bytes
  P256Signature signature;
};

// Owns nothing: views point into the DER that was read.
struct X509Certificate {
  BytesView serial;           // big-endian, without leading zeros
  BytesView issuer, subject;  // names as DER, compared byte by byte
  Time not_before, not_after;
  P256Point key;
  bool is_ca = false;                                                       // basicConstraints
  std::optional<std::uint32_t> path_len;                                    // basicConstraints
  bool signs_certificates = false, signs_crls = false, signs_data = false;  // keyUsage; all true when it is absent
  BytesView sgx_extensions;  // value of 1.2.840.113741.1.13.1; empty when absent
  Signed is_signed;

  std::string common_name() const;  // of the subject, printable; empty when there is none
  bool valid_at(Time now) const { return not_before <= now && now <= not_after; }
};

// Version 3; an unknown critical extension, a repeated extension, bytes after the certificate are errors.
Result<X509Certificate> read_x509(BytesView der);

struct Crl {
  BytesView issuer;  // DER
  Time this_update, next_update;
  std::vector<BytesView> revoked;  // serials, big-endian, without leading zeros; sorted
  Signed is_signed;

  bool lists(BytesView serial) const;
  bool valid_at(Time now) const { return this_update <= now && now <= next_update; }
};

// Version 2 with nextUpdate; delta and indirect lists (critical extensions) are errors.
Result<Crl> read_crl(BytesView der);

// The DER of every "-----BEGIN <label>-----" block; at most `limit` of them, at least one.
Result<std::vector<Bytes>> read_pem(std::string_view text, std::string_view label, std::size_t limit);
// The common name of the first certificate, printable; empty when there is none.
std::string common_name_of(std::string_view pem);
std::string write_pem(BytesView der, std::string_view label);

inline constexpr std::string_view kSgxExtensionsOid = "1.2.840.113741.1.13.1";

}  // namespace cocoon::tee
