#include <fstream>

#include <gtest/gtest.h>

#include "evidence/recorded_testing.hpp"
#include "evidence/source.hpp"

namespace cocoon::evidence {
namespace {

using testing::RecordedKernel;

Challenge challenge() {
  Challenge out;
  out.gpu_nonce = crypto::sha256(as_bytes("nonce"));
  return out;
}

// The smallest thing that is SPDM evidence: one measurement, no opaque data.
Bytes evidence_over(const Bits256& nonce) {
  Bytes out{0x11, 0xE0, 0x01, 0xFF};
  append(out, nonce.view());
  append(out, Bytes{0, 0x11, 0x60, 0, 0, 1, 55, 0, 0, 1, 1, 51, 0, 1, 48, 0});
  out.resize(out.size() + 48 + 32, 3);
  append(out, Bytes{0, 0});
  out.resize(out.size() + 96, 9);
  return out;
}

class Nvml : public ::testing::Test {
 protected:
  Nvml() {
    kernel.record("/report.bin", evidence_over({}));
    kernel.record("/chain.pem", as_bytes("chain"));
    ::setenv("NVML_TESTING_REPORT", (kernel.root() / "report.bin").c_str(), 1);
    ::setenv("NVML_TESTING_CHAIN", (kernel.root() / "chain.pem").c_str(), 1);
    ::unsetenv("NVML_TESTING_OFF");
  }
  RecordedKernel kernel;
};

TEST_F(Nvml, CollectsOverOurNonce) {
  const auto found = nvml_source(COCOON_NVML_TESTING)->collect(challenge());
  ASSERT_TRUE(found) << found.error().what;
  ASSERT_EQ(found->gpus.size(), 1u);
  EXPECT_EQ(found->gpus[0].report, evidence_over(challenge().gpu_nonce));
  EXPECT_EQ(found->gpus[0].chain, "chain");
}

TEST_F(Nvml, FaultsAreErrors) {
  EXPECT_FALSE(nvml_source("/nowhere/libnvidia-ml.so.1")->collect(challenge()));
  EXPECT_FALSE(nvml_source("libc.so.6")->collect(challenge())) << "a library without these functions";
  ::setenv("NVML_TESTING_CHAIN", "/nowhere", 1);
  const auto off = nvml_source(COCOON_NVML_TESTING)->collect(challenge());
  ASSERT_FALSE(off);
  EXPECT_NE(off.error().what.find("confidential computing is off"), std::string::npos) << off.error().what;
  ::setenv("NVML_TESTING_OFF", "1", 1);
  EXPECT_FALSE(nvml_source(COCOON_NVML_TESTING)->collect(challenge()));
}

TEST_F(Nvml, TogetherWithACpu) {
  crypto::Random random{Bits256{}};
  const Time now = from_unix(1'790'000'000);
  auto platform = tee::SimulatedRoot::create(random, now, "test").make_platform(random, now);
  const auto attest = attest_sessions_with(simulated_source(platform, tee::simulated_measurements("image")),
                                           nvml_source(COCOON_NVML_TESTING));
  tee::SessionChallenge asked;
  asked.exporter = asked.verifier_nonce = crypto::sha256(as_bytes("session"));
  const auto report_data = [](const tee::SessionEvidence& e) {
    return tee::parse_quote(std::get<tee::TdxEvidence>(e.machine).quote)->report_data();
  };
  const auto shown = attest(asked);
  ASSERT_TRUE(shown) << shown.error().what;
  ASSERT_EQ(shown->gpus.size(), 1u);
  EXPECT_EQ(shown->gpus[0].report, evidence_over(asked.gpu_nonce()));
  EXPECT_EQ(report_data(*shown), asked.report_data(shown->gpus)) << "the machine names what its GPU said";
  EXPECT_NE(report_data(*shown), asked.report_data({}));
  // A GPU that fails leaves the machine's own evidence as it is.
  ::setenv("NVML_TESTING_OFF", "1", 1);
  const auto without = attest(asked);
  ASSERT_TRUE(without);
  EXPECT_TRUE(without->gpus.empty());
  EXPECT_EQ(report_data(*without), asked.report_data({}));
}

}  // namespace
}  // namespace cocoon::evidence
