#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "tee/corpus.hpp"
#include "tee/snp_testing.hpp"
#include "tee/verdict_testing.hpp"

namespace cocoon::tee {
namespace {

using testing::amd;
using testing::failures;
using testing::ia5;
using testing::kNow;
using testing::kYear;
using testing::Machine;

TEST(Snp, AVceksPathIsAmds) {
  SnpReport report;
  report.version = 3;
  for (std::size_t i = 0; i < 64; ++i) report.chip_id[i] = static_cast<std::uint8_t>(i < 8 ? 0xA0 + i : 0);
  report.reported_tcb = FixedBytes<8>::from(Bytes{4, 0, 0, 0, 0, 0, 24, 219});
  report.family = 0x19;
  report.model = 0x01;
  const std::string chip = "a0a1a2a3a4a5a6a7", rest(112, '0');
  EXPECT_EQ(vcek_path(report).value_or(""),
            "/vcek/v1/Milan/" + chip + rest + "?blSPL=04&teeSPL=00&snpSPL=24&ucodeSPL=219");
  report.model = 0x11;
  report.reported_tcb = FixedBytes<8>::from(Bytes{10, 1, 0, 0, 0, 0, 9, 84});
  EXPECT_EQ(vcek_path(report).value_or(""),
            "/vcek/v1/Genoa/" + chip + rest + "?blSPL=10&teeSPL=01&snpSPL=09&ucodeSPL=84");
  report.model = 0xA0;  // Bergamo
  EXPECT_TRUE(vcek_path(report).value_or("").starts_with("/vcek/v1/Genoa/"));
  report.family = 0x1A;
  report.model = 0x02;
  report.reported_tcb = FixedBytes<8>::from(Bytes{1, 2, 3, 4, 0, 0, 0, 72});
  EXPECT_EQ(vcek_path(report).value_or(""),
            "/vcek/v1/Turin/" + chip + "?fmcSPL=01&blSPL=02&teeSPL=03&snpSPL=04&ucodeSPL=72");

  const auto refused = [&](auto spoil) {
    auto spoiled = report;
    spoil(spoiled);
    const auto path = vcek_path(spoiled);
    return path ? *path : path.error().what;
  };
  EXPECT_NE(refused([](auto& r) { r.chip_id = {}; }).find("masks the chip id"), std::string::npos);
  EXPECT_NE(refused([](auto& r) { r.version = 2; }).find("version 2"), std::string::npos);
  EXPECT_NE(refused([](auto& r) { r.flags = 1 << 2; }).find("not signed by a VCEK"), std::string::npos);
  EXPECT_NE(refused([](auto& r) { r.model = 0x77; }).find("no known SEV-SNP product"), std::string::npos);
}

TEST(Snp, AnEndorsementIsOfItsReportOnly) {
  const Machine machine;
  const auto report = Machine::sign(machine.unsigned_report());
  EXPECT_TRUE(endorses(Machine::endorse(machine.endorsement_spec()), report));
  Machine other;
  other.chip_id[0] ^= 1;
  auto refused = endorses(Machine::endorse(other.endorsement_spec()), report);
  EXPECT_EQ(refused ? "" : refused.error().what.substr(0, 8), "chip-id:");
  other = machine;
  other.tcb[0] ^= 1;
  refused = endorses(Machine::endorse(other.endorsement_spec()), report);
  EXPECT_EQ(refused ? "" : refused.error().what.substr(0, 4), "tcb:");
  EXPECT_FALSE(endorses(to_bytes("<html>"), report));
}

TEST(Snp, AGoodReportIsAccepted) {
  for (const char* product : {"Milan", "Genoa", "Turin"}) {
    for (const std::uint8_t version : {std::uint8_t{2}, std::uint8_t{3}, std::uint8_t{5}}) {
      Machine machine(product);
      machine.version = version;
      machine.crl =
          testing::issue_crl("ARK-" + machine.product, Machine::keys().ark.get(), kNow - kYear, kNow + kYear, {7});
      const auto v =
          machine.judge(Machine::sign(machine.unsigned_report()), Machine::endorse(machine.endorsement_spec()));
      EXPECT_EQ(failures(v), "") << product << " " << int{version} << ": " << v.problem;
      EXPECT_TRUE(v.accepted);
      EXPECT_TRUE(v.simulated);
      EXPECT_EQ(verdict_text(v), "VALID");
      EXPECT_EQ(v.kind, TeeKind::snp);
      EXPECT_EQ(v.signer, "test root");
      EXPECT_EQ(v.snp.measurement, Bits384::from(Bytes(48, 0x3E)));
      EXPECT_EQ(v.report_data, Bits512::from(Bytes(64, 0xDA)));
      EXPECT_EQ(v.platform_id, to_bytes(machine.chip_id.view()));
      EXPECT_EQ(v.fresh_until, kNow + kYear) << "not past the revocation list";
      EXPECT_EQ(v.fresh_from, kNow - kYear);
    }
  }
}

TEST(Snp, TcbPartsLieWhereTheProductPutsThem) {
  const auto raw = FixedBytes<8>::from(Bytes{1, 2, 3, 4, 5, 6, 7, 8});
  const auto milan = read_tcb(raw, SnpProduct::milan);
  EXPECT_EQ(milan, (SnpTcb{0, 1, 2, 7, 8}));
  EXPECT_EQ(read_tcb(raw, SnpProduct::genoa), milan);
  EXPECT_EQ(read_tcb(raw, SnpProduct::turin), (SnpTcb{1, 2, 3, 4, 8}));
  EXPECT_TRUE(milan.at_least(milan));
  EXPECT_FALSE(milan.at_least({0, 1, 3, 7, 8})) << "one older part is enough";
  EXPECT_FALSE(milan.at_least({1, 1, 2, 7, 8}));
}

TEST(Snp, ChipsAreKnownByCpuid) {
  EXPECT_EQ(product_of_cpuid(0x19, 0x00).value(), SnpProduct::milan);
  EXPECT_EQ(product_of_cpuid(0x19, 0x0F).value(), SnpProduct::milan);
  EXPECT_EQ(product_of_cpuid(0x19, 0x10).value(), SnpProduct::genoa);
  EXPECT_EQ(product_of_cpuid(0x19, 0xA0).value(), SnpProduct::genoa);
  EXPECT_EQ(product_of_cpuid(0x1A, 0x02).value(), SnpProduct::turin);
  EXPECT_FALSE(product_of_cpuid(0x19, 0x20));
  EXPECT_FALSE(product_of_cpuid(0x1A, 0x20));
  EXPECT_FALSE(product_of_cpuid(0x17, 0x01));
}

// --- Only one check fails.

class SnpChecks : public ::testing::Test {
 protected:
  std::string failed_by(std::size_t at, int value) {
    return failures(machine.judge(machine.report_with(at, value), vcek));
  }
  std::string failed_with(const testing::Spec& spec) { return failures(machine.judge(report, Machine::endorse(spec))); }

