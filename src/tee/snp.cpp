#include "tee/snp.hpp"

#include <algorithm>

#include "tee/cursor.hpp"

namespace cocoon::tee {
namespace {

std::uint64_t little(BytesView in, std::size_t offset, std::size_t bytes) {
  return load_little(in.subspan(offset, bytes));
}
std::uint32_t little32(BytesView in, std::size_t offset) { return static_cast<std::uint32_t>(little(in, offset, 4)); }

bool zeros(BytesView in, std::size_t from, std::size_t to) {
  return std::ranges::all_of(in.subspan(from, to - from), [](std::uint8_t b) { return b == 0; });
}

// What must be zero in the signed part. Bits of PLATFORM_INFO that are new only tell more about the host; a new bit
// of the guest's policy or of the flags could change what the report means.
bool reserved_is_zero(BytesView in, const SnpReport& report) {
  constexpr std::uint64_t known_policy = (std::uint64_t{1} << 26) - 1;
  constexpr std::uint32_t known_flags = 0x1f;
  const std::size_t after_cpuid = report.has_cpuid() ? 0x18B : 0x188;
  const std::size_t after_tcbs = report.version >= 5 ? 0x208 : 0x1F8;
  return (report.policy & ~known_policy) == 0 && (report.flags & ~known_flags) == 0 && zeros(in, 0x4C, 0x50) &&
         zeros(in, after_cpuid, 0x1A0) && in[0x1EB] == 0 && in[0x1EF] == 0 && zeros(in, after_tcbs, kSnpSigned);
}

// Offsets of the parts in a TCB_VERSION.
struct TcbLayout {
  int fmc;  // -1: no such part
  std::size_t boot_loader, tee, snp, microcode;
};
constexpr TcbLayout layout_of(SnpProduct product) {
  if (product == SnpProduct::turin) return {0, 1, 2, 3, 7};
  return {-1, 0, 1, 6, 7};
}

}  // namespace

std::string_view to_string(SnpProduct product) {
  switch (product) {
    case SnpProduct::milan:
      return "Milan";
    case SnpProduct::genoa:
      return "Genoa";
    case SnpProduct::turin:
      return "Turin";
  }
  return "unknown";
}

bool SnpTcb::at_least(const SnpTcb& least) const {
  return fmc >= least.fmc && boot_loader >= least.boot_loader && tee >= least.tee && snp >= least.snp &&
         microcode >= least.microcode;
}

SnpTcb read_tcb(const FixedBytes<8>& raw, SnpProduct product) {
  const auto at = layout_of(product);
  SnpTcb out;
  if (at.fmc >= 0) out.fmc = raw[static_cast<std::size_t>(at.fmc)];
  out.boot_loader = raw[at.boot_loader];
  out.tee = raw[at.tee];
  out.snp = raw[at.snp];
  out.microcode = raw[at.microcode];
  return out;
}

bool tcb_reserved_is_zero(const FixedBytes<8>& raw, SnpProduct product) {
  const std::size_t from = product == SnpProduct::turin ? 4 : 2;
  const std::size_t to = product == SnpProduct::turin ? 7 : 6;
  return zeros(raw.view(), from, to);
}

std::string to_string(const SnpTcb& tcb) {
  return fmt::format("{}boot loader {}, TEE {}, SNP {}, microcode {}",
                     tcb.fmc ? fmt::format("FMC {}, ", tcb.fmc) : std::string(), tcb.boot_loader, tcb.tee, tcb.snp,
                     tcb.microcode);
}

Result<SnpProduct> product_of_cpuid(std::uint8_t family, std::uint8_t model) {
  if (family == 0x19 && model <= 0x0F) return SnpProduct::milan;
  // 0xA0: Bergamo and Siena, which AMD certifies as Genoa.
  if (family == 0x19 && (model >> 4 == 0x1 || model >> 4 == 0xA)) return SnpProduct::genoa;
  if (family == 0x1A && model <= 0x1F) return SnpProduct::turin;
  return fail("CPU family {:#x} model {:#x} is no known SEV-SNP product", family, model);
}

Result<std::string> vcek_path(const SnpReport& report) {
  if (report.signing_key() != SnpSigningKey::vcek)
    return fail("the report is not signed by a VCEK: only the machine's host has its endorsement");
  if (!report.has_cpuid())
    return fail("a report of version {} does not name its CPU: update the host's firmware", report.version);
  TRY_ASSIGN(const auto product, product_of_cpuid(report.family, report.model));
  if (report.chip_id.is_zero())
    return fail("the host masks the chip id (MASK_CHIP_ID): nobody but the host can say which VCEK is this chip's");
  const bool turin = product == SnpProduct::turin;
  const auto tcb = read_tcb(report.reported_tcb, product);
  return fmt::format("/vcek/v1/{}/{}?{}blSPL={:02}&teeSPL={:02}&snpSPL={:02}&ucodeSPL={:02}", to_string(product),
                     to_hex(report.chip_id.view().first(turin ? 8 : 64)),
                     turin ? fmt::format("fmcSPL={:02}&", tcb.fmc) : std::string(), tcb.boot_loader, tcb.tee, tcb.snp,
                     tcb.microcode);
}

Result<SnpReport> parse_snp_report(BytesView in) {
  if (in.size() != kSnpReport) return fail("an SNP report of {} bytes, expected {}", in.size(), kSnpReport);
  SnpReport out;
  out.version = little32(in, 0);
  if (out.version != 2 && out.version != 3 && out.version != 5)
    return fail("SNP report version {}, known are 2, 3 and 5", out.version);
  out.guest_svn = little32(in, 4);
  out.policy = little(in, 8, 8);
  out.family_id = FixedBytes<16>::from(in.subspan(0x10));
  out.image_id = FixedBytes<16>::from(in.subspan(0x20));
  out.vmpl = little32(in, 0x30);
  out.signature_algorithm = little32(in, 0x34);
  out.current_tcb = FixedBytes<8>::from(in.subspan(0x38));
  out.platform_info = little(in, 0x40, 8);
  out.flags = little32(in, 0x48);
  out.report_data = Bits512::from(in.subspan(0x50));
  out.measured.measurement = Bits384::from(in.subspan(0x90));
  out.host_data = Bits256::from(in.subspan(0xC0));
  out.id_key_digest = Bits384::from(in.subspan(0xE0));
  out.author_key_digest = Bits384::from(in.subspan(0x110));
  out.report_id = Bits256::from(in.subspan(0x140));
  out.report_id_ma = Bits256::from(in.subspan(0x160));
  out.reported_tcb = FixedBytes<8>::from(in.subspan(0x180));
  if (out.has_cpuid()) {
    out.family = in[0x188];
    out.model = in[0x189];
    out.stepping = in[0x18A];
  }
  out.chip_id = Bits512::from(in.subspan(0x1A0));
  out.committed_tcb = FixedBytes<8>::from(in.subspan(0x1E0));
  out.launch_tcb = FixedBytes<8>::from(in.subspan(0x1F0));
  if (out.version >= 5) {
    out.launch_mitigations = little(in, 0x1F8, 8);
    out.current_mitigations = little(in, 0x200, 8);
  }
  out.r = FixedBytes<72>::from(in.subspan(kSnpSigned));
  out.s = FixedBytes<72>::from(in.subspan(kSnpSigned + 72));
  out.reserved_is_zero = reserved_is_zero(in, out);
  return out;
}

}  // namespace cocoon::tee
