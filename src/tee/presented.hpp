// Evidence as people hand it over: a certificate (PEM or DER) of any variant, an Intel quote, an SNP report, or the
// JSON that nodes serve at /attestation.
#pragma once
#include <optional>

#include "tee/certificate.hpp"
#include "tee/collateral.hpp"
#include "tee/ratls.hpp"

namespace cocoon::tee {

struct Presented {
  std::string form;  // "Cocoon certificate", "Intel quote", ...: for people
  Evidence evidence;
  std::optional<crypto::PublicKey> key;       // of a Cocoon certificate: the evidence must be made for it
  std::optional<RatlsCertificate> foreign;    // a certificate of another profile, with its own binding
  std::optional<IntelCollateralFiles> intel;  // collateral that came along
  std::optional<AmdCollateral> amd;
};

// At most kMaxPresented bytes. Tells the form by the bytes themselves; an error says what was expected. `now`:
// certificates of Cocoon must be valid then.
inline constexpr std::size_t kMaxPresented = 16 * 1024 * 1024;
Result<Presented> read_presented(BytesView file, Time now);

// {"certificate": "<base64>", "collateral": {...}} and the bundle alone, as /attestation and `cocoon attest` write
// them. A bundle: {"intel": {tcb_info, qe_identity (base64 of the signed JSON), tcb_signer, qe_signer, pck_crl,
// root_crl (base64 of DER)}, "amd": {ask, ark, crl}}; either part may be absent.
struct Bundle {
  std::optional<IntelCollateralFiles> intel;
  std::optional<AmdCollateral> amd;
};
Result<Bundle> read_bundle(std::string_view json);
std::string write_bundle(const Bundle&);

}  // namespace cocoon::tee