  Machine machine;
  Bytes report = Machine::sign(machine.unsigned_report());
  Bytes vcek = Machine::endorse(machine.endorsement_spec());
};

TEST_F(SnpChecks, OnlyFormat) {
  EXPECT_EQ(failures(machine.judge(BytesView(report).first(1183), vcek)), "format");
  auto longer = report;
  longer.push_back(0);
  EXPECT_EQ(machine.judge(longer, vcek).reason, "TRUNCATED");
  for (const int version : {0, 1, 4, 6, 9}) {
    const auto v = machine.judge(machine.report_with(0, version), vcek);
    EXPECT_EQ(failures(v), "format") << version;
    EXPECT_EQ(v.reason, "UNSUPPORTED_VERSION");
  }
  EXPECT_EQ(failed_by(3, 1), "format") << "the version has four bytes";
}

TEST_F(SnpChecks, OnlyAlgorithm) { EXPECT_EQ(failed_by(0x34, 2), "algorithm"); }

TEST_F(SnpChecks, OnlyReserved) {
  for (const std::size_t at : {0x4Cu, 0x4Fu, 0x18Bu, 0x19Fu, 0x1EBu, 0x1EFu, 0x1F8u, 0x29Fu, 0x0Fu, 0x49u})
    EXPECT_EQ(failed_by(at, 0x80), "reserved") << at;
  machine.version = 5;
  EXPECT_EQ(failed_by(0x1F8, 1), "") << "version 5 tells mitigations there";
  EXPECT_EQ(failed_by(0x207, 1), "");
  EXPECT_EQ(failed_by(0x208, 1), "reserved");
  machine.version = 2;
  EXPECT_EQ(failed_by(0x188, 1), "reserved") << "version 2 has no CPUID";
}

TEST_F(SnpChecks, OnlyAskedByGuest) {
  for (const int vmpl : {1, 2, 3}) {
    const auto v = machine.judge(machine.report_with(0x30, vmpl), vcek);
    EXPECT_EQ(verdict_text(v), fmt::format("VALID+VMPL{}", vmpl));
  }
  EXPECT_EQ(failed_by(0x30, 4), "asked-by-guest");
  EXPECT_EQ(failed_by(0x33, 0xff), "asked-by-guest") << "the host asked";
}

TEST_F(SnpChecks, OnlyEndorsement) {
  EXPECT_EQ(failures(machine.judge(report, {})), "endorsement");
  EXPECT_EQ(failures(machine.judge(report, machine.ask)), "endorsement") << "a CA is none";
  const auto good = machine.endorsement_spec();
  for (std::size_t i = 0; i < good.extensions.size(); ++i) {
    auto lacks = good;
    lacks.extensions.erase(lacks.extensions.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_EQ(failed_with(lacks), "endorsement") << good.extensions[i].oid;
    auto twice = good;
    twice.extensions.push_back(good.extensions[i]);
    EXPECT_EQ(failed_with(twice), "endorsement") << good.extensions[i].oid;
    auto spoilt = good;
    spoilt.extensions[i].value.push_back(0);
    EXPECT_EQ(failed_with(spoilt), "endorsement") << good.extensions[i].oid;
  }
  auto both = good;
  both.extensions.push_back(amd("5", ia5("CN=cloud.example")));
  EXPECT_EQ(failed_with(both), "endorsement") << "a VCEK of a provider";
  auto wide = good;
  wide.extensions[1].value = der::write_small(256);
  EXPECT_EQ(failed_with(wide), "endorsement");
}

TEST_F(SnpChecks, OnlyChain) {
  auto other_issuer = machine.endorsement_spec();
  other_issuer.issuer = "SEV-Milan";
  EXPECT_EQ(failed_with(other_issuer), "chain");
  const auto stranger = testing::rsa_key();
  EXPECT_EQ(failures(machine.judge(
                report, testing::issue(machine.endorsement_spec(), Machine::keys().chip.get(), stranger.get()))),
            "chain")
      << "not signed by the ASK";
  auto legacy = machine.endorsement_spec();
  legacy.legacy_padding = true;
  EXPECT_EQ(failed_with(legacy), "chain") << "PKCS #1 v1.5 is not AMD's profile";
  auto critical = machine.endorsement_spec();
  critical.extensions.push_back({"1.2.3.4", Bytes{5, 0}, true});
  EXPECT_EQ(failed_with(critical), "chain");
  const auto good_ask = machine.ask;
  machine.ask = Machine::ca("SEV-Genoa", "ARK-Genoa", 0x10001, Machine::keys().ask.get(), stranger.get());
  EXPECT_EQ(failures(machine.judge(report, vcek)), "chain") << "the ASK is not signed by the ARK";
  machine.ask = testing::issue({"SEV-Genoa", "ARK-Genoa", 2, kNow - kYear, kNow + kYear, false, "", {}, {}},
                               Machine::keys().ask.get(), Machine::keys().ark.get());
  EXPECT_EQ(failures(machine.judge(report, vcek)), "chain") << "the ASK is no CA";
  machine.ask = machine.asvk;
  EXPECT_EQ(failures(machine.judge(report, vcek)), "chain") << "an ASVK does not issue VCEKs";
  machine.ask = Bytes{0x30, 0};
  EXPECT_EQ(failures(machine.judge(report, vcek)), "chain") << "no certificate at all";
  machine.ask = good_ask;
  EXPECT_EQ(failures(machine.judge(report, vcek)), "");
}

TEST_F(SnpChecks, OnlyRoot) {
  Verdict v;
  verify_snp(v, report, vcek, AmdCollateral{machine.ask, machine.ark, {}}, Trust::amd(), kNow);
  EXPECT_EQ(failures(v), "root") << "a name is not enough";
}

TEST_F(SnpChecks, OnlyValidity) {
  EXPECT_EQ(failures(machine.judge(report, vcek, false, kNow + 7 * kYear)), "validity");
  EXPECT_EQ(failures(machine.judge(report, vcek, false, kNow - 2 * kYear)), "validity");
  machine.ask = testing::issue(
      {"SEV-Genoa", "ARK-Genoa", 3, kNow - kYear, kNow - std::chrono::hours(1), true, "keyCertSign", {}, {}},
      Machine::keys().ask.get(), Machine::keys().ark.get());
  EXPECT_EQ(failures(machine.judge(report, vcek)), "validity") << "an ASK that has expired";
}

TEST_F(SnpChecks, OnlyRevocation) {
  auto* ark = Machine::keys().ark.get();
  const auto with = [&](Bytes crl) {
    machine.crl = std::move(crl);
    const auto v = machine.judge(report, vcek);
    return failures(v) + ":" + v.reason;
  };
  EXPECT_EQ(with(testing::issue_crl("ARK-Genoa", ark, kNow - kYear, kNow + kYear, {0x10101})), ":") << "another one's";
  EXPECT_EQ(with(testing::issue_crl("ARK-Genoa", ark, kNow - kYear, kNow + kYear, {5, 0x10001})), "revocation:REVOKED");
  EXPECT_EQ(with(testing::issue_crl("ARK-Milan", ark, kNow - kYear, kNow + kYear, {})), "revocation:CRL_INVALID");
  EXPECT_EQ(with(testing::issue_crl("ARK-Genoa", Machine::keys().ask.get(), kNow - kYear, kNow + kYear, {})),
            "revocation:CRL_INVALID");
  EXPECT_EQ(with(testing::issue_crl("ARK-Genoa", ark, kNow - kYear, kNow - std::chrono::hours(1), {})),
            "revocation:CRL_INVALID");
  EXPECT_EQ(with(testing::issue_crl("ARK-Genoa", ark, kNow + std::chrono::hours(1), kNow + kYear, {})),
            "revocation:CRL_INVALID");
}

TEST_F(SnpChecks, OnlySigningKey) {
  EXPECT_EQ(failed_by(0x48, 1 << 2), "signing-key") << "the report says VLEK";
  EXPECT_EQ(failed_by(0x48, 7 << 2), "signing-key") << "the report says that nobody signed";
}

TEST_F(SnpChecks, Vleks) {
  const auto vlek = Machine::endorse(machine.endorsement_spec(true));
  const auto v = machine.judge(machine.report_with(0x48, 1 << 2), vlek, true);
  EXPECT_EQ(failures(v), "") << v.problem;
  EXPECT_TRUE(v.platform_id.empty()) << "a VLEK names no chip";
  EXPECT_EQ(failures(machine.judge(report, vlek, true)), "signing-key") << "the report says VCEK";
  auto named = machine.endorsement_spec(true);
  named.extensions.push_back(amd("4", to_bytes(machine.chip_id.view())));
  EXPECT_EQ(failures(machine.judge(machine.report_with(0x48, 1 << 2), Machine::endorse(named), true)), "endorsement");
}

TEST_F(SnpChecks, OnlyProduct) {
  EXPECT_EQ(failed_by(0x189, 0x01), "product") << "a Milan report with a Genoa endorsement";
  EXPECT_EQ(failed_by(0x188, 0x17), "product");
}

TEST_F(SnpChecks, OnlyTcb) {
  for (const std::size_t part : {0u, 1u, 6u, 7u}) EXPECT_EQ(failed_by(0x180 + part, 99), "tcb") << part;
  EXPECT_EQ(failed_by(0x183, 1), "tcb") << "a part that does not exist";
  EXPECT_EQ(failed_by(0x38, 99), "") << "the current TCB may be ahead of the reported one";
  Machine turin("Turin");
  const auto endorsement = Machine::endorse(turin.endorsement_spec());
  for (const std::size_t part : {0u, 1u, 2u, 3u, 7u})
    EXPECT_EQ(failures(turin.judge(turin.report_with(0x180 + part, 99), endorsement)), "tcb") << part;
}

TEST_F(SnpChecks, OnlyChipId) {
  EXPECT_EQ(failed_by(0x1A0, 99), "chip-id");
  EXPECT_EQ(failed_by(0x1DF, 99), "chip-id");
  Machine turin("Turin");
  EXPECT_EQ(failures(turin.judge(turin.report_with(0x1A8, 1), Machine::endorse(turin.endorsement_spec()))), "chip-id")
      << "behind the 8 bytes there are zeros";
  // Masked: zeros, and the flag that says so.
  auto masked = machine.unsigned_report();
  std::fill_n(masked.begin() + 0x1A0, 64, std::uint8_t{0});
  EXPECT_EQ(failures(machine.judge(Machine::sign(masked), vcek)), "chip-id");
  masked[0x48] = 2;
  const auto v = machine.judge(Machine::sign(masked), vcek);
  EXPECT_EQ(failures(v), "");
  EXPECT_EQ(v.platform_id, to_bytes(machine.chip_id.view())) << "the VCEK still names the chip";
  EXPECT_EQ(failures(machine.judge(machine.report_with(0x48, 2), vcek)), "") << "flag without masking";
  masked[0x1A0] = 1;
  EXPECT_EQ(failures(machine.judge(Machine::sign(masked), vcek)), "chip-id");
}

TEST_F(SnpChecks, OnlySignature) {
  for (const std::size_t at : {0x50u, 0x29Eu - 0x100u, 0x2A0u, 0x2CFu, 0x2E8u}) {
    auto changed = report;
    changed[at] ^= 1;
    EXPECT_NE(failures(machine.judge(changed, vcek)).find("signature"), std::string::npos) << at;
  }
  auto data = report;
  data[0x50] ^= 1;
  EXPECT_EQ(failures(machine.judge(data, vcek)), "signature");
  for (const std::size_t padding : {0x2D0u, 0x2E7u, 0x318u, 0x32Fu}) {
    auto changed = report;
    changed[padding] = 1;
    EXPECT_EQ(failures(machine.judge(changed, vcek)), "signature") << "padding of r or s at " << padding;
  }
  auto tail = report;
  tail[0x330] = tail[kSnpReport - 1] = 0xff;
  EXPECT_EQ(failures(machine.judge(tail, vcek)), "") << "nothing signs the tail: a report's hash is no identity";
}

TEST_F(SnpChecks, WhatThePolicyDecidesIsNoted) {
  const auto v = machine.judge(machine.report_with(0xA, 3 | 1 << 3), vcek);
  EXPECT_TRUE(v.debug);
  EXPECT_FALSE(v.migratable);
  EXPECT_EQ(verdict_text(v), "VALID+DEBUG");
  const auto moved = machine.judge(machine.report_with(0xA, 3 | 1 << 2), vcek);
  EXPECT_TRUE(moved.migratable);
  EXPECT_TRUE(moved.accepted);
  EXPECT_EQ(moved.snp_tcb, (SnpTcb{0, 10, 0, 23, 84}));
}

}  // namespace
}  // namespace cocoon::tee
