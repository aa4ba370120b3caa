// The certificate chain of a quote: PCK leaf, Intel's (or a simulated) CA, root (attestation.md 2).
#pragma once
#include <string>

#include "base/time.hpp"
#include "tee/p256.hpp"

namespace cocoon::tee {

// The SGX extensions of a PCK certificate (OID 1.2.840.113741.1.13.1): which platform, at which patch level.
struct SgxExtensions {
  FixedBytes<16> ppid;
  std::array<std::uint8_t, 16> component_svns{};
  std::uint16_t pcesvn = 0;
  FixedBytes<16> cpusvn;
  FixedBytes<2> pceid;
  FixedBytes<6> fmspc;
};

struct PckChain {
  P256Point leaf_key;
  Result<SgxExtensions> sgx;
  Result<> path;  // does leaf <- CA <- root hold together, signatures, names, purposes, validity at the given time?
  Bits256 root_sha256;         // of the root certificate's DER
  FixedBytes<48> root_key_id;  // SHA-384 of the root's uncompressed key: what peer records carry
  std::string root_name;       // its common name, printable
  Time not_before, not_after;  // when all three are valid
};

// `pem`: exactly three certificates, leaf first, all with P-256 keys. Total on any bytes.
Result<PckChain> read_pck_chain(BytesView pem, Time now);

// The DER of every "-----BEGIN <label>-----" block; at most `limit` of them, at least one.
Result<std::vector<Bytes>> read_pem(std::string_view text, std::string_view label, std::size_t limit);
// The common name of the first certificate, printable; empty when there is none.
std::string common_name_of(std::string_view pem);
std::string write_pem(BytesView der, std::string_view label);

inline constexpr std::string_view kSgxExtensionsOid = "1.2.840.113741.1.13.1";

}  // namespace cocoon::tee
