// GPU evidence + reference values + OCSP + time -> checks of a Verdict (attestation.md 4). Pure.
#pragma once
#include "tee/collateral.hpp"
#include "tee/evidence.hpp"
#include "tee/nvidia.hpp"
#include "tee/nvidia_rim.hpp"

namespace cocoon::tee {

// What the verifier got besides the evidence.
struct NvidiaCollateral {
  std::vector<Bytes> rims;  // XML: of the driver (GPUs) and of the VBIOS
  std::vector<Bytes> ocsp;  // DER responses, in any order, about certificates of the device's and of the RIMs' chains
  friend bool operator==(const NvidiaCollateral&, const NvidiaCollateral&) = default;
};

struct NvidiaDemands {
  std::optional<Bits256> nonce;  // what the verifier sent; none: freshness is not judged
  bool rims = true;              // golden values must have been compared
  bool all_rims = true;          // those of the driver and those of the VBIOS
  bool ocsp = true;              // every certificate that has a responder must have a good answer
  // RIM signers are often expired (attestation.md 4): take them as of the time when they began to sign, and say so.
  bool expired_rim_signers = false;
};

// What the evidence says, for people and for whoever fetches RIMs.
struct NvidiaFacts {
  std::optional<NvidiaProduct> product;
  std::string chip;  // "GH100"
  NvidiaVersions versions;
  std::size_t golden = 0;            // active golden values that were held against the evidence
  std::vector<unsigned> mismatches;  // indices of golden values that the evidence does not have
};

// Names of the reference values for a device (rim_names), by its own evidence and certificate, unverified: whoever
// fetches them checks what they are about.
Result<std::vector<std::string>> rim_names(const GpuEvidence&);
// Of what was published, that which is about this device by those names, and every OCSP response.
NvidiaCollateral files_about(const GpuEvidence&, const NvidiaFiles&);

// The names of its checks, in order: format, chain, root, validity, product, fwid, nonce, signature, ocsp, versions;
// and with RIMs rim-format, rim-digest, rim-signature, rim-chain, rim-root, rim-validity, rim-ocsp, rim-match,
// measurements. `chain`: PEM, leaf first, root last, at most 8. Does not settle the verdict.
NvidiaFacts verify_nvidia(Verdict&, BytesView evidence, std::string_view chain_pem, const NvidiaCollateral&,
                          const NvidiaDemands&, const NvidiaRoots&, Time now);

}  // namespace cocoon::tee
