// What judging a SEV-SNP report costs, beside the signatures that it cannot do without (docs: bench/README.md).
//
// Warm: AMD's chain was read before; what is left is the report's ECDSA P-384 and the endorsement's RSA-PSS.
// Cold: the chain too, two more RSA-PSS signatures.
#include <cstdio>
#include <filesystem>
#include <fstream>

#include <benchmark/benchmark.h>

#include "tee/p384.hpp"
#include "tee/snp_verify.hpp"

namespace {

using namespace cocoon;
namespace fs = std::filesystem;

fs::path folder() { return fs::path(COCOON_SOURCE_DIR) / "../shared/attestation"; }

Bytes read(const std::string& path) {
  std::ifstream in(folder() / path, std::ios::binary);
  return to_bytes(std::string{std::istreambuf_iterator<char>(in), {}});
}

struct Evidence {
  Bytes report = read("snp/snp-v3-milan.bin");
  Bytes vcek = read("certs/snp-v3-milan.vcek.der");
  tee::AmdCollateral amd{read("certs/amd-sev-milan.der"), read("certs/amd-ark-milan.der"), {}};
  Time now = from_unix(1'772'150'400);  // 2026-02-27
};
const Evidence& evidence() {
  static const Evidence all;
  return all;
}
bool absent(benchmark::State& state) {
  if (!evidence().report.empty()) return false;
  state.SkipWithError("the genuine samples (../shared/attestation) are absent");
  return true;
}

// The signatures alone, with keys that are ready.
void Signatures(benchmark::State& state) {
  if (absent(state)) return;
  const auto& e = evidence();
  const auto vcek = tee::Certificate::read(e.vcek).value();
  const auto ask = tee::Certificate::read(e.amd.ask).value();
  const auto ark = tee::Certificate::read(e.amd.ark).value();
  const auto report = tee::parse_snp_report(e.report).value();
  const auto key = vcek.p384_key().value();
  tee::P384Signature signature;
  std::reverse_copy(report.r.begin(), report.r.begin() + 48, signature.begin());
  std::reverse_copy(report.s.begin(), report.s.begin() + 48, signature.begin() + 48);
  const bool cold = state.range(0) != 0;
  for (auto _ : state) {
    bool good = tee::p384_verify(key, BytesView(e.report).first(tee::kSnpSigned), signature);
    good = good && vcek.issued_by(ask, tee::SignedWith::rsa_pss_sha384);
    if (cold)
      good = good && ask.issued_by(ark, tee::SignedWith::rsa_pss_sha384) &&
             ark.issued_by(ark, tee::SignedWith::rsa_pss_sha384);
    if (!good) state.SkipWithError("a signature is wrong");
  }
}
BENCHMARK(Signatures)->ArgName("cold")->Arg(0)->Arg(1);

void Warm(benchmark::State& state) {
  if (absent(state)) return;
  const auto& e = evidence();
  const auto chain = tee::AmdChain::read(e.amd).value();
  const auto roots = tee::Trust::amd();
  for (auto _ : state) {
    tee::Verdict v;
    tee::verify_snp(v, e.report, e.vcek, chain, roots, e.now);
    v.settle();
    if (!v.accepted) state.SkipWithError("refused");
  }
}
BENCHMARK(Warm);

void Cold(benchmark::State& state) {
  if (absent(state)) return;
  const auto& e = evidence();
  const auto roots = tee::Trust::amd();
  for (auto _ : state) {
    tee::Verdict v;
    tee::verify_snp(v, e.report, e.vcek, e.amd, roots, e.now);
    v.settle();
    if (!v.accepted) state.SkipWithError("refused");
  }
}
BENCHMARK(Cold);

}  // namespace

BENCHMARK_MAIN();
