#include "net/credentials.hpp"

#include <gtest/gtest.h>

#include "net/asio.hpp"

namespace cocoon::net {
namespace {

class CredentialsTest : public ::testing::Test {
 protected:
  Clock clock() {
    return [this] { return now; };
  }
  Time now = from_unix(1'790'000'000);
  crypto::Random random{Bits256{}};
  tee::SimulatedRoot root = tee::SimulatedRoot::create(random, now, "test");
  tee::Attester attester =
      tee::attest_simulated(root.make_platform(random, now), tee::simulated_measurements("cocoon-proxy 1"));
  tee::Trust trust{{root.trusted()}};
};

TEST_F(CredentialsTest, TheIdentityIsRenewedEveryHour) {
  const auto credentials = Credentials::make(attester, random, clock()).value();
  const auto first = credentials->context();
  const auto key = credentials->public_key();
  now += std::chrono::minutes(59);
  EXPECT_EQ(credentials->context(), first);
  now += std::chrono::minutes(2);
  EXPECT_NE(credentials->context(), first);
  EXPECT_NE(credentials->public_key(), key);
  EXPECT_TRUE(tee::read_certificate(credentials->certificate(), tee::Side::server, now));
}

TEST_F(CredentialsTest, AFailingAttesterKeepsTheOldOne) {
  bool broken = false;
  const auto moody = [&, good = attester](const crypto::PublicKey& key) -> Result<tee::Evidence> {
    if (broken) return fail("no quote today");
    return good(key);
  };
  const auto credentials = Credentials::make(moody, random, clock()).value();
  const auto first = credentials->context();
  broken = true;
  now += std::chrono::hours(2);
  EXPECT_EQ(credentials->context(), first);
  broken = false;
  now += std::chrono::minutes(1);
  EXPECT_NE(credentials->context(), first);
  broken = true;
  EXPECT_FALSE(Credentials::make(moody, random, clock()));
}

TEST_F(CredentialsTest, VerdictsAreRememberedForAWhile) {
  const auto certificate = Credentials::make(attester, random, clock()).value()->certificate();
  PeerJudge judge({}, trust, 4096, clock());
  ASSERT_TRUE(judge.judge(certificate, tee::Side::client));
  EXPECT_EQ(judge.hits(), 0u);
  EXPECT_EQ(judge.judge(certificate, tee::Side::client)->image_hash,
            tee::image_hash(tee::simulated_measurements("cocoon-proxy 1")));
  EXPECT_EQ(judge.hits(), 1u);
  ASSERT_TRUE(judge.judge(certificate, tee::Side::server));
  EXPECT_EQ(judge.hits(), 1u) << "judged for one side is not judged for the other";
  now += std::chrono::minutes(11);
  ASSERT_TRUE(judge.judge(certificate, tee::Side::client));
  EXPECT_EQ(judge.hits(), 1u) << "judged afresh";
  now += std::chrono::hours(24);
  const auto expired = judge.judge(certificate, tee::Side::client);
  ASSERT_FALSE(expired);
  EXPECT_EQ(expired.error().code, net_untrusted);
}

TEST_F(CredentialsTest, ARememberedVerdictEndsWithTheCertificate) {
  const auto certificate = Credentials::make(attester, random, clock()).value()->certificate();
  PeerJudge judge({}, trust, 4096, clock());
  now += std::chrono::hours(24) - std::chrono::minutes(2);
  ASSERT_TRUE(judge.judge(certificate, tee::Side::client));
  now += std::chrono::minutes(3);
  EXPECT_FALSE(judge.judge(certificate, tee::Side::client));
}

TEST_F(CredentialsTest, TheOldestVerdictMakesRoom) {
  PeerJudge judge({}, trust, 2, clock());
  std::vector<Bytes> certificates;
  for (int i = 0; i < 3; ++i) {
    certificates.push_back(Credentials::make(attester, random, clock()).value()->certificate());
    random.u64();
    ASSERT_TRUE(judge.judge(certificates.back(), tee::Side::client));
  }
  EXPECT_EQ(judge.remembered(), 2u);
  ASSERT_TRUE(judge.judge(certificates[2], tee::Side::client));
  EXPECT_EQ(judge.hits(), 1u);
  ASSERT_TRUE(judge.judge(certificates[0], tee::Side::client));
  EXPECT_EQ(judge.hits(), 1u) << "was forgotten";
}

TEST_F(CredentialsTest, RefusalsAreRememberedBriefly) {
  const auto certificate = Credentials::make(attester, random, clock()).value()->certificate();
  PeerJudge judge({}, tee::Trust{}, 4096, clock());
  const auto first = judge.judge(certificate, tee::Side::client);
  ASSERT_FALSE(first);
  EXPECT_EQ(judge.remembered(), 0u);
  const auto again = judge.judge(certificate, tee::Side::client);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error(), first.error());
  EXPECT_EQ(judge.refusals_remembered(), 1u);
  now += std::chrono::seconds(11);
  EXPECT_FALSE(judge.judge(certificate, tee::Side::client));
  EXPECT_EQ(judge.refusals_remembered(), 1u) << "judged afresh";
  judge.set_policy({});
  EXPECT_FALSE(judge.judge(certificate, tee::Side::client));
  EXPECT_EQ(judge.refusals_remembered(), 1u) << "another policy, another judgement";
}

TEST_F(CredentialsTest, AnOpenLinkIsJudgedAgain) {
  const auto certificate = Credentials::make(attester, random, clock()).value()->certificate();
  PeerJudge judge({}, trust, 4096, clock());
  const auto since = now;
  ASSERT_TRUE(judge.judge(certificate, tee::Side::client));
  now += std::chrono::hours(48);
  EXPECT_FALSE(judge.judge(certificate, tee::Side::client)) << "nobody comes in with it any more";
  EXPECT_TRUE(judge.judge_again(certificate, tee::Side::client, since)) << "but who is in may stay";
  tee::Policy other;
  other.image_hashes = {Bits256{}};
  judge.set_policy(other);
  const auto again = judge.judge_again(certificate, tee::Side::client, since);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, net_untrusted);
}

// Hardware under a root that publishes collateral: refused until there is some, and asked for again at once when there
// is.
TEST_F(CredentialsTest, WantOfCollateralIsNotRemembered) {
  struct Source : CollateralSource {
    int asked = 0;
    tee::Collateral find(const tee::Evidence&) override {
      ++asked;
      return {};
    }
  };
  const auto source = std::make_shared<Source>();
  auto genuine = trust;
  genuine.roots.front().simulated = false;
  const auto certificate = Credentials::make(attester, random, clock()).value()->certificate();
  PeerJudge judge({}, genuine, 4096, clock(), source);
  EXPECT_FALSE(judge.judge(certificate, tee::Side::client));
  EXPECT_FALSE(judge.judge(certificate, tee::Side::client));
  EXPECT_EQ(source->asked, 2);
  EXPECT_EQ(judge.refusals_remembered(), 0u);
}

}  // namespace
}  // namespace cocoon::net
