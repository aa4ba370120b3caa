#include <gtest/gtest.h>

#include "tee/p256.hpp"
#include "tee/pki_testing.hpp"
#include "tee/verdict_testing.hpp"
#include "tee/vtpm_testing.hpp"
#include "tee/vtpm_verify.hpp"

namespace cocoon::tee {
namespace {

using testing::failures;

class VtpmChecks : public ::testing::TestWithParam<HclKind> {
 protected:
  Verdict judge() {
    Verdict v;
    facts = verify_vtpm(v, evidence, demands);
    v.settle();
    return v;
  }
  std::string failed() { return failures(judge()); }
  void requote() { vm.quote(evidence); }

  testing::Vm vm{GetParam()};
  VtpmEvidence evidence = vm.evidence();
  VtpmDemands demands{to_bytes("challenge"), {}};
  VtpmFacts facts;
};

INSTANTIATE_TEST_SUITE_P(Kinds, VtpmChecks, ::testing::Values(HclKind::snp, HclKind::tdx),
                         [](const auto& kind) { return std::string(kind.param == HclKind::snp ? "Snp" : "Tdx"); });

TEST_P(VtpmChecks, GoodEvidenceIsAccepted) {
  EXPECT_EQ(failed(), "");
  EXPECT_EQ(facts.kind, GetParam());
  EXPECT_TRUE(facts.selected.all());
  EXPECT_EQ(facts.pcrs, vm.pcrs);
  EXPECT_EQ(facts.snp_report.empty(), GetParam() == HclKind::tdx);
}

TEST_P(VtpmChecks, OnlyHcl) {
  const auto end = 0x20 + kHclHardware + 20 + vm.runtime.size();  // zeros follow
  for (std::size_t n = 0; n < end; n += 61) {
    auto cut = evidence;
    cut.hcl.resize(n);
    Verdict v;
    verify_vtpm(v, cut, demands);
    EXPECT_EQ(failures(v), "hcl") << n;
  }
  evidence.hcl[0] ^= 1;
  EXPECT_EQ(failed(), "hcl");
}

TEST_P(VtpmChecks, OnlyRuntimeData) {
  // Another key under the same name: the text still reads, the hardware vouches for another one.
  const testing::Vm other(GetParam(), testing::attestation_key(1));
  const auto theirs = other.evidence();
  auto mixed = theirs.hcl;
  std::copy(evidence.hcl.begin() + 0x20, evidence.hcl.begin() + 0x20 + kHclHardware, mixed.begin() + 0x20);
  evidence.hcl = mixed;
  evidence.message = theirs.message;
  evidence.signature = theirs.signature;
  EXPECT_EQ(failed(), "runtime-data");
}

TEST_P(VtpmChecks, TheRestOfTheReportDataIsZero) {
  vm.report_data[32] = 1;
  EXPECT_EQ(failures([&] {
              Verdict v;
              verify_vtpm(v, vm.evidence(), demands);
              return v;
            }()),
            "runtime-data");
}

TEST_P(VtpmChecks, OnlyAttestationKey) {
  for (const char* text :
       {"{}", "[]", "{\"keys\":[]}", "{\"keys\":[{\"kid\":\"HCLAkPub\",\"kty\":\"EC\",\"n\":\"AA\",\"e\":\"AQAB\"}]}",
        "{\"keys\":[{\"kid\":\"Other\",\"kty\":\"RSA\",\"n\":\"AA\",\"e\":\"AQAB\"}]}", "nothing", ""}) {
    vm.set_runtime(text);
    Verdict v;
    verify_vtpm(v, vm.evidence(), demands);
    EXPECT_EQ(failures(v), "attestation-key") << text;
  }
  vm.set_runtime("{\"keys\":[{\"kid\":\"HCLAkPub\",\"kty\":\"RSA\",\"n\":\"AAAA\",\"e\":\"AQAB\"}]}");
  Verdict v;
  verify_vtpm(v, vm.evidence(), demands);
  EXPECT_EQ(failures(v), "tpm-signature") << "a key of 24 bits";
}

TEST_P(VtpmChecks, OnlyTpmQuote) {
  for (std::size_t n = 0; n < evidence.message.size(); ++n) {
    const BytesView whole(evidence.message);
    EXPECT_FALSE(parse_tpm_quote(whole.first(n))) << n;
  }
  auto longer = evidence.message;
  longer.push_back(0);
  EXPECT_FALSE(parse_tpm_quote(longer));
  // What the key signed outside the TPM does not start with the TPM's magic.
  vm.magic = 0xff544346;
  requote();
  EXPECT_EQ(failed(), "tpm-quote");
  vm.magic = 0xff544347;
  vm.type = 0x8017;
  requote();
  EXPECT_EQ(failed(), "tpm-quote") << "a certification is no quote";
  vm.type = 0x8018;
  requote();
  EXPECT_EQ(failed(), "");
  evidence.pcrs.pop_back();
  EXPECT_EQ(failed(), "tpm-quote");
}

TEST_P(VtpmChecks, OnlyTpmSignature) {
  evidence.signature[10] ^= 1;
  EXPECT_EQ(failed(), "tpm-signature");
  evidence.signature.clear();
  EXPECT_EQ(failed(), "tpm-signature");
  requote();
  evidence.message[20] ^= 1;  // the TPM's clock
  EXPECT_EQ(failed(), "tpm-signature");
}

TEST_P(VtpmChecks, OnlyTpmNonce) {
  demands.nonce = to_bytes("another challenge");
  EXPECT_EQ(failed(), "tpm-nonce");
  demands.nonce = Bytes{};
  EXPECT_EQ(failed(), "tpm-nonce");
  demands.nonce.reset();
  EXPECT_EQ(failed(), "");
}

TEST_P(VtpmChecks, OnlyPcrDigest) {
  evidence.pcrs[5] ^= 1;
  EXPECT_EQ(failed(), "pcr-digest");
}

TEST_P(VtpmChecks, OnlyPcrs) {
  demands.pcrs = {{4, vm.pcrs[4]}};
  EXPECT_EQ(failed(), "");
  demands.pcrs = {{4, vm.pcrs[5]}};
  EXPECT_EQ(failed(), "pcrs");
  demands.pcrs = {{24, Bits256{}}};
  EXPECT_EQ(failed(), "pcrs");
  // A value that is shown, but not quoted.
  demands.pcrs = {{4, vm.pcrs[4]}};
  vm.selected.reset(4);
  requote();
  EXPECT_EQ(failed(), "pcrs");
}

TEST_P(VtpmChecks, OnlyHardwareBinding) {
  if (GetParam() == HclKind::snp) {
    evidence.td_quote = to_bytes("no quote");
    EXPECT_EQ(failed(), "") << "an SNP report proves itself";
    return;
  }
  const auto good = evidence.td_quote;
  for (const std::size_t at : {48u + 120u, 48u + 136u, 48u + 519u, 48u + 520u, 48u + 583u}) {
    evidence.td_quote = good;
    evidence.td_quote[at] ^= 1;
    EXPECT_EQ(failed(), "hardware-binding") << at;
  }
  evidence.td_quote.clear();
  EXPECT_EQ(failed(), "hardware-binding");
}

}  // namespace
}  // namespace cocoon::tee
