#include "tee/session_binding.hpp"

#include "tee/cbor.hpp"
#include "tee/der.hpp"

namespace cocoon::tee {
namespace {

constexpr std::string_view kReportLabel = "Cocoon session attestation 1";

Bytes list(std::string_view kind, std::initializer_list<BytesView> parts) {
  auto out = der::join({cbor::write_head(cbor::Major::array, 1 + parts.size()), cbor::write_text(kind)});
  for (const auto part : parts) append(out, cbor::write_bytes(part));
  return out;
}

}  // namespace

SessionAttester attest_session_simulated(SimulatedPlatform platform, TdxMeasurements measured) {
  return [platform = std::move(platform), measured](const Bits512& report_data) -> Result<Evidence> {
    TdxEvidence out;
    out.quote = platform.quote(measured, report_data);
    return out;
  };
}

Bits512 session_report_data(Side prover, const Bits256& exporter, const Bits256& verifier_nonce,
                            const crypto::PublicKey& prover_key) {
  auto all = to_bytes(kReportLabel);
  all.push_back(prover == Side::server ? 1 : 0);
  append(all, exporter);
  append(all, verifier_nonce);
  append(all, prover_key.view());
  return crypto::sha512(all);
}

Bytes encode_session_evidence(const Evidence& evidence) {
  if (const auto* tdx = std::get_if<TdxEvidence>(&evidence)) return list("tdx", {tdx->quote});
  if (const auto* snp = std::get_if<SnpEvidence>(&evidence)) return list("snp", {snp->report, as_bytes(snp->vcek)});
  return list("none", {});
}

Result<Evidence> decode_session_evidence(BytesView raw) {
  if (raw.size() > kMaxSessionEvidence) return fail("session evidence of {} bytes", raw.size());
  cbor::Reader in(raw);
  TRY_ASSIGN(const auto items, in.expect(cbor::Major::array));
  TRY_ASSIGN(const auto kind, in.string(cbor::Major::text));
  Evidence out = NoEvidence{};
  if (as_text(kind) == "tdx" && items == 2) {
    TRY_ASSIGN(const auto quote, in.string(cbor::Major::bytes));
    TdxEvidence tdx;
    tdx.quote = to_bytes(quote);
    out = std::move(tdx);
  } else if (as_text(kind) == "snp" && items == 3) {
    SnpEvidence snp;
    TRY_ASSIGN(const auto report, in.string(cbor::Major::bytes));
    TRY_ASSIGN(const auto vcek, in.string(cbor::Major::bytes));
    snp.report = to_bytes(report);
    snp.vcek = to_text(vcek);
    out = std::move(snp);
  } else if (as_text(kind) != "none" || items != 1) {
    return fail("session evidence of a kind that is not known");
  }
  if (!in.empty()) return fail("bytes after the session evidence");
  return out;
}

}  // namespace cocoon::tee
