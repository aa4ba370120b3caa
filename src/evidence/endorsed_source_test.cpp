#include <gtest/gtest.h>

#include "evidence/source.hpp"
#include "tee/snp_testing.hpp"
#include "tee/x509.hpp"

namespace cocoon::evidence {
namespace {

using tee::testing::Machine;

// A machine whose host hands out what it is told to.
class MachineSource final : public Source {
 public:
  std::string name() const override { return "a machine"; }
  Result<Collected> collect(const Challenge& challenge) override {
    auto report = machine.unsigned_report();
    std::ranges::copy(challenge.report_data, report.begin() + 0x50);
    Collected out;
    tee::SnpEvidence snp;
    snp.report_data = to_bytes(challenge.report_data.view());
    snp.report = Machine::sign(std::move(report));
    snp.vcek = from_host;
    out.cpu = std::move(snp);
    return out;
  }
  std::string vcek() const { return tee::write_pem(Machine::endorse(machine.endorsement_spec()), "CERTIFICATE"); }

  Machine machine{"Milan"};
  std::string from_host;
};

class EndorsedSourceTest : public ::testing::Test {
 protected:
  std::string vcek_of(const Result<tee::Evidence>& found) {
    EXPECT_TRUE(found) << found.error().what;
    return found ? std::get<tee::SnpEvidence>(*found).vcek : "";
  }

  std::shared_ptr<MachineSource> machine = std::make_shared<MachineSource>();
  int asked = 0;
  Result<std::string> answer = machine->vcek();
  std::shared_ptr<Source> source = endorsed_source(machine, [this](BytesView) {
    ++asked;
    return answer;
  });
  tee::Attester attest = attest_with(source);
  crypto::PublicKey key = crypto::KeyPair(crypto::sha256(as_bytes("node"))).public_key();
};

TEST_F(EndorsedSourceTest, AsksOnceForEachTcb) {
  EXPECT_EQ(vcek_of(attest(key)), answer);
  EXPECT_EQ(vcek_of(attest(key)), answer);
  EXPECT_EQ(asked, 1);
  machine->machine.tcb[7] += 1;  // new microcode
  answer = machine->vcek();
  EXPECT_EQ(vcek_of(attest(key)), answer);
  EXPECT_EQ(asked, 2);
  const auto session = attest_sessions_with(source, nullptr)({});
  ASSERT_TRUE(session) << session.error().what;
  EXPECT_EQ(std::get<tee::SnpEvidence>(session->machine).vcek, answer);
  EXPECT_EQ(asked, 2);
}

TEST_F(EndorsedSourceTest, WhatTheHostHandsOutIsTaken) {
  machine->from_host = "from the host";
  EXPECT_EQ(vcek_of(attest(key)), "from the host");
  EXPECT_EQ(asked, 0);
}

TEST_F(EndorsedSourceTest, AnotherChipsIsRefusedAndNotRemembered) {
  const auto good = answer;
  const auto refused = [&](const std::string& why) {
    for (int i = 0; i < 2; ++i) {
      const auto found = attest(key);
      ASSERT_FALSE(found);
      EXPECT_NE(found.error().what.find(why), std::string::npos) << found.error().what;
    }
  };
  MachineSource other;
  other.machine.chip_id[5] ^= 1;
  answer = other.vcek();
  refused("chip-id");
  EXPECT_EQ(asked, 2);
  other.machine = machine->machine;
  other.machine.tcb[0] += 1;
  answer = other.vcek();
  refused("tcb");
  answer = "<html>";
  refused("PEM");
  answer = fail("the service is down");
  refused("the service is down");
  answer = good;
  EXPECT_EQ(vcek_of(attest(key)), good);
}

TEST_F(EndorsedSourceTest, ErrorsOfTheSourceStay) {
  class Broken final : public Source {
    std::string name() const override { return "broken"; }
    Result<Collected> collect(const Challenge&) override { return fail("no report"); }
  };
  const auto found = endorsed_source(std::make_shared<Broken>(), {})->collect({});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().what, "no report");
}

}  // namespace
}  // namespace cocoon::evidence
