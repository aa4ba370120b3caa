#include "tee/session_binding.hpp"

#include "tee/cbor.hpp"
#include "tee/der.hpp"

namespace cocoon::tee {
namespace {

constexpr std::string_view kReportLabel = "Cocoon session attestation 1";

Bytes array(std::size_t items) { return cbor::write_head(cbor::Major::array, items); }

Bytes encode_gpus(const std::vector<GpuEvidence>& gpus) {
  auto out = array(gpus.size());
  for (const auto& gpu : gpus) {
    append(out, array(2));
    append(out, cbor::write_bytes(gpu.report));
    append(out, cbor::write_bytes(as_bytes(gpu.chain)));
  }
  return out;
}

Result<std::vector<GpuEvidence>> decode_gpus(cbor::Reader& in) {
  TRY_ASSIGN(const auto count, in.expect(cbor::Major::array));
  if (count == 0 || count > kMaxGpus) return fail("evidence of {} GPUs", count);
  std::vector<GpuEvidence> out;
  for (std::uint64_t i = 0; i < count; ++i) {
    TRY_ASSIGN(const auto parts, in.expect(cbor::Major::array));
    if (parts != 2) return fail("evidence of a GPU in {} parts", parts);
    TRY_ASSIGN(const auto report, in.string(cbor::Major::bytes));
    TRY_ASSIGN(const auto chain, in.string(cbor::Major::bytes));
    out.push_back({to_bytes(report), to_text(chain)});
  }
  return out;
}

}  // namespace

SessionAttester attest_session_simulated(SimulatedPlatform platform, TdxMeasurements measured) {
  return [platform = std::move(platform), measured](const SessionChallenge& challenge) -> Result<SessionEvidence> {
    TdxEvidence out;
    out.quote = platform.quote(measured, challenge.report_data({}));
    return SessionEvidence{std::move(out), {}};
  };
}

Bits256 SessionChallenge::gpu_nonce() const {
  return tee::gpu_nonce(crypto::sha256(prover_key.view()), verifier_nonce);
}

Bits512 SessionChallenge::report_data(const std::vector<GpuEvidence>& gpus) const {
  auto all = to_bytes(kReportLabel);
  all.push_back(prover == Side::server ? 1 : 0);
  append(all, exporter);
  append(all, verifier_nonce);
  append(all, prover_key.view());
  if (!gpus.empty()) append(all, gpu_evidence_hash(gpus));
  return crypto::sha512(all);
}

Bytes encode_session_evidence(const SessionEvidence& evidence) {
  const auto* tdx = std::get_if<TdxEvidence>(&evidence.machine);
  const auto* snp = std::get_if<SnpEvidence>(&evidence.machine);
  if (tdx == nullptr && snp == nullptr) return der::join({array(1), cbor::write_text("none")});
  const std::size_t more = evidence.gpus.empty() ? 0 : 1;
  Bytes out;
  if (tdx != nullptr)
    out = der::join({array(2 + more), cbor::write_text("tdx"), cbor::write_bytes(tdx->quote)});
  else
    out = der::join({array(3 + more), cbor::write_text("snp"), cbor::write_bytes(snp->report),
                     cbor::write_bytes(as_bytes(snp->vcek))});
  if (more != 0) append(out, encode_gpus(evidence.gpus));
  return out;
}

Result<SessionEvidence> decode_session_evidence(BytesView raw) {
  if (raw.size() > kMaxSessionEvidence) return fail("session evidence of {} bytes", raw.size());
  cbor::Reader in(raw);
  TRY_ASSIGN(const auto items, in.expect(cbor::Major::array));
  TRY_ASSIGN(const auto kind, in.string(cbor::Major::text));
  SessionEvidence out;
  std::uint64_t read = 1;
  if (as_text(kind) == "tdx" && items >= 2) {
    TRY_ASSIGN(const auto quote, in.string(cbor::Major::bytes));
    TdxEvidence tdx;
    tdx.quote = to_bytes(quote);
    out.machine = std::move(tdx);
    read = 2;
  } else if (as_text(kind) == "snp" && items >= 3) {
    SnpEvidence snp;
    TRY_ASSIGN(const auto report, in.string(cbor::Major::bytes));
    TRY_ASSIGN(const auto vcek, in.string(cbor::Major::bytes));
    snp.report = to_bytes(report);
    snp.vcek = to_text(vcek);
    out.machine = std::move(snp);
    read = 3;
  } else if (as_text(kind) != "none" || items != 1) {
    return fail("session evidence of a kind that is not known");
  }
  if (items == read + 1) {
    TRY_ASSIGN(out.gpus, decode_gpus(in));
    ++read;
  }
  if (items != read || !in.empty()) return fail("bytes after the session evidence");
  return out;
}

}  // namespace cocoon::tee
