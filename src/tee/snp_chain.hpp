// AMD's certificates: the endorsement of one chip (VCEK) or cloud (VLEK), and the chain of its product line
// (attestation.md 3; AMD publications 57230 and 56860).
#pragma once
#include "tee/collateral.hpp"
#include "tee/snp.hpp"
#include "tee/vendor_pki.hpp"

namespace cocoon::tee {

// What the extensions of a VCEK or VLEK say.
struct SnpEndorsement {
  bool vlek = false;
  SnpProduct product = SnpProduct::milan;
  SnpTcb tcb;
  Bytes hwid;            // VCEK: 64 bytes, on Turin 8; empty in a VLEK
  std::string provider;  // VLEK: whose key it is, printable
  P384Point key;
};
// An error says which extension is missing, doubled, malformed or does not fit the kind of certificate.
Result<SnpEndorsement> read_endorsement(const Certificate&);

// The intermediate and root of one product line, with the root's revocation list. Reading verifies their signatures,
// which depend on no time: who keeps the chain pays for them once. Immutable, cheap to copy.
class AmdChain {
 public:
  // An error when something cannot be read or is not named as AMD names it; signatures are in signatures().
  static Result<AmdChain> read(const AmdCollateral&);

  const Certificate& intermediate() const { return ask_; }
  const Certificate& root() const { return ark_; }
  const std::optional<RevocationList>& list() const { return crl_; }
  SnpProduct product() const { return product_; }
  bool signs_vleks() const { return vlek_; }

  // Root signed by itself, intermediate by the root, and both may sign certificates.
  const Result<>& signatures() const { return signatures_; }
  // The list is the root's own; nothing to say when there is no list.
  const Result<>& list_signature() const { return list_signature_; }
  // Names of both name the product and the kind that the endorsement has.
  Result<> fits(const SnpEndorsement&) const;

 private:
  AmdChain(Certificate ask, Certificate ark) : ask_(std::move(ask)), ark_(std::move(ark)) {}
  Certificate ask_, ark_;
  std::optional<RevocationList> crl_;
  SnpProduct product_ = SnpProduct::milan;
  bool vlek_ = false;
  Result<> signatures_, list_signature_;
};

}  // namespace cocoon::tee
