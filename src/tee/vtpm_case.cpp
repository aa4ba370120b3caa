#include "tee/case_judges.hpp"
#include "tee/intel.hpp"
#include "tee/snp_verify.hpp"
#include "tee/vtpm_verify.hpp"

namespace cocoon::tee {
namespace {

// Such cases name no time: the platform's certificates are taken as of their own beginning, and no collateral is asked.
void verify_td_quote(Verdict& v, BytesView bytes) {
  const auto quote = parse_quote(bytes);
  if (!quote) return v.fail_check("format", to_string(QuoteFault(quote.error().code)), quote.error().what, kForged);
  const auto chain = PckChain::read(quote->pck_chain);
  const Trust trust{{Trust::intel()}};
  verify_intel_quote(v, *quote, {trust, chain ? chain->not_before() : Time{}});
}

}  // namespace

// hcl, msg, sig, pcrs; tdquote (TDX) or vcek (SNP); nonce where the case has one. "VALID" or a rejection.
Result<std::string> judge_vtpm_case(const CaseInputs& in) {
  VtpmEvidence evidence;
  TRY_ASSIGN(evidence.hcl, in.file("hcl"));
  TRY_ASSIGN(evidence.message, in.file("msg"));
  TRY_ASSIGN(evidence.signature, in.file("sig"));
  TRY_ASSIGN(evidence.pcrs, in.file("pcrs"));
  TRY_ASSIGN(evidence.td_quote, in.file_or_empty("tdquote"));
  TRY_ASSIGN(evidence.endorsement, in.file_or_empty("vcek"));
  VtpmDemands demands;
  if (const auto nonce = in.text("nonce")) {
    TRY_ASSIGN(demands.nonce, from_hex(*nonce));
  }
  Verdict v;
  const auto facts = verify_vtpm(v, evidence, demands);
  if (facts.kind == HclKind::tdx)
    verify_td_quote(v, evidence.td_quote);
  else
    verify_snp_endorsed(v, facts.snp_report, evidence.endorsement);
  v.settle();
  return v.accepted ? std::string("VALID") : verdict_text(v);
}

}  // namespace cocoon::tee
