// SEV-SNP report + endorsement + AMD's chain + time -> checks of a Verdict (attestation.md 3). Pure.
#pragma once
#include "tee/evidence.hpp"
#include "tee/snp_chain.hpp"

namespace cocoon::tee {

// The names of its checks, in order: format, algorithm, reserved, asked-by-guest, endorsement, chain, root, validity,
// revocation, signing-key, product, tcb, chip-id, signature. Every check that can be made is made, also after one
// failed. What the guest's owner may choose (debug, migration, VMPL, minimum TCB) is noted in the verdict for the
// policy. `endorsement`: DER of a VCEK or VLEK. `roots`: which ARKs are trusted. Without a revocation list `revocation`
// is not done. Does not settle the verdict.
void verify_snp(Verdict&, BytesView report, BytesView endorsement, const AmdChain&,
                const std::vector<TrustedRoot>& roots, Time now);

// The same with AMD's files as they were downloaded; a chain that cannot be read fails `chain`.
void verify_snp(Verdict&, BytesView report, BytesView endorsement, const AmdCollateral&,
                const std::vector<TrustedRoot>& roots, Time now);

// Report and endorsement alone, where AMD's chain is not at hand: what the endorsement says and signs, not who made it.
// The verdict's status stays `not_judged`.
void verify_snp_endorsed(Verdict&, BytesView report, BytesView endorsement);

// The same as one answer: the endorsement is this report's, or an error says why not.
Result<> endorses(BytesView endorsement, BytesView report);

// Which collateral a report's endorsement needs: AMD publishes it by product line and kind of endorsement.
struct AmdCollateralName {
  SnpProduct product = SnpProduct::milan;
  bool vlek = false;
  friend auto operator<=>(const AmdCollateralName&, const AmdCollateralName&) = default;
};
// By the issuer that the endorsement in the evidence names.
Result<AmdCollateralName> collateral_name(const SnpEvidence&);
// Until when it can be used, if it is whole (chain and list), signed as it should be and of that name. Whose root it
// is, verify_snp() judges.
Result<Time> amd_fresh_until(const AmdCollateral&, const AmdCollateralName&);

}  // namespace cocoon::tee
