// Watched accounts of a living chain.
#include "node/chain_watcher.hpp"

#include <gtest/gtest.h>

#include "devnet/server.hpp"
#include "net/testing.hpp"

namespace cocoon::node {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kWindow = 8;

class ChainWatcherTest : public ::testing::Test {
 protected:
  void SetUp() override {
    devnet::DevnetSettings settings;
    settings.listen = "127.0.0.1:0";
    settings.key.fill(0x17);
    settings.block_interval = std::chrono::hours(1);  // blocks come when a test asks
    settings.chain.treasury_seed.fill(0x42);
    auto made = devnet::DevnetServer::start(loop.io.get_executor(), std::move(settings));
    ASSERT_TRUE(made) << made.error().what;
    server = std::move(*made);
    account.hash.data()[0] = 1;
    watcher = make_watcher();
  }
  void TearDown() override {
    watcher.reset();
    server.reset();
    loop.settle();
  }

  std::unique_ptr<ChainWatcher> make_watcher() {
    ChainWatcher::Sink sink;
    sink.observed = [this](role::AccountObserved e) { seen.push_back(std::move(e)); };
    sink.external = [](const role::ExternalResult&) {};
    return std::make_unique<ChainWatcher>(loop.io.get_executor(),
                                          ton_client::Options{server->address(), server->public_key()}, milliseconds(1),
                                          crypto::Random({}), std::move(sink), kWindow);
  }
  void pay(std::size_t times) {
    for (std::size_t i = 0; i < times; ++i) ASSERT_TRUE(server->faucet(account, 1'000'000));
    ASSERT_TRUE(server->make_block());
  }
  // Waits for the event that brings the account's state; says how many transactions came in each event.
  std::vector<std::size_t> until_state() {
    loop.until([&] { return !seen.empty() && !seen.back().more; });
    std::vector<std::size_t> counts;
    counts.reserve(seen.size());
    for (const auto& e : seen) counts.push_back(e.transactions.size());
    return counts;
  }
  // All transactions told since the last call are a chain without a gap.
  void expect_unbroken() {
    for (const auto& e : seen)
      for (const auto& t : e.transactions) {
        EXPECT_EQ(t.prev_lt, last_lt);
        last_lt = t.lt;
      }
  }

  net::testing::Loop loop;
  std::unique_ptr<devnet::DevnetServer> server;
  std::unique_ptr<ChainWatcher> watcher;
  ton::Address account;
  std::vector<role::AccountObserved> seen;
  std::uint64_t last_lt = 0;
};

TEST_F(ChainWatcherTest, TellsEveryTransactionOnBothSidesOfTheWindow) {
  pay(1);
  watcher->watch({account, 1});
  EXPECT_EQ(until_state(), (std::vector<std::size_t>{1}));
  expect_unbroken();
  const std::vector<std::vector<std::size_t>> expected{{7}, {8}, {8, 1}, {8, 8}, {8, 8, 8, 3}};
  for (const auto& parts : expected) {
    seen.clear();
    std::size_t total = 0;
    for (const auto n : parts) total += n;
    pay(total);
    auto counts = until_state();
    std::sort(counts.rbegin(), counts.rend());  // the newest part, told first in walking back, may be the short one
    EXPECT_EQ(counts, parts);
    for (std::size_t i = 0; i < seen.size(); ++i) {
      EXPECT_EQ(seen[i].more, i + 1 < seen.size());
      EXPECT_EQ(seen[i].account.has_value(), i + 1 == seen.size());
    }
    expect_unbroken();
  }
}

TEST_F(ChainWatcherTest, SaysThatAWatchFromNowOnKnowsNoHistory) {
  pay(3);
  watcher->watch({account, 0});
  EXPECT_EQ(until_state(), (std::vector<std::size_t>{0}));
  EXPECT_FALSE(seen.back().complete);
}

TEST_F(ChainWatcherTest, StopsInTheMiddleWhenNobodyWatchesAnyMore) {
  pay(1);
  watcher->watch({account, 1});
  until_state();
  seen.clear();
  pay(5 * kWindow);
  loop.until([&] { return !seen.empty(); });
  EXPECT_TRUE(seen.back().more);
  watcher->unwatch({account});
  ton::Address other = account;
  other.hash.data()[0] = 2;
  watcher->watch({other, 0});
  until_state();
  EXPECT_EQ(seen.back().address, other);
  EXPECT_EQ(seen.size(), 2u) << "one part before, and the other account";
}

// Its coroutines have been spawned, and none has run yet.
TEST_F(ChainWatcherTest, MayBeDestroyedBeforeItEverRan) {
  auto brief = make_watcher();
  brief->send({Bytes(3), {}});
  brief.reset();
  loop.settle();
  pay(1);
  watcher->watch({account, 0});
  until_state();
}

}  // namespace
}  // namespace cocoon::node
