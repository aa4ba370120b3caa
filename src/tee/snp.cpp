#include "tee/snp.hpp"

namespace cocoon::tee {
namespace {

std::uint64_t little_endian(BytesView in, std::size_t offset, std::size_t bytes) {
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < bytes; ++i) out |= std::uint64_t{in[offset + i]} << (8 * i);
  return out;
}

}  // namespace

Result<SnpReport> parse_snp_report(BytesView in) {
  if (in.size() != kSnpReport) return fail("an SNP report of {} bytes, expected {}", in.size(), kSnpReport);
  SnpReport out;
  out.version = static_cast<std::uint32_t>(little_endian(in, 0, 4));
  out.guest_svn = static_cast<std::uint32_t>(little_endian(in, 4, 4));
  out.policy = little_endian(in, 8, 8);
  out.vmpl = static_cast<std::uint32_t>(little_endian(in, 0x30, 4));
  out.signature_algorithm = static_cast<std::uint32_t>(little_endian(in, 0x34, 4));
  out.report_data = Bits512::from(in.subspan(0x50));
  out.measured.measurement = Bits384::from(in.subspan(0x90));
  out.host_data = Bits256::from(in.subspan(0xC0));
  out.reported_tcb = FixedBytes<8>::from(in.subspan(0x180));
  out.chip_id = Bits512::from(in.subspan(0x1A0));
  return out;
}

}  // namespace cocoon::tee
