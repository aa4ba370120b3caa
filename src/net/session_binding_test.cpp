// Evidence bound to the TLS session, and what a relay with a stolen certificate key can do with and without it.
#include <gtest/gtest.h>

#include "net/link_fixture.hpp"

namespace cocoon::net {
namespace {

class SessionBinding : public testing::LinkTest {
 protected:
  // A machine that measures as `image`, able to attest its sessions.
  std::shared_ptr<Credentials> machine(std::string_view image) { return with_sessions(image, genuine(image)); }
  tee::SessionAttester genuine(std::string_view image) {
    return tee::attest_session_simulated(platform, tee::simulated_measurements(image));
  }
  // The same random source gives the same key and certificate: whoever calls this twice has stolen them.
  std::shared_ptr<Credentials> with_sessions(std::string_view image, std::optional<tee::SessionAttester> sessions) {
    return Credentials::make(simulated(image), keys, wall_clock, std::move(sessions)).value();
  }
  void client_demands_binding() {
    auto demanding = policy("cocoon-proxy 1");
    demanding.session_binding = true;
    client_config.judge = std::make_shared<PeerJudge>(demanding, trust);
  }
  std::string refusal() {
    const auto link = dial();
    return link ? "" : link.error().what;
  }

  crypto::Random keys{Bits256{}};
};

TEST_F(SessionBinding, BothSidesProveTheSession) {
  server_config.credentials = machine("cocoon-proxy 1");
  client_config.credentials = machine("cocoon-worker 1");
  client_demands_binding();
  connect();
  EXPECT_TRUE(client.link->peer().peer.verdict.session_bound);
  EXPECT_TRUE(server.link->peer().peer.verdict.session_bound);
  EXPECT_EQ(client.link->peer().peer.tee, tee::TeeKind::tdx);
  const Bytes object{1, 2, 3, 4};
  client.link->send_packet(object);
  loop.until([&] { return server.packets.size() == 1; });
  EXPECT_EQ(server.packets[0].data, object) << "the link works after it";
}

TEST_F(SessionBinding, AClientWithoutAMachineStillSeesTheServersProof) {
  server_config.credentials = machine("cocoon-proxy 1");
  server_config.judge = std::make_shared<PeerJudge>(any(), trust);
  client_config.credentials =
      Credentials::make(tee::attest_plain_client(), keys, wall_clock, tee::SessionAttester{}).value();
  client_demands_binding();
  connect();
  EXPECT_TRUE(client.link->peer().peer.verdict.session_bound);
  EXPECT_FALSE(server.link->peer().peer.verdict.session_bound);
}

TEST_F(SessionBinding, OlderNodesAreMetWithoutIt) {
  server_config.credentials = machine("cocoon-proxy 1");
  connect();  // the client does not offer it
  EXPECT_FALSE(client.link->peer().peer.verdict.session_bound);
  EXPECT_FALSE(server.link->peer().peer.verdict.session_bound);
}

// The relay holds the proxy's certificate and its key, but no machine: evidence over the key alone lets it in.
TEST_F(SessionBinding, ARelayWithAStolenKeyIsAcceptedByKeyOnlyEvidence) {
  server_config.credentials = with_sessions("cocoon-proxy 1", std::nullopt);
  connect();
  EXPECT_TRUE(client.link->peer().peer.verdict.accepted);
  EXPECT_EQ(client.link->peer().peer.image_hash, tee::image_hash(tee::simulated_measurements("cocoon-proxy 1")));
}

TEST_F(SessionBinding, TheSameRelayIsRefused) {
  client_config.credentials = machine("cocoon-worker 1");
  client_demands_binding();
  // It does not offer to prove the session.
  server_config.credentials = with_sessions("cocoon-proxy 1", std::nullopt);
  listen();
  EXPECT_NE(refusal().find("cannot prove that its evidence is for this session"), std::string::npos);
}

TEST_F(SessionBinding, TheSameRelayIsRefusedWhenItForwardsAnotherSessionsEvidence) {
  client_config.credentials = machine("cocoon-worker 1");
  client_demands_binding();
  // What the genuine machine says in the session that the relay has with it: genuine, for other report data.
  const auto forwarded = [real = genuine("cocoon-proxy 1")](const Bits512&) {
    const auto other = tee::session_report_data(tee::Side::server, Bits256{}, Bits256{}, crypto::PublicKey{});
    return real(other);
  };
  server_config.credentials = with_sessions("cocoon-proxy 1", forwarded);
  listen();
  EXPECT_NE(refusal().find("made for another key"), std::string::npos) << refusal();
}

TEST_F(SessionBinding, ARelayWithNothingToShowIsRefusedEvenWhereBindingIsOptional) {
  client_config.credentials = machine("cocoon-worker 1");
  server_config.credentials = with_sessions("cocoon-proxy 1", tee::SessionAttester{});
  listen();
  EXPECT_NE(refusal().find("evidence for this session"), std::string::npos) << refusal();
}

// Another genuine machine, another image: its own evidence for the session does not fit the certificate.
TEST_F(SessionBinding, EvidenceOfAnotherMachineIsRefused) {
  client_config.credentials = machine("cocoon-worker 1");
  client_config.judge = std::make_shared<PeerJudge>(tee::Policy{}, trust);
  server_config.credentials = with_sessions("cocoon-proxy 1", genuine("something else"));
  listen();
  EXPECT_NE(refusal().find("another machine's"), std::string::npos) << refusal();
}

TEST(SessionEvidence, ReadsBackAndRefusesTheRest) {
  tee::TdxEvidence tdx;
  tdx.quote = Bytes(5000, 7);
  EXPECT_EQ(tee::decode_session_evidence(tee::encode_session_evidence(tdx)).value(), tee::Evidence(tdx));
  tee::SnpEvidence snp;
  snp.report = Bytes(1184, 1);
  snp.vcek = "pem";
  EXPECT_EQ(tee::decode_session_evidence(tee::encode_session_evidence(snp)).value(), tee::Evidence(snp));
  EXPECT_EQ(tee::decode_session_evidence(tee::encode_session_evidence(tee::NoEvidence{})).value(),
            tee::Evidence(tee::NoEvidence{}));
  auto longer = tee::encode_session_evidence(tdx);
  longer.push_back(0);
  EXPECT_FALSE(tee::decode_session_evidence(longer));
  EXPECT_FALSE(tee::decode_session_evidence(Bytes{0x81, 0x63, 's', 'e', 'v'}));
  EXPECT_FALSE(tee::decode_session_evidence(Bytes{}));
}

}  // namespace
}  // namespace cocoon::net
