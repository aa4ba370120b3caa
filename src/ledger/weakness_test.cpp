// The weaknesses of contracts.md 6.5 that the ledger closes, each under its own name. The whole table is in
// docs/money.md.
#include "ledger/keys.hpp"
#include "ledger/ledger_test.hpp"

namespace cocoon::ledger {
namespace {

using namespace testing;
using ton::kTon;

// A payout that the proxy contract refused has not been paid: it is sent again.
TEST_F(Weakness, W02_APayoutThatTheProxyContractRefusedDoesNotCount) {
  serve(300);
  commit();
  ASSERT_TRUE(l->settle_now(true, worker));
  const auto due = l->due(at(0), random);
  ASSERT_EQ(std::count_if(due.begin(), due.end(), [](const auto& d) { return d.kind == SettlementKind::payout; }), 1);
  l->settlement_sent(SettlementKind::payout, worker, at(1));
  ASSERT_TRUE(l->apply(computed(chain.worker(worker, 300), false)));
  EXPECT_EQ(l->worker(worker).tokens.charged, 0U);
  const auto again = l->due(at(1 + 120), random);
  ASSERT_EQ(std::count_if(again.begin(), again.end(), [](const auto& d) { return d.kind == SettlementKind::payout; }),
            1);
  ASSERT_TRUE(l->apply(computed(chain.worker(worker, 300), true)));
  EXPECT_EQ(l->worker(worker).tokens.charged, 300U);
}

TEST_F(Weakness, W04_OnlyWhatIsCommittedIsSignedAndSentToContracts) {
  serve(100);
  commit();
  serve(50);     // in memory
  write(false);  // and on disk, but not committed
  l->settle_now(false, {});
  for (const auto& d : l->due(at(0), random)) EXPECT_EQ(d.tokens, 100U);
  EXPECT_EQ(l->client(alice)->tokens.sent, 100U);
  EXPECT_EQ(l->client(alice)->tokens.max, 150U);
}

TEST_F(Weakness, W06_NoMoreIsCountedThanWasReservedOrThanCanBePaid) {
  ASSERT_TRUE(l->reserve(alice, 1000));
  EXPECT_EQ(l->finish(alice, worker, 1000, 8000, at(0)), 1000U) << "capped by the reservation";
  // The balance goes while a request runs: a refund was forced.
  ASSERT_TRUE(l->reserve(alice, 1000));
  ASSERT_TRUE(l->reserve(alice, 1000));
  auto gone = state(500 * 20);
  gone.state = ton::ContractState::closed;
  ASSERT_TRUE(l->apply(chain.client(alice, gone)));
  EXPECT_EQ(l->finish(alice, worker, 1000, 1000, at(0)), 0U) << "the chain covers 500 tokens, 1000 are used";
  EXPECT_EQ(l->finish(alice, worker, 1000, 1000, at(0)), 0U);
  EXPECT_EQ(l->client(alice)->reserved, 0U);
  // What is left may be used up, not overdrawn.
  ASSERT_TRUE(l->apply(chain.client(bob, state(700 * 20))));
  ASSERT_TRUE(l->reserve(bob, 600));
  ASSERT_TRUE(l->apply(chain.client(bob, state(250 * 20))));
  EXPECT_EQ(l->finish(bob, worker, 600, 600, at(0)), 250U);
  EXPECT_EQ(l->client(bob)->available, 0);
}

TEST_F(Weakness, W12_AGrantedRefundIsRemembered) {
  auto closing = state(15 * kTon);
  closing.state = ton::ContractState::closing;
  ASSERT_TRUE(l->apply(chain.client(alice, closing)));
  EXPECT_EQ(l->due(at(0), random).size(), 1U);
  for (std::uint8_t i = 1; i < 20; ++i) {
    closing.secret_hash = bits(i);  // the closing contract says something again and again
    ASSERT_TRUE(l->apply(chain.client(alice, closing)));
    EXPECT_TRUE(l->due(at(i), random).empty());
  }
}

// No value of a stranger, nor one that does not fit, reaches an assertion; see also tests/fuzz/ledger_fuzz.cpp.
TEST_F(Weakness, W13_WhatCannotBeReadInTheHistoryIsPassedOver) {
  const auto client_contract = proxy.client_address(alice);
  // Coins of more than 8 bytes where the balance stands.
  ton::CellBuilder inner;
  inner.store_uint(0, 2).store_uint(15, 4);
  for (int i = 0; i < 15; ++i) inner.store_uint(0xff, 8);
  const auto huge = ton::CellBuilder()
                        .store_uint(ton::op::client_proxy_request, 32)
                        .store_uint(1, 64)
                        .store_address(alice)
                        .store_ref(inner.must_finish())
                        .store_uint(0, 1)
                        .must_finish();
  for (const auto& body : {ton::Cell(), huge, ton::CellBuilder().store_uint(1, 7).must_finish()}) {
    const auto taken = l->apply(chain.message(client_contract, body));
    ASSERT_TRUE(taken) << taken.error().what;
    EXPECT_EQ(*taken, std::nullopt);
  }
  // Numbers at the edge, from contracts that may say them.
  ASSERT_TRUE(l->apply(chain.client(bob, {.balance = UINT64_MAX, .stake = UINT64_MAX})));
  EXPECT_FALSE(l->reserve(bob, UINT64_MAX));
  EXPECT_EQ(l->apply(chain.client(bob, {.balance = UINT64_MAX, .tokens_used = UINT64_MAX})).error().code,
            fault::fresh_database);
}

TEST_F(Weakness, W14_AClientsStakeSurvivesARestart) {
  const Snapshot s = write(false);
  Ledger next = open(s).value();
  EXPECT_EQ(next.client(alice)->chain.stake, 15 * kTon);
  EXPECT_EQ(next.client(alice)->available, l->client(alice)->available);
}

TEST_F(Weakness, W17_NoticesOfFailedTransactionsAreNoDeposits) {
  // A top-up at a proxy contract that was not there, or that failed: a figure without coins.
  ASSERT_TRUE(l->apply(computed(chain.client(bob, state(9 * kTon)), false)));
  EXPECT_EQ(l->client(bob), std::nullopt);
  // Skipped for want of gas is how notices travel, but only those that carry no coins.
  auto rich = chain.client(bob, state(9 * kTon));
  auto info = std::get<ton::InternalInfo>(rich.in_msg->message->info);
  info.value.coins = kTon;
  rich.in_msg->message->info = info;
  ASSERT_TRUE(l->apply(rich));
  EXPECT_EQ(l->client(bob), std::nullopt);
  ASSERT_TRUE(l->apply(chain.client(bob, state(9 * kTon))));
  EXPECT_TRUE(l->client(bob).has_value());
}

TEST(WeaknessOfKeys, W20_EachPurposeHasAKeyOfItsOwn) {
  const auto keys = machine_keys(bits(1));
  EXPECT_EQ(keys.payment.public_key(), crypto::KeyPair(bits(1)).public_key()) << "the contract's key";
  EXPECT_NE(keys.seal, bits(1));
  EXPECT_NE(keys.key_messages, bits(1));
  EXPECT_NE(keys.seal, keys.key_messages);
  EXPECT_NE(crypto::KeyPair(keys.key_messages).public_key(), keys.payment.public_key());
  EXPECT_EQ(to_hex(machine_keys(bits(1)).seal), to_hex(keys.seal)) << "the same after a restart";
  EXPECT_NE(machine_keys(bits(2)).seal, keys.seal);
}

TEST_F(Weakness, W22_AnotherWorkchainIsRefusedNotMisread) {
  const ton::Address masterchain{-1, bits(100)};
  auto params = proxy.params();
  EXPECT_FALSE(ton::ProxyInstance::make(params, masterchain, key.public_key(), address(11)));
  ton::ClientRequest r{.query_id = 5, .owner = masterchain, .state = state(kTon), .payload = {}};
  ASSERT_TRUE(l->apply(chain.message(proxy.client_address({0, bits(100)}), ton::build_client_request(r))));
  EXPECT_EQ(l->client(masterchain), std::nullopt);
}

}  // namespace
}  // namespace cocoon::ledger
