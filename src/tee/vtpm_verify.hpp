// vTPM evidence of a confidential VM -> checks of a Verdict: the TPM's quote, the key that made it, and the hardware's
// report that vouches for the key. Pure. The hardware's report itself is judged by its own verifier (snp_verify.hpp,
// intel.hpp) on the same Verdict.
#pragma once
#include <optional>

#include "tee/verdict.hpp"
#include "tee/vtpm.hpp"

namespace cocoon::tee {

struct VtpmEvidence {
  Bytes hcl;          // as read from the TPM's NV index 0x01400001
  Bytes message;      // TPMS_ATTEST
  Bytes signature;    // RSASSA-PKCS1-v1_5 with SHA-256, big-endian, of the key's size
  Bytes pcrs;         // 24 SHA-256 PCRs
  Bytes td_quote;     // TDX: the quote over the HCL's TDREPORT
  Bytes endorsement;  // SNP: the VCEK, DER
  friend bool operator==(const VtpmEvidence&, const VtpmEvidence&) = default;
};

struct VtpmDemands {
  std::optional<Bytes> nonce;                      // what the verifier sent; none: freshness is not judged
  std::vector<std::pair<unsigned, Bits256>> pcrs;  // values that PCRs must have
};

struct VtpmFacts {
  HclKind kind = HclKind::snp;
  PcrBank pcrs{};  // proven where `selected`
  std::bitset<kPcrs> selected;
  Bytes snp_report;  // kind snp: what snp_verify.hpp is to judge with the endorsement
};

// The names of its checks, in order: hcl, runtime-data, attestation-key, hardware-binding, tpm-quote, tpm-signature,
// tpm-nonce, pcr-digest, pcrs. An error of the evidence's structure leaves the rest not made. Does not settle the
// verdict, which is worth nothing before the hardware's report was judged too.
VtpmFacts verify_vtpm(Verdict&, const VtpmEvidence&, const VtpmDemands&);

}  // namespace cocoon::tee
