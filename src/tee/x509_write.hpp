// P-256 certificates in Intel's profile, for the simulated TEE. Inside this room only.
#pragma once
#include <string>
#include <vector>

#include "base/time.hpp"
#include "tee/p256.hpp"

namespace cocoon::tee {

struct CertificateSpec {
  std::string subject, issuer;  // common names
  P256Point key;
  FixedBytes<16> serial;
  Time not_before, not_after;
  int path_length = -1;           // -1: not a CA
  std::vector<Bytes> extensions;  // DER, after the standard ones
};

// DER, signed with ecdsa-with-SHA256.
Bytes issue_certificate(const CertificateSpec&, const P256Key& issuer);
// The value of Intel's SGX extensions for a platform of that FMSPC.
Bytes sgx_extensions_value(const FixedBytes<16>& ppid, const FixedBytes<6>& fmspc);

}  // namespace cocoon::tee
