// Genuine and synthetic Intel evidence with known verdicts: ../shared/attestation where it is, the carried synthetic
// cases always.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tee/case_judges.hpp"
#include "tee/intel.hpp"
#include "tee/utc.hpp"

namespace cocoon::tee {
namespace {

namespace fs = std::filesystem;

Result<Bytes> read_bytes(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail("{} cannot be read", path.string());
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  return to_bytes(text);
}

// Where the genuine evidence lies: beside the source, or where COCOON_SHARED says.
fs::path shared_attestation() {
  const char* elsewhere = std::getenv("COCOON_SHARED");
  const auto shared = elsewhere ? fs::path(elsewhere) : fs::path(COCOON_SOURCE_DIR).parent_path() / "shared";
  return shared / "attestation";
}

struct Corpus {
  fs::path root;
  std::vector<CorpusCase> cases;
  ReadFile read;
};

std::optional<Corpus> open_corpus(const fs::path& root) {
  const auto table = read_bytes(root / "CASES.tsv");
  if (!table) return std::nullopt;
  auto cases = parse_corpus(as_text(*table));
  EXPECT_TRUE(cases) << cases.error().what;
  return Corpus{root, cases.value_or(std::vector<CorpusCase>{}),
                [root](const std::string& path) { return read_bytes(root / path); }};
}

// "window=2026-02-01T14:49:26Z..2026-02-26T09:46:32Z" and "advisories=A,B" of a case's detail.
std::string detail_of(const CorpusCase& one, std::string_view name) {
  const auto at = one.detail.find(std::string(name) + "=");
  if (at == std::string::npos) return "none";
  const auto from = at + name.size() + 1;
  return one.detail.substr(from, one.detail.find(';', from) - from);
}

// The case's verdict, whole.
Verdict verdict_of(const CaseInputs& inputs, SignatureMemo* memo) {
  IntelCollateralFiles files;
  files.tcb_info = inputs.file("tcbinfo").value();
  files.qe_identity = inputs.file("qeid").value();
  files.tcb_signer = inputs.file("tcbsigner").value();
  files.qe_signer = inputs.file("qesigner").value();
  files.pck_crl = inputs.file("pckcrl").value();
  files.root_crl = inputs.file("rootcrl").value();
  const auto raw = inputs.file("quote").value();
  const auto collateral = IntelCollateral::read(std::move(files));
  const Trust trust{{Trust::intel()}};
  IntelContext context{trust, inputs.at().value()};
  context.collateral = collateral.get();
  context.memo = memo;
  Verdict verdict;
  verify_intel_quote(verdict, parse_quote(raw).value(), context);
  return verdict;
}

struct Count {
  int cases = 0, other_reason = 0;
};

Count judge_all(const Corpus& corpus) {
  Count out;
  for (const auto& one : corpus.cases) {
    if (!one.kind.starts_with("dcap")) continue;
    ++out.cases;
    const auto verdict = judge_case(one, corpus.read);
    EXPECT_TRUE(verdict) << one.name << ": " << (verdict ? "" : verdict.error().what);
    EXPECT_TRUE(verdict && same_verdict(one.expected, *verdict))
        << one.name << ": expected " << one.expected << ", got " << verdict.value_or("nothing");
    if (verdict && *verdict != one.expected) {
      ++out.other_reason;
      std::cout << one.name << ": " << one.expected << " for another reason: " << *verdict << "\n";
    }
  }
  return out;
}

TEST(IntelCorpus, CarriedSyntheticCases) {
  const auto corpus = open_corpus(fs::path(COCOON_SOURCE_DIR) / "src/tee/testdata/attestation");
  ASSERT_TRUE(corpus);
  const auto count = judge_all(*corpus);
  EXPECT_EQ(count.cases, 23);
  EXPECT_EQ(count.other_reason, 0);
}

TEST(IntelCorpus, GenuineCases) {
  const auto corpus = open_corpus(shared_attestation());
  if (!corpus) GTEST_SKIP() << "the genuine evidence (../shared/attestation) is absent";
  const auto count = judge_all(*corpus);
  EXPECT_GE(count.cases, 140);
  EXPECT_LE(count.other_reason, 1) << "the first failed check is the one that the case names";
}

TEST(IntelCorpus, WindowsAndAdvisoriesOfGenuineCases) {
  const auto corpus = open_corpus(shared_attestation());
  if (!corpus) GTEST_SKIP() << "the genuine evidence (../shared/attestation) is absent";
  SignatureMemo memo;  // shared by all cases: it may change no verdict
  int compared = 0;
  for (const auto& one : corpus->cases) {
    if (one.kind != "dcap" || detail_of(one, "window") == "none") continue;
    const auto verdict = verdict_of(CaseInputs(one, corpus->read), &memo);
    EXPECT_EQ(verdict_text(verdict), one.expected) << one.name;
    EXPECT_EQ(fmt::format("{}..{}", to_utc(verdict.fresh_from), to_utc(verdict.fresh_until)), detail_of(one, "window"))
        << one.name;
    EXPECT_EQ(fmt::format("{}", fmt::join(verdict.advisories, ",")), detail_of(one, "advisories")) << one.name;
    ++compared;
  }
  EXPECT_GE(compared, 35);
  EXPECT_GT(memo.size(), 10u);
}

// attestation.md 1, rule 2: the same quote, two verdicts.
TEST(IntelCorpus, OldCollateralIsARollbackThatTheEvaluationNumberShows) {
  const auto corpus = open_corpus(shared_attestation());
  if (!corpus) GTEST_SKIP() << "the genuine evidence (../shared/attestation) is absent";
  std::map<std::uint32_t, std::string> verdicts;
  for (const auto& one : corpus->cases) {
    if (!one.name.starts_with("tdx-v4-gcp-cos113-") || one.kind != "dcap") continue;
    const auto verdict = verdict_of(CaseInputs(one, corpus->read), nullptr);
    verdicts[verdict.evaluation_number] = verdict_text(verdict);
  }
  EXPECT_EQ(verdicts[17], "UpToDate");
  EXPECT_EQ(verdicts[18], "OutOfDate");
}

}  // namespace
}  // namespace cocoon::tee
