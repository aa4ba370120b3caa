// Intel's attestation, TDX and SGX: quote + collateral + roots + time -> checks and status (attestation.md 1, 2).
#pragma once
#include <memory>

#include "tee/collateral.hpp"
#include "tee/evidence.hpp"
#include "tee/pck.hpp"
#include "tee/quote.hpp"
#include "tee/tcb_info.hpp"

namespace cocoon::tee {

// Collateral read once and used for many quotes. Immutable; nothing in it is verified yet, each part is a value or the
// reason why it is none.
class IntelCollateral {
 public:
  static std::shared_ptr<const IntelCollateral> read(IntelCollateralFiles files);
  IntelCollateral(const IntelCollateral&) = delete;
  IntelCollateral& operator=(const IntelCollateral&) = delete;

  const IntelCollateralFiles& files() const { return files_; }
  const Result<TcbInfo>& tcb_info() const { return tcb_info_; }
  const Result<QeIdentity>& qe_identity() const { return qe_identity_; }
  const Result<X509Certificate>& tcb_signer() const { return tcb_signer_; }
  const Result<X509Certificate>& qe_signer() const { return qe_signer_; }
  const Result<Crl>& pck_crl() const { return pck_crl_; }
  const Result<Crl>& root_crl() const { return root_crl_; }

 private:
  explicit IntelCollateral(IntelCollateralFiles files);

  IntelCollateralFiles files_;  // what the certificates' and lists' views point into
  Result<TcbInfo> tcb_info_;
  Result<QeIdentity> qe_identity_;
  Result<X509Certificate> tcb_signer_, qe_signer_;
  Result<Crl> pck_crl_, root_crl_;
};

// Everything but the quote that the verdict depends on.
struct IntelContext {
  const Trust& trust;
  Time now;
  const IntelCollateral* collateral = nullptr;  // null: no status is found out, and the verdict says so
  Duration grace{0};              // lists, TCB info and identities are used this long after they went stale
  SignatureMemo* memo = nullptr;  // null: every signature is verified anew. With it a known CA and collateral cost none
};

// Makes every check that can be made and fills who signed, what is measured, status, advisories, flags and window. What
// the policy decides (flags, status, image) fails no check here. Names of checks and their reasons:
//   vendor UNSUPPORTED_QE_VENDOR; chain CHAIN_MALFORMED, CHAIN; root UNTRUSTED_ROOT; validity PCK_EXPIRED,
//   PCK_NOT_YET_VALID; platform PCK_EXTENSIONS; qe-signature QE_REPORT_SIG_INVALID; qe-binding QE_REPORT_DATA_MISMATCH;
//   quote-signature QUOTE_SIG_INVALID; attributes TD_ATTRIBUTES; root-crl, pck-crl
//   {ROOT,PCK}_CRL_{MALFORMED,WRONG_ISSUER, SIG_INVALID,NOT_YET_VALID,EXPIRED}; revocation PCK_CA_REVOKED, PCK_REVOKED;
//   tcb-signer, qe-signer TCB_SIGNING_{CERT_MALFORMED, CHAIN,CERT_EXPIRED,CERT_NOT_YET_VALID,REVOKED}; tcb-info
//   TCBINFO_{MALFORMED,SIG_INVALID,NOT_YET_VALID,EXPIRED}; tcb-info-subject TCBINFO_TEE_MISMATCH, FMSPC_MISMATCH,
//   PCEID_MISMATCH; qe-identity QEID_{MALFORMED,SIG_INVALID, NOT_YET_VALID,EXPIRED}; qe QE_IDENTITY_MISMATCH,
//   QE_MRSIGNER, QE_ISVPRODID, QE_MISCSELECT, QE_ATTRIBUTES, QE_TCB_NOT_SUPPORTED; tdx-module TDX_MODULE_MISMATCH,
//   TDX_MODULE_TCB_NOT_SUPPORTED; tcb-level never fails.
void verify_intel_quote(Verdict&, const Quote&, const IntelContext&);

// Which collateral a quote needs: what a provisioning certification service is asked for.
struct IntelCollateralName {
  bool tdx = true;
  FixedBytes<6> fmspc;
  bool processor_ca = false;  // the PCK certificate is issued by the processor CA, not by the platform CA
  friend auto operator<=>(const IntelCollateralName&, const IntelCollateralName&) = default;
};
Result<IntelCollateralName> collateral_name(const Quote&);

}  // namespace cocoon::tee
