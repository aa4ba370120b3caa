#include "tee/presented.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "tee/nvidia_testing.hpp"
#include "tee/simulated.hpp"
#include "tee/verdict_testing.hpp"

namespace cocoon::tee {
namespace {

namespace json = boost::json;
using testing::failures;
using testing::Gpu;
using testing::kNow;

json::array list_of(const std::vector<GpuEvidence>& gpus, const Bits256& nonce) {
  json::array out;
  for (const auto& gpu : gpus)
    out.push_back(json::object{{"arch", "HOPPER"},
                               {"nonce", to_hex(nonce)},
                               {"evidence", to_base64(gpu.report)},
                               {"certificate", to_base64(as_bytes(gpu.chain))}});
  return out;
}

// --- What NVIDIA's tools write

class LoneGpus : public ::testing::Test {
 protected:
  LoneGpus() {
    trust.gpus = gpu.roots;
    policy.gpu_reference_values = policy.gpu_revocation = false;
  }
  Result<Presented> read() const { return read_presented(as_bytes(json::serialize(file)), kNow); }
  Verdict judge() const { return judge_presented(read().value(), policy, trust, kNow, {}); }

  Gpu gpu;
  Bits256 nonce = crypto::sha256(as_bytes("asked"));
  json::array file = list_of({gpu.show(nonce), gpu.show(nonce)}, nonce);
  Trust trust;
  Policy policy;
};

TEST_F(LoneGpus, AreReadAndJudged) {
  const auto shown = read();
  ASSERT_TRUE(shown) << shown.error().what;
  EXPECT_EQ(shown->form, "GPU evidence");
  ASSERT_EQ(shown->gpus.size(), 2U);
  EXPECT_EQ(shown->gpus[1].nonce, nonce);
  const auto v = judge();
  EXPECT_TRUE(v.accepted) << v.problem;
  EXPECT_EQ(v.kind, TeeKind::gpu);
  EXPECT_EQ(v.checks.back().input, "GPU 1: GH100 driver 550.90.07 VBIOS 96.00.9F.00.01");
}

TEST_F(LoneGpus, OfAnotherNonceOrForgedAreRefused) {
  file[1].as_object()["nonce"] = to_hex(Bits256{});
  EXPECT_EQ(failures(judge()), "nonce");
  auto forged = gpu.show(nonce);
  forged.report.back() ^= 1;
  file = list_of({gpu.show(nonce), forged}, nonce);
  EXPECT_EQ(failures(judge()), "signature");
}

TEST_F(LoneGpus, AreHeldAgainstThePolicysDemands) {
  policy.gpu_reference_values = true;
  EXPECT_EQ(judge().reason, "RIM_MISSING");
  policy.gpu_reference_values = false;
  policy.gpu_revocation = true;
  EXPECT_EQ(judge().reason, "OCSP");
  trust.gpus = NvidiaRoots::nvidia();
  EXPECT_EQ(judge().reason, "UNTRUSTED_ROOT");
}

TEST_F(LoneGpus, WhatIsNoEvidenceIsSaid) {
  const auto whole = file;
  const auto refused = [&] {
    const auto shown = read();
    return shown ? std::string() : shown.error().what;
  };
  file = {};
  EXPECT_EQ(refused(), "a list of 0 pieces of GPU evidence");
  file = list_of(std::vector(kMaxGpus, gpu.show(nonce)), nonce);
  EXPECT_EQ(refused(), "");
  file.push_back(whole[0]);
  EXPECT_EQ(refused(), "a list of 17 pieces of GPU evidence");
  for (const char* part : {"nonce", "evidence", "certificate"}) {
    file = whole;
    file[1].as_object()[part] = "!";
    EXPECT_EQ(refused().find(std::string("GPU 1: ") + part), 0U) << refused();
    file[1].as_object()[part] = 7;
    EXPECT_NE(refused().find("GPU 1: \"" + std::string(part)), std::string::npos) << refused();
  }
  file = whole;
  file.push_back(1);
  EXPECT_EQ(refused(), "GPU 2: it is no JSON object");
  file = whole;
  file[0].as_object().erase("nonce");
  EXPECT_NE(refused(), "");
}

// --- A node's answer

class Answer : public ::testing::Test {
 protected:
  Answer() {
    challenge.prover = Side::server;
    challenge.exporter = crypto::sha256(as_bytes("exporter"));
    challenge.verifier_nonce = crypto::sha256(as_bytes("verifier"));
    challenge.prover_key = identity.key.public_key();
    trust.roots = {root.trusted()};
    trust.gpus = gpu.roots;
    policy.gpu_reference_values = policy.gpu_revocation = false;
    shows({});
  }
  // The peer shows this in its session.
  void shows(std::vector<GpuEvidence> gpus, std::string_view image = "image") {
    evidence.gpus = std::move(gpus);
    TdxEvidence machine;
    machine.quote = platform.quote(simulated_measurements(image), challenge.report_data(evidence.gpus));
    evidence.machine = machine;
  }
  json::object page() const {
    const json::object one{{"certificate", to_base64(identity.certificate)}, {"collateral", json::object{}}};
    auto peer = one;
    peer["address"] = "10.0.0.1:77";
    peer["session"] = json::parse(write_session(evidence, challenge));
    return {{"self", one}, {"peers", json::array{json::object{{"address", "10.0.0.2:1"}}, peer}}};
  }
  Result<Presented> read(std::string_view peer = "10.0.0.1:77") const {
    return read_presented(as_bytes(json::serialize(page())), kNow, peer);
  }
  Verdict judge(std::string_view peer = "10.0.0.1:77") const {
    return judge_presented(read(peer).value(), policy, trust, kNow, {});
  }

