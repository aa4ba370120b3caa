// Two nodes' shells, with simulated evidence, over real connections.
#include "node/shell.hpp"

#include <filesystem>
#include <fstream>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "net/testing.hpp"
#include "node/identity.hpp"
#include "tee/presented.hpp"

namespace cocoon::node {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

constexpr auto kPlatformLife = std::chrono::hours(7 * 365 * 24);  // of a simulated machine's certificate

class ShellTest : public ::testing::Test {
 protected:
  struct Node {
    std::unique_ptr<Shell> shell;
    std::vector<CommonEvent> events;

    template <class E>
    const E* last() const {
      for (auto it = events.rbegin(); it != events.rend(); ++it)
        if (const auto* e = std::get_if<E>(&*it)) return e;
      return nullptr;
    }
    json::object page() const { return json::parse(shell->attestation()).as_object(); }
    // What we think of the one peer that is connected.
    json::object peer() const { return page().at("peers").as_array().at(0).as_object(); }
    std::string window() const { return json::serialize(peer().at("verdict").as_object().at("valid")); }
  };

  ShellTest() {
    fs::create_directories(directory);
    std::ofstream(directory / "root.pem") << root.certificate_pem();
    policy.verdict_lifetime = 1s;
  }
  ~ShellTest() override {
    for (auto* node : {&server, &client})
      if (node->shell) node->shell->stop("the test is over");
    server.shell.reset();
    client.shell.reset();
    fs::remove_all(directory);
  }

  // `made`: when the simulated machine's certificate was.
  void start(Node& node, const std::string& name, Time made = wall_clock()) {
    const auto place = directory / name;
    ASSERT_TRUE(root.make_platform(random, made).save(place));
    CommonConfig config(name, 0);
    config.liteserver = "127.0.0.1:9";
    config.liteserver_key = to_base64(Bits256{}.view());
    config.tee = "simulated";
    config.tee_directory = place.string();
    config.image = "image of " + name;
    config.simulated_root = (directory / "root.pem").string();
    config.pow_difficulty = 4;
    config.reattest_every = 20ms;
    Shell::Hooks hooks;
    hooks.event = [&node](CommonEvent e) { node.events.push_back(std::move(e)); };
    auto made_shell = Shell::make(loop.io.get_executor(), config, policy, std::move(hooks));
    ASSERT_TRUE(made_shell) << made_shell.error().what;
    node.shell = *std::move(made_shell);
  }
  void connect(Time made = wall_clock()) {
    start(server, "server", made);
    start(client, "client");
    std::string address;
    {
      net::tcp::acceptor free(loop.io, net::tcp::endpoint(net::asio::ip::address_v4::loopback(), 0));
      address = fmt::format("127.0.0.1:{}", free.local_endpoint().port());
    }
    ASSERT_TRUE(server.shell->listen(address, 1, policy));
    client.shell->apply(role::Dial{7, address});
    loop.until([&] { return client.last<role::LinkUp>() != nullptr && server.last<role::LinkUp>() != nullptr; });
  }

