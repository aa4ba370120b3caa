// The C interface of the verifier (include/cocoon/attest.h). Nothing is decided here: arguments become values, the
// verifiers of `tee` judge, and no exception crosses.
#include <new>

#include <cocoon/attest.h>

#include "tee/nvidia_verify.hpp"
#include "tee/snp_verify.hpp"
#include "tee/verdict_json.hpp"
#include "tee/verify.hpp"

struct cocoon_verdict {
  bool accepted = false;
  std::string text, problem, advice, json;
  std::int64_t from = 0, until = 0;
};

namespace {

using namespace cocoon;

constexpr std::size_t kMaxExtraRoots = 64;
constexpr std::size_t kMaxPieces = 64;

BytesView view(cocoon_bytes bytes) {
  return {static_cast<const std::uint8_t*>(bytes.data), bytes.data ? bytes.size : 0};
}
Bytes copy(cocoon_bytes bytes) { return to_bytes(view(bytes)); }

Result<tee::Policy> policy_of(const cocoon_demands& demands, std::initializer_list<tee::TeeKind> kinds) {
  tee::Policy out;
  out.kinds = kinds;
  out.allow_debug = demands.allow_debug != 0;
  out.allow_service_td = demands.allow_service_td != 0;
  out.max_vmpl = demands.max_vmpl;
  out.accept_unevaluated_collateral = demands.accept_unevaluated_collateral != 0;
  out.min_evaluation_number = demands.min_evaluation_number;
  out.any_advisory = demands.any_advisory != 0;
  if (demands.worst_tcb) {
    TRY_ASSIGN(out.worst_tcb, tee::parse_tcb_status(demands.worst_tcb));
  }
  return out;
}

void add_extra_roots(std::vector<tee::TrustedRoot>& to, const cocoon_demands& demands) {
  if (!demands.extra_roots) return;
  for (std::size_t i = 0; i < std::min(demands.extra_root_count, kMaxExtraRoots); ++i)
    to.push_back({Bits256::from({demands.extra_roots + 32 * i, 32}), "a root of the caller's", false});
}

void check_report_data(tee::Verdict& v, const cocoon_demands& demands) {
  if (!demands.report_data.data) return v.skip_check("report-data", "the caller named none");
  v.require(std::ranges::equal(v.report_data, view(demands.report_data)), "report-data", "REPORT_DATA_MISMATCH",
            "the evidence was made for something else", tee::kForged);
}

cocoon_verdict* finish(tee::Verdict& v) {
  v.settle();
  auto* out = new (std::nothrow) cocoon_verdict;
  if (!out) return nullptr;
  out->accepted = v.accepted;
  out->text = tee::verdict_text(v);
  out->problem = v.problem;
  out->advice = v.advice;
  out->json = tee::to_json(v);
  out->from = unix_time(v.fresh_from);
  out->until = unix_time(v.fresh_until);
  return out;
}

// Runs `judge(verdict, policy)`; whatever goes wrong around it is a refusal.
template <class Judge>
cocoon_verdict* attest(const cocoon_demands* demands, std::initializer_list<tee::TeeKind> kinds, Judge&& judge) {
  try {
    tee::Verdict v;
    const auto policy = demands ? policy_of(*demands, kinds) : Result<tee::Policy>(fail("no demands were given"));
    if (policy)
      judge(v, *policy);
    else
      v.fail_check("demands", "DEMANDS", policy.error().what, "correct the call");
    return finish(v);
  } catch (const std::exception&) {
    return nullptr;  // memory is out
  }
}

}  // namespace

