// Payouts of the worker's own (contracts.md 1.6, 2.5).
#include <gmock/gmock.h>

#include "worker/core/testdata/world.hpp"

namespace cocoon::worker {
namespace {

using testdata::all;
using testdata::kTon;
using testdata::only;
using testdata::World;
using namespace std::chrono_literals;

constexpr std::uint64_t kTenTonOfTokens = 10 * kTon / 18 + 1;  // at a fee of 18

// The message inside an external, as it will arrive.
ton::Message sent(const role::SendExternal& external) {
  const auto message = *ton::parse_message(*ton::read_boc(external.boc));
  return *ton::parse_message(ton::parse_wallet_body(message.body)->request.orders.at(0).message);
}

ton::Transaction arrival(const World& w, const ton::Message& message, bool success) {
  ton::Transaction t;
  t.lt = 5000;
  auto m = message;
  auto info = *m.internal();
  info.src = w.core.status().money.wallet;
  m.info = info;
  t.in_msg = ton::TransactionMessage{ton::Cell(), m};
  t.description.compute.success = success;
  t.description.compute.exit_code = success ? 0 : 1007;
  t.description.aborted = !success;
  if (success) t.description.action = ton::ActionPhase{.success = true, .valid = true};
  return t;
}

void owe_ten_ton(World& w) {
  w.become_ready();
  w.observe_contract(std::nullopt);
  w.packet(w.request_payment(kTenTonOfTokens, static_cast<std::int64_t>(kTenTonOfTokens),
                             static_cast<std::int64_t>(kTenTonOfTokens)));
}

TEST(WorkerMoney, TheProxyIsGivenTimeToPay) {
  World w;
  owe_ten_ton(w);
  w.observe_wallet(5 * kTon);
  EXPECT_TRUE(all<role::SendExternal>(w.tick(119s)).empty());
  EXPECT_GE(w.core.status().money.contracts.at(0).unpaid, 10 * kTon);
  w.observe_contract(kTenTonOfTokens);
  EXPECT_TRUE(all<role::SendExternal>(w.tick(10min)).empty()) << "it paid";
  EXPECT_EQ(w.core.status().money.contracts.at(0).unpaid, 0U);
}

TEST(WorkerMoney, ThenTheWorkerPaysItselfAndDeploysItsContract) {
  World w;
  owe_ten_ton(w);
  w.observe_wallet(5 * kTon);
  const auto message = sent(only<role::SendExternal>(w.tick(120s)));
  EXPECT_EQ(message.internal()->dest, w.contract());
  EXPECT_EQ(message.internal()->value.coins, kTon / 2);
  ASSERT_TRUE(message.init.has_value());
  EXPECT_EQ(ton::address_of(*message.init), w.contract());
  const auto payment =
      ton::verify_payment(message.body, ton::op::worker_payout_signed, w.contract(), w.proxy_key.public_key());
  ASSERT_TRUE(payment) << payment.error().what;
  EXPECT_EQ(payment->payload.tokens, kTenTonOfTokens);
  EXPECT_EQ(payment->message.excesses_to, w.core.status().money.wallet) << "repacked: the rest comes back to us";
  EXPECT_TRUE(w.core.status().money.contracts.at(0).paying_now);

  w.observe_contract(kTenTonOfTokens, {arrival(w, message, true)});
  EXPECT_FALSE(w.core.status().money.contracts.at(0).paying_now);
  EXPECT_EQ(w.core.status().money.contracts.at(0).paid, kTenTonOfTokens);
}

TEST(WorkerMoney, AFailedPayoutIsTriedAgainMoreSlowly) {
  World w;
  owe_ten_ton(w);
  w.observe_wallet(5 * kTon);
  const auto message = sent(only<role::SendExternal>(w.tick(120s)));
  w.observe_contract(std::nullopt, {arrival(w, message, false)});
  EXPECT_FALSE(w.core.status().money.contracts.at(0).paying_now);
  EXPECT_LE(w.core.wake_at(), w.now + 10s);
}

TEST(WorkerMoney, APoorWalletWaitsWithoutSpinning) {
  World w;
  owe_ten_ton(w);
  w.observe_wallet(kTon);  // below what a wallet must hold
  EXPECT_TRUE(all<role::SendExternal>(w.tick(10min)).empty());
  EXPECT_GT(w.core.wake_at(), w.now);
  EXPECT_FALSE(w.core.status().money.contracts.at(0).paying_now);
}

TEST(WorkerMoney, BelowTheThresholdNothingHappens) {
  World w;
  w.become_ready();
  w.observe_contract(0);
  w.observe_wallet(5 * kTon);
  w.packet(w.request_payment(1000, 1000, 1000));
  EXPECT_TRUE(all<role::SendExternal>(w.tick(1h)).empty());
}

TEST(WorkerMoney, HugeNumbersSaturate) {
  World w;
  w.become_ready();
  w.observe_contract(0);
  w.packet(w.request_payment(~std::uint64_t{0}, INT64_MAX, INT64_MAX));
  EXPECT_EQ(w.core.status().money.contracts.at(0).unpaid, ~std::uint64_t{0});
}

}  // namespace
}  // namespace cocoon::worker
