#include "ledger/wallet_queue.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "ton/boc.hpp"

namespace cocoon::ledger {
namespace {

using ton::kTon;

struct WalletQueueTest : testing::Test {
  WalletQueue queue{make_config()};
  Time now = from_unix(1'800'000'000);
  std::int64_t chain_time = 1'800'000'000;
  std::uint32_t seqno = 0;
  bool deployed = false;
  std::uint64_t balance = 10 * kTon;
  std::uint64_t lt = 1000;

  static WalletQueue::Config make_config() {
    WalletQueue::Config c;
    c.seed.fill(7);
    c.code = *ton::CellBuilder().store_uint(1, 8).finish();
    return c;
  }

  std::optional<ton::Account> account() const {
    ton::Account a;
    a.address = queue.address();
    a.balance.coins = balance;
    if (deployed) {
      ton::WalletState s;
      s.seqno = seqno;
      s.public_key = crypto::KeyPair(make_config().seed).public_key();
      ton::StateInit init;
      init.code = make_config().code;
      init.data = ton::build_wallet_data(s);
      a.state = init;
    }
    return a;
  }
  void observe(std::vector<ton::Transaction> transactions = {}) { queue.observe(account(), transactions, chain_time); }

  static ton::Message message_of(const WalletQueue::External& e) { return *ton::parse_message(*ton::read_boc(e.boc)); }
  ton::Transaction transaction_of(const WalletQueue::External& e) {
    ton::Transaction t;
    t.lt = ++lt;
    const auto cell = *ton::read_boc(e.boc);
    t.in_msg = ton::TransactionMessage{cell, message_of(e)};
    t.description.compute.success = true;
    return t;
  }
  // The chain includes the external.
  void include(const WalletQueue::External& e, bool actions_succeed = true) {
    ton::Transaction t = transaction_of(e);
    t.description.action = ton::ActionPhase{.success = actions_succeed, .valid = true};
    t.description.action->result_code = actions_succeed ? 0 : 37;
    t.description.aborted = !actions_succeed;
    deployed = true;
    if (actions_succeed) ++seqno;
    observe({t});
  }
  WalletQueue::MessageId send(std::uint64_t value) { return *queue.send({ton::Address{}, value, {}, {}}); }
  static std::size_t orders(const WalletQueue::External& e) {
    return ton::parse_wallet_body(message_of(e).body)->request.orders.size();
  }
};

TEST_F(WalletQueueTest, WaitsForMoneyThenSendsWithStateInit) {
  const auto id = send(kTon);
  EXPECT_FALSE(queue.poll(now));
  balance = kTon;
  observe();
  EXPECT_FALSE(queue.poll(now));
  EXPECT_NE(queue.waiting_for().find("needs at least 2.10"), std::string::npos);
  balance = 10 * kTon;
  observe();
  const auto e = queue.poll(now);
  ASSERT_TRUE(e);
  EXPECT_TRUE(message_of(*e).init);
  include(*e);
  const auto done = queue.take_done();
  ASSERT_EQ(done.size(), 1U);
  EXPECT_EQ(done[0].id, id);
  EXPECT_TRUE(done[0].sent);
  EXPECT_EQ(queue.pending(), 0U);
}

TEST_F(WalletQueueTest, BatchesOfFourWithinTheBalance) {
  deployed = true;
  balance = 10 * kTon;
  observe();
  for (int i = 0; i < 6; ++i) send(kTon);
  auto e = queue.poll(now);
  EXPECT_EQ(orders(*e), 4U);
  EXPECT_FALSE(message_of(*e).init);
  balance = 3 * kTon;  // 2.2 would go out, 2.1 each: only one fits beside the fees
  include(*e);
  e = queue.poll(now);
  EXPECT_EQ(orders(*e), 2U);
  balance = 2 * kTon + kTon / 20;
  send(3 * kTon);
  send(1);
  include(*e);
  e = queue.poll(now);
  ASSERT_TRUE(e);  // the small one overtakes what cannot be paid
  EXPECT_EQ(orders(*e), 1U);
  EXPECT_EQ(queue.pending(), 2U);
}

TEST_F(WalletQueueTest, SameBytesAgainUntilExpiryThenANewExternal) {
  deployed = true;
  observe();
  send(kTon);
  const auto first = queue.poll(now);
  EXPECT_FALSE(queue.poll(now));
  now += std::chrono::seconds(3);
  EXPECT_EQ(queue.poll(now)->boc, first->boc);
  chain_time += 60;
  observe();
  now += std::chrono::seconds(57);
  EXPECT_EQ(queue.poll(now)->boc, first->boc);  // valid until exactly then
  chain_time += 1;
  observe();
  const auto second = queue.poll(now);
  ASSERT_TRUE(second);
  EXPECT_NE(second->body_hash, first->body_hash);
  include(*second);
  EXPECT_EQ(queue.take_done().size(), 1U);
}

TEST_F(WalletQueueTest, AnotherHolderOfTheKeyMovedTheSeqno) {
  deployed = true;
  observe();
  send(kTon);
  const auto first = queue.poll(now);
  seqno = 5;
  observe();
  const auto second = queue.poll(now);
  ASSERT_TRUE(second);
  EXPECT_EQ(ton::parse_wallet_body(message_of(*second).body)->request.seqno, 5U);
  EXPECT_NE(first->body_hash, second->body_hash);
}

TEST_F(WalletQueueTest, AFailedActionPhaseIsNotSentAndTheBadMessageIsFound) {
  deployed = true;
  observe();
  const auto good = send(kTon);
  const auto bad = send(kTon);
  auto e = queue.poll(now);
  EXPECT_EQ(orders(*e), 2U);
  include(*e, false);
  EXPECT_TRUE(queue.take_done().empty());
  bool good_sent = false;
  bool bad_failed = false;
  for (int i = 0; i < 8 && queue.pending() > 0; ++i) {
    e = queue.poll(now);
    ASSERT_TRUE(e);
    EXPECT_EQ(orders(*e), 1U);
    include(*e, queue.pending() == 2);  // the first alone succeeds
    for (const auto& d : queue.take_done()) {
      good_sent = good_sent || (d.id == good && d.sent);
      bad_failed = bad_failed || (d.id == bad && !d.sent);
    }
  }
  EXPECT_TRUE(good_sent);
  EXPECT_TRUE(bad_failed);
}

// A wallet that leaves out what it cannot send: its transaction succeeds, and nothing that left it is sent again.
TEST_F(WalletQueueTest, WhatTheWalletLeftOutIsNotSentAndTheRestIsNotSentTwice) {
  deployed = true;
  balance = 100 * kTon;
  observe();
  std::vector<WalletQueue::MessageId> ids;
  for (const std::uint64_t tons : {1u, 2u, 3u, 4u}) ids.push_back(send(tons * kTon));
  const auto leave_out = [&](const WalletQueue::External& e, std::uint64_t value) {
    ton::Transaction t = transaction_of(e);
    t.description.action = ton::ActionPhase{.success = true, .valid = true};
    const auto request = ton::parse_wallet_body(message_of(e).body)->request;
    for (const auto& order : request.orders) {
      auto message = *ton::parse_message(order.message);
      if (message.internal()->value.coins == value)
        ++t.description.action->skipped;
      else
        t.out_msgs.push_back({order.message, std::move(message)});
    }
    ++seqno;
    observe({t});
  };
  auto e = queue.poll(now);
  ASSERT_EQ(orders(*e), 4U);
  leave_out(*e, 3 * kTon);
  std::vector<WalletQueue::MessageId> sent;
  for (const auto& d : queue.take_done()) {
    EXPECT_TRUE(d.sent);
    sent.push_back(d.id);
  }
  EXPECT_EQ(sent, (std::vector{ids[0], ids[1], ids[3]}));
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(queue.pending(), 1U);
    e = queue.poll(now);
    ASSERT_TRUE(e);
    EXPECT_EQ(orders(*e), 1U);
    leave_out(*e, 3 * kTon);
  }
  const auto done = queue.take_done();
  ASSERT_EQ(done.size(), 1U);
  EXPECT_EQ(done[0].id, ids[2]);
  EXPECT_FALSE(done[0].sent);
  EXPECT_EQ(done[0].why_not, "the wallet could not send it");
  EXPECT_EQ(queue.pending(), 0U);
}

TEST_F(WalletQueueTest, OneBadMessageTakesNoGoodOnesWithIt) {
  deployed = true;
  balance = 100 * kTon;
  observe();
  std::vector<WalletQueue::MessageId> sent, failed;
  for (int i = 0; i < 2; ++i) send(kTon);
  const auto bad = send(3 * kTon);
  for (int i = 0; i < 3; ++i) send(kTon);
  const auto spoiled = [](const WalletQueue::External& e) {
    const auto request = ton::parse_wallet_body(message_of(e).body)->request;
    return std::ranges::any_of(request.orders, [](const auto& order) {
      return ton::parse_message(order.message)->internal()->value.coins == 3 * kTon;
    });
  };
  for (int i = 0; i < 30 && queue.pending() > 0; ++i) {
    const auto e = queue.poll(now);
    ASSERT_TRUE(e);
    include(*e, !spoiled(*e));
    for (const auto& d : queue.take_done()) (d.sent ? sent : failed).push_back(d.id);
  }
  EXPECT_EQ(queue.pending(), 0U);
  EXPECT_EQ(failed, std::vector{bad});
  EXPECT_EQ(sent.size(), 5U);
}

TEST_F(WalletQueueTest, AFailedExternalThatIsBroughtAgainPaysOnce) {
  deployed = true;
  observe();
  const auto id = send(kTon);
  const auto first = queue.poll(now);
  include(*first, false);
  const auto second = queue.poll(now);
  ASSERT_TRUE(second);
  include(*first);  // somebody replays it, and now it succeeds
  const auto done = queue.take_done();
  ASSERT_EQ(done.size(), 1U);
  EXPECT_EQ(done[0].id, id);
  EXPECT_TRUE(done[0].sent);
  EXPECT_EQ(queue.pending(), 0U);
  EXPECT_FALSE(queue.poll(now + std::chrono::seconds(10)));
}

TEST_F(WalletQueueTest, FullQueueRefuses) {
  for (int i = 0; i < 1024; ++i) ASSERT_TRUE(queue.send({}));
  EXPECT_FALSE(queue.send({}));
}

// --- weaknesses (contracts.md 6.5)

struct WeaknessOfWallets : WalletQueueTest {};

TEST_F(WeaknessOfWallets, W08_ABatchNeverExceedsWhatTheWalletHolds) {
  deployed = true;
  for (balance = 2 * kTon; balance < 9 * kTon; balance += kTon / 7) {
    WalletQueue fresh{make_config()};
    fresh.observe(account(), {}, chain_time);
    for (int i = 0; i < 6; ++i) fresh.send({ton::Address{}, 2 * kTon - 1, {}, {}});
    const auto e = fresh.poll(now);
    if (!e) continue;
    std::uint64_t sum = 0;
    const auto body = ton::parse_wallet_body(message_of(*e).body);
    for (const auto& order : body->request.orders)
      sum += ton::parse_message(order.message)->internal()->value.coins + kTon / 10;
    EXPECT_LE(sum, balance);
  }
}

TEST_F(WeaknessOfWallets, W09_AnExpiredExternalIsReplacedNotSentForEver) {
  deployed = true;
  observe();
  send(kTon);
  auto last = queue.poll(now);
  for (int i = 0; i < 5; ++i) {
    chain_time += 61;
    now += std::chrono::seconds(61);
    observe();
    const auto next = queue.poll(now);
    ASSERT_TRUE(next);
    EXPECT_NE(next->body_hash, last->body_hash);
    EXPECT_GT(ton::parse_wallet_body(message_of(*next).body)->request.valid_until, chain_time);
    last = next;
  }
  include(*last);
  EXPECT_TRUE(queue.take_done().at(0).sent);
}

TEST_F(WeaknessOfWallets, W25_OnlyWhatLeftTheWalletCountsAsSent) {
  deployed = true;
  observe();
  // Included, computed, but the action phase failed: nothing was sent.
  send(kTon);
  include(*queue.poll(now), false);
  EXPECT_TRUE(queue.take_done().empty());
  include(*queue.poll(now));
  EXPECT_TRUE(queue.take_done().at(0).sent);
  // A wallet that ignores errors of its actions: the transaction succeeds, one message of two was skipped.
  const ton::Address here{0, Bits256::from(Bytes(32, 1))}, there{0, Bits256::from(Bytes(32, 2))};
  const auto good = *queue.send({here, kTon, {}, {}});
  const auto skipped = *queue.send({there, kTon, {}, {}});
  const auto e = *queue.poll(now);
  ton::Transaction t;
  t.lt = ++lt;
  t.in_msg = ton::TransactionMessage{*ton::read_boc(e.boc), message_of(e)};
  t.description.compute.success = true;
  t.description.action = ton::ActionPhase{.success = true, .valid = true, .skipped = 1};
  t.out_msgs.push_back(
      {ton::Cell(), ton::Message{ton::InternalInfo{.dest = here, .value = {kTon, std::nullopt}}, {}, {}}});
  ++seqno;
  observe({t});
  auto done = queue.take_done();
  ASSERT_EQ(done.size(), 1U);
  EXPECT_EQ(done[0].id, good);
  EXPECT_TRUE(done[0].sent);
  EXPECT_EQ(queue.pending(), 1U);
  include(*queue.poll(now));
  EXPECT_EQ(queue.take_done().at(0).id, skipped);
}

}  // namespace
}  // namespace cocoon::ledger
