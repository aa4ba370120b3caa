#include "tee/snp_verify.hpp"

#include <algorithm>

#include "tee/x509.hpp"

namespace cocoon::tee {
namespace {

constexpr std::string_view kWrongChain = "take ASK (or ASVK) and ARK of the machine's product from AMD's key service";

// Little-endian in 72 bytes, of which P-384 uses 48; more is no number of that curve.
bool read_scalar(const FixedBytes<72>& little_endian, std::uint8_t* big_endian) {
  std::reverse_copy(little_endian.begin(), little_endian.begin() + 48, big_endian);
  return std::all_of(little_endian.begin() + 48, little_endian.end(), [](std::uint8_t b) { return b == 0; });
}

bool signature_holds(BytesView report, const SnpReport& parsed, const P384Point& key) {
  P384Signature signature;
  const bool r = read_scalar(parsed.r, signature.data());
  const bool s = read_scalar(parsed.s, signature.data() + 48);
  return r && s && p384_verify(key, report.first(kSnpSigned), signature);
}

void check_report(Verdict& v, const SnpReport& report) {
  v.require(report.signature_algorithm == 1, "algorithm", "UNSUPPORTED_SIG_ALGO",
            fmt::format("signature algorithm {}, known is 1 (ECDSA P-384 with SHA-384)", report.signature_algorithm),
            kForged);
  v.require(report.reserved_is_zero, "reserved", "RESERVED_BITS", "reserved parts of the report are not zero",
            "use a version that knows this report");
  v.require(report.vmpl <= 3, "asked-by-guest", "NOT_A_GUEST_REPORT",
            fmt::format("the report was not asked for by a guest (VMPL {})", report.vmpl),
            "ask for it inside the guest");
}

void check_certificates(Verdict& v, const Certificate& certificate, const SnpEndorsement& endorsement,
                        const AmdChain& chain, const std::vector<TrustedRoot>& roots, Time now) {
  auto path = chain.signatures();
  if (path) path = chain.fits(endorsement);
  if (path) path = certificate.issued_by(chain.intermediate(), SignedWith::rsa_pss_sha384);
  if (path && certificate.unknown_critical()) path = fail("the endorsement has an unknown critical extension");
  v.require(path.has_value(), "chain", "CHAIN", path ? "" : path.error().what, kWrongChain);

  const auto root = std::ranges::find(roots, chain.root().sha256(), &TrustedRoot::sha256);
  const bool trusted = root != roots.end();
  v.signer = trusted ? root->name : chain.root().common_name();
  v.simulated = trusted && root->simulated;
  v.require(trusted, "root", "UNTRUSTED_ROOT",
            fmt::format("the report ends in an unknown root ({})", chain.root().common_name()),
            "trust that root in the configuration if this is the right network");

  Result<> valid;
  for (const auto* each : {&certificate, &chain.intermediate(), &chain.root()}) {
    v.narrow(each->not_before(), each->not_after());
    if (valid) valid = each->valid_at(now);
  }
  v.require(valid.has_value(), "validity", "CERT_TIME", valid ? "" : valid.error().what,
            "renew the endorsement at AMD's key service, and check this machine's clock");
}

// AMD's list is the root's: it names intermediates (attestation.md 3, wire.md 2.4.3).
void check_revocation(Verdict& v, const AmdChain& chain, Time now) {
  if (!chain.list()) return v.skip_check("revocation", "no revocation list at hand");
  auto usable = chain.list_signature();
  if (usable) usable = chain.list()->valid_at(now);
  if (!usable)
    return v.fail_check("revocation", "CRL_INVALID", usable.error().what, "fetch AMD's revocation list again");
  v.narrow(chain.list()->this_update(), chain.list()->next_update());
  const bool revoked = chain.list()->revokes(chain.intermediate()) || chain.list()->revokes(chain.root());
  v.require(!revoked, "revocation", "REVOKED", fmt::format("AMD revoked '{}'", chain.intermediate().common_name()),
            "this chain no longer proves anything: update the platform's firmware and take a new endorsement");
}

// What the endorsement says must be what the report says (attestation.md 3).
void check_agreement(Verdict& v, const SnpReport& report, const SnpEndorsement& endorsement) {
  const auto wanted = endorsement.vlek ? SnpSigningKey::vlek : SnpSigningKey::vcek;
  v.require(report.signing_key() == wanted, "signing-key", "SIGNING_KEY_MISMATCH",
            fmt::format("the report names signing key {}, the certificate is a {}",
                        static_cast<int>(report.signing_key()), endorsement.vlek ? "VLEK" : "VCEK"),
            kForged);
  if (report.has_cpuid()) {
    const auto product = product_of_cpuid(report.family, report.model);
    v.require(
        product && *product == endorsement.product, "product", "PRODUCT_MISMATCH",
        product ? fmt::format("a {} report with a {} endorsement", to_string(*product), to_string(endorsement.product))
                : product.error().what,
        kForged);
  } else {
    v.skip_check("product", "reports of version 2 do not name the CPU");
  }
  v.snp_tcb = read_tcb(report.reported_tcb, endorsement.product);
  v.require(v.snp_tcb == endorsement.tcb && tcb_reserved_is_zero(report.reported_tcb, endorsement.product), "tcb",
            "TCB_MISMATCH",
            fmt::format("the report says {}, the endorsement {}", to_string(v.snp_tcb), to_string(endorsement.tcb)),
            "take the endorsement for the reported TCB from AMD's key service");
}

// On Turin the chip id is the 8 bytes of the hwid and zeros. A masked chip id is zero; then the key alone names the
// chip.
void check_chip(Verdict& v, const SnpReport& report, const SnpEndorsement& endorsement) {
  if (endorsement.vlek) return v.skip_check("chip-id", "a VLEK belongs to a cloud provider, not to a chip");
  Bits512 expected;
  std::ranges::copy(endorsement.hwid, expected.begin());
  v.platform_id = to_bytes(expected.view());
  if (report.masks_chip_id() && report.chip_id.is_zero())
    return v.skip_check("chip-id", "the host masks it; the VCEK names the chip");
  v.require(report.chip_id == expected, "chip-id", "CHIP_ID_MISMATCH",
            "the endorsement is of another chip than the report", "take the VCEK of this chip from AMD's key service");
}

void note_report(Verdict& v, const SnpReport& report) {
  v.snp = report.measured;
  v.report_data = report.report_data;
  v.image_hash = image_hash(v.snp);
  v.debug = report.debug();
  v.migratable = report.migratable();
  v.vmpl = report.vmpl;
}

// `chain` null: it is not at hand.
void judge(Verdict& v, BytesView raw, BytesView endorsement_der, const AmdChain* chain,
           const std::vector<TrustedRoot>& roots, Time now) {
  v.kind = TeeKind::snp;
  const auto report = parse_snp_report(raw);
  if (!report)
    return v.fail_check("format", raw.size() == kSnpReport ? "UNSUPPORTED_VERSION" : "TRUNCATED", report.error().what,
                        "present an SNP report of 1184 bytes, version 2, 3 or 5");
  v.pass_check("format");
  note_report(v, *report);
  check_report(v, *report);

  const auto certificate = Certificate::read(endorsement_der);
  const auto endorsement =
      certificate ? read_endorsement(*certificate) : Result<SnpEndorsement>(std::unexpected(certificate.error()));
  if (!endorsement) return v.fail_check("endorsement", "CHAIN", endorsement.error().what, kWrongChain);
  v.pass_check("endorsement");
  if (chain) {
    v.tcb = TcbStatus::valid;
    check_certificates(v, *certificate, *endorsement, *chain, roots, now);
    check_revocation(v, *chain, now);
  } else {
    for (const char* name : {"chain", "root", "validity", "revocation"})
      v.skip_check(name, "AMD's chain is not at hand");
  }
  check_agreement(v, *report, *endorsement);
  check_chip(v, *report, *endorsement);
  v.require(signature_holds(raw, *report, endorsement->key), "signature", "REPORT_SIG_INVALID",
            "the report is not signed by the endorsed key", kForged);
}

}  // namespace

void verify_snp(Verdict& v, BytesView report, BytesView endorsement, const AmdChain& chain,
                const std::vector<TrustedRoot>& roots, Time now) {
  judge(v, report, endorsement, &chain, roots, now);
}

void verify_snp(Verdict& v, BytesView report, BytesView endorsement, const AmdCollateral& files,
                const std::vector<TrustedRoot>& roots, Time now) {
  const auto chain = AmdChain::read(files);
  if (chain) return verify_snp(v, report, endorsement, *chain, roots, now);
  v.kind = TeeKind::snp;
  v.fail_check("chain", "CHAIN", chain.error().what, kWrongChain);
}

void verify_snp_endorsed(Verdict& v, BytesView report, BytesView endorsement) {
  judge(v, report, endorsement, nullptr, {}, Time{});
}

Result<> endorses(BytesView endorsement, BytesView report) {
  Verdict v;
  verify_snp_endorsed(v, report, endorsement);
  if (const auto* failed = v.failed_check()) return fail("{}: {}", failed->name, failed->why);
  return {};
}

Result<AmdCollateralName> collateral_name(const SnpEvidence& evidence) {
  TRY_ASSIGN(const auto pem, read_pem(evidence.vcek, "CERTIFICATE", 1));
  TRY_ASSIGN(const auto certificate, Certificate::read(pem.front()));
  for (const auto product : {SnpProduct::milan, SnpProduct::genoa, SnpProduct::turin})
    for (const bool vlek : {false, true})
      if (certificate.issuer_name() == fmt::format("SEV-{}{}", vlek ? "VLEK-" : "", to_string(product)))
        return AmdCollateralName{product, vlek};
  return fail("'{}' issues no endorsements of a known product", certificate.issuer_name());
}

Result<Time> amd_fresh_until(const AmdCollateral& files, const AmdCollateralName& name) {
  TRY_ASSIGN(const auto chain, AmdChain::read(files));
  if (chain.product() != name.product || chain.signs_vleks() != name.vlek)
    return fail("'{}' is of another product or kind", chain.intermediate().common_name());
  TRY(chain.signatures());
  if (!chain.list()) return fail("the revocation list is missing");
  TRY(chain.list_signature());
  return std::min({chain.list()->next_update(), chain.intermediate().not_after(), chain.root().not_after()});
}

}  // namespace cocoon::tee
