#include "tee/case_judges.hpp"
#include "tee/nvidia_verify.hpp"

namespace cocoon::tee {

// report, chain, and optionally nonce (hex), rim (one or two), ocsp. "MEASUREMENTS_OK(n)" where reference values were
// given, "SIG_OK" where not. Without a time the device's certificates are taken as of the newest one's beginning.
Result<std::string> judge_nvidia_case(const CaseInputs& in) {
  TRY_ASSIGN(const auto report, in.file("report"));
  TRY_ASSIGN(const auto chain, in.file("chain"));
  NvidiaCollateral collateral;
  TRY_ASSIGN(collateral.rims, in.files("rim"));
  TRY_ASSIGN(collateral.ocsp, in.files("ocsp"));
  NvidiaDemands demands;
  demands.rims = demands.all_rims = demands.ocsp = false;
  if (const auto nonce = in.text("nonce")) {
    TRY_ASSIGN(demands.nonce, fixed_from_hex<32>(*nonce));
  }
  Time now = in.at().value_or(Time::min());
  if (const auto certificates = read_certificates(as_text(chain), 8); certificates && !in.at())
    for (const auto& each : *certificates) now = std::max(now, each.not_before());
  Verdict v;
  const auto facts = verify_nvidia(v, report, as_text(chain), collateral, demands, NvidiaRoots::nvidia(), now);
  v.settle();
  if (!v.accepted) return verdict_text(v);
  return collateral.rims.empty() ? std::string("SIG_OK") : fmt::format("MEASUREMENTS_OK({})", facts.golden);
}

}  // namespace cocoon::tee
