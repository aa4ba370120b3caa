#include "tee/verify.hpp"

#include <algorithm>

#include "tee/session_binding.hpp"
#include "tee/snp_verify.hpp"

namespace cocoon::tee {
namespace {

struct GpuQuestion {
  const std::vector<GpuEvidence>& shown;
  Bits256 nonce;
};

struct Question {
  std::optional<Bits512> expected;  // report data; none: not known
  const Policy& policy;
  const Trust& trust;
  Time now;
  const Collateral& collateral;
  SignatureMemo* memo;
  bool in_certificate = true;
  const GpuQuestion* gpus = nullptr;  // none: not asked for
};

void check_complete(Verdict& v, bool complete) {
  v.require(complete, "extensions", "EXTENSIONS_INCOMPLETE",
            "the certificate lacks an extension of its attestation family",
            "make the certificate with all extensions of that family");
}

// `shown`: every place where the evidence names what it was made for.
void check_report_data(Verdict& v, const Question& q, std::initializer_list<BytesView> shown) {
  if (!q.expected) return v.skip_check("report-data", "the evidence came without a key to compare with");
  const bool bound = std::ranges::all_of(shown, [&](BytesView one) { return std::ranges::equal(one, *q.expected); });
  v.require(bound, "report-data", "REPORT_DATA_MISMATCH", "the evidence was made for another key", kForged);
}

// Each GPU for itself. That they are this machine's is said by its report data, which names the hash of their evidence.
void judge_gpus(Verdict& v, const Question& q) {
  if (q.gpus == nullptr || q.gpus->shown.empty()) return;
  const auto demands = gpu_demands(q.policy, q.gpus->nonce);
  std::string chips;
  for (std::size_t i = 0; i < q.gpus->shown.size(); ++i) {
    const auto& gpu = q.gpus->shown[i];
    const auto collateral = q.collateral.nvidia ? files_about(gpu, *q.collateral.nvidia) : NvidiaCollateral{};
    Verdict one;
    const auto facts = verify_nvidia(one, gpu.report, gpu.chain, collateral, demands, q.trust.gpus, q.now);
    one.settle();
    if (!one.accepted) {
      auto why = fmt::format("GPU {}: {} ({})", i, one.problem, one.reason);
      if (!q.policy.gpu_required) return v.skip_check("gpus", std::move(why));
      return v.fail_check("gpus", one.reason, std::move(why), one.advice);
    }
    chips += (chips.empty() ? "" : ", ") + facts.chip;
    v.narrow(one.fresh_from, one.fresh_until);
  }
  v.gpu = true;
  v.pass_check("gpus", chips);
}

void judge_quote(Verdict& v, const TdxEvidence& evidence, const Question& q) {
  v.kind = TeeKind::tdx;
  check_complete(v, evidence.complete);
  const auto quote = parse_quote(evidence.quote);
  if (!quote)
    return v.fail_check("format", to_string(QuoteFault(quote.error().code)), quote.error().what,
                        "present an Intel quote of version 3, 4 or 5");
  v.pass_check("format", fmt::format("version {}, TEE type {:#x}", quote->header.version, quote->header.tee_type));
  IntelContext context{q.trust, q.now};
  context.collateral = q.collateral.intel.get();
  context.memo = q.memo;
  context.grace = q.policy.collateral_grace;
  verify_intel_quote(v, *quote, context);
  check_report_data(v, q, {v.report_data.view()});
  judge_gpus(v, q);
  apply_policy(v, q.policy, q.now);
}

// What a report says, where nothing is at hand to verify it by.
void read_unverified(Verdict& v, BytesView raw) {
  const auto report = parse_snp_report(raw);
  if (!report) return v.fail_check("format", "MALFORMED", report.error().what, "present an SNP report of 1184 bytes");
  v.pass_check("format");
  v.snp = report->measured;
  v.report_data = report->report_data;
  v.debug = report->debug();
  v.fail_check("collateral", "COLLATERAL_MISSING", "AMD's certificates for this machine are not at hand",
               "configure a source of AMD's certificates (collateral)");
}

void judge_snp(Verdict& v, const SnpEvidence& evidence, const Question& q) {
  v.kind = TeeKind::snp;
  check_complete(v, evidence.complete);
  const auto vcek = read_pem(evidence.vcek, "CERTIFICATE", 1);
  if (q.collateral.amd)
    verify_snp(v, evidence.report, vcek ? vcek->front() : Bytes{}, *q.collateral.amd, q.trust.roots, q.now);
  else
    read_unverified(v, evidence.report);
  if (v.failed_check() && v.failed_check()->name == "format") return;
  // Without AMD's list nobody knows whether the intermediate was revoked.
  if (q.collateral.amd && q.collateral.amd->crl.empty() && !v.simulated && !q.policy.accept_unevaluated_collateral)
    v.fail_check("collateral", "COLLATERAL_MISSING", "AMD's revocation list is not at hand",
                 "configure a source of AMD's certificates and lists (collateral)");
  v.image_hash = image_hash(v.snp);
  // In a session the report stands alone; in a certificate its data is repeated beside it.
  const BytesView repeated =
      evidence.report_data.empty() && !q.in_certificate ? v.report_data.view() : BytesView(evidence.report_data);
  check_report_data(v, q, {v.report_data.view(), repeated});
  judge_gpus(v, q);
  apply_policy(v, q.policy, q.now);
}

// Level any, and fake_tee with evidence whose content is not read.
void take_unread(Verdict& v, const Evidence& evidence, const Policy& policy) {
  const bool snp = std::holds_alternative<SnpEvidence>(evidence);
  const bool shown = !std::holds_alternative<NoEvidence>(evidence);
  const bool fake = policy.level == Policy::Level::fake_tee && shown;
  v.kind = fake ? TeeKind::fake : TeeKind::none;
  v.image_hash = fake && snp ? image_hash(SnpMeasurements{}) : image_hash_of_nothing();
  if (fake) {
    check_image(v, policy);
  } else {
    v.require(policy.image_hashes.empty(), "image", "IMAGE_NOT_LISTED",
              "accepted images are listed, and no evidence was read", "ask for policy 'tee' on this port");
  }
}

Verdict answer(const Evidence& evidence, const Question& question) {
  Verdict v;
  v.image_hash = image_hash_of_nothing();
  if (question.policy.level != Policy::Level::tee) {
    take_unread(v, evidence, question.policy);
  } else if (const auto* tdx = std::get_if<TdxEvidence>(&evidence)) {
    judge_quote(v, *tdx, question);
  } else if (const auto* snp = std::get_if<SnpEvidence>(&evidence)) {
    judge_snp(v, *snp, question);
  } else {
    v.fail_check("evidence", "NO_EVIDENCE", "the peer shows no attestation", "run it inside a confidential machine");
  }
  v.settle();
  return v;
}

}  // namespace

Verdict verify(const Evidence& evidence, const crypto::PublicKey& key, const Policy& policy, const Trust& trust,
               Time now, const Collateral& collateral, SignatureMemo* memo) {
  return answer(evidence, {report_data(key), policy, trust, now, collateral, memo});
}

Verdict verify_unbound(const Evidence& evidence, const Policy& policy, const Trust& trust, Time now,
                       const Collateral& collateral) {
  return answer(evidence, {std::nullopt, policy, trust, now, collateral, nullptr, false});
}

NvidiaDemands gpu_demands(const Policy& policy, const Bits256& nonce) {
  return {.nonce = nonce,
          .rims = policy.gpu_reference_values,
          .all_rims = policy.gpu_reference_values,
          .ocsp = policy.gpu_revocation,
          .expired_rim_signers = policy.gpu_expired_signers};
}

Policy at_certificate(Policy policy) {
  policy.gpu_required = false;
  return policy;
}

Verdict verify_session(const SessionEvidence& evidence, const SessionChallenge& challenge, const Verdict& certificate,
                       const Policy& policy, const Trust& trust, Time now, const Collateral& collateral,
                       SignatureMemo* memo) {
  const GpuQuestion gpus{evidence.gpus, challenge.gpu_nonce()};
  auto v = answer(evidence.machine,
                  {challenge.report_data(evidence.gpus), policy, trust, now, collateral, memo, false, &gpus});
  if (policy.level != Policy::Level::tee) return v;
  v.require(v.kind == certificate.kind && v.image_hash == certificate.image_hash, "same-machine", "ANOTHER_MACHINE",
            "it is another machine's than the certificate's", kForged);
  v.settle();
  v.session_bound = v.accepted;
  return v;
}

Peer judge(const Evidence& evidence, const crypto::PublicKey& key, const Policy& policy, const Trust& trust, Time now,
           const Collateral& collateral, SignatureMemo* memo) {
  Peer peer;
  peer.public_key = key;
  peer.verdict = verify(evidence, key, policy, trust, now, collateral, memo);
  peer.tee = peer.verdict.accepted ? peer.verdict.kind : TeeKind::none;
  peer.image_hash = peer.verdict.accepted ? peer.verdict.image_hash : image_hash_of_nothing();
  return peer;
}

}  // namespace cocoon::tee
