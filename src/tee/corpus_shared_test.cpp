// Genuine evidence with known verdicts, read from where it lies beside the repository.
#include <algorithm>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "tee/corpus.hpp"

namespace cocoon::tee {
namespace {

namespace fs = std::filesystem;

fs::path folder() { return fs::path(COCOON_SOURCE_DIR) / "../shared/attestation"; }

Result<Bytes> read(const std::string& path) {
  std::ifstream in(folder() / path, std::ios::binary);
  if (!in) return fail("cannot open {}", path);
  return to_bytes(std::string{std::istreambuf_iterator<char>(in), {}});
}

class SharedCorpus : public ::testing::TestWithParam<std::string> {};

TEST_P(SharedCorpus, EveryCaseHasItsVerdict) {
  const auto table = read("CASES.tsv");
  if (!table) GTEST_SKIP() << "no shared evidence beside this checkout";
  const auto cases = parse_corpus(as_text(*table));
  ASSERT_TRUE(cases) << cases.error().what;
  std::size_t judged = 0;
  for (const auto& one : *cases) {
    if (one.kind != GetParam() && one.kind != GetParam() + "-neg") continue;
    const auto verdict = judge_case(one, read);
    ASSERT_TRUE(verdict) << one.name << ": " << verdict.error().what;
    EXPECT_TRUE(same_verdict(one.expected, *verdict)) << one.name << ": " << *verdict << ", expected " << one.expected;
    ++judged;
  }
  EXPECT_GT(judged, 0u);
}

INSTANTIATE_TEST_SUITE_P(Kinds, SharedCorpus,
                         ::testing::Values("snp", "nvidia", "azure-vtpm", "ccel", "dstack-eventlog"),
                         [](const auto& kind) {
                           auto name = kind.param;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace cocoon::tee
