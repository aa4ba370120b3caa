// What an operator orders, and how a client contract is closed (contracts.md 3.9; role/operator.hpp).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/core/testdata/world.hpp"

namespace cocoon::client {
namespace {

using role::OrderKind;
using testdata::all;
using testdata::World;
using testing::HasSubstr;
using namespace std::chrono_literals;
using ton::kTon;

role::OrderAnswer answer_in(const Effects& effects) {
  const auto answers = all<role::OrderAnswer>(effects);
  EXPECT_EQ(answers.size(), 1U);
  return answers.empty() ? role::OrderAnswer{} : answers.front();
}

struct Ordered : World {
  Effects effects;  // all that followed
  role::OrderAnswer order(OrderKind kind, std::uint64_t amount = 0, bool dry_run = false) {
    effects = settle(handle(role::Order{++orders, kind, {}, amount, dry_run}));
    return answer_in(effects);
  }
  // The outcome, once.
  std::optional<Result<std::string>> outcome() {
    const auto done = all<role::OrderDone>(effects);
    EXPECT_LE(done.size(), 1U);
    if (done.empty()) return std::nullopt;
    EXPECT_EQ(done.front().id, orders);
    return done.front().outcome;
  }
  ton::ClientState& state() { return chain.clients.at(contract()); }
  // Time goes on, on chain too.
  void wait(std::chrono::seconds s) {
    chain.time += s.count();
    effects = settle(tick(s));
    for (auto& e : settle(observe_contract())) effects.push_back(std::move(e));
  }
  role::OrderId orders = 0;
};

TEST(ClientOrders, ADryRunPlansTheSameAndSendsNothing) {
  Ordered w;
  w.become_ready();
  const auto dry = w.order(OrderKind::client_top_up, 3 * kTon, true);
  EXPECT_TRUE(all<role::SendExternal>(w.effects).empty());
  EXPECT_FALSE(w.outcome());
  const auto real = w.order(OrderKind::client_top_up, 3 * kTon);
  ASSERT_TRUE(dry.plan && real.plan);
  ASSERT_EQ(dry.plan->messages.size(), 1U);
  const auto& m = dry.plan->messages[0];
  EXPECT_EQ(m.operation, "client_top_up");
  EXPECT_EQ(m.to, w.contract());
  EXPECT_EQ(m.moved, 3 * kTon);
  EXPECT_EQ(m.attached, w.chain.log.at(0).value) << "what was planned is what was sent";
  EXPECT_EQ(real.plan->messages[0].attached, m.attached);
  ASSERT_TRUE(w.outcome() && *w.outcome());
  EXPECT_THAT(**w.outcome(), HasSubstr("holds 5.000 TON"));
}

TEST(ClientOrders, WhatTheWalletCannotPayIsRefusedWithTheReason) {
  Ordered w;
  w.become_ready();
  const auto answer = w.order(OrderKind::client_top_up, 100 * kTon);
  ASSERT_FALSE(answer.plan);
  EXPECT_THAT(answer.plan.error().what, HasSubstr("100.700 TON and fees are needed"));
  EXPECT_TRUE(w.chain.log.empty());
}

TEST(ClientOrders, AFailureOnChainIsTheOutcome) {
  Ordered w;
  w.become_ready();
  w.chain.failures = 1;
  ASSERT_TRUE(w.order(OrderKind::client_top_up, kTon).plan);
  ASSERT_TRUE(w.outcome());
  ASSERT_FALSE(*w.outcome());
  EXPECT_THAT(w.outcome()->error().what, HasSubstr("exit code 1001"));
}

TEST(ClientOrders, AWithdrawalIsOverWhenTheWalletHasIt) {
  Ordered w;
  w.become_ready();  // 2 TON, stake 1
  w.chain.proxy_pays = false;
  const auto answer = w.order(OrderKind::client_withdraw);
  ASSERT_TRUE(answer.plan) << answer.plan.error().what;
  EXPECT_EQ(answer.plan->messages.at(0).arrives, kTon);
  EXPECT_EQ(w.state().balance, kTon);
  EXPECT_FALSE(w.outcome()) << "our contract has done its part, the coins have not come";
  EXPECT_EQ(w.core.status(w.now).money.contracts.at(0).refund_due, kTon);
  w.wait(200s);
  ASSERT_TRUE(w.outcome());
  EXPECT_THAT(w.outcome()->error().what, HasSubstr("did not arrive"));

  w.state().balance = 2 * kTon;
  w.settle(w.observe_contract());
  w.chain.proxy_pays = true;
  ASSERT_TRUE(w.order(OrderKind::client_withdraw).plan);
  ASSERT_TRUE(w.outcome() && *w.outcome());
  EXPECT_THAT(**w.outcome(), HasSubstr("1.000 TON arrived"));
  const auto again = w.order(OrderKind::client_withdraw);
  EXPECT_FALSE(again.plan) << "nothing is above the stake";
}

TEST(ClientOrders, TheStakeOnlyGrows) {
  Ordered w;
  w.become_ready();
  EXPECT_FALSE(w.order(OrderKind::client_stake, kTon).plan);
  ASSERT_TRUE(w.order(OrderKind::client_stake, 3 * kTon / 2).plan);
  EXPECT_EQ(w.state().stake, 3 * kTon / 2);
  ASSERT_TRUE(w.outcome() && *w.outcome());
}

TEST(ClientOrders, ClosingEndsWithTheProxysGrant) {
  Ordered w;
  w.become_ready();
  ASSERT_TRUE(w.order(OrderKind::client_close).plan);
  EXPECT_EQ(w.state().state, ton::ContractState::closing);
  EXPECT_FALSE(w.outcome());
  // Nothing is put in any more, however low it is.
  w.state().balance = 0;
  w.wait(10s);
  EXPECT_EQ(w.chain.log.size(), 1U);
  EXPECT_FALSE(w.order(OrderKind::client_top_up, kTon).plan);
  w.orders = 1;
  w.state().balance = kTon;
  w.effects.clear();
  for (const auto& seen : w.chain.grant(w.contract(), 1000, 20))
    for (auto& e : w.handle(seen)) w.effects.push_back(std::move(e));
  ASSERT_TRUE(w.outcome() && *w.outcome()) << (w.outcome() ? w.outcome()->error().what : "no outcome");
  EXPECT_EQ(w.state().balance, 0U);
}

TEST(ClientOrders, ARefundIsForcedAfterTheDelayIfTheStakeCoversIt) {
  Ordered w;
  w.become_ready();
  ASSERT_TRUE(w.order(OrderKind::client_close).plan);
  w.chain.proxy_stake = 5 * kTon;
  w.observe_proxy();
  w.wait(300s);
  EXPECT_EQ(w.state().state, ton::ContractState::closing) << "the contract wants its time to be over";
  w.wait(20s);
  EXPECT_EQ(w.state().state, ton::ContractState::closed);
  ASSERT_TRUE(w.outcome() && *w.outcome());
  EXPECT_GT(w.chain.balance, 20 * kTon);
}

// What it used may have been paid to workers: the contract would refund it all the same, out of others' deposits.
TEST(ClientOrders, BeforeARefundIsForcedWhatWasUsedIsCharged) {
  Ordered w;
  w.become_ready();
  w.packet(wire::proxy::SignedPayment{w.payment_for(10'000)});
  const auto price = w.root.params.price_per_token;
  w.state().state = ton::ContractState::closing;
  w.state().unlock_ts = static_cast<std::uint32_t>(w.chain.time) - 20;
  w.settle(w.observe_contract());
  const auto plan = w.order(OrderKind::client_close, 0, true).plan;
  ASSERT_TRUE(plan) << plan.error().what;
  ASSERT_EQ(plan->messages.size(), 2U);
  EXPECT_EQ(plan->messages[0].operation, "client_charge_signed");
  EXPECT_EQ(plan->messages[1].arrives, 2 * kTon - 10'000 * price);
  w.chain.proxy_stake = 5 * kTon;
  w.settle(w.observe_proxy());
  w.wait(1s);
  ASSERT_EQ(w.chain.log.size(), 2U);
  EXPECT_EQ(w.chain.log[0].opcode, ton::op::client_charge_signed);
  EXPECT_EQ(w.chain.log[1].opcode, ton::op::client_request_refund);
  EXPECT_EQ(w.state().tokens_used, 10'000U);
  EXPECT_EQ(w.state().state, ton::ContractState::closed);
}

TEST(ClientOrders, AContractThatIsClosingAlreadyIsClosedAfterARestart) {
  Ordered w;
  w.become_ready();
  w.state().state = ton::ContractState::closing;
  w.state().unlock_ts = static_cast<std::uint32_t>(w.chain.time) + 50;
  EXPECT_EQ(all<role::Watch>(w.observe_contract()).size(), 1U) << "the proxy contract's stake matters now";
  w.chain.proxy_stake = 5 * kTon;
  w.observe_proxy();
  w.wait(100s);
  EXPECT_EQ(w.state().state, ton::ContractState::closed);
}

TEST(ClientOrders, ContractsOfEarlierParametersAreClosedInTime) {
  auto root = testdata::make_root();
  root.params.proxy_delay_before_close = 1000;
  root.params.client_delay_before_close = 400;
  Ordered w{{.root = root}};
  w.become_ready();
  const auto old = w.contract();
  w.root.version = 4;
  w.root.params.params_version = 6;
  w.observe_root();
  w.chain.time += 299;
  w.settle(w.tick(299s));
  EXPECT_EQ(w.chain.clients.at(old).state, ton::ContractState::normal) << "the proxy is given its time";
  w.chain.time += 2;
  w.settle(w.tick(2s));
  EXPECT_EQ(w.chain.clients.at(old).state, ton::ContractState::closing);
}

TEST(ClientOrders, AContractOfEarlierParametersIsClosedThoughTheProcessThatMetItDied) {
  auto root = testdata::make_root();
  root.params.proxy_delay_before_close = 1000;
  root.params.client_delay_before_close = 400;
  Ordered w{{.root = root}};
  w.become_ready();
  const auto old = w.contract();
  const auto old_proxy = w.instance().address();
  ASSERT_TRUE(w.disk.contains(old));
  // Meanwhile the parameters change and the proxy goes.
  w.restart();
  w.root.version = 4;
  w.root.params.params_version = 6;
  w.root.registered_proxies.clear();
  w.tick();
  w.observe_root();
  w.observe_wallet();
  w.handle(w.chain.contract(old));
  EXPECT_EQ(w.core.status(w.now).money.contracts.size(), 1U);
  w.chain.time += 301;
  w.settle(w.tick(301s));
  EXPECT_EQ(w.chain.clients.at(old).state, ton::ContractState::closing);
  EXPECT_TRUE(w.disk.contains(old)) << "its refund is still to be forced";
  w.chain.clients.at(old).balance = 0;
  w.chain.clients.at(old).state = ton::ContractState::closed;
  w.handle(w.chain.contract(old));
  const auto effects = w.tick(1s);
  w.tick(200s);  // the wait for the refund is over
  EXPECT_FALSE(w.disk.contains(old)) << "nothing is left in it";
  EXPECT_TRUE(w.core.status(w.now).money.contracts.empty());
  EXPECT_NE(old_proxy, w.instance().address());
}

TEST(ClientOrders, UnknownContractsAndOtherRolesOrdersAreRefused) {
  Ordered w;
  const auto refused = [&](const role::Order& o) { return answer_in(w.handle(o)).plan.error().what; };
  EXPECT_THAT(refused({1, OrderKind::client_close, {}, 0, false}), HasSubstr("connected to no proxy"));
  w.become_ready();
  EXPECT_THAT(refused({2, OrderKind::client_close, ton::Address{0, testdata::filled(9)}, 0, false}),
              HasSubstr("no contract at"));
  EXPECT_THAT(refused({3, OrderKind::worker_payout, {}, 0, false}), HasSubstr("does not take"));
}

TEST(Weakness, W01_ARefundThatTheProxysStakeDoesNotCoverIsNotForcedByItself) {
  Ordered w;
  w.become_ready();
  ASSERT_TRUE(w.order(OrderKind::client_close).plan);
  w.chain.proxy_stake = kTon / 2;  // less than the stake of the client that is left in the contract
  w.observe_proxy();
  w.wait(400s);
  EXPECT_EQ(w.state().state, ton::ContractState::closing) << "the claim would be erased for half of it";
  // The operator may insist.
  ASSERT_TRUE(w.order(OrderKind::client_close).plan);
  w.wait(1s);
  EXPECT_EQ(w.state().state, ton::ContractState::closed);

  // A proxy contract that refunds out of deposits needs no stake.
  auto config = World::make_config();
  config.money.refunding_proxy_code = contract_code::proxy().hash();
  Ordered v{{.config = config}};
  v.become_ready();
  ASSERT_TRUE(v.order(OrderKind::client_close).plan);
  v.observe_proxy();
  v.wait(400s);
  EXPECT_EQ(v.state().state, ton::ContractState::closed);
}

// Whatever is attached, the contract keeps its floor and sends the rest back: the address for it is our wallet's.
TEST(Weakness, W03_OnlyTheFloorStaysInAClientContract) {
  Ordered w;
  const auto target = w.dialled();
  w.chain.balance = 20 * kTon;
  w.observe_wallet();
  auto effects = w.link_up(target);
  w.settle(w.answer(World::token_of(effects), w.hello(wire::client::ProxyConnectionAuthLong{.nonce = 5})));
  w.settle(w.observe_contract());
  ASSERT_FALSE(w.chain.log.empty());
  EXPECT_TRUE(w.chain.log[0].deploys);
  EXPECT_EQ(ton::parse_body<ton::ClientRegister>(w.chain.log[0].body)->excesses_to, w.money_wallet());
}

TEST(Weakness, W15_IncreaseStakeCarriesTheStakeAndCloseAQueryId) {
  Ordered w;
  w.become_ready();
  ASSERT_TRUE(w.order(OrderKind::client_stake, 2 * kTon).plan);
  const auto sent = ton::parse_body<ton::ClientIncreaseStake>(w.chain.log.at(0).body);
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->amount, 2 * kTon);
  EXPECT_NE(sent->query_id, 0U);
  const auto close = ton::build_body(ton::ProxyClose{77, w.money_wallet()});
  EXPECT_EQ(ton::read_body_header(close)->query_id, 77U);
}

TEST(Weakness, W16_AFailedTopUpLeavesNoExpectation) {
  Ordered w;
  w.become_ready();
  w.state().balance = 0;
  w.chain.failures = 1;
  w.effects = w.settle(w.observe_contract());
  EXPECT_EQ(w.core.status(w.now).money.contracts.at(0).state->balance, 0U);
  EXPECT_FALSE(w.core.status(w.now).ready) << "the contract's state says that nothing is there";
  w.wait(11s);
  EXPECT_EQ(w.state().balance, kTon) << "and it is tried again";
}

}  // namespace
}  // namespace cocoon::client
