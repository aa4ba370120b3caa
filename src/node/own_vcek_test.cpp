#include "node/own_vcek.hpp"

#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

#include <gtest/gtest.h>
#include <unistd.h>

#include "node/collateral_testing.hpp"
#include "tee/snp_testing.hpp"

namespace cocoon::node {
namespace {

namespace fs = std::filesystem;
using tee::testing::Machine;

// The service has a thread of its own: who asks blocks.
class OwnVcek : public ::testing::Test {
 protected:
  template <class Work>
  auto on_server(Work work) {
    std::packaged_task<decltype(work())()> task(std::move(work));
    auto result = task.get_future();
    net::asio::post(io, [task = std::move(task)]() mutable { task(); });
    return result.get();
  }
  OwnVcek() {
    server = on_server([&] { return std::make_unique<testing::CollateralServer>(io.get_executor(), files()); });
    serve([this](auto& s) { s.vcek = vcek_of(machine); });
  }
  ~OwnVcek() override {
    serve([](auto& s) { s.close(); });
    guard.reset();
    thread.join();
    fs::remove_all(directory);
  }
  static tee::IntelCollateralFiles files() { return {}; }
  static Bytes vcek_of(const Machine& of) { return Machine::endorse(of.endorsement_spec()); }
  void serve(std::function<void(testing::CollateralServer&)> change) {
    on_server([&] { change(*server); });
  }
  std::vector<std::string> asked() {
    return on_server([&] { return std::exchange(server->targets, {}); });
  }
  evidence::Endorse make(net::Millis patience = net::Millis(20'000)) {
    OwnVcekOptions options;
    options.service = server->url();
    options.directory = directory;
    options.patience = patience;
    return own_vcek(options, [this] { return now; });
  }
  Bytes report() const { return Machine::sign(machine.unsigned_report()); }
  std::string refusal(const Result<std::string>& result) {
    EXPECT_FALSE(result);
    return result ? "" : result.error().what;
  }

  net::asio::io_context io{1};
  net::asio::executor_work_guard<net::asio::io_context::executor_type> guard{io.get_executor()};
  std::thread thread{[this] { io.run(); }};
  std::unique_ptr<testing::CollateralServer> server;
  Machine machine{"Genoa"};
  Time now = tee::testing::kNow;
  std::string directory = (fs::temp_directory_path() / ("cocoon-own-vcek-" + std::to_string(::getpid()))).string();
};

TEST_F(OwnVcek, IsFetchedOnceAndKeptOnDisk) {
  const auto endorse = make();
  const auto pem = tee::write_pem(vcek_of(machine), "CERTIFICATE");
  const auto found = endorse(report());
  ASSERT_TRUE(found) << found.error().what;
  EXPECT_TRUE(endorse(report()));
  std::string chip;
  for (int i = 1; i <= 64; ++i) chip += fmt::format("{:02x}", i);
  EXPECT_EQ(asked(),
            (std::vector<std::string>{"/vcek/v1/Genoa/" + chip + "?blSPL=10&teeSPL=00&snpSPL=23&ucodeSPL=84"}));
  // The node starts again without a network.
  serve([](auto& s) { s.broken = true; });
  const auto again = make()(report());
  ASSERT_TRUE(again) << again.error().what;
  EXPECT_EQ(*again, *found);
  EXPECT_TRUE(asked().empty());
  // New firmware: another VCEK, and what is kept is not it.
  machine.tcb[7] += 1;
  EXPECT_NE(refusal(make()(report())).find("503"), std::string::npos);
  serve([this](auto& s) {
    s.broken = false;
    s.vcek = to_bytes(tee::write_pem(vcek_of(machine), "CERTIFICATE"));  // some mirrors give PEM
  });
  EXPECT_TRUE(make()(report()));
}

TEST_F(OwnVcek, WhatIsKeptAndDoesNotFitIsFetchedAnew) {
  ASSERT_TRUE(make()(report()));
  ASSERT_EQ(asked().size(), 1u);
  Machine other = machine;
  other.chip_id[63] ^= 1;
  for (const auto& spoilt : {tee::write_pem(vcek_of(other), "CERTIFICATE"), std::string("-----BEGIN CERTIF")}) {
    for (const auto& file : fs::directory_iterator(directory)) std::ofstream(file.path()) << spoilt;
    EXPECT_TRUE(make()(report()));
    EXPECT_EQ(asked().size(), 1u);
    EXPECT_TRUE(make()(report()));
    EXPECT_TRUE(asked().empty());
  }
}

TEST_F(OwnVcek, AnotherChipsIsRefusedAndNotKept) {
  Machine other = machine;
  other.chip_id[9] ^= 1;
  serve([&](auto& s) { s.vcek = vcek_of(other); });
  EXPECT_NE(refusal(make()(report())).find("chip-id"), std::string::npos);
  serve([](auto& s) { s.vcek = to_bytes("<html>"); });
  EXPECT_NE(refusal(make()(report())).find("endorsement"), std::string::npos);
  EXPECT_FALSE(fs::exists(directory));
}

TEST_F(OwnVcek, AServiceThatCannotHelpIsLeftAloneForAsLongAsItSays) {
  serve([](auto& s) { s.retry_after = 120; });
  const auto endorse = make();
  auto what = refusal(endorse(report()));
  EXPECT_NE(what.find("429"), what.npos) << what;
  EXPECT_NE(what.find("120 s"), what.npos) << what;
  EXPECT_EQ(asked().size(), 1u);
  serve([](auto& s) { s.retry_after = 0; });
  now += std::chrono::seconds(119);
  EXPECT_EQ(refusal(endorse(report())), what);
  EXPECT_TRUE(asked().empty());
  now += std::chrono::seconds(1);
  EXPECT_TRUE(endorse(report()));
  EXPECT_EQ(asked().size(), 1u);

  fs::remove_all(directory);
  serve([](auto& s) { s.hangs = testing::CollateralServer::Hang::in_body; });
  const auto hasty = make(net::Millis(100));
  what = refusal(hasty(report()));
  EXPECT_NE(what.find("in time"), what.npos) << what;
  EXPECT_EQ(refusal(hasty(report())), what);
  EXPECT_EQ(asked().size(), 1u);
}

TEST_F(OwnVcek, WhatNamesNoVcekIsNotAskedFor) {
  machine.chip_id = {};
  const auto what = refusal(make()(report()));
  EXPECT_NE(what.find("masks the chip id"), what.npos) << what;
  EXPECT_TRUE(asked().empty());
  EXPECT_FALSE(own_vcek({})) << "without a service";
}

}  // namespace
}  // namespace cocoon::node
