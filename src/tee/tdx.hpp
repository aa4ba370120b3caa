// Intel TDX quotes: layout (attestation.md 2). Parsing says nothing about truth; verify.hpp does.
#pragma once
#include <optional>

#include "tee/measurements.hpp"

namespace cocoon::tee {

inline constexpr std::size_t kMaxQuote = 32768;
inline constexpr std::size_t kTdHeader = 48;
inline constexpr std::size_t kTdBody10 = 584;  // TD 1.0
inline constexpr std::size_t kTdBody15 = 648;  // TD 1.5
inline constexpr std::size_t kQeReport = 384;

struct QuoteHeader {
  std::uint16_t version = 0;               // 4 or 5
  std::uint16_t attestation_key_type = 0;  // 2: ECDSA P-256
  std::uint32_t tee_type = 0;              // 0x81: TDX
  FixedBytes<16> qe_vendor;
};

struct TdReport {
  FixedBytes<16> tee_tcb_svn;
  Bits384 mrseam, mrsignerseam;
  FixedBytes<8> seam_attributes, td_attributes, xfam;
  TdxMeasurements measured;
  Bits512 report_data;
  std::optional<FixedBytes<16>> tee_tcb_svn2;  // TD 1.5
  std::optional<Bits384> mrservicetd;          // TD 1.5

  bool debug() const { return td_attributes[0] & 1; }
};

// Owns nothing: views point into the bytes that were parsed.
struct TdxQuote {
  QuoteHeader header;
  TdReport report;
  BytesView signed_part;  // header and body
  FixedBytes<64> signature, attestation_key;
  BytesView qe_report;  // 384 bytes
  FixedBytes<64> qe_signature;
  BytesView qe_auth_data;
  BytesView pck_chain;  // PEM text: leaf, CA, root

  FixedBytes<64> qe_report_data() const { return FixedBytes<64>::from(qe_report.subspan(320)); }
  bool qe_debug() const { return qe_report[48] & 2; }
};

extern const FixedBytes<16> kIntelQeVendor;

// Version 4 and 5. Bytes after the signature data are ignored, as Intel's verifier does; everything before must fit
// exactly. SGX quotes (version 3, TEE type 0) and other certification data are refused with the reason.
Result<TdxQuote> parse_tdx_quote(BytesView);

}  // namespace cocoon::tee
