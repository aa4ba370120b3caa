// Intel quotes: layout of TDX quotes v4 and v5 and SGX quotes v3 (attestation.md 2). Parsing says nothing about truth;
// intel.hpp does.
#pragma once
#include <optional>

#include "tee/measurements.hpp"

namespace cocoon::tee {

inline constexpr std::size_t kMaxQuote = 32768;
inline constexpr std::size_t kQuoteHeader = 48;
inline constexpr std::size_t kTdBody10 = 584;       // TD 1.0
inline constexpr std::size_t kTdBody15 = 648;       // TD 1.5
inline constexpr std::size_t kEnclaveReport = 384;  // SGX: an enclave's report, the quoting enclave's too

struct QuoteHeader {
  std::uint16_t version = 0;               // 3, 4 or 5
  std::uint16_t attestation_key_type = 0;  // 2: ECDSA P-256
  std::uint32_t tee_type = 0;              // 0: SGX, 0x81: TDX
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

struct EnclaveReport {
  FixedBytes<16> cpusvn;
  FixedBytes<4> miscselect;
  FixedBytes<16> attributes;
  SgxMeasurements measured;
  Bits512 report_data;

  bool debug() const { return attributes[0] & 2; }
};
EnclaveReport parse_enclave_report(std::span<const std::uint8_t, kEnclaveReport>);

// Owns nothing: views point into the bytes that were parsed.
struct Quote {
  QuoteHeader header;
  std::optional<TdReport> td;            // exactly one of
  std::optional<EnclaveReport> enclave;  // these two
  BytesView signed_part;                 // header and body
  FixedBytes<64> signature, attestation_key;
  BytesView qe_report_bytes;  // 384 bytes
  EnclaveReport qe_report;
  FixedBytes<64> qe_signature;
  BytesView qe_auth_data;
  BytesView pck_chain;  // PEM text: leaf, CA, root

  const Bits512& report_data() const { return td ? td->report_data : enclave->report_data; }
};

extern const FixedBytes<16> kIntelQeVendor;

// Why bytes are no quote: the code of the error that parse_quote gives, and its name for programs ("TRUNCATED").
enum class QuoteFault : int {
  truncated = 1,
  too_large,
  unsupported_version,
  unsupported_tee,
  unsupported_key_type,
  unsupported_body,
  unsupported_certification,
  size_mismatch,
};
std::string_view to_string(QuoteFault);

// Bytes after the signature data are ignored, as Intel's verifier does; everything before must fit exactly.
Result<Quote> parse_quote(BytesView);

}  // namespace cocoon::tee
