// The certificate chain of a quote: PCK leaf, Intel's (or a simulated) CA, root (attestation.md 2).
#pragma once
#include "tee/x509.hpp"

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

// `value`: of the extension. A missing or repeated field is an error.
Result<SgxExtensions> read_sgx_extensions(BytesView value);

// The certificates as they came, and what they say; nothing is verified yet (intel.hpp does).
class PckChain {
 public:
  // `pem`: exactly three certificates, leaf first, all with P-256 keys. Total on any bytes.
  static Result<PckChain> read(BytesView pem);
  PckChain(PckChain&&) = default;
  PckChain& operator=(PckChain&&) = default;

  const X509Certificate& leaf() const { return certificates_[0]; }
  const X509Certificate& ca() const { return certificates_[1]; }
  const X509Certificate& root() const { return certificates_[2]; }
  Bits256 root_sha256() const { return crypto::sha256(ders_[2]); }
  // SHA-384 of the root's uncompressed key: what peer records carry (wire.md 2.5).
  FixedBytes<48> root_key_id() const;
  Time not_before() const;  // when all three are valid
  Time not_after() const;

 private:
  PckChain() = default;
  std::vector<Bytes> ders_;                        // what the certificates' views point into
  std::array<X509Certificate, 3> certificates_{};  // leaf, CA, root
};

// Do names, purposes and path lengths hold together? Signatures and times are other questions.
Result<> check_issued(const X509Certificate& issuer, const X509Certificate& subject, std::uint32_t cas_below);

}  // namespace cocoon::tee
