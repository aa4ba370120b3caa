// AMD SEV-SNP reports: layout (attestation.md 3).
#pragma once
#include "tee/measurements.hpp"

namespace cocoon::tee {

inline constexpr std::size_t kSnpReport = 1184;

struct SnpReport {
  std::uint32_t version = 0, guest_svn = 0, vmpl = 0, signature_algorithm = 0;
  std::uint64_t policy = 0;
  Bits512 report_data;
  SnpMeasurements measured;
  Bits256 host_data;
  FixedBytes<8> reported_tcb;
  Bits512 chip_id;

  bool debug() const { return policy >> 19 & 1; }
};

Result<SnpReport> parse_snp_report(BytesView);  // exactly 1184 bytes

}  // namespace cocoon::tee
