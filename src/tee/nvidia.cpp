#include "tee/nvidia.hpp"

#include <algorithm>

#include "tee/cursor.hpp"

namespace cocoon::tee {
namespace {

constexpr std::size_t kMaxBlocks = 254;
constexpr std::size_t kMaxOpaqueFields = 128;

Result<> expect(Cursor& in, std::uint8_t value, std::string_view what) {
  TRY_ASSIGN(const auto found, in.little(1));
  if (found != value) return fail("{}: {:#04x}, expected {:#04x}", what, found, value);
  return {};
}

// One DMTF measurement block: index, specification, size, value type, value size, value.
Result<> read_block(Cursor& record, SpdmEvidence& out) {
  TRY_ASSIGN(const auto index, record.little(1));
  TRY(expect(record, 1, "measurement specification"));
  TRY_ASSIGN(const auto size, record.little(2));
  TRY_ASSIGN(const auto body, record.take(size));
  Cursor block(body, "measurement block");
  TRY(block.little(1));  // what kind of thing was measured
  TRY_ASSIGN(const auto value_size, block.little(2));
  TRY_ASSIGN(const auto value, block.take(value_size));
  if (!block.empty() || value.size() != kSpdmMeasurement)
    return fail("measurement {} of {} bytes in a block of {}", index, value.size(), size);
  if (index == 0 || !out.measurements.emplace(static_cast<unsigned>(index), value).second)
    return fail("measurement index {} is 0 or there twice", index);
  return {};
}

Result<> read_opaque(BytesView bytes, SpdmEvidence& out) {
  Cursor in(bytes, "opaque data");
  while (!in.empty()) {
    TRY_ASSIGN(const auto type, in.little(2));
    TRY_ASSIGN(const auto size, in.little(2));
    TRY_ASSIGN(const auto value, in.take(size));
    if (!out.opaque.emplace(static_cast<std::uint16_t>(type), value).second)
      return fail("opaque field {} is there twice", type);
    if (out.opaque.size() > kMaxOpaqueFields) return fail("more than {} opaque fields", kMaxOpaqueFields);
  }
  return {};
}

Result<> read_request(Cursor& in, SpdmEvidence& out) {
  TRY(expect(in, 0x11, "SPDM version of the request"));
  TRY(expect(in, 0xE0, "request code"));
  TRY(expect(in, 0x01, "request attributes"));      // asks for a signature
  TRY(expect(in, 0xFF, "measurements asked for"));  // all of them
  TRY_ASSIGN(out.nonce, in.fixed<32>());
  TRY_ASSIGN(const auto slot, in.little(1));
  out.slot = static_cast<std::uint8_t>(slot);
  return {};
}

Result<> read_response(Cursor& in, SpdmEvidence& out) {
  TRY(expect(in, 0x11, "SPDM version of the response"));
  TRY(expect(in, 0x60, "response code"));
  TRY(in.take(2));
  TRY_ASSIGN(const auto blocks, in.little(1));
  TRY_ASSIGN(const auto record_size, in.little(3));
  TRY_ASSIGN(const auto record_bytes, in.take(record_size));
  if (blocks == 0 || blocks > kMaxBlocks) return fail("{} measurement blocks", blocks);
  Cursor record(record_bytes, "measurement record");
  for (std::uint64_t i = 0; i < blocks; ++i) TRY(read_block(record, out));
  if (!record.empty()) return fail("{} bytes behind the measurement blocks", record.left());
  TRY_ASSIGN(out.device_nonce, in.fixed<32>());
  TRY_ASSIGN(const auto opaque_size, in.little(2));
  TRY_ASSIGN(const auto opaque, in.take(opaque_size));
  return read_opaque(opaque, out);
}

// A text that is padded with zeros; letters, digits, dots and dashes.
Result<std::string> text_field(const SpdmEvidence& evidence, NvidiaField field) {
  const auto value = evidence.field(field);
  if (!value) return fail("the evidence lacks field {}", static_cast<int>(field));
  auto out = to_text(*value);
  out.erase(std::min(out.find('\0'), out.size()));
  const auto good = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-';
  };
  if (out.empty() || out.size() > 64 || !std::ranges::all_of(out, good))
    return fail("field {} of the evidence is no version", static_cast<int>(field));
  return out;
}

// GPUs tell the VBIOS version as a number: 00 9f 00 96 01 .. is 96.00.9F.00.01.
Result<std::string> gpu_vbios(const SpdmEvidence& evidence) {
  const auto value = evidence.field(NvidiaField::vbios_version);
  if (!value || value->size() != 8) return fail("the evidence lacks the VBIOS version");
  return fmt::format("{:02X}.{:02X}.{:02X}.{:02X}.{:02X}", (*value)[3], (*value)[2], (*value)[1], (*value)[0],
                     (*value)[4]);
}

}  // namespace

