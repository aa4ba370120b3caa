#include <algorithm>

#include <gtest/gtest.h>

#include "tee/nvidia_testing.hpp"
#ifdef COCOON_GPU_RIM
#include "tee/rim_testing.hpp"
#include "tee/verdict_testing.hpp"
#endif

namespace cocoon::tee {
namespace {

using testing::failures;
using testing::Gpu;
using testing::hash_of;
using testing::kNow;
using testing::kYear;

class NvidiaChecks : public ::testing::Test {
 protected:
  Gpu gpu;
  Bytes evidence = Gpu::sign(gpu.unsigned_evidence());
};

TEST_F(NvidiaChecks, GoodEvidenceIsAccepted) {
  const auto v = gpu.judge(evidence);
  EXPECT_EQ(failures(v), "") << v.problem;
  EXPECT_TRUE(v.accepted);
  EXPECT_TRUE(v.simulated);
  EXPECT_EQ(v.kind, TeeKind::gpu);
  EXPECT_EQ(v.signer, "test device root");
  EXPECT_EQ(v.platform_id, (Bytes{0x41, 0x43}));
  EXPECT_EQ(gpu.facts.product, NvidiaProduct::hopper);
  EXPECT_EQ(gpu.facts.chip, "GH100");
  EXPECT_EQ(gpu.facts.versions.driver, "550.90.07");
  EXPECT_EQ(gpu.facts.versions.vbios, "96.00.9F.00.01");
  EXPECT_EQ(v.fresh_until, kNow + kYear);
  const auto parsed = parse_spdm_evidence(evidence).value();
  EXPECT_EQ(rim_names(parsed, NvidiaProduct::hopper, "GH100").value(),
            (std::vector<std::string>{"NV_GPU_DRIVER_GH100_550.90.07", "NV_GPU_VBIOS_1010_0200_882_96009F0001"}));
}

TEST_F(NvidiaChecks, ProductsAreKnownByTheirChip) {
  for (const auto& [name, product] : {std::pair("GB100 A01 GSP FMC LF", NvidiaProduct::blackwell),
                                      std::pair("GB202 A01 FSP", NvidiaProduct::blackwell),
                                      std::pair("GH100 A01 GSP FMC LF", NvidiaProduct::hopper)}) {
    gpu.leaf_spec.subject = name;
    EXPECT_EQ(failures(gpu.judge(evidence)), "");
    EXPECT_EQ(gpu.facts.product, product) << name;
  }
}

TEST_F(NvidiaChecks, EveryCutIsMalformed) {
  for (std::size_t n = 0; n < evidence.size(); n += n < 100 ? 1 : 97)
    EXPECT_EQ(failures(gpu.judge(BytesView(evidence).first(n))), "format") << n;
  evidence.push_back(0);
  EXPECT_EQ(failures(gpu.judge(evidence)), "format") << "nothing may follow the signature";
  for (const std::size_t at : {0u, 1u, 2u, 3u, 37u, 38u}) {
    auto changed = Gpu::sign(gpu.unsigned_evidence());
    changed[at] ^= 1;
    EXPECT_EQ(failures(gpu.judge(changed)), "format") << at;
  }
  auto twice = gpu.unsigned_evidence();
  twice[45 + 55] = 1;  // the second block's index
  EXPECT_EQ(failures(gpu.judge(Gpu::sign(twice))), "format");
  auto short_value = gpu.unsigned_evidence();
  short_value[45 + 5] = 47;
  EXPECT_EQ(failures(gpu.judge(Gpu::sign(short_value))), "format");
}

TEST_F(NvidiaChecks, OnlyChain) {
  const auto pem = [](const std::vector<Bytes>& ders) {
    std::string out;
    for (const auto& der : ders) out += write_pem(der, "CERTIFICATE");
    return out;
  };
  EXPECT_EQ(failures(gpu.judge(evidence, "no certificates")), "chain");
  EXPECT_EQ(failures(gpu.judge(evidence, pem({gpu.leaf(), gpu.provisioner, gpu.root}))), "chain") << "a gap";
  const auto stranger = testing::p384_key();
  const auto forged = testing::issue(gpu.leaf_spec, Gpu::keys().leaf.get(), stranger.get());
  EXPECT_EQ(failures(gpu.judge(evidence, pem({forged, gpu.brom, gpu.provisioner, gpu.root}))), "chain");
  auto brom = Gpu::ca_spec("GH100 A01 GSP BROM", "Provisioner", 0x4143);
  brom.ca = false;
  EXPECT_EQ(
      failures(gpu.judge(evidence, pem({gpu.leaf(), testing::issue(brom, Gpu::keys().chip.get(), Gpu::keys().ca.get()),
                                        gpu.provisioner, gpu.root}))),
      "chain")
      << "a certificate between that is no CA";
  gpu.leaf_spec.extensions.push_back({"1.2.3.4", Bytes{5, 0}, true});
  EXPECT_EQ(failures(gpu.judge(evidence)), "chain") << "an unknown critical extension";
}

TEST_F(NvidiaChecks, OnlyRoot) {
  gpu.roots.rim = gpu.roots.device;
  gpu.roots.device = NvidiaRoots::nvidia().device;
  EXPECT_EQ(failures(gpu.judge(evidence)), "root") << "the root of reference values is none of devices";
}

TEST_F(NvidiaChecks, OnlyValidity) {
  EXPECT_EQ(failures(gpu.judge(evidence, kNow + 2 * kYear)), "validity");
  EXPECT_EQ(failures(gpu.judge(evidence, kNow - 2 * kYear)), "validity");
}

TEST_F(NvidiaChecks, OnlyProduct) {
  gpu.leaf_spec.subject = "AD102 A01 GSP FMC LF";
  EXPECT_EQ(failures(gpu.judge(evidence)), "product");
}

TEST_F(NvidiaChecks, OnlyFwid) {
  gpu.told_fwid = hash_of("other firmware");
  EXPECT_EQ(failures(gpu.judge(Gpu::sign(gpu.unsigned_evidence()))), "fwid");
  gpu.leaf_spec.extensions.clear();
  EXPECT_EQ(failures(gpu.judge(evidence)), "fwid") << "a leaf that names none";
}

TEST_F(NvidiaChecks, OnlyNonce) {
  gpu.demands.nonce = crypto::sha256(as_bytes("another nonce"));
  EXPECT_EQ(failures(gpu.judge(evidence)), "nonce");
  gpu.demands.nonce.reset();
  EXPECT_EQ(failures(gpu.judge(evidence)), "");
}

TEST_F(NvidiaChecks, OnlySignature) {
  for (const std::size_t at : {36u, 60u, 37u + 8u + 40u * 55u + 5u}) {
    auto changed = evidence;
    changed[at] ^= 1;
    EXPECT_EQ(failures(gpu.judge(changed)), "signature") << at;
  }
  auto tail = evidence;
  tail.back() ^= 1;
  EXPECT_EQ(failures(gpu.judge(tail)), "signature");
  auto swapped = evidence;
  std::reverse(swapped.end() - 96, swapped.end() - 48);
  std::reverse(swapped.end() - 48, swapped.end());
  EXPECT_EQ(failures(gpu.judge(swapped)), "signature") << "little-endian";
}

TEST_F(NvidiaChecks, OnlyVersions) {
  auto changed = gpu.unsigned_evidence();
  const std::string_view version = "550.90.07";
  const auto at = std::ranges::search(changed, version);
  ASSERT_FALSE(at.empty());
  at.front() = '/';
  EXPECT_EQ(failures(gpu.judge(Gpu::sign(changed))), "versions");
}

TEST_F(NvidiaChecks, OnlyOcsp) {
  gpu.demands.ocsp = true;
  EXPECT_EQ(failures(gpu.judge(evidence)), "ocsp") << "nothing at hand";
  const auto answer = [](const Bytes& subject, EVP_PKEY* issuer_key, const Bytes& issuer, int status, Time from,
                         Time until) { return testing::ocsp(subject, issuer, issuer_key, status, from, until); };
  const auto from = kNow - std::chrono::hours(1), until = kNow + std::chrono::hours(1);
  const auto chip = answer(gpu.brom, Gpu::keys().ca.get(), gpu.provisioner, V_OCSP_CERTSTATUS_GOOD, from, until);
  const auto ca = answer(gpu.provisioner, Gpu::keys().root.get(), gpu.root, V_OCSP_CERTSTATUS_GOOD, from, until);
  gpu.collateral.ocsp = {ca, chip};
  const auto v = gpu.judge(evidence);
  EXPECT_EQ(failures(v), "") << v.problem;
  EXPECT_EQ(v.fresh_until, until) << "never past an answer";
  gpu.collateral.ocsp = {chip};
  EXPECT_EQ(failures(gpu.judge(evidence)), "ocsp") << "one is missing";
  const auto with = [&](Bytes other) {
    gpu.collateral.ocsp = {ca, std::move(other)};
    return failures(gpu.judge(evidence));
  };
  auto* key = Gpu::keys().ca.get();
  EXPECT_EQ(with(answer(gpu.brom, key, gpu.provisioner, V_OCSP_CERTSTATUS_REVOKED, from, until)), "ocsp");
  EXPECT_EQ(with(answer(gpu.brom, key, gpu.provisioner, V_OCSP_CERTSTATUS_UNKNOWN, from, until)), "ocsp");
  EXPECT_EQ(with(answer(gpu.brom, key, gpu.provisioner, V_OCSP_CERTSTATUS_GOOD, from, kNow - std::chrono::minutes(1))),
            "ocsp");
  EXPECT_EQ(with(answer(gpu.brom, key, gpu.provisioner, V_OCSP_CERTSTATUS_GOOD, kNow + std::chrono::minutes(1), until)),
            "ocsp");
  auto forged = chip;
  forged.back() ^= 1;
  EXPECT_EQ(with(forged), "ocsp") << "a signature that does not hold";
  EXPECT_EQ(with(Bytes{0x30, 0}), "ocsp");
}

TEST(GpuBinding, NoncesAndHashesDependOnAllTheirParts) {
  const auto a = crypto::sha256(as_bytes("a")), b = crypto::sha256(as_bytes("b"));
  EXPECT_NE(gpu_nonce(a, b), gpu_nonce(b, a));
  EXPECT_NE(gpu_nonce(a, a), gpu_nonce(a, b));
  const GpuEvidence one{to_bytes("one"), ""}, two{to_bytes("two"), ""};
  EXPECT_NE(gpu_evidence_hash({one, two}), gpu_evidence_hash({two, one}));
  EXPECT_NE(gpu_evidence_hash({one}), gpu_evidence_hash({one, one}));
  EXPECT_NE(gpu_evidence_hash({}), gpu_evidence_hash({GpuEvidence{}}));
}

#ifdef COCOON_GPU_RIM

// A GPU with reference values for its driver and its VBIOS.
class RimChecks : public NvidiaChecks {
 protected:
  RimChecks() {
    EXPECT_FALSE(read_rim({})) << "and starts the libraries";
    rim_root = Gpu::ca("Rim Root", "Rim Root", 11, Gpu::keys().root.get(), Gpu::keys().root.get());
    signer.subject = "Rim Signer";
    signer.issuer = "Rim Root";
    signer.serial = 12;
    signer.not_before = kNow - kYear;
    signer.not_after = kNow + kYear;
    signer.ca = false;
    signer.key_usage = "digitalSignature";
    gpu.roots.rim = {{crypto::sha256(rim_root), "test rim root", true}};
    driver.version = "550.90.07";
    vbios.version = "96.00.9F.00.01";
    for (const unsigned i : {7u, 20u, 35u}) driver.golden.push_back({i, {gpu.measured[i + 1]}});
    vbios.golden = {{0, {hash_of("not this one"), gpu.measured[1]}}, {3, {hash_of("inactive")}, false}};
    gpu.demands.rims = true;
  }
  Bytes make(testing::RimSpec spec) {
    spec.signer = {testing::issue(signer, Gpu::keys().signer.get(), Gpu::keys().root.get()), rim_root};
    return testing::sign_rim(spec, Gpu::keys().signer.get());
  }
  std::string failed_with(std::vector<Bytes> rims, Time now = kNow) {
    gpu.collateral.rims = std::move(rims);
    const auto v = gpu.judge(evidence, now);
    return failures(v);
  }
  std::string failed() { return failed_with({make(driver), make(vbios)}); }

