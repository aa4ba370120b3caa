// Evidence bound to the TLS session, and what a relay with a stolen certificate key can do with and without it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/link_fixture.hpp"
#include "tee/nvidia_testing.hpp"

namespace cocoon::net {
namespace {

using ::testing::HasSubstr;

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
  EXPECT_TRUE(client.link->peer().additions && server.link->peer().additions);
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
  EXPECT_FALSE(client.link->peer().additions || server.link->peer().additions);
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
  const auto forwarded = [real = genuine("cocoon-proxy 1")](const tee::SessionChallenge&) {
    return real(tee::SessionChallenge{.prover = tee::Side::server});
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

// As large as a peer reads, and one byte more: then nothing is shown.
TEST_F(SessionBinding, EvidenceThatNoPeerReadsIsNotSent) {
  client_config.credentials = machine("cocoon-worker 1");
  client_config.judge = std::make_shared<PeerJudge>(any(), trust);
  client_config.options.keep_unread_session = true;
  std::size_t quote = tee::kMaxSessionEvidence - 10;  // 10: an array of two, "tdx", the head of the bytes
  server_config.credentials = with_sessions("cocoon-proxy 1", [&](const auto&) -> Result<tee::SessionEvidence> {
    tee::TdxEvidence machine;
    machine.quote.resize(quote);
    return tee::SessionEvidence{std::move(machine), {}};
  });
  connect();
  ASSERT_TRUE(client.link);
  EXPECT_EQ(std::get<tee::TdxEvidence>(client.link->peer().session->evidence.machine).quote.size(), quote);
  ++quote;
  const auto link = dial();
  ASSERT_TRUE(link) << link.error().what;
  EXPECT_TRUE(std::holds_alternative<tee::NoEvidence>((*link)->peer().session->evidence.machine));
  (*link)->close(Error{0, "seen"});
}

// --- GPUs

class GpusOfASession : public SessionBinding {
 protected:
  GpusOfASession() {
    auto demanding = policy("cocoon-proxy 1");
    demanding.gpu_required = true;
    demanding.gpu_reference_values = demanding.gpu_revocation = false;
    trust.gpus = gpu.roots;
    client_config.credentials = machine("cocoon-worker 1");
    client_config.judge = std::make_shared<PeerJudge>(demanding, trust);
  }
  // A server whose machine vouches for GPUs that show what `gpus` says.
  using Show = std::function<std::vector<tee::GpuEvidence>(const tee::SessionChallenge&)>;
  tee::SessionAttester with_gpus(Show gpus) {
    return [this, gpus = std::move(gpus)](const tee::SessionChallenge& asked) -> Result<tee::SessionEvidence> {
      tee::SessionEvidence out;
      out.gpus = gpus(asked);
      tee::TdxEvidence machine;
      machine.quote = platform.quote(tee::simulated_measurements("cocoon-proxy 1"), asked.report_data(out.gpus));
      out.machine = std::move(machine);
      return out;
    };
  }
  void server_shows(tee::SessionAttester sessions) {
    server_config.credentials = with_sessions("cocoon-proxy 1", std::move(sessions));
  }
  void server_shows(Show gpus) { server_shows(with_gpus(std::move(gpus))); }
  std::string refused_because() {
    listen();
    return refusal();
  }

  tee::testing::Gpu gpu;
};

TEST_F(GpusOfASession, AreAcceptedWhenTheyAnswerThisSession) {
  server_shows([&](const auto& asked) {
    return std::vector{gpu.show(asked.gpu_nonce()), gpu.show(asked.gpu_nonce())};
  });
  connect();
  const auto& info = client.link->peer();
  EXPECT_TRUE(info.peer.verdict.gpu);
  EXPECT_TRUE(info.peer.verdict.session_bound);
  ASSERT_TRUE(info.session);
  EXPECT_EQ(info.session->evidence.gpus.size(), 2U);
  // The same by what is known later, and what was shown no longer counts when its window is over.
  EXPECT_TRUE(client_config.judge->judge_again(info.certificate, tee::Side::server, info.since, info.session.get()));
  PeerJudge next_year(client_config.judge->policy(), trust, 16, [] { return wall_clock() + 2 * tee::testing::kYear; });
  EXPECT_FALSE(next_year.judge_again(info.certificate, tee::Side::server, info.since, info.session.get()));
}

TEST_F(GpusOfASession, AreMissed) {
  server_shows(genuine("cocoon-proxy 1"));
  EXPECT_THAT(refused_because(), HasSubstr("no verified GPU evidence"));
}

TEST_F(GpusOfASession, OfAPeerThatProvesNoSessionsAreMissed) {
  server_config.credentials = with_sessions("cocoon-proxy 1", std::nullopt);
  EXPECT_THAT(refused_because(), HasSubstr("cannot prove that its evidence is for this session"));
}

TEST_F(GpusOfASession, OfAnotherSessionAreRefused) {
  server_shows([&](const auto&) { return std::vector{gpu.show(crypto::sha256(as_bytes("another session")))}; });
  EXPECT_THAT(refused_because(), HasSubstr("NONCE_MISMATCH"));
}

// Borrowed: genuine and fresh, but the machine's report does not name them.
TEST_F(GpusOfASession, ThatTheMachineDoesNotNameAreRefused) {
  server_shows(tee::SessionAttester([&](const tee::SessionChallenge& asked) -> Result<tee::SessionEvidence> {
    auto out = *genuine("cocoon-proxy 1")(asked);
    out.gpus.push_back(gpu.show(asked.gpu_nonce()));
    return out;
  }));
  EXPECT_THAT(refused_because(), HasSubstr("made for another key"));
}

TEST_F(GpusOfASession, OneForgedSpoilsAll) {
  server_shows([&](const auto& asked) {
    std::vector out{gpu.show(asked.gpu_nonce()), gpu.show(asked.gpu_nonce())};
    out[1].report[100] ^= 1;
    return out;
  });
  EXPECT_THAT(refused_because(), HasSubstr("GPU 1"));
}

TEST_F(GpusOfASession, WithoutReferenceValuesAreRefusedWhereTheyAreDemanded) {
  auto demanding = client_config.judge->policy();
  demanding.gpu_reference_values = true;
  client_config.judge = std::make_shared<PeerJudge>(demanding, trust);
  server_shows([&](const auto& asked) { return std::vector{gpu.show(asked.gpu_nonce())}; });
  EXPECT_THAT(refused_because(), HasSubstr("RIM_MISSING"));
}

TEST_F(GpusOfASession, WhereNobodyAsksForThemABadOneIsOnlySaid) {
  client_config.judge = std::make_shared<PeerJudge>(policy("cocoon-proxy 1"), trust);
  server_shows([&](const auto&) { return std::vector{gpu.show({})}; });
  connect();
  const auto& verdict = client.link->peer().peer.verdict;
  EXPECT_TRUE(verdict.accepted);
  EXPECT_FALSE(verdict.gpu);
  const auto said = std::ranges::find(verdict.checks, "gpus", &tee::Check::name);
  ASSERT_NE(said, verdict.checks.end());
  EXPECT_EQ(said->state, tee::Check::State::not_done);
  EXPECT_THAT(said->why, HasSubstr("GPU 0"));
}

TEST(SessionEvidence, ReadsBackAndRefusesTheRest) {
  const auto round = [](const tee::SessionEvidence& e) {
    return tee::decode_session_evidence(tee::encode_session_evidence(e)).value();
  };
  tee::TdxEvidence tdx;
  tdx.quote = Bytes(5000, 7);
  tee::SnpEvidence snp;
  snp.report = Bytes(1184, 1);
  snp.vcek = "pem";
  const std::vector<tee::GpuEvidence> gpus(tee::kMaxGpus, {Bytes(900, 2), "chain"});
  for (const auto& machine : {tee::Evidence(tdx), tee::Evidence(snp)})
    for (const auto& shown : {std::vector<tee::GpuEvidence>{}, gpus}) {
      const tee::SessionEvidence whole{machine, shown};
      EXPECT_EQ(round(whole), whole);
      auto longer = tee::encode_session_evidence(whole);
      longer.push_back(0);
      EXPECT_FALSE(tee::decode_session_evidence(longer));
      for (std::size_t cut = 0; cut + 1 < longer.size(); cut += 97)
        EXPECT_FALSE(tee::decode_session_evidence(BytesView(longer).first(cut)));
    }
  EXPECT_EQ(round({}), tee::SessionEvidence{});
  EXPECT_EQ(round({tee::NoEvidence{}, gpus}), tee::SessionEvidence{}) << "GPUs without a machine are nothing";
  auto more = gpus;
  more.push_back(gpus.front());
  EXPECT_FALSE(tee::decode_session_evidence(tee::encode_session_evidence({tdx, more})));
  EXPECT_FALSE(tee::decode_session_evidence(Bytes{0x81, 0x63, 's', 'e', 'v'}));
  EXPECT_FALSE(tee::decode_session_evidence(Bytes{}));
  tdx.quote.resize(tee::kMaxSessionEvidence - 10);
  EXPECT_TRUE(tee::decode_session_evidence(tee::encode_session_evidence({tdx, {}})));
  tdx.quote.resize(tee::kMaxSessionEvidence);
  EXPECT_FALSE(tee::decode_session_evidence(tee::encode_session_evidence({tdx, {}})));
}

}  // namespace
}  // namespace cocoon::net
