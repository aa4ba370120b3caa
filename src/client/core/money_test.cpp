// Wallet, contract, payments (contracts.md 1.6, 3.4, 3.8).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/core/testdata/world.hpp"

namespace cocoon::client {
namespace {

using testdata::all;
using testdata::filled;
using testdata::only;
using testdata::World;
using testing::HasSubstr;
using namespace std::chrono_literals;
using ton::kTon;

std::vector<std::uint32_t> opcodes(const World& w) {
  std::vector<std::uint32_t> out;
  out.reserve(w.chain.log.size());
  for (const auto& m : w.chain.log) out.push_back(m.opcode);
  return out;
}

// A client that nobody knows yet, with money in its wallet, up to the long authorisation.
void arrive(World& w, std::uint64_t balance) {
  const auto target = w.dialled();
  w.chain.balance = balance;
  w.observe_wallet();
  auto effects = w.link_up(target);
  w.settle(w.answer(World::token_of(effects), w.hello(wire::client::ProxyConnectionAuthLong{.nonce = 5})));
  w.settle(w.observe_contract());
}

TEST(ClientMoney, DeploysAndRegistersThenTopsUpWithTheSecret) {
  World w;
  arrive(w, 20 * kTon);
  EXPECT_EQ(opcodes(w),
            (std::vector<std::uint32_t>{ton::op::client_register, ton::op::client_change_secret_and_top_up}));
  EXPECT_TRUE(w.chain.log[0].deploys);
  EXPECT_FALSE(w.chain.log[1].deploys);
  const auto& state = w.chain.clients.at(w.contract());
  EXPECT_EQ(state.balance, kTon);
  EXPECT_EQ(state.secret_hash, crypto::sha256(as_bytes(w.config.secret)));
  EXPECT_EQ(w.chain.log[1].value, kTon + w.config.money.gas);
  EXPECT_EQ(w.core.status(w.now).money.contracts.at(0).operation, "");
}

TEST(ClientMoney, RegistersFirstAndTopsUpWhenTheWalletCan) {
  World w;
  arrive(w, 5 * kTon / 2);  // enough to register, too little to top up
  EXPECT_EQ(opcodes(w), (std::vector<std::uint32_t>{ton::op::client_register}));
  EXPECT_THAT(w.core.status(w.now).waiting_for, HasSubstr("it needs at least 2.10"));
  w.chain.balance += 10 * kTon;
  w.settle(w.observe_wallet());
  EXPECT_EQ(opcodes(w).size(), 2U);
  EXPECT_EQ(w.chain.clients.at(w.contract()).balance, kTon);
}

TEST(ClientMoney, KeepsHalfAStakePaidAhead) {
  World w;
  w.become_ready();
  auto& state = w.chain.clients.at(w.contract());
  state.balance = kTon / 2;
  EXPECT_TRUE(all<role::SendExternal>(w.observe_contract()).empty());
  state.balance = kTon / 2 - 1;
  const auto effects = w.settle(w.observe_contract());
  EXPECT_EQ(opcodes(w), (std::vector<std::uint32_t>{ton::op::client_top_up}));
  EXPECT_EQ(state.balance, kTon / 2 - 1 + kTon);
}

TEST(ClientMoney, TopsUpByMultiplesOfThePriceAndAtLeastOneToken) {
  for (const auto& [price, amount] :
       std::map<std::uint64_t, std::uint64_t>{{7, kTon - kTon % 7}, {3 * kTon, 3 * kTon}, {0, kTon}, {kTon, kTon}}) {
    World w;
    w.root.params.price_per_token = price;
    arrive(w, 50 * kTon);
    ASSERT_EQ(w.chain.log.size(), 2U) << price;
    EXPECT_EQ(ton::parse_body<ton::ClientChangeSecretAndTopUp>(w.chain.log[1].body)->amount, amount) << price;
  }
}

TEST(ClientMoney, WritesTheSecretAloneWhenThereIsEnoughMoney) {
  World w;
  w.become_ready();
  w.chain.clients.at(w.contract()).secret_hash = filled(9);
  w.settle(w.observe_contract());
  EXPECT_EQ(opcodes(w), (std::vector<std::uint32_t>{ton::op::client_change_secret}));
  EXPECT_EQ(w.chain.clients.at(w.contract()).secret_hash, crypto::sha256(as_bytes(w.config.secret)));
}

TEST(ClientMoney, WithoutAutomaticTopUpOnlyTheOwnerPays) {
  auto config = World::make_config();
  config.money.auto_top_up = false;
  World w{.config = config};
  arrive(w, 20 * kTon);
  EXPECT_EQ(opcodes(w), (std::vector<std::uint32_t>{ton::op::client_register, ton::op::client_change_secret}));
  EXPECT_THAT(w.core.status(w.now).waiting_for, HasSubstr("waiting for the chain to show our registration"));
}

TEST(ClientMoney, FailedOperationsAreTriedAgainEverMoreSlowly) {
  World w;
  w.become_ready();
  w.chain.clients.at(w.contract()).balance = 0;
  w.chain.failures = 4;
  w.settle(w.observe_contract());
  std::vector<long> gaps;
  auto last = w.now;
  while (w.chain.log.size() < 5) {
    const auto before = w.chain.log.size();
    w.now = std::max(w.core.wake_at(), w.now);
    w.settle(w.tick());
    if (w.chain.log.size() == before) continue;
    gaps.push_back(std::chrono::duration_cast<std::chrono::seconds>(w.now - last).count());
    last = w.now;
  }
  EXPECT_EQ(gaps, (std::vector<long>{10, 20, 40, 80}));
  EXPECT_EQ(w.chain.clients.at(w.contract()).balance, kTon);
}

TEST(ClientMoney, WhatShowsNoEffectIsTriedAgainButNeverWhileItWaitsInTheWallet) {
  World w;
  w.become_ready();
  w.chain.clients.at(w.contract()).balance = 0;
  const auto effects = w.observe_contract();
  // The external is not included for an hour: nothing is sent a second time.
  for (int i = 0; i < 60; ++i)
    for (const auto& again : all<role::SendExternal>(w.tick(60s)))
      EXPECT_EQ(again.body_hash, all<role::SendExternal>(effects).at(0).body_hash);
  // Now the wallet sends it, but the contract's transaction is never shown.
  const auto seen = w.chain.execute(all<role::SendExternal>(effects).at(0));
  w.handle(seen.at(0));
  EXPECT_TRUE(all<role::SendExternal>(w.tick(119s)).empty());
  EXPECT_TRUE(all<role::SendExternal>(w.tick(2s)).empty());
  EXPECT_EQ(all<role::SendExternal>(w.tick(11s)).size(), 1U);
}

TEST(ClientMoney, KeepsTheNewestPaymentThatVerifies) {
  World w;
  w.become_ready();
  const auto pay = [&](Bytes data) {
    return w.packet(wire::proxy::ClientRequestPayment{.request_id = {},
                                                      .signed_payment = wire::proxy::SignedPayment{std::move(data)},
                                                      .db_tokens = 10,
                                                      .max_tokens = 20,
                                                      .request_tokens = 1});
  };
  pay(w.payment_for(500));
  const auto signed_tokens = [&] { return w.core.status(w.now).money.contracts.at(0).signed_tokens; };
  EXPECT_EQ(signed_tokens(), 500U);
  pay(w.payment_for(400));
  EXPECT_EQ(signed_tokens(), 500U);
  auto forged = w.payment_for(900);
  forged[forged.size() - 8] ^= 1;
  EXPECT_EQ(all<role::Log>(pay(forged)).size(), 1U);
  EXPECT_TRUE(all<role::Log>(pay(Bytes(40, 0xff))).empty());  // told once
  w.packet(wire::proxy::SignedPayment{w.payment_for(501)});
  EXPECT_EQ(signed_tokens(), 501U);
  EXPECT_EQ(w.core.status(w.now).money.contracts.at(0).max_tokens, 20U);
}

TEST(ClientMoney, CountersOnlyGrowAndNeverGoNegative) {
  World w;
  w.become_ready();
  const auto status = [&](std::int64_t db, std::int64_t max) {
    const auto queries = all<role::SendQuery>(w.tick(25s));
    EXPECT_EQ(queries.size(), 1U);
    w.answer(queries.at(0).token,
             wire::client::PaymentStatus{
                 .signed_payment = wire::proxy::SignedPaymentEmpty{}, .db_tokens = db, .max_tokens = max});
    return w.core.status(w.now).money.contracts.at(0);
  };
  EXPECT_EQ(status(5, 9).max_tokens, 9U);
  EXPECT_EQ(status(3, 7).max_tokens, 9U);
  EXPECT_EQ(status(-3, std::numeric_limits<std::int64_t>::min()).db_tokens, 5U);
}

TEST(ClientMoney, ChargesItselfWhenHalfTheStakeIsUsedAndASignatureAllowsIt) {
  World w;
  w.become_ready();
  const auto half = kTon / 20 / 2;
  const auto report = [&](std::uint64_t signed_for, std::uint64_t max) {
    return w.packet(
        wire::proxy::ClientRequestPayment{.request_id = {},
                                          .signed_payment = wire::proxy::SignedPayment{w.payment_for(signed_for)},
                                          .db_tokens = 0,
                                          .max_tokens = static_cast<std::int64_t>(max),
                                          .request_tokens = 1});
  };
  EXPECT_TRUE(all<role::SendExternal>(report(100, half)).empty());
  const auto effects = report(200, half + 1);
  EXPECT_EQ(all<role::SendExternal>(effects).size(), 1U);
  w.settle(effects);
  EXPECT_EQ(opcodes(w), (std::vector<std::uint32_t>{ton::op::client_charge_signed}));
  EXPECT_EQ(w.chain.clients.at(w.contract()).tokens_used, 200U);
  // The same signature is of no more use.
  w.settle(w.tick(3600s));
  EXPECT_EQ(opcodes(w).size(), 1U);
}

TEST(ClientMoney, ContractsOfEarlierParametersGetNoMoreMoney) {
  World w;
  w.become_ready();
  const auto old = w.contract();
  w.root.version = 4;
  w.root.params.params_version = 6;
  w.observe_root();
  w.handle(role::LinkDown{w.link, "closed"});
  w.chain.clients.at(old).balance = 0;
  EXPECT_TRUE(all<role::SendExternal>(w.handle(w.chain.contract(old))).empty());
  EXPECT_NE(w.contract(), old);
}

TEST(ClientMoney, NoMoneyGoesToAContractThatTheDiskDoesNotHold) {
  World w{.disk_full = true};
  w.chain.balance = 20 * kTon;
  const auto target = w.dialled();
  w.observe_wallet();
  auto effects = w.link_up(target);
  effects = w.answer(World::token_of(effects), w.hello(wire::client::ProxyConnectionAuthLong{77}));
  EXPECT_THAT(only<role::Log>(effects).text, HasSubstr("disk full"));
  EXPECT_TRUE(all<role::SendExternal>(w.observe_contract()).empty());
  EXPECT_TRUE(all<role::SendExternal>(w.tick(15s)).empty()) << "though it is tried again";
  EXPECT_TRUE(w.disk.empty());
  // It is tried again, and then goes on.
  w.disk_full = false;
  EXPECT_FALSE(all<role::SendExternal>(w.tick(30s)).empty());
  EXPECT_TRUE(w.disk.contains(w.contract()));
}

TEST(ClientMoney, ADamagedRecordIsToldAndTheOthersAreUsed) {
  World w;
  w.become_ready();
  w.disk[ton::Address{0, testdata::filled(3)}] = to_bytes("no record");
  w.restart();
  w.tick();
  const auto effects = w.observe_root();
  EXPECT_THAT(only<role::Log>(effects).text, HasSubstr("damaged"));
  EXPECT_EQ(w.core.status(w.now).money.contracts.size(), 1U);
  // Those of another network wait for it on disk.
  w.restart();
  auto other = w.config;
  other.root = {0, testdata::filled(0x78)};
  for (const auto& [contract, record] : w.disk) other.money.remembered.push_back(record);
  w.core = Core(other, crypto::Random(testdata::filled(4)));
  w.config.root = other.root;
  w.tick();
  w.observe_root();
  EXPECT_TRUE(w.core.status(w.now).money.contracts.empty());
  EXPECT_EQ(w.disk.size(), 2U);
}

TEST(ClientMoney, AContractThatCannotBeReadIsToldAndNotPaid) {
  World w;
  w.become_ready();
  ton::Account a;
  a.state = ton::StateInit{.data = *ton::CellBuilder().store_uint(1, 2).finish()};
  const auto effects = w.handle(role::AccountObserved{w.contract(), a, {}, true, 0});
  EXPECT_THAT(all<role::Log>(effects).at(0).text, HasSubstr("cannot be read"));
  EXPECT_FALSE(w.core.status(w.now).ready);
}

TEST(ClientMoney, AClosingContractIsSaidToBeClosing) {
  World w;
  w.become_ready();
  w.chain.clients.at(w.contract()).state = ton::ContractState::closing;
  w.chain.clients.at(w.contract()).balance = 0;
  EXPECT_TRUE(all<role::SendExternal>(w.observe_contract()).empty());
  EXPECT_THAT(w.core.status(w.now).waiting_for, HasSubstr("closing"));
}

TEST(ClientMoney, ARefusedExternalIsShownToTheOperator) {
  World w;
  w.become_ready();
  w.handle(role::ExternalResult{{}, fail("not enough funds")});
  EXPECT_EQ(w.core.status(w.now).money.last_refusal, "not enough funds");
}

TEST(ClientMoney, NeverAsksToBeWokenInThePast) {
  World w;
  arrive(w, 5 * kTon / 2);
  w.chain.failures = 100;
  w.chain.balance = 10 * kTon;
  w.settle(w.observe_wallet());
  for (int i = 0; i < 200; ++i) {
    const auto at = w.core.wake_at();
    ASSERT_GT(at, w.now) << i;
    w.now = at;
    w.settle(w.tick());
  }
}

}  // namespace
}  // namespace cocoon::client
