// What a verdict costs beside the signatures that it needs: the synthetic quote and collateral that the repository
// carries, judged cold (nothing known) and warm (CA and collateral known), against bare P-256 verifications in the same
// run. `instructions` do not show here: run one benchmark under callgrind for those.
#include <fstream>
#include <iterator>

#include <benchmark/benchmark.h>

#include "tee/verify.hpp"

namespace cocoon::tee {
namespace {

Bytes read(const std::string& name) {
  std::ifstream in(std::string(COCOON_SOURCE_DIR) + "/src/tee/testdata/attestation/synthetic/" + name,
                   std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  return to_bytes(text);
}

struct Inputs {
  Bytes quote = read("quote-uptodate-v4.bin");
  IntelCollateralFiles files{read("tcbinfo-f9590baa.json"), read("qeid-16614736.json"),  read("tcb-signing.der"),
                             read("tcb-signing.der"),       read("pckcrl-fea93a26.der"), read("rootcrl-46c4e696.der")};
  Trust trust{{{crypto::sha256(read("root.der")), "synthetic", false}}};
  Time now = from_unix(1'793'491'200);  // 2026-11-01
};

// A signature of the quote's: what one verification costs.
void one_verification(benchmark::State& state) {
  const Inputs in;
  const auto quote = parse_quote(in.quote).value();
  const auto digest = crypto::sha256(quote.signed_part);
  for (auto _ : state) benchmark::DoNotOptimize(p256_verify_digest(quote.attestation_key, digest, quote.signature));
}
BENCHMARK(one_verification);

// From the bytes as they arrive to the status; needs PCK certificate, QE report and quote: 3 verifications.
void tdx_warm(benchmark::State& state) {
  const Inputs in;
  const auto collateral = IntelCollateral::read(in.files);
  SignatureMemo memo;
  for (auto _ : state) {
    Verdict verdict;
    IntelContext context{in.trust, in.now};
    context.collateral = collateral.get();
    context.memo = &memo;
    verify_intel_quote(verdict, parse_quote(in.quote).value(), context);
    if (verdict.tcb != TcbStatus::up_to_date || verdict.failed_check()) state.SkipWithError("not UpToDate");
  }
}
BENCHMARK(tdx_warm);

// The same with collateral just downloaded and nothing known: CA, two lists, signing certificate, TCB info and identity
// besides: 9 (one certificate signs both documents, so it is verified once with a memo).
void tdx_cold(benchmark::State& state) {
  const Inputs in;
  for (auto _ : state) {
    const auto collateral = IntelCollateral::read(in.files);
    SignatureMemo memo;
    Verdict verdict;
    IntelContext context{in.trust, in.now};
    context.collateral = collateral.get();
    context.memo = &memo;
    verify_intel_quote(verdict, parse_quote(in.quote).value(), context);
    if (verdict.tcb != TcbStatus::up_to_date || verdict.failed_check()) state.SkipWithError("not UpToDate");
  }
}
BENCHMARK(tdx_cold);

}  // namespace
}  // namespace cocoon::tee

BENCHMARK_MAIN();
