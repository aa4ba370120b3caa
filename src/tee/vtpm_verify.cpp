#include "tee/vtpm_verify.hpp"

#include <algorithm>

#include "tee/p384.hpp"
#include "tee/snp.hpp"

namespace cocoon::tee {
namespace {

constexpr std::string_view kAskAgain = "collect the evidence again inside the machine";

// The report data of the hardware's report, wherever the kind has it.
Result<Bits512> hardware_report_data(const HclReport& hcl) {
  if (hcl.kind == HclKind::snp) {
    TRY_ASSIGN(const auto report, parse_snp_report(hcl.hardware));
    return report.report_data;
  }
  TRY_ASSIGN(const auto report, parse_td_report(hcl.hardware));
  return report.report_data;
}

// Hash of the runtime data, then zeros.
bool vouched_for(const HclReport& hcl, const Bits512& report_data) {
  Bits512 expected;
  std::ranges::copy(hcl.runtime_hash(), expected.begin());
  return report_data == expected;
}

// A TDREPORT proves nothing far from its machine; the quote must be of that very report. An SNP report proves itself.
void check_hardware(Verdict& v, const HclReport& hcl, const VtpmEvidence& evidence) {
  if (hcl.kind == HclKind::snp) return v.pass_check("hardware-binding", "the HCL report holds the SNP report itself");
  const auto report = parse_td_report(hcl.hardware);
  const auto quote = td_report_of_quote(evidence.td_quote);
  if (!report || !quote)
    return v.fail_check("hardware-binding", "HARDWARE_BINDING", report ? quote.error().what : report.error().what,
                        kAskAgain);
  v.require(std::ranges::equal(report->identity, quote->identity) && report->report_data == quote->report_data,
            "hardware-binding", "HARDWARE_BINDING", "the quote is of another TD than the HCL report", kForged);
}

void check_quote(Verdict& v, const VtpmEvidence& evidence, const VtpmDemands& demands, VtpmFacts& facts) {
  const auto quote = parse_tpm_quote(evidence.message);
  const auto bank = parse_pcrs(evidence.pcrs);
  if (!quote || !bank)
    return v.fail_check("tpm-quote", "MALFORMED", quote ? bank.error().what : quote.error().what, kAskAgain);
  v.pass_check("tpm-quote");
  facts.pcrs = *bank;
  facts.selected = quote->selected;
  if (demands.nonce)
    v.require(std::ranges::equal(quote->extra_data, *demands.nonce), "tpm-nonce", "NONCE_MISMATCH",
              "the TPM's quote answers another nonce", "ask for a fresh quote");
  else
    v.skip_check("tpm-nonce", "no nonce was demanded");
  v.require(std::ranges::equal(pcr_digest(*bank, quote->selected), quote->pcr_digest), "pcr-digest",
            "PCR_DIGEST_MISMATCH", "the PCRs are not those that the TPM quoted", kForged);
  for (const auto& [index, value] : demands.pcrs) {
    const bool good = index < kPcrs && quote->selected[index] && (*bank)[index] == value;
    if (!good)
      return v.fail_check("pcrs", "PCR_MISMATCH", fmt::format("PCR {} is not what is asked for", index),
                          "boot the image whose measurements the policy lists");
  }
  v.pass_check("pcrs");
}

}  // namespace

VtpmFacts verify_vtpm(Verdict& v, const VtpmEvidence& evidence, const VtpmDemands& demands) {
  VtpmFacts facts;
  const auto hcl = parse_hcl_report(evidence.hcl);
  if (!hcl) {
    v.fail_check("hcl", "MALFORMED", hcl.error().what, kAskAgain);
    return facts;
  }
  v.pass_check("hcl");
  facts.kind = hcl->kind;
  if (hcl->kind == HclKind::snp) facts.snp_report = to_bytes(hcl->hardware);
  const auto report_data = hardware_report_data(*hcl);
  v.require(report_data && vouched_for(*hcl, *report_data), "runtime-data", "RUNTIME_DATA_MISMATCH",
            report_data ? "the hardware's report is over other runtime data" : report_data.error().what, kForged);
  const auto key = hcl_attestation_key(hcl->runtime);
  v.require(key.has_value(), "attestation-key", "MALFORMED", key ? "" : key.error().what, kAskAgain);
  check_hardware(v, *hcl, evidence);
  check_quote(v, evidence, demands, facts);
  if (!key) {
    v.skip_check("tpm-signature", "there is no key");
    return facts;
  }
  const auto good = rsa_sha256_verify(key->modulus, key->exponent, evidence.message, evidence.signature);
  v.require(good && *good, "tpm-signature", "TPM_SIG_INVALID",
            good ? "the quote is not signed by the TPM's attestation key" : good.error().what, kForged);
  return facts;
}

}  // namespace cocoon::tee