  crypto::Random random{Bits256{}};
  SimulatedRoot root = SimulatedRoot::create(random, kNow, "test");
  SimulatedPlatform platform = root.make_platform(random, kNow);
  Identity identity = make_identity(attest_simulated(platform, simulated_measurements("image")), random, kNow).value();
  Gpu gpu;
  Trust trust;
  Policy policy;
  SessionChallenge challenge;
  SessionEvidence evidence;
};

TEST_F(Answer, APeersSessionIsJudgedFromScratch) {
  policy.session_binding = true;
  const auto v = judge();
  EXPECT_TRUE(v.accepted) << v.problem;
  EXPECT_TRUE(v.session_bound);
  EXPECT_EQ(read()->session->challenge, challenge);
  EXPECT_EQ(read()->session->evidence, evidence);
  // The node itself is shown by its certificate alone.
  EXPECT_EQ(judge("").reason, "SESSION_MISSING");
  policy.session_binding = false;
  EXPECT_TRUE(judge("").accepted);
  EXPECT_FALSE(judge("").session_bound);
}

TEST_F(Answer, EachPartOfTheSessionCounts) {
  const auto whole = challenge;
  const auto refused = [&] {
    const auto v = judge();
    EXPECT_FALSE(v.session_bound);
    return v.reason;
  };
  EXPECT_EQ(judge().reason, "");
  challenge.exporter[0] ^= 1;
  EXPECT_EQ(refused(), "REPORT_DATA_MISMATCH");
  challenge = whole;
  challenge.verifier_nonce[0] ^= 1;
  EXPECT_EQ(refused(), "REPORT_DATA_MISMATCH");
  challenge = whole;
  challenge.prover = Side::client;
  EXPECT_EQ(refused(), "REPORT_DATA_MISMATCH");
  challenge = whole;
  shows({}, "another image");
  EXPECT_EQ(refused(), "ANOTHER_MACHINE");
  evidence = {};
  EXPECT_EQ(refused(), "NO_EVIDENCE");
}

TEST_F(Answer, GpusAreJudgedByWhatCameAlong) {
  policy.gpu_required = true;
  EXPECT_EQ(judge().reason, "GPU_MISSING");
  EXPECT_EQ(judge("").reason, "GPU_MISSING") << "a certificate shows none";
  shows({gpu.show(challenge.gpu_nonce())});
  EXPECT_TRUE(judge().accepted) << judge().problem;
  EXPECT_TRUE(judge().gpu);
  policy.gpu_reference_values = true;
  EXPECT_EQ(judge().reason, "RIM_MISSING");
}

TEST_F(Answer, WhatIsNotThereIsSaid) {
  EXPECT_EQ(read("10.0.0.9:1").error().what,
            "the answer is not about a peer 10.0.0.9:1; it is about 10.0.0.2:1 10.0.0.1:77");
  EXPECT_EQ(read("10.0.0.2:1").error().what, "the JSON holds no certificate");
  EXPECT_FALSE(read_presented(identity.certificate, kNow, "10.0.0.1:77")) << "a certificate has no peers";
  const auto spoilt = [&](const char* part, const json::value& value) {
    auto answer = page();
    answer["peers"].as_array()[1].as_object()["session"].as_object()[part] = value;
    const auto shown = read_presented(as_bytes(json::serialize(answer)), kNow, "10.0.0.1:77");
    return shown ? "" : shown.error().what;
  };
  EXPECT_EQ(spoilt("more", 1), "");
  for (const char* part : {"side", "exporter", "verifier_nonce", "evidence"})
    for (const auto& value : {json::value(1), json::value("zz"), json::value(nullptr)})
      EXPECT_EQ(spoilt(part, value).find("session: "), 0U) << part << value;
}

// --- Bundles

TEST(Bundle, ReadsBackWhatItWrote) {
  tee::Bundle whole;
  whole.amd = AmdCollateral{Bytes{1}, Bytes{2}, Bytes{3}};
  whole.nvidia = NvidiaFiles{{{"NV_GPU_DRIVER_GH100_1", Bytes{4}}, {"NV_GPU_VBIOS_1", Bytes{5}}}, {Bytes{6}, Bytes{7}}};
  const auto text = write_bundle(whole);
  const auto back = read_bundle(text);
  ASSERT_TRUE(back) << back.error().what;
  EXPECT_EQ(back->amd, whole.amd);
  EXPECT_EQ(back->nvidia, whole.nvidia);
  EXPECT_FALSE(back->intel);
  EXPECT_EQ(*collateral_of(*back).nvidia, *whole.nvidia);
  for (const char* bad : {R"({"nvidia":{"rims":{"a":1}}})", R"({"nvidia":{"ocsp":["!"]}})", "[]", "1", "{", ""})
    EXPECT_FALSE(read_bundle(bad)) << bad;
}

TEST(Bundle, IsBounded) {
  const auto with = [](std::size_t rims, std::size_t answers) {
    tee::Bundle out;
    out.nvidia.emplace();
    for (std::size_t i = 0; i < rims; ++i) out.nvidia->rims[std::to_string(i)] = Bytes{1};
    out.nvidia->ocsp.assign(answers, Bytes{1});
    return read_bundle(write_bundle(out)).has_value();
  };
  EXPECT_TRUE(with(64, 256));
  EXPECT_FALSE(with(65, 0));
  EXPECT_FALSE(with(0, 257));
}

}  // namespace
}  // namespace cocoon::tee
