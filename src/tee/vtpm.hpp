// vTPM quotes of confidential VMs on Azure: layouts of the HCL report and of TPM 2.0 attestations. Judged by
// vtpm_verify.hpp.
//
// The hypervisor's paravisor (HCL) makes an attestation key inside its vTPM and puts the hash of a JSON text that names
// the key into the report data of the hardware's report: so the hardware vouches for the key, and the key for PCRs.
#pragma once
#include <array>
#include <bitset>

#include "tee/measurements.hpp"

namespace cocoon::tee {

inline constexpr std::size_t kMaxHclReport = 16 * 1024;
inline constexpr std::size_t kMaxTpmAttest = 4096;
inline constexpr std::size_t kPcrs = 24;
inline constexpr std::size_t kHclHardware = 1184;  // SNP report, or TDREPORT and zeros

enum class HclKind { snp, tdx };

// Owns nothing: views point into the bytes that were parsed.
struct HclReport {
  HclKind kind = HclKind::snp;
  BytesView hardware;  // 1184 bytes
  BytesView runtime;   // the JSON text that report data carries the hash of
  std::uint32_t hash_type = 0;

  // Of `runtime`, as the report says: SHA-256, SHA-384 or SHA-512.
  Bytes runtime_hash() const;
};
Result<HclReport> parse_hcl_report(BytesView);

struct RsaKey {
  Bytes modulus, exponent;  // big-endian
};
// The key "HCLAkPub" of the runtime JSON.
Result<RsaKey> hcl_attestation_key(BytesView runtime_json);

// What a TDREPORT (1024 bytes) says of the TD, in the order of a quote's body: attributes, XFAM, MRTD, MRCONFIGID,
// MROWNER, MROWNERCONFIG, RTMR0..3 (400 bytes), and the report data. The MAC that would prove it can only be checked by
// the machine: a quote over the same values has to (attestation.md 2).
struct TdReportView {
  BytesView identity;  // 400 bytes
  Bits512 report_data;
};
Result<TdReportView> parse_td_report(BytesView);
// The same of a TDX quote's body, version 4 or 5; nothing is verified.
Result<TdReportView> td_report_of_quote(BytesView quote);

// A TPMS_ATTEST of type quote over SHA-256 PCRs.
struct TpmQuote {
  BytesView extra_data;  // the nonce
  std::bitset<kPcrs> selected;
  BytesView pcr_digest;
  std::uint64_t clock = 0;
  std::uint32_t reset_count = 0, restart_count = 0;
};
Result<TpmQuote> parse_tpm_quote(BytesView);

// 24 SHA-256 PCRs, concatenated.
using PcrBank = std::array<Bits256, kPcrs>;
Result<PcrBank> parse_pcrs(BytesView);
// SHA-256 over the selected ones in order, as a TPM makes it.
Bits256 pcr_digest(const PcrBank&, const std::bitset<kPcrs>& selected);

}  // namespace cocoon::tee
