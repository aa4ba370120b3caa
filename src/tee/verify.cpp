#include "tee/verify.hpp"

#include <algorithm>

#include "tee/pck.hpp"
#include "tee/snp.hpp"
#include "tee/tdx.hpp"

namespace cocoon::tee {
namespace {

void check_complete(Verdict& v, bool complete) {
  v.require(complete, "extensions", "EXTENSIONS_INCOMPLETE",
            "the certificate lacks an extension of its attestation family",
            "make the certificate with all extensions of that family");
}

void check_image(Verdict& v, const Policy& policy) {
  const bool listed =
      policy.image_hashes.empty() || std::ranges::find(policy.image_hashes, v.image_hash) != policy.image_hashes.end();
  v.require(listed, "image", "IMAGE_NOT_LISTED",
            fmt::format("image {} is not among the accepted ones", to_hex(v.image_hash.view())),
            "run an image that the registry lists, or have this one listed");
}

const TrustedRoot* find_root(const Trust& trust, const Bits256& sha256) {
  const auto at = std::ranges::find(trust.roots, sha256, &TrustedRoot::sha256);
  return at == trust.roots.end() ? nullptr : &*at;
}

void check_collateral(Verdict& v, const Policy& policy, const TrustedRoot* root) {
  if (!root) return v.skip_check("collateral", "the root is not trusted");
  if (root->simulated) return v.skip_check("collateral", "a simulated root publishes none");
  constexpr std::string_view why = "collateral (TCB info, QE identity, revocation lists) was not evaluated";
  if (policy.accept_unevaluated_collateral) return v.skip_check("collateral", std::string(why));
  v.fail_check("collateral", "COLLATERAL_MISSING", std::string(why),
               "set accept_unevaluated_collateral to take genuine hardware whose patch level nobody checked");
}

// Everything that hangs on the PCK chain; returns the trusted root when it is one.
void check_chain(Verdict& v, const TdxQuote& quote, const Policy& policy, const Trust& trust, Time now) {
  const auto chain = read_pck_chain(quote.pck_chain, now);
  if (!chain) {
    v.fail_check("chain", "CHAIN", chain.error().what, kForged);
    for (const char* name : {"root", "platform", "qe-signature", "collateral"}) v.skip_check(name, "no PCK chain");
    return;
  }
  v.require(chain->path.has_value(), "chain", "CHAIN", chain->path ? "" : "PCK chain: " + chain->path.error().what,
            "renew the platform's PCK certificate, and check this machine's clock");
  const auto* root = find_root(trust, chain->root_sha256);
  v.signer = root ? root->name : chain->root_name;
  v.simulated = root && root->simulated;
  v.root_key_id = chain->root_key_id;
  v.fresh_until = std::min(v.fresh_until, chain->not_after);
  v.require(root != nullptr, "root", "UNTRUSTED_ROOT",
            fmt::format("the quote ends in an unknown root ({})", chain->root_name),
            "trust that root in the configuration if this is the right network");
  v.require(chain->sgx.has_value(), "platform", "PCK_EXTENSIONS", chain->sgx ? "" : chain->sgx.error().what, kForged);
  if (chain->sgx) v.fmspc = chain->sgx->fmspc;
  v.require(p256_verify(chain->leaf_key, quote.qe_report, quote.qe_signature), "qe-signature", "QE_REPORT_SIG_INVALID",
            "the quoting enclave's report is not signed by the platform", kForged);
  check_collateral(v, policy, root);
}

void check_binding(Verdict& v, const TdxQuote& quote) {
  Bytes bound = to_bytes(quote.attestation_key.view());
  append(bound, quote.qe_auth_data);
  FixedBytes<64> expected;
  std::ranges::copy(crypto::sha256(bound), expected.begin());
  v.require(quote.qe_report_data() == expected, "qe-binding", "QE_REPORT_DATA_MISMATCH",
            "the quoting enclave's report names another attestation key", kForged);
  v.require(p256_verify(quote.attestation_key, quote.signed_part, quote.signature), "quote-signature",
            "QUOTE_SIG_INVALID", "the quote's signature is wrong", kForged);
}

void check_td(Verdict& v, const TdReport& report, const crypto::PublicKey& key, const Policy& policy) {
  v.require(report.report_data == report_data(key), "report-data", "REPORT_DATA_MISMATCH",
            "the quote was made for another key", kForged);
  v.require(!report.debug() || policy.allow_debug, "debug", "DEBUG",
            "the machine runs in debug mode: its owner can read it",
            "start it without debug, or set allow_debug for a test");
  v.require((report.td_attributes[0] & 0xfe) == 0, "attributes", "TD_ATTRIBUTES", "reserved TD attributes are set",
            "start the machine without them");
  const bool bound = report.mrservicetd && !report.mrservicetd->is_zero();
  v.require(!bound || policy.allow_service_td, "service-td", "SERVICETD", "a service TD is bound to the machine",
            "start it without a migration TD, or set allow_service_td");
}

void verify_tdx(Verdict& v, const TdxEvidence& evidence, const crypto::PublicKey& key, const Policy& policy,
                const Trust& trust, Time now) {
  v.kind = TeeKind::tdx;
  check_complete(v, evidence.complete);
  const auto quote = parse_tdx_quote(evidence.quote);
  if (!quote) return v.fail_check("format", "MALFORMED", quote.error().what, "present a TDX quote of version 4 or 5");
  v.pass_check("format");
  v.tdx = quote->report.measured;
  v.report_data = quote->report.report_data;
  v.image_hash = image_hash(v.tdx);
  v.require(quote->header.qe_vendor == kIntelQeVendor, "vendor", "UNSUPPORTED_QE_VENDOR",
            "the quoting enclave is not Intel's", kForged);
  check_chain(v, *quote, policy, trust, now);
  check_binding(v, *quote);
  check_td(v, quote->report, key, policy);
  check_image(v, policy);
}

void verify_snp(Verdict& v, const SnpEvidence& evidence, const crypto::PublicKey& key, const Policy& policy) {
  v.kind = TeeKind::snp;
  check_complete(v, evidence.complete);
  const auto report = parse_snp_report(evidence.report);
  if (!report) return v.fail_check("format", "MALFORMED", report.error().what, "present an SNP report of 1184 bytes");
  v.pass_check("format");
  v.snp = report->measured;
  v.report_data = report->report_data;
  v.image_hash = image_hash(v.snp);
  const auto bound = report_data(key);
  v.require(report->report_data == bound && std::ranges::equal(evidence.report_data, bound), "report-data",
            "REPORT_DATA_MISMATCH", "the report was made for another key", kForged);
  v.require(!report->debug() || policy.allow_debug, "debug", "DEBUG",
            "the guest runs in debug mode: its owner can read it",
            "start it without debug, or set allow_debug for a test");
  check_image(v, policy);
  v.fail_check("signature", "UNVERIFIED", "SEV-SNP reports cannot be verified by this version", "run in a TDX machine");
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

}  // namespace

Verdict verify(const Evidence& evidence, const crypto::PublicKey& key, const Policy& policy, const Trust& trust,
               Time now) {
  Verdict v;
  v.image_hash = image_hash_of_nothing();
  if (policy.level != Policy::Level::tee) {
    take_unread(v, evidence, policy);
  } else if (const auto* tdx = std::get_if<TdxEvidence>(&evidence)) {
    verify_tdx(v, *tdx, key, policy, trust, now);
  } else if (const auto* snp = std::get_if<SnpEvidence>(&evidence)) {
    verify_snp(v, *snp, key, policy);
  } else {
    v.fail_check("evidence", "NO_EVIDENCE", "the peer shows no attestation", "run it inside a confidential machine");
  }
  v.settle();
  return v;
}

Peer judge(const Evidence& evidence, const crypto::PublicKey& key, const Policy& policy, const Trust& trust, Time now) {
  Peer peer;
  peer.public_key = key;
  peer.verdict = verify(evidence, key, policy, trust, now);
  peer.tee = peer.verdict.accepted ? peer.verdict.kind : TeeKind::none;
  peer.image_hash = peer.verdict.accepted ? peer.verdict.image_hash : image_hash_of_nothing();
  return peer;
}

}  // namespace cocoon::tee
