#include "tee/case_judges.hpp"
#include "tee/snp_verify.hpp"

namespace cocoon::tee {

// report, vcek (or VLEK), ask (or ASVK), ark, and optionally crl.
Result<std::string> judge_snp_case(const CaseInputs& in) {
  TRY_ASSIGN(const auto report, in.file("report"));
  TRY_ASSIGN(const auto endorsement, in.file("vcek"));
  AmdCollateral amd;
  TRY_ASSIGN(amd.ask, in.file("ask"));
  TRY_ASSIGN(amd.ark, in.file("ark"));
  TRY_ASSIGN(amd.crl, in.file_or_empty("crl"));
  if (!in.at()) return fail("an SNP case needs a verification time");
  Verdict v;
  verify_snp(v, report, endorsement, amd, Trust::amd(), *in.at());
  v.settle();
  return verdict_text(v);
}

}  // namespace cocoon::tee
