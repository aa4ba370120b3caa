#include "tee/case_judges.hpp"
#include "tee/intel.hpp"

namespace cocoon::tee {
namespace {

Result<IntelCollateralFiles> collateral_files(const CaseInputs& inputs) {
  IntelCollateralFiles out;
  TRY_ASSIGN(out.tcb_info, inputs.file_or_empty("tcbinfo"));
  TRY_ASSIGN(out.qe_identity, inputs.file_or_empty("qeid"));
  TRY_ASSIGN(out.tcb_signer, inputs.file_or_empty("tcbsigner"));
  TRY_ASSIGN(out.qe_signer, inputs.file_or_empty("qesigner"));
  TRY_ASSIGN(out.pck_crl, inputs.file_or_empty("pckcrl"));
  TRY_ASSIGN(out.root_crl, inputs.file_or_empty("rootcrl"));
  return out;
}

}  // namespace

// Inputs quote, tcbinfo, qeid, pckcrl, rootcrl, tcbsigner, qesigner; root, where another than Intel's is pinned. A case
// without a time is judged at the epoch, when nothing is valid.
Result<std::string> judge_intel_case(const CaseInputs& inputs) {
  TRY_ASSIGN(const auto raw, inputs.file("quote"));
  TRY_ASSIGN(auto files, collateral_files(inputs));
  Trust trust{{Trust::intel()}};
  if (inputs.text("root")) {
    TRY_ASSIGN(const auto root, inputs.file("root"));
    trust.roots = {{crypto::sha256(root), "the root of the case", false}};
  }
  Verdict verdict;
  const auto quote = parse_quote(raw);
  if (quote) {
    const auto collateral = IntelCollateral::read(std::move(files));
    IntelContext context{trust, inputs.at().value_or(Time{})};
    if (inputs.text("tcbinfo")) context.collateral = collateral.get();
    verify_intel_quote(verdict, *quote, context);
  } else {
    verdict.fail_check("format", to_string(QuoteFault(quote.error().code)), quote.error().what, kForged);
  }
  return verdict_text(verdict);
}

}  // namespace cocoon::tee