extern "C" {

int cocoon_attest_abi(void) { return COCOON_ATTEST_ABI; }
int cocoon_attest_reads_rims(void) { return tee::can_read_rims() ? 1 : 0; }

cocoon_verdict* cocoon_attest_intel(cocoon_bytes raw, const cocoon_intel_collateral* files,
                                    const cocoon_demands* demands) {
  return attest(demands, {tee::TeeKind::tdx, tee::TeeKind::sgx}, [&](tee::Verdict& v, const tee::Policy& policy) {
    const auto quote = tee::parse_quote(view(raw));
    if (!quote)
      return v.fail_check("format", tee::to_string(tee::QuoteFault(quote.error().code)), quote.error().what,
                          "present an Intel quote of version 3, 4 or 5");
    tee::Trust trust{{tee::Trust::intel()}};
    add_extra_roots(trust.roots, *demands);
    const auto now = from_unix(demands->at);
    tee::IntelContext context{trust, now};
    std::shared_ptr<const tee::IntelCollateral> collateral;
    if (files)
      collateral = tee::IntelCollateral::read({copy(files->tcb_info), copy(files->qe_identity), copy(files->tcb_signer),
                                               copy(files->qe_signer), copy(files->pck_crl), copy(files->root_crl)});
    context.collateral = collateral.get();
    tee::verify_intel_quote(v, *quote, context);
    check_report_data(v, *demands);
    tee::apply_policy(v, policy, now);
  });
}

cocoon_verdict* cocoon_attest_snp(cocoon_bytes report, cocoon_bytes endorsement, const cocoon_amd_collateral* files,
                                  const cocoon_demands* demands) {
  return attest(demands, {tee::TeeKind::snp}, [&](tee::Verdict& v, const tee::Policy& policy) {
    auto roots = tee::Trust::amd();
    add_extra_roots(roots, *demands);
    const auto now = from_unix(demands->at);
    tee::AmdCollateral amd;
    if (files) amd = {copy(files->ask), copy(files->ark), copy(files->crl)};
    tee::verify_snp(v, view(report), view(endorsement), amd, roots, now);
    if (amd.crl.empty() && !v.simulated && !policy.accept_unevaluated_collateral)
      v.fail_check("collateral", "COLLATERAL_MISSING", "AMD's revocation list is not at hand",
                   "pass it, or accept unevaluated collateral");
    check_report_data(v, *demands);
    tee::apply_policy(v, policy, now);
  });
}

cocoon_verdict* cocoon_attest_nvidia(cocoon_bytes evidence, cocoon_bytes chain, cocoon_bytes nonce,
                                     const cocoon_nvidia_collateral* files, const cocoon_demands* demands) {
  return attest(demands, {tee::TeeKind::gpu}, [&](tee::Verdict& v, const tee::Policy& policy) {
    auto roots = tee::NvidiaRoots::nvidia();
    add_extra_roots(roots.device, *demands);
    add_extra_roots(roots.rim, *demands);
    tee::NvidiaCollateral collateral;
    tee::NvidiaDemands wanted;
    wanted.rims = wanted.ocsp = !policy.accept_unevaluated_collateral;
    if (files) {
      for (std::size_t i = 0; i < std::min(files->rim_count, kMaxPieces); ++i)
        collateral.rims.push_back(copy(files->rims[i]));
      for (std::size_t i = 0; i < std::min(files->ocsp_count, kMaxPieces); ++i)
        collateral.ocsp.push_back(copy(files->ocsp[i]));
      wanted.expired_rim_signers = files->accept_expired_rim_signers != 0;
    }
    if (nonce.data && nonce.size != 32)
      return v.fail_check("nonce", "DEMANDS", "a nonce has 32 bytes", "correct the call");
    if (nonce.data) wanted.nonce = Bits256::from(view(nonce));
    tee::verify_nvidia(v, view(evidence), as_text(view(chain)), collateral, wanted, roots, from_unix(demands->at));
  });
}

int cocoon_verdict_accepted(const cocoon_verdict* verdict) { return verdict && verdict->accepted ? 1 : 0; }
const char* cocoon_verdict_text(const cocoon_verdict* verdict) { return verdict ? verdict->text.c_str() : ""; }
const char* cocoon_verdict_problem(const cocoon_verdict* verdict) { return verdict ? verdict->problem.c_str() : ""; }
const char* cocoon_verdict_advice(const cocoon_verdict* verdict) { return verdict ? verdict->advice.c_str() : ""; }
const char* cocoon_verdict_json(const cocoon_verdict* verdict) { return verdict ? verdict->json.c_str() : ""; }
std::int64_t cocoon_verdict_valid_from(const cocoon_verdict* verdict) { return verdict ? verdict->from : 0; }
std::int64_t cocoon_verdict_valid_until(const cocoon_verdict* verdict) { return verdict ? verdict->until : 0; }
void cocoon_verdict_free(cocoon_verdict* verdict) { delete verdict; }

}  // extern "C"