  Bytes rim_root;
  testing::Spec signer;
  testing::RimSpec driver, vbios;
};

TEST_F(RimChecks, GoldenValuesAreHeldAgainstTheEvidence) {
  EXPECT_EQ(failed(), "");
  EXPECT_EQ(gpu.facts.golden, 4u);
}

TEST_F(RimChecks, OnlyMeasurements) {
  driver.golden[1].alternatives = {hash_of("something else")};
  EXPECT_EQ(failed(), "measurements");
  EXPECT_EQ(gpu.facts.mismatches, std::vector<unsigned>{20});
  driver.golden[1].index = 200;
  EXPECT_EQ(failed(), "measurements") << "a golden value without measurement";
  driver.golden.erase(driver.golden.begin() + 1);
  vbios.golden.push_back({7, {gpu.measured[8]}});
  EXPECT_EQ(failed(), "measurements") << "no index in both manifests";
}

TEST_F(RimChecks, Nvdec0MayBeOff) {
  driver.golden[2].alternatives = {hash_of("NVDEC0")};
  EXPECT_EQ(failed(), "measurements");
  EXPECT_EQ(gpu.facts.mismatches, std::vector<unsigned>{35});
  gpu.nvdec0 = 0x55;
  evidence = Gpu::sign(gpu.unsigned_evidence());
  EXPECT_EQ(failed(), "");
  EXPECT_EQ(gpu.facts.golden, 4u);
}

TEST_F(RimChecks, OnlyRimMatch) {
  vbios.version = "96.00.9F.00.02";
  EXPECT_EQ(failed(), "rim-match");
  vbios.version = "96.00.9F.00.01";
  vbios.product = "GB100";
  EXPECT_EQ(failed(), "rim-match");
  vbios.product = "GH100";
  EXPECT_EQ(failed_with({make(driver)}), "rim-match") << "one is missing";
  gpu.demands.all_rims = false;
  EXPECT_EQ(failed_with({make(driver)}), "");
  driver.version = "550.90.08";
  EXPECT_EQ(failed_with({make(driver)}), "rim-match") << "of another driver";
}

TEST_F(RimChecks, OnlyMissing) { EXPECT_EQ(failed_with({}), "measurements"); }

TEST_F(RimChecks, OnlyDigestOrSignature) {
  auto rim = to_text(make(driver));
  const auto at = rim.find("Hash0=\"") + 7;
  auto changed = rim;
  changed[at] = changed[at] == '0' ? '1' : '0';
  EXPECT_EQ(failed_with({to_bytes(changed), make(vbios)}), "rim-digest rim-signature measurements");
  auto spoilt = rim;
  const auto value = spoilt.find("<ds:SignatureValue>") + 19;
  spoilt[value] = spoilt[value] == 'A' ? 'B' : 'A';
  EXPECT_EQ(failed_with({to_bytes(spoilt), make(vbios)}), "rim-signature");
}

TEST_F(RimChecks, OnlyRimChain) {
  auto leaf = signer;
  leaf.issuer = "Somebody";
  testing::RimSpec spec = driver;
  spec.signer = {testing::issue(leaf, Gpu::keys().signer.get(), Gpu::keys().root.get()), rim_root};
  EXPECT_EQ(failed_with({testing::sign_rim(spec, Gpu::keys().signer.get()), make(vbios)}), "rim-chain");
}

TEST_F(RimChecks, OnlyRimRoot) {
  gpu.roots.rim = NvidiaRoots::nvidia().rim;
  EXPECT_EQ(failed(), "rim-root rim-root") << "one for each manifest";
}

TEST_F(RimChecks, ExpiredSignersAreAcceptedWhenAskedFor) {
  signer.not_after = kNow - std::chrono::hours(1);
  EXPECT_EQ(failed(), "rim-validity rim-validity");
  gpu.demands.expired_rim_signers = true;
  EXPECT_EQ(failed(), "");
  const auto v = gpu.judge(evidence);
  const auto at = std::ranges::find(v.checks, "rim-validity", &Check::name);
  ASSERT_NE(at, v.checks.end());
  EXPECT_FALSE(at->input.empty()) << "and it is reported";
}

TEST_F(RimChecks, TheSignatureIsOverTheWholeManifest) {
  auto part = driver;
  part.reference_uri = "#payload";
  const auto text = testing::rim_template(part);
  EXPECT_FALSE(read_rim(as_bytes(text))) << "no signer";
  const auto signed_whole = to_text(make(driver));
  // The same signed tree inside another one whose values nobody signed.
  const auto payload = signed_whole.find("<Payload>");
  auto wrapped = signed_whole;
  wrapped.insert(payload, "<Payload><Resource/></Payload>");
  EXPECT_FALSE(read_rim(as_bytes(wrapped))) << "two payloads";
  auto object = signed_whole;
  object.insert(object.find("</ds:Signature>"), "<ds:Object>x</ds:Object>");
  EXPECT_FALSE(read_rim(as_bytes(object)).value().digest);
}

TEST_F(RimChecks, HostileManifestsAreErrors) {
  const auto good = to_text(make(driver));
  const auto root = good.find("<SoftwareIdentity");
  for (const std::string_view dtd :
       {"<!DOCTYPE SoftwareIdentity>", "<!DOCTYPE SoftwareIdentity [<!ENTITY a \"b\">]>",
        "<!DOCTYPE SoftwareIdentity SYSTEM \"file:///etc/passwd\">",
        "<!DOCTYPE s [<!ENTITY a \"xxxxxxxxxx\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;\">]>"}) {
    auto text = good;
    text.insert(root, dtd);
    const auto rim = read_rim(as_bytes(text));
    ASSERT_FALSE(rim) << dtd;
  }
  EXPECT_FALSE(read_rim(as_bytes("<a")));
  EXPECT_FALSE(read_rim(as_bytes("<a/>")));
  EXPECT_FALSE(read_rim(Bytes(kMaxRim + 1, ' ')));
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "<a>";
  EXPECT_FALSE(read_rim(as_bytes(deep)));
  for (const auto& [what, by] :
       {std::pair("index=\"7\"", "index=\"20\""), std::pair("size=\"48\"", "size=\"32\""),
        std::pair("alternatives=\"1\"", "alternatives=\"2\""), std::pair("active=\"True\"", "active=\"yes\""),
        std::pair("type=\"Measurement\"", "type=\"File\""),
        std::pair("alternatives=\"1\"", "alternatives=\"4000000000\"")}) {
    auto text = good;
    text.replace(text.find(what), std::string_view(what).size(), by);
    EXPECT_FALSE(read_rim(as_bytes(text))) << what << " -> " << by;
  }
}

TEST_F(RimChecks, OnlyTheProfileOfTheVendorIsTaken) {
  auto weak = driver;
  weak.digest = "http://www.w3.org/2000/09/xmldsig#sha1";
  EXPECT_EQ(failed_with({make(weak), make(vbios)}), "rim-digest rim-signature");
}

#endif

}  // namespace
}  // namespace cocoon::tee
