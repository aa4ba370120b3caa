// What a verifier needs besides the evidence: what vendors publish, as values. Who fetches it is another room's
// business.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.hpp"

namespace cocoon::tee {

// What Intel's provisioning certification service publishes about one platform family, as it was downloaded
// (attestation.md 2): signatures are over these exact bytes.
struct IntelCollateralFiles {
  Bytes tcb_info;     // JSON {"tcbInfo": {...}, "signature": "..."}
  Bytes qe_identity;  // JSON {"enclaveIdentity": {...}, "signature": "..."}
  Bytes tcb_signer;   // DER: who signed the TCB info
  Bytes qe_signer;    // DER: who signed the QE identity
  Bytes pck_crl;      // DER: revoked PCK certificates of the platform's CA
  Bytes root_crl;     // DER: revoked certificates of the root
  friend bool operator==(const IntelCollateralFiles&, const IntelCollateralFiles&) = default;
};

// What AMD's key distribution service publishes about one product line.
struct AmdCollateral {
  Bytes ask;  // DER: signs VCEKs, or VLEKs when it is an ASVK
  Bytes ark;  // DER: the product's root
  Bytes crl;  // DER: of the ARK; empty when none is at hand
  friend bool operator==(const AmdCollateral&, const AmdCollateral&) = default;
};

// What NVIDIA publishes about devices: of any number of them.
inline constexpr std::size_t kMaxOcspAnswers = 256;  // as much as a bundle holds
struct NvidiaFiles {
  std::map<std::string, Bytes> rims;  // XML, by the name it is published under (rim_names in nvidia_verify.hpp)
  std::vector<Bytes> ocsp;            // DER
  friend bool operator==(const NvidiaFiles&, const NvidiaFiles&) = default;
};

}  // namespace cocoon::tee
