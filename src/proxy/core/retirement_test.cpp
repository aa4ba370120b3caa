// Leaving a proxy contract: new parameters, the operator's order, somebody else's close (contracts.md 3.9).
#include "proxy/core/test_world.hpp"

namespace cocoon::proxy::testing {
namespace {

const ton::Address kClient = address_of("client");
const ton::Address kWorker = address_of("worker");

using ton::kTon;

Config retiring_config() {
  Config c = test_config();
  c.charge_client_at = c.pay_worker_at = 1000 * kTon;  // nothing is settled before the end
  c.settle_retry = std::chrono::seconds(30);
  return c;
}

struct Retiring : World {
  Retiring() : World(retiring_config(), false) {
    chain.root.params.proxy_delay_before_close = 60;
    chain.earlier.clear();
    chain.derive();
    chain.earlier.clear();
    observe_all();
    EXPECT_TRUE(core->serving()) << core->status(now).waiting_for;
    client_link = client();
    worker_link = worker();
    converse(client_link, worker_link, 100);
    seconds(3);
  }
  // The root contract moves to other parameters.
  void new_parameters() {
    ++chain.root.version;
    ++chain.root.params.params_version;
    chain.derive();
    observe(chain.root_address);
  }
  const TestContracts& old() const { return chain.earlier.back(); }
  // Everybody has got what is theirs, by the accounts of 100 tokens at 20 and 19.
  void expect_settled(const TestContracts& c, std::uint64_t tokens = 100) const {
    EXPECT_EQ(c.clients.at(kClient).refunds, 1u);
    EXPECT_EQ(c.clients.at(kClient).refunded, 10 * kTon - tokens * 20);
    EXPECT_EQ(c.workers.at(kWorker).tokens, tokens);
    EXPECT_EQ(c.workers.at(kWorker).payouts, 1u);
    EXPECT_EQ(c.workers.at(kWorker).state, ton::ContractState::closed);
    EXPECT_EQ(c.proxy_state, ton::ContractState::closed);
    EXPECT_EQ(c.taken_home, tokens);  // commission of 1 nanoTON per token
  }
  role::LinkId client_link = 0, worker_link = 0;
};

TEST(ProxyRetirement, NewParametersSettleTheOldContractAndCloseIt) {
  Retiring w;
  w.packet(w.client_link, w.ask());  // runs when it happens
  w.new_parameters();
  w.seconds(30);
  EXPECT_TRUE(w.core->serving()) << "the new contract serves while the old one is settled";
  EXPECT_EQ(w.old().proxy_state, ton::ContractState::closing);
  EXPECT_EQ(w.old().clients.at(kClient).refunds, 1u);
  ASSERT_EQ(w.core->status(w.now).retiring.size(), 1u);
  EXPECT_EQ(w.core->status(w.now).retiring[0].second, "waiting for the delay to take the stake home");
  w.seconds(60);
  w.expect_settled(w.old());
  EXPECT_EQ(w.core->status(w.now).retired_contracts, 0u) << "nothing is left of it";
  // Nothing of the old contract is in the accounts of the new one, nor sent again.
  const auto messages = w.chain.log.size();
  w.seconds(100);
  EXPECT_EQ(w.chain.log.size(), messages);
  EXPECT_TRUE(w.core->status(w.now).client_accounts.empty());
}

TEST(ProxyRetirement, StepsFollowEachOtherInOrder) {
  Retiring w;
  w.new_parameters();
  w.seconds(100);
  const auto& log = w.chain.log;
  const auto first = [&](std::uint32_t op) { return std::find(log.begin(), log.end(), op) - log.begin(); };
  EXPECT_LT(first(ton::op::proxy_close_request_signed), first(ton::op::client_grant_refund_signed));
  EXPECT_LT(first(ton::op::proxy_close_request_signed), first(ton::op::worker_last_payout_signed));
  EXPECT_LT(first(ton::op::client_grant_refund_signed), first(ton::op::proxy_close_complete_signed));
  EXPECT_LT(first(ton::op::worker_last_payout_signed), first(ton::op::proxy_close_complete_signed));
  EXPECT_LT(first(ton::op::proxy_close_complete_signed), static_cast<long>(log.size()));
}

// Killed after every second of the way, always from what was last on disk.
TEST(ProxyRetirement, ItGoesOnAfterACrashAtAnyMoment) {
  for (int crash = 0; crash < 40; ++crash) {
    Retiring w;
    w.new_parameters();
    w.seconds(crash);
    w.boot();
    w.observe_all();
    w.seconds(200);
    SCOPED_TRACE(crash);
    w.expect_settled(w.old());
    EXPECT_TRUE(w.core->serving()) << w.core->status(w.now).waiting_for;
  }
}

TEST(ProxyRetirement, ParametersThatChangedWhileItWasDown) {
  Retiring w;
  w.seconds(10);
  ++w.chain.root.version;
  ++w.chain.root.params.params_version;
  w.chain.derive();
  w.boot();
  w.observe_all();
  ASSERT_TRUE(w.core->serving()) << w.core->status(w.now).waiting_for;
  w.seconds(150);
  w.expect_settled(w.old());
}

TEST(ProxyRetirement, TwoChangesOfParametersOneAfterTheOther) {
  Retiring w;
  w.new_parameters();
  w.seconds(5);
  w.new_parameters();
  w.seconds(200);
  ASSERT_EQ(w.chain.earlier.size(), 2u);
  w.expect_settled(w.chain.earlier[0]);
  EXPECT_EQ(w.core->status(w.now).retired_contracts, 0u);
  EXPECT_TRUE(w.core->serving());
}

TEST(ProxyRetirement, ByTheOperatorsOrderUntilTheParametersChange) {
  Retiring w;
  w.seconds(10);
  w.feed(role::Order{7, role::OrderKind::proxy_retire, {}, 0, true});
  ASSERT_EQ(w.answers.size(), 1u);
  ASSERT_TRUE(w.answers[0].plan) << w.answers[0].plan.error().what;
  // close, a refund, a last payout, completion.
  ASSERT_EQ(w.answers[0].plan->messages.size(), 4u);
  EXPECT_EQ(w.answers[0].plan->messages[1].arrives, 10 * kTon - 2000);
  EXPECT_EQ(w.answers[0].plan->messages[2].arrives, 1900u);
  EXPECT_TRUE(w.core->serving()) << "a dry run";
  w.packet(w.client_link, w.ask());
  w.feed(role::Order{8, role::OrderKind::proxy_retire, {}, 0, false});
  EXPECT_FALSE(w.core->serving());
  EXPECT_EQ(w.take(w.client_link).back().kind, Said::Kind::closed);
  w.seconds(20);
  w.boot();  // it is remembered
  w.observe_all();
  EXPECT_FALSE(w.core->serving());
  w.seconds(100);
  w.expect_settled(w.chain);
  w.new_parameters();
  w.seconds(20);
  EXPECT_TRUE(w.core->serving()) << w.core->status(w.now).waiting_for;
}

TEST(ProxyRetirement, TheOrderIsOverWhenTheContractIsClosed) {
  Retiring w;
  w.seconds(10);
  w.feed(role::Order{8, role::OrderKind::proxy_retire, {}, 0, false});
  w.seconds(30);
  EXPECT_TRUE(w.outcomes.empty());
  w.seconds(100);
  ASSERT_EQ(w.outcomes.size(), 1u);
  EXPECT_TRUE(w.outcomes[0].outcome);
  w.feed(role::Order{9, role::OrderKind::proxy_retire, {}, 0, false});
  EXPECT_FALSE(w.answers.back().plan);
}

TEST(ProxyRetirement, SomebodyElsesCloseIsFollowedToItsEnd) {
  Retiring w;
  w.seconds(10);
  w.chain.proxy_state = ton::ContractState::closing;  // the owner, by hand
  w.chain.client_notice(kClient);
  w.observe_changed();
  EXPECT_FALSE(w.core->serving());
  w.seconds(150);
  w.expect_settled(w.chain);
}

// An empty wallet is waited for; when it is filled, every step is taken once.
TEST(ProxyRetirement, APoorWalletQueuesEveryStepOnce) {
  Retiring w;
  w.seconds(10);
  w.chain.wallet_coins = 0;
  w.observe(w.chain.wallet());
  w.new_parameters();
  w.seconds(900);
  w.chain.wallet_coins = 100 * kTon;
  w.observe(w.chain.wallet());
  w.seconds(300);
  w.expect_settled(w.old());
  const auto& log = w.chain.log;
  for (const auto op : {ton::op::proxy_close_request_signed, ton::op::client_grant_refund_signed,
                        ton::op::worker_last_payout_signed, ton::op::proxy_close_complete_signed})
    EXPECT_EQ(std::count(log.begin(), log.end(), op), 1) << op;
}

// --- orders that are one message

TEST(ProxyOrders, ChargesAndPayoutsBelowTheirThresholds) {
  Retiring w;
  w.feed(role::Order{1, role::OrderKind::proxy_charge, {}, 0, false});
  EXPECT_FALSE(w.answers.back().plan) << "nothing is committed yet";
  w.seconds(20);
  w.feed(role::Order{2, role::OrderKind::proxy_charge, w.chain.instance().client_address(kClient), 0, false});
  ASSERT_TRUE(w.answers.back().plan) << w.answers.back().plan.error().what;
  w.feed(role::Order{3, role::OrderKind::proxy_payout, {}, 0, false});
  ASSERT_TRUE(w.answers.back().plan);
  EXPECT_EQ(w.answers.back().plan->messages.at(0).arrives, 1900u);
  w.seconds(10);
  EXPECT_EQ(w.chain.clients.at(kClient).charges, 1u);
  EXPECT_EQ(w.chain.workers.at(kWorker).tokens, 100u);
  ASSERT_EQ(w.outcomes.size(), 2u);
  EXPECT_TRUE(w.outcomes[0].outcome && w.outcomes[1].outcome);
  w.feed(role::Order{4, role::OrderKind::proxy_charge, {}, 0, false});
  EXPECT_FALSE(w.answers.back().plan) << "all is charged";
}

TEST(ProxyOrders, CommissionAndStake) {
  Retiring w;
  w.seconds(20);
  w.feed(role::Order{1, role::OrderKind::proxy_withdraw, {}, 0, false});
  EXPECT_FALSE(w.answers.back().plan) << "there is none";
  w.feed(role::Order{2, role::OrderKind::proxy_payout, {}, 0, false});
  w.seconds(10);
  EXPECT_EQ(w.chain.commission, 100u);
  w.feed(role::Order{3, role::OrderKind::proxy_withdraw, {}, 0, false});
  ASSERT_TRUE(w.answers.back().plan);
  EXPECT_EQ(w.answers.back().plan->messages.at(0).arrives, 100u);
  w.seconds(10);
  EXPECT_EQ(w.chain.commission, 0u);
  w.feed(role::Order{4, role::OrderKind::proxy_stake, {}, 5 * kTon, false});
  w.seconds(10);
  EXPECT_EQ(w.chain.stake, 5 * kTon);
  ASSERT_EQ(w.outcomes.size(), 3u);
  for (const auto& o : w.outcomes) EXPECT_TRUE(o.outcome) << o.outcome.error().what;
  w.feed(role::Order{5, role::OrderKind::proxy_stake, {}, 500 * kTon, false});
  EXPECT_FALSE(w.answers.back().plan) << "the wallet does not hold it";
  w.feed(role::Order{6, role::OrderKind::client_close, {}, 0, false});
  EXPECT_FALSE(w.answers.back().plan);
}

// --- weaknesses (contracts.md 6.5)

TEST(Weakness, W11_RetirementAdvancesOnWhatContractsShowNotOnWhatWasSent) {
  Retiring w;
  w.seconds(5);
  w.chain.ignore_charges = true;  // client and worker contracts abort everything
  w.new_parameters();
  w.seconds(200);
  EXPECT_EQ(w.old().proxy_state, ton::ContractState::closing) << "somebody is still owed";
  EXPECT_EQ(w.old().clients.at(kClient).refunds, 0u);
  w.chain.ignore_charges = false;
  w.seconds(400);
  w.expect_settled(w.old());
}

TEST(Weakness, W12_ARefundIsOrderedOnceHoweverLongTheWalletTakes) {
  Retiring w;
  w.seconds(5);
  w.chain.lose_externals = true;
  w.chain.clients.at(kClient).state.state = ton::ContractState::closing;
  w.chain.client_notice(kClient);
  w.observe_changed();
  w.seconds(600);
  w.chain.lose_externals = false;
  w.seconds(300);
  EXPECT_EQ(std::count(w.chain.log.begin(), w.chain.log.end(), ton::op::client_grant_refund_signed), 1);
  EXPECT_EQ(w.chain.clients.at(kClient).state.state, ton::ContractState::closed);
}

TEST(Weakness, W18_ParametersAreKeptFaithfully) {
  BookRecord record;
  record.params.price_per_token = (std::uint64_t{1} << 40) + 3;
  record.params.worker_fee_per_token = (std::uint64_t{1} << 33) + 1;
  record.params.multipliers = {1, UINT32_MAX, 3, 4};
  record.params.min_proxy_stake = 123'456'789'012'345;
  record.params.client_code = contract_code::client();
  record.owner = address_of("somebody");
  record.retiring = true;
  record.closing_since = INT64_MAX;
  const auto back = decode_book_record(encode(record));
  ASSERT_TRUE(back) << back.error().what;
  EXPECT_EQ(*back, record);
  // Whatever it is cut to, it is refused.
  const Bytes bytes = encode(record);
  for (std::size_t n = 0; n < bytes.size(); ++n) EXPECT_FALSE(decode_book_record(BytesView(bytes).first(n))) << n;
}

TEST(Weakness, W23_TheStakeStaysUntilTheDelayIsOver) {
  // A contract with a delay of its own.
  Retiring own;
  own.seconds(5);
  own.chain.unlock_ts = static_cast<std::uint32_t>(own.chain.now + 300);
  own.new_parameters();
  own.seconds(280);
  EXPECT_EQ(own.old().proxy_state, ton::ContractState::closing);
  own.seconds(40);
  EXPECT_EQ(own.old().proxy_state, ton::ContractState::closed);
  // One without: that of the parameters, from when it was seen closing.
  Retiring none;
  none.seconds(5);
  none.new_parameters();
  none.seconds(50);
  EXPECT_EQ(none.old().clients.at(kClient).refunds, 1u);
  EXPECT_EQ(none.old().proxy_state, ton::ContractState::closing);
  none.seconds(50);
  EXPECT_EQ(none.old().proxy_state, ton::ContractState::closed);
}

TEST(Weakness, W24_CommissionIsNotWithdrawnByText) {
  Config config = test_config();
  config.withdraw_at = 1;
  World w(config);
  w.converse(w.client(), w.worker(), 100);
  w.seconds(40);
  const auto& log = w.chain.log;
  EXPECT_GE(std::count(log.begin(), log.end(), ton::op::proxy_payout_request), 1);
  EXPECT_EQ(std::count(log.begin(), log.end(), 0u), 0) << "no text commands";
}

TEST(Weakness, W25_ACommitCountsWhenTheContractHasItNotWhenTheWalletWasAsked) {
  World w;
  const auto client = w.client();
  const auto worker = w.worker();
  w.chain.wallet_fails = true;  // externals are included, their actions fail
  w.converse(client, worker, 100);
  w.seconds(60);
  const auto tokens = [&] { return w.core->status(w.now).client_accounts.at(0).chain; };
  EXPECT_EQ(tokens(), 0u);
  w.chain.wallet_fails = false;
  w.seconds(120);
  EXPECT_EQ(tokens(), 100u) << "and the slot of the failed one is free again";
}

}  // namespace
}  // namespace cocoon::proxy::testing
