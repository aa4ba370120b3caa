// AMD SEV-SNP attestation reports: layout (attestation.md 3). Parsing says nothing about truth; snp_verify.hpp does.
#pragma once
#include <string_view>

#include "tee/measurements.hpp"

namespace cocoon::tee {

inline constexpr std::size_t kSnpReport = 1184;
inline constexpr std::size_t kSnpSigned = 0x2A0;

enum class SnpProduct { milan, genoa, turin };
std::string_view to_string(SnpProduct);  // "Milan"

// Security versions of the firmware's parts. Which byte of a TCB_VERSION is which depends on the product.
struct SnpTcb {
  std::uint8_t fmc = 0;  // Turin only
  std::uint8_t boot_loader = 0, tee = 0, snp = 0, microcode = 0;
  friend bool operator==(const SnpTcb&, const SnpTcb&) = default;

  // No part is older than in `least`.
  bool at_least(const SnpTcb& least) const;
};
SnpTcb read_tcb(const FixedBytes<8>& raw, SnpProduct);
// The bytes that no part uses: firmware writes zeros there.
bool tcb_reserved_is_zero(const FixedBytes<8>& raw, SnpProduct);
std::string to_string(const SnpTcb&);  // "boot loader 4, TEE 0, SNP 24, microcode 219"

enum class SnpSigningKey : std::uint8_t { vcek = 0, vlek = 1, none = 7 };

struct SnpReport {
  std::uint32_t version = 0;  // 2, 3 or 5
  std::uint32_t guest_svn = 0;
  std::uint64_t policy = 0;
  FixedBytes<16> family_id, image_id;
  std::uint32_t vmpl = 0, signature_algorithm = 0;
  FixedBytes<8> current_tcb, reported_tcb, committed_tcb, launch_tcb;
  std::uint64_t platform_info = 0;
  std::uint32_t flags = 0;
  Bits512 report_data;
  SnpMeasurements measured;
  Bits256 host_data;
  Bits384 id_key_digest, author_key_digest;
  Bits256 report_id, report_id_ma;
  std::uint8_t family = 0, model = 0, stepping = 0;  // CPUID, combined values; version 3 and later
  Bits512 chip_id;
  std::uint64_t launch_mitigations = 0, current_mitigations = 0;  // version 5
  FixedBytes<72> r, s;                                            // little-endian
  bool reserved_is_zero = true;                                   // all reserved parts of the signed bytes

  bool debug() const { return policy >> 19 & 1; }
  bool migratable() const { return policy >> 18 & 1; }  // a migration agent may be bound
  bool masks_chip_id() const { return flags >> 1 & 1; }
  SnpSigningKey signing_key() const { return static_cast<SnpSigningKey>(flags >> 2 & 7); }
  bool has_cpuid() const { return version >= 3; }
};

// Exactly 1184 bytes of version 2, 3 or 5. The tail behind S is not covered by the signature and is not read
// (attestation.md 1.7).
Result<SnpReport> parse_snp_report(BytesView);

// The product whose chips have that CPUID; an error for chips that are not known.
Result<SnpProduct> product_of_cpuid(std::uint8_t family, std::uint8_t model);

// Where AMD's key service has the VCEK that endorses this report: the chip's key at the reported TCB (AMD publication
// 57230, chapter 4). An error when the report does not say which: the chip id is masked, the CPU not named (version 2),
// or its key is no VCEK.
Result<std::string> vcek_path(const SnpReport&);  // "/vcek/v1/Milan/<chip id>?blSPL=..."

}  // namespace cocoon::tee