  net::testing::Loop loop;
  crypto::Random random{crypto::sha256(as_bytes("shell test"))};
  tee::SimulatedRoot root = tee::SimulatedRoot::create(random, wall_clock(), "test");
  fs::path directory = fs::temp_directory_path() / ("cocoon-shell-" + std::to_string(::getpid()));
  tee::Policy policy;
  Node server, client;
};

TEST_F(ShellTest, APeerIsJudgedAgainWithoutLosingWhatRuns) {
  connect();
  const auto link = client.last<role::LinkUp>()->link;
  client.shell->apply(role::SendQuery{link, 5, Bytes{1, 2, 3, 4}, 60s});
  loop.until([&] { return server.last<role::QueryIn>() != nullptr; });
  // Twice each side's verdict runs out and is made anew, while the question waits.
  for (int n = 0; n < 2; ++n) {
    const auto at_client = client.window(), at_server = server.window();
    loop.until([&] { return client.window() != at_client && server.window() != at_server; });
  }
  const auto* asked = server.last<role::QueryIn>();
  server.shell->apply(role::Answer{asked->link, asked->id, Bytes{5, 6, 7, 8}});
  loop.until([&] { return client.last<role::QueryDone>() != nullptr; });
  ASSERT_TRUE(client.last<role::QueryDone>()->result);
  EXPECT_EQ(*client.last<role::QueryDone>()->result, (Bytes{5, 6, 7, 8}));
  EXPECT_EQ(client.last<role::LinkDown>(), nullptr);
  EXPECT_EQ(server.last<role::LinkDown>(), nullptr);
}

TEST_F(ShellTest, APeerWhoseEvidenceNoLongerHoldsIsLeftWithTheReason) {
  connect(wall_clock() - kPlatformLife + 4s);
  const auto link = client.last<role::LinkUp>()->link;
  client.shell->apply(role::SendQuery{link, 5, Bytes{1, 2, 3, 4}, 60s});
  loop.until([&] { return client.last<role::LinkDown>() != nullptr; });
  EXPECT_EQ(client.last<role::LinkDown>()->link, link);
  EXPECT_THAT(client.last<role::LinkDown>()->reason, HasSubstr("not valid at"));
  ASSERT_NE(client.last<role::QueryDone>(), nullptr) << "what ran over the link is told";
  EXPECT_FALSE(client.last<role::QueryDone>()->result);
}

// Another verifier takes the page, and nothing else, and comes to the same result.
TEST_F(ShellTest, ThePageIsEnoughToJudgeFromScratch) {
  policy.verdict_lifetime = Duration::max();
  connect();
  CommonConfig config("verifier", 0);
  config.simulated_root = (directory / "root.pem").string();
  const auto trust = make_trust(config).value();
  // The session too, where there is one.
  const auto judge = [&](const Node& witness, const std::string& peer, const std::string& image) {
    const auto presented = tee::read_presented(as_bytes(witness.shell->attestation()), wall_clock(), peer);
    ASSERT_TRUE(presented) << presented.error().what;
    auto strict = policy;
    strict.session_binding = !peer.empty();
    strict.image_hashes = {tee::image_hash(tee::simulated_measurements(image))};
    const auto verdict = tee::judge_presented(*presented, strict, trust, wall_clock(), {});
    EXPECT_TRUE(verdict.accepted) << verdict.problem;
    EXPECT_EQ(verdict.session_bound, !peer.empty());
  };
  const auto address = [](const Node& witness) { return std::string(witness.peer().at("address").as_string()); };
  judge(server, "", "image of server");
  judge(client, address(client), "image of server");
  judge(server, address(server), "image of client");
  for (const auto& verdict : {client.peer().at("verdict"), server.page().at("self").at("verdict")})
    EXPECT_TRUE(verdict.at("accepted").as_bool());
  EXPECT_TRUE(client.peer().at("verdict").at("flags").at("session_bound").as_bool());
}

// --- [tee] gpus

class Gpus : public ::testing::Test {
 protected:
  Gpus() {
    config.tee = "simulated";
    config.image = "image";
    config.tee_directory = directory.string();
    EXPECT_TRUE(
        tee::SimulatedRoot::create(random, wall_clock(), "test").make_platform(random, wall_clock()).save(directory));
    ::setenv("NVML_TESTING_OFF", "1", 1);
  }
  ~Gpus() override { fs::remove_all(directory); }
  std::string refused() {
    const auto made = make_session_attester(config, random);
    return made ? "" : made.error().what;
  }

  crypto::Random random{Bits256{}};
  fs::path directory = fs::temp_directory_path() / ("cocoon-gpus-" + std::to_string(::getpid()));
  CommonConfig config{"worker", 0};
};

TEST_F(Gpus, ThatCannotShowEvidenceAreSaidAtTheStart) {
  EXPECT_EQ(refused(), "");
  config.gpus = COCOON_NVML_TESTING;
  EXPECT_THAT(refused(), HasSubstr("tee.gpus"));
  config.gpus = "/nowhere/libnvidia-ml.so.1";
  EXPECT_THAT(refused(), HasSubstr("cannot be opened"));
}

TEST_F(Gpus, WithoutAMachineAreNothing) {
  config.tee = "none";
  EXPECT_EQ(refused(), "");
  config.gpus = "nvml";
  EXPECT_NE(refused(), "");
}

}  // namespace
}  // namespace cocoon::node
