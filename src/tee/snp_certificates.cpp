#include "tee/snp_certificates.hpp"

#include <algorithm>

#include "tee/cursor.hpp"
#include "tee/snp.hpp"

namespace cocoon::tee {
namespace {

constexpr std::size_t kMaxTable = 64 * 1024;
constexpr std::size_t kMaxEntries = 32;

struct Known {
  std::string_view guid;  // as text, without dashes
  Bytes SnpCertificates::*where;
};
constexpr Known kKnown[] = {
    {"63da758de6644564adc5f4b93be8accd", &SnpCertificates::vcek},
    {"a8074bc2a25a483eaae639c045a0b8a1", &SnpCertificates::vlek},
    {"4ab7b379bbac4fe4a02f05aef327c782", &SnpCertificates::ask},
    {"c0b406a4a803495297433fb6014cd0ae", &SnpCertificates::ark},
};

// GUIDs are written as their text reads, by some hosts with the first three fields in little-endian.
bool same_guid(BytesView found, std::string_view text) {
  const auto known = from_hex(text);
  if (!known) return false;
  if (std::ranges::equal(found, *known)) return true;
  auto swapped = *known;
  std::reverse(swapped.begin(), swapped.begin() + 4);
  std::reverse(swapped.begin() + 4, swapped.begin() + 6);
  std::reverse(swapped.begin() + 6, swapped.begin() + 8);
  return std::ranges::equal(found, swapped);
}

bool all_zero(BytesView in) {
  return std::ranges::all_of(in, [](std::uint8_t b) { return b == 0; });
}

}  // namespace

Result<SnpCertificates> parse_snp_certificates(BytesView table) {
  SnpCertificates out;
  if (table.size() > kMaxTable) return fail("a certificate table of {} bytes, at most {}", table.size(), kMaxTable);
  if (table.empty()) return out;
  Cursor in(table, "certificate table");
  for (std::size_t i = 0; i < kMaxEntries; ++i) {
    TRY_ASSIGN(const auto guid, in.take(16));
    TRY_ASSIGN(const auto offset, in.little(4));
    TRY_ASSIGN(const auto size, in.little(4));
    if (all_zero(guid)) return out;
    if (offset > table.size() || size > table.size() - offset)
      return fail("a certificate at {} of {} bytes in a table of {}", offset, size, table.size());
    for (const auto& [text, where] : kKnown)
      if (same_guid(guid, text)) out.*where = to_bytes(table.subspan(offset, size));
  }
  return fail("more than {} certificates in the host's table", kMaxEntries);
}

Result<Bytes> parse_snp_response(BytesView response) {
  Cursor in(response, "SNP report response");
  TRY_ASSIGN(const auto status, in.little(4));
  TRY_ASSIGN(const auto size, in.little(4));
  TRY(in.take(24));
  if (status != 0) return fail("the firmware refuses the report, status {:#x}", status);
  if (size != kSnpReport) return fail("the firmware's report has {} bytes, expected {}", size, kSnpReport);
  TRY_ASSIGN(const auto report, in.take(kSnpReport));
  return to_bytes(report);
}

}  // namespace cocoon::tee
