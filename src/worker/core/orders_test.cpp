// Payouts that the operator orders, and those of contracts of earlier parameters (contracts.md 1.6; role/operator.hpp).
#include <gmock/gmock.h>

#include "worker/core/testdata/world.hpp"

namespace cocoon::worker {
namespace {

using role::OrderKind;
using testdata::all;
using testdata::kTon;
using testdata::only;
using testdata::World;
using testing::HasSubstr;
using namespace std::chrono_literals;

// So much signed, nothing paid, a wallet that can pay.
void owe(World& w, std::uint64_t tokens) {
  w.become_ready();
  w.observe_contract(0);
  const auto n = static_cast<std::int64_t>(tokens);
  w.packet(w.request_payment(tokens, n, n));
  w.observe_wallet(5 * kTon);
}

TEST(WorkerOrders, APayoutIsSentAtOnceAndOverWhenTheContractShowsIt) {
  World w;
  owe(w, 1000);
  const auto dry = only<role::OrderAnswer>(w.handle(role::Order{1, OrderKind::worker_payout, {}, 0, true}));
  ASSERT_TRUE(dry.plan) << dry.plan.error().what;
  EXPECT_EQ(dry.plan->messages.at(0).arrives, 1000U * 18);
  EXPECT_EQ(dry.plan->messages.at(0).arrives_at, w.config.money.owner);
  EXPECT_EQ(dry.plan->messages.at(0).attached, kTon / 2);
  EXPECT_TRUE(all<role::SendExternal>(w.tick(1s)).empty());

  const auto effects = w.handle(role::Order{2, OrderKind::worker_payout, {}, 0, false});
  ASSERT_TRUE(only<role::OrderAnswer>(effects).plan);
  EXPECT_EQ(all<role::SendExternal>(effects).size(), 1U);
  EXPECT_TRUE(all<role::OrderDone>(effects).empty());
  // The message is still in the wallet's queue; that the proxy pays meanwhile does not matter.
  EXPECT_TRUE(all<role::OrderDone>(w.observe_contract(500)).empty());
}

TEST(WorkerOrders, TheProxysPayoutDoesAsWell) {
  World w;
  owe(w, 1000);
  w.observe_wallet(0);
  EXPECT_THAT(
      only<role::OrderAnswer>(w.handle(role::Order{1, OrderKind::worker_payout, {}, 0, false})).plan.error().what,
      HasSubstr("needs at least"));
  w.observe_contract(1000);
  EXPECT_THAT(
      only<role::OrderAnswer>(w.handle(role::Order{2, OrderKind::worker_payout, {}, 0, false})).plan.error().what,
      HasSubstr("nothing is signed and unpaid"));
}

TEST(WorkerOrders, OtherRolesOrdersAreRefused) {
  World w;
  owe(w, 1000);
  EXPECT_FALSE(only<role::OrderAnswer>(w.handle(role::Order{1, OrderKind::client_close, {}, 0, false})).plan);
}

TEST(WorkerOrders, WhatAnEarlierContractOwesIsFetchedAfterHalfTheClientsDelay) {
  World w;
  w.root.params.client_delay_before_close = 1000;
  const auto hundredth = kTon / 100 / 18 + 1;
  owe(w, hundredth);
  EXPECT_TRUE(all<role::SendExternal>(w.tick(1h)).empty()) << "far below the threshold of a contract in use";
  w.root.version = 4;
  w.root.params.params_version = 6;
  w.observe_root();
  EXPECT_TRUE(all<role::SendExternal>(w.tick(499s)).empty()) << "the proxy is given its time";
  EXPECT_EQ(all<role::SendExternal>(w.tick(2s)).size(), 1U);
}

}  // namespace
}  // namespace cocoon::worker