std::optional<BytesView> SpdmEvidence::field(NvidiaField which) const {
  const auto at = opaque.find(static_cast<std::uint16_t>(which));
  return at == opaque.end() ? std::nullopt : std::optional(at->second);
}

Result<SpdmEvidence> parse_spdm_evidence(BytesView bytes) {
  if (bytes.size() > kMaxSpdmEvidence)
    return fail("SPDM evidence of {} bytes, at most {}", bytes.size(), kMaxSpdmEvidence);
  SpdmEvidence out;
  Cursor in(bytes, "SPDM evidence");
  TRY(read_request(in, out));
  TRY(read_response(in, out));
  out.signed_part = bytes.first(bytes.size() - in.left());
  TRY_ASSIGN(out.signature, in.fixed<96>());
  if (!in.empty()) return fail("{} bytes behind the signature", in.left());
  return out;
}

std::string_view to_string(NvidiaProduct product) {
  switch (product) {
    case NvidiaProduct::hopper:
      return "Hopper";
    case NvidiaProduct::blackwell:
      return "Blackwell";
    case NvidiaProduct::ls10:
      return "LS10";
  }
  return "unknown";
}

Result<NvidiaVersions> versions_of(const SpdmEvidence& evidence, NvidiaProduct product) {
  NvidiaVersions out;
  if (product == NvidiaProduct::ls10) {
    TRY_ASSIGN(out.vbios, text_field(evidence, NvidiaField::vbios_version));
    return out;
  }
  TRY_ASSIGN(out.driver, text_field(evidence, NvidiaField::driver_version));
  TRY_ASSIGN(out.vbios, gpu_vbios(evidence));
  return out;
}

Result<std::vector<std::string>> rim_names(const SpdmEvidence& evidence, NvidiaProduct product, std::string_view chip) {
  TRY_ASSIGN(const auto versions, versions_of(evidence, product));
  auto vbios = versions.vbios;
  std::erase(vbios, '.');
  // The project numbers of a switch are not in its evidence: there is one board.
  if (product == NvidiaProduct::ls10) return std::vector{fmt::format("NV_SWITCH_BIOS_5612_0002_890_{}", vbios)};
  TRY_ASSIGN(const auto project, text_field(evidence, NvidiaField::project));
  TRY_ASSIGN(const auto project_sku, text_field(evidence, NvidiaField::project_sku));
  TRY_ASSIGN(const auto chip_sku, text_field(evidence, NvidiaField::chip_sku));
  return std::vector{fmt::format("NV_GPU_DRIVER_{}_{}", chip, versions.driver),
                     fmt::format("NV_GPU_VBIOS_{}_{}_{}_{}", project, project_sku, chip_sku, vbios)};
}

Bits256 gpu_nonce(const Bits256& tls_key_hash, const Bits256& verifier_nonce) {
  Bytes bound = to_bytes("cocoon-gpu-nonce-v1:");
  append(bound, tls_key_hash.view());
  append(bound, verifier_nonce.view());
  return crypto::sha256(bound);
}

Bits256 gpu_evidence_hash(const std::vector<GpuEvidence>& evidence) {
  Bytes bound = to_bytes("cocoon-gpu-evidence-v1:");
  for (int shift = 24; shift >= 0; shift -= 8) bound.push_back(static_cast<std::uint8_t>(evidence.size() >> shift));
  for (const auto& gpu : evidence) append(bound, crypto::sha256(gpu.report).view());
  return crypto::sha256(bound);
}

}  // namespace cocoon::tee
