// The table of certificates that a host hands to its SEV-SNP guest (GHCB specification 4.1.8.1).
#pragma once
#include "base/bytes.hpp"

namespace cocoon::tee {

// DER; empty what the host does not have.
struct SnpCertificates {
  Bytes vcek, vlek;  // which of them signed, the report says
  Bytes ask, ark;    // ASK, or ASVK beside a VLEK
};
// Entries of GUID, offset, length up to a zero entry; unknown GUIDs are skipped. Empty bytes are an empty table.
Result<SnpCertificates> parse_snp_certificates(BytesView);

// MSG_REPORT_RSP of the guest driver: status, size, report.
Result<Bytes> parse_snp_response(BytesView);

}  // namespace cocoon::tee
