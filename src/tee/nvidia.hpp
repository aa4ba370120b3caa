// NVIDIA GPU and switch evidence: SPDM 1.1 measurements (attestation.md 4). Layout only; nvidia_verify.hpp judges.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tee/p384.hpp"

namespace cocoon::tee {

inline constexpr std::size_t kMaxSpdmEvidence = 64 * 1024;
inline constexpr std::size_t kSpdmRequest = 37;
inline constexpr std::size_t kSpdmMeasurement = 48;  // SHA-384

// Which opaque field is which (NVIDIA's numbers).
enum class NvidiaField : std::uint16_t {
  driver_version = 3,
  vbios_version = 6,
  nvdec0_status = 11,
  chip_sku = 15,
  project = 17,
  project_sku = 18,
  fwid = 20,
  switch_id = 22,
};

// Owns nothing: views point into the bytes that were parsed.
struct SpdmEvidence {
  BytesView signed_part;  // request and response without the signature
  Bits256 nonce;          // the requester's: what the verifier sent
  Bits256 device_nonce;   // the responder's own
  std::uint8_t slot = 0;
  std::map<unsigned, BytesView> measurements;  // by index, 1 and up; 48 bytes each
  std::map<std::uint16_t, BytesView> opaque;   // by type
  P384Signature signature;

  std::optional<BytesView> field(NvidiaField) const;
};

// Request and response side by side, nothing before, between or behind.
Result<SpdmEvidence> parse_spdm_evidence(BytesView);

enum class NvidiaProduct { hopper, blackwell, ls10 };
std::string_view to_string(NvidiaProduct);  // "Hopper"

// The versions that choose reference values, as RIMs write them.
struct NvidiaVersions {
  std::string driver;  // "550.90.07"; empty for a switch
  std::string vbios;   // "96.00.9F.00.01"
};
Result<NvidiaVersions> versions_of(const SpdmEvidence&, NvidiaProduct);

// Names under which NVIDIA's RIM service publishes them, driver (GPUs only) and VBIOS: "NV_GPU_DRIVER_GH100_550.90.07".
// `chip`: as RIMs name it ("GH100").
Result<std::vector<std::string>> rim_names(const SpdmEvidence&, NvidiaProduct, std::string_view chip);

// Evidence of one GPU or switch, as nvidia_verify.hpp judges it.
struct GpuEvidence {
  Bytes report;       // SPDM request and response
  std::string chain;  // PEM, leaf first
  friend bool operator==(const GpuEvidence&, const GpuEvidence&) = default;
};
inline constexpr std::size_t kMaxGpus = 16;  // of one machine: eight GPUs and their switches, and some

// Nothing in hardware ties a GPU to the machine around it (attestation.md 4): the machine asks the GPU for evidence
// over this nonce, and puts the hash of what it got into its own report data.
Bits256 gpu_nonce(const Bits256& tls_key_hash, const Bits256& verifier_nonce);
// SHA-256 over label, number of pieces, and the SHA-256 of each GPU's report in order.
Bits256 gpu_evidence_hash(const std::vector<GpuEvidence>& evidence);

}  // namespace cocoon::tee
