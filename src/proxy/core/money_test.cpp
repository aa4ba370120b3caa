// What the proxy does with money: from a finished request to the chain, across failures and restarts.
#include "proxy/core/test_world.hpp"

namespace cocoon::proxy::testing {
namespace {

const ton::Address kClient = address_of("client");
const ton::Address kWorker = address_of("worker");

ledger::Counters client_of(const World& w) {
  for (const auto& c : w.core->status(w.now).client_accounts)
    if (c.owner == kClient) return {c.max, c.db, c.chain, 0, c.charged};
  return {};
}
ledger::Counters worker_of(const World& w) {
  for (const auto& a : w.core->status(w.now).worker_accounts)
    if (a.owner == kWorker) return {a.max, a.db, a.chain, 0, a.paid};
  return {};
}

wire::client::PaymentStatus status_of(World& w, role::LinkId client) {
  w.query(client, wire::client::UpdatePaymentStatus{});
  return w.answer<wire::client::PaymentStatus>(client);
}

std::uint64_t signed_tokens(const wire::proxy::AnySignedPayment& payment) {
  const auto* some = std::get_if<wire::proxy::SignedPayment>(&payment);
  if (some == nullptr) return 999'999'999;
  const auto message = ton::parse_signed_message(*ton::read_boc(some->data));
  return ton::parse_payment_payload(message->payload)->tokens;
}

TEST(ProxyMoney, DeploysItsContractAndServesOnlyAfterItsOwnCommit) {
  World w(test_config(), false);
  EXPECT_FALSE(w.core->serving());
  const role::LinkId early = w.up(kClientPort);
  EXPECT_EQ(w.take(early).at(0).kind, Said::Kind::closed);
  w.observe_all();
  EXPECT_TRUE(w.core->serving());
  EXPECT_TRUE(w.chain.proxy_deployed);
  EXPECT_EQ(w.chain.commits.size(), 1u);
}

TEST(ProxyMoney, APoorWalletIsSaidAndWaitedFor) {
  World w(test_config(), false);
  w.chain.wallet_coins = ton::kTon;
  w.observe_all();
  EXPECT_FALSE(w.core->serving());
  EXPECT_NE(w.core->status(w.now).waiting_for.find("wallet"), std::string::npos);
  w.chain.wallet_coins = 50 * ton::kTon;
  w.observe(w.chain.wallet());
  w.seconds(10);
  EXPECT_TRUE(w.core->serving()) << w.core->status(w.now).waiting_for;
}

TEST(ProxyMoney, TokensGoFromMemoryToDiskToChainAndAreSignedOnlyThen) {
  World w;
  const auto client = w.client();
  const auto worker = w.worker();
  w.seconds(2);
  w.disk_hangs = true;
  w.converse(client, worker, 60);
  w.take(client);
  EXPECT_EQ(client_of(w), (ledger::Counters{60, 0, 0, 0, 0}));
  EXPECT_EQ(worker_of(w), (ledger::Counters{60, 0, 0, 0, 0}));
  w.seconds(2);
  EXPECT_EQ(client_of(w).db, 0u);
  auto said = status_of(w, client);
  EXPECT_EQ(said.max_tokens, 60);
  EXPECT_EQ(said.db_tokens, 0);
  EXPECT_EQ(signed_tokens(said.signed_payment), 0u);

  w.disk_hangs = false;
  w.feed(SnapshotDurable{w.writes.back()});
  EXPECT_EQ(client_of(w).db, 60u);
  w.seconds(12);
  EXPECT_EQ(client_of(w).chain, 60u);
  EXPECT_EQ(worker_of(w).chain, 60u);
  said = status_of(w, client);
  EXPECT_EQ(signed_tokens(said.signed_payment), 60u);
  EXPECT_EQ(said.db_tokens, 60);
}

// Steady work is committed at the configured pace: no commit waits for anything but its interval and the chain.
TEST(ProxyMoney, CommitsFollowEachOtherAtTheirInterval) {
  World w;  // every 5 s
  const auto client = w.client();
  const auto worker = w.worker();
  w.seconds(10);
  const auto before = w.chain.commits.size();
  for (int i = 0; i < 60; ++i) {
    w.converse(client, worker, 10);
    w.seconds(1);
  }
  EXPECT_GE(w.chain.commits.size() - before, 10u);
  EXPECT_LE(w.chain.commits.size() - before, 13u);
  EXPECT_GE(client_of(w).chain, 500u);
}

TEST(ProxyMoney, AStuckCommitKeepsSignaturesBack) {
  World w;
  const auto client = w.client();
  const auto worker = w.worker();
  w.chain.lose_externals = true;
  w.converse(client, worker, 60);
  w.take(client);
  w.seconds(90);
  EXPECT_EQ(client_of(w), (ledger::Counters{60, 60, 0, 0, 0}));
  EXPECT_EQ(signed_tokens(status_of(w, client).signed_payment), 0u);
  // The external has expired by now; another one takes its place, and everything follows.
  w.chain.lose_externals = false;
  w.seconds(60);
  EXPECT_EQ(client_of(w).chain, 60u);
}

TEST(ProxyMoney, ChargesTheClientAndPaysTheWorkerByTheirContracts) {
  World w;
  const auto client = w.client();
  const auto worker = w.worker();
  w.converse(client, worker, 100);
  w.seconds(20);
  const auto& on_chain = w.chain.clients.at(kClient);
  EXPECT_EQ(on_chain.state.tokens_used, 100u);
  EXPECT_EQ(on_chain.state.balance, 10 * ton::kTon - 100 * 20);
  EXPECT_EQ(on_chain.charges, 1u);
  EXPECT_TRUE(w.chain.workers.at(kWorker).deployed);
  EXPECT_EQ(w.chain.workers.at(kWorker).tokens, 100u);
  EXPECT_EQ(client_of(w).charged, 100u);
  EXPECT_EQ(worker_of(w).charged, 100u);
  // Nothing more happens without more tokens.
  const auto commits = w.chain.commits.size();
  w.seconds(60);
  EXPECT_EQ(w.chain.clients.at(kClient).charges, 1u);
  EXPECT_EQ(w.chain.commits.size(), commits);
}

TEST(ProxyMoney, SmallSumsWaitForTheirThreshold) {
  Config config = test_config();
  config.charge_client_at = 50 * 20;
  config.pay_worker_at = 70 * 19;
  World w(config);
  const auto client = w.client();
  const auto worker = w.worker();
  w.converse(client, worker, 40);
  w.seconds(20);
  EXPECT_EQ(w.chain.clients.at(kClient).charges, 0u);
  w.converse(client, worker, 20);
  w.seconds(20);
  EXPECT_EQ(w.chain.clients.at(kClient).state.tokens_used, 60u);
  EXPECT_EQ(w.chain.workers.count(kWorker), 0u);
  w.converse(client, worker, 20);
  w.seconds(20);
  EXPECT_EQ(w.chain.workers.at(kWorker).tokens, 80u);
}

TEST(ProxyMoney, AChargeThatHadNoEffectIsSentAgain) {
  World w;
  const auto client = w.client();
  const auto worker = w.worker();
  w.chain.ignore_charges = true;
  w.converse(client, worker, 100);
  w.seconds(60);
  EXPECT_EQ(client_of(w).charged, 0u);
  w.chain.ignore_charges = false;
  w.seconds(600);
  EXPECT_EQ(client_of(w).charged, 100u);
  EXPECT_EQ(worker_of(w).charged, 100u);
  EXPECT_EQ(w.chain.clients.at(kClient).charges, 1u);
}

TEST(ProxyMoney, AFailingWalletDoesNotLoseACommit) {
  World w;
  const auto client = w.client();
  const auto worker = w.worker();
  w.chain.wallet_fails = true;
  w.converse(client, worker, 100);
  w.seconds(120);
  EXPECT_EQ(client_of(w).chain, 0u);
  w.chain.wallet_fails = false;
  w.seconds(120);
  EXPECT_EQ(client_of(w).chain, 100u);
  EXPECT_EQ(client_of(w).charged, 100u);
}

TEST(ProxyMoney, AFullDiskHoldsDbBackButNotService) {
  World w;
  const auto client = w.client();
  const auto worker = w.worker();
  w.disk_fails = true;
  w.converse(client, worker, 30);
  w.seconds(10);
  EXPECT_EQ(client_of(w), (ledger::Counters{30, 0, 0, 0, 0}));
  EXPECT_TRUE(w.core->serving());
  w.disk_fails = false;
  w.seconds(20);
  EXPECT_EQ(client_of(w).chain, 30u);
}

TEST(ProxyMoney, ARestartKeepsWhatIsDurableAndWaitsForItsOwnCommit) {
  World w;
  {
    const auto client = w.client();
    const auto worker = w.worker();
    w.converse(client, worker, 100);
  }
  w.seconds(3);  // durable, not yet committed
  EXPECT_EQ(client_of(w).chain, 0u);
  const std::size_t commits = w.chain.commits.size();
  w.boot();
  EXPECT_FALSE(w.core->serving());
  w.observe_all();
  EXPECT_TRUE(w.core->serving()) << w.core->status(w.now).waiting_for;
  EXPECT_GT(w.chain.commits.size(), commits);
  EXPECT_EQ(client_of(w).max, 100u);
  EXPECT_EQ(client_of(w).chain, 100u);
  // The client is known without telling us again, and is charged for what it had used.
  const auto client = w.client();
  EXPECT_EQ(status_of(w, client).max_tokens, 100);
  w.seconds(10);
  EXPECT_EQ(client_of(w).charged, 100u);
}

TEST(ProxyMoney, NewsOfTheTimeWhenItWasDownAreReplayed) {
  World w;
  w.client();
  w.seconds(5);
  w.chain.client_deposits(kClient, 5 * ton::kTon, crypto::sha256(as_bytes("another secret")));
  w.chain.changed.clear();
  w.boot();
  w.observe_all();
  ASSERT_TRUE(w.core->serving());
  const auto status = w.core->status(w.now);
  ASSERT_EQ(status.client_accounts.size(), 1u);
  EXPECT_EQ(status.client_accounts[0].balance, 15 * ton::kTon);
}

TEST(ProxyMoney, AnOldDiskIsNoticedByTheCommitsOnChain) {
  World w;
  const auto client = w.client();
  const auto worker = w.worker();
  w.seconds(10);
  const Bytes old = w.stored;
  w.converse(client, worker, 100);
  w.seconds(20);
  w.stored = old;
  w.boot();
  w.observe_all();
  EXPECT_FALSE(w.core->serving());
  EXPECT_NE(w.core->status(w.now).waiting_for.find("commit"), std::string::npos);
  // It stays so, and no signature, commit or payment leaves any more.
  const std::size_t commits = w.chain.commits.size();
  w.seconds(60);
  EXPECT_FALSE(w.core->serving());
  EXPECT_EQ(w.chain.commits.size(), commits);
}

TEST(ProxyMoney, AnEmptyDiskWithAUsedContractIsRefused) {
  World w;
  w.client();
  w.seconds(10);
  w.stored.clear();
  w.boot();
  w.observe_all();
  EXPECT_FALSE(w.core->serving());
}

TEST(ProxyMoney, ASecondProxyWithTheSameKeysStopsTheFirst) {
  World w;
  const auto client = w.client();
  w.chain.foreign_commit(7777, seed_of("another session"));
  w.observe_changed();
  EXPECT_FALSE(w.core->serving());
  EXPECT_EQ(w.take(client).back().kind, Said::Kind::closed);
}

TEST(ProxyMoney, ADamagedDiskIsNoStart) {
  World w;
  w.client();
  w.seconds(5);
  for (const std::size_t at : {w.stored.size() / 2, w.stored.size() - 1, std::size_t{0}}) {
    Bytes bad = w.stored;
    bad[at] ^= 1;
    EXPECT_FALSE(Core::make(test_config(), crypto::Random(seed_of("x")), bad).has_value()) << at;
  }
  Config other = test_config();
  other.machine_seed = seed_of("another machine");
  EXPECT_FALSE(Core::make(other, crypto::Random(seed_of("x")), w.stored).has_value());
  EXPECT_TRUE(Core::make(test_config(), crypto::Random(seed_of("x")), w.stored).has_value());
}

TEST(ProxyMoney, AnOlderRootThanTheOneSeenBeforeIsNotBelieved) {
  World w;
  w.seconds(5);
  w.chain.root.version = 3;
  w.boot();
  w.observe_all();
  EXPECT_FALSE(w.core->serving());
  w.chain.root.version = 5;
  w.observe(w.chain.root_address);
  w.seconds(20);
  EXPECT_TRUE(w.core->serving()) << w.core->status(w.now).waiting_for;
}

TEST(ProxyMoney, NewParametersMakeANewContractAndKeepTheOldAccounts) {
  World w;
  const auto client = w.client();
  const auto worker = w.worker();
  w.converse(client, worker, 100);
  w.seconds(20);
  w.packet(client, w.ask());  // running when it happens
  w.take(client);
  ++w.chain.root.version;
  ++w.chain.root.params.params_version;
  w.chain.root.params.price_per_token = 40;
  w.chain.derive();
  w.chain.proxy_deployed = false;
  w.chain.clients.clear();
  w.observe(w.chain.root_address);
  EXPECT_FALSE(w.core->serving());
  const auto said = w.take(client);
  ASSERT_FALSE(said.empty());
  EXPECT_EQ(wire::decode<wire::client::QueryAnswerErrorEx>(said[0].data)->error_code, wire::kErrorCancelled);
  EXPECT_EQ(said.back().kind, Said::Kind::closed);
  w.observe_all();
  ASSERT_TRUE(w.core->serving()) << w.core->status(w.now).waiting_for;
  EXPECT_EQ(w.core->status(w.now).contract->address, w.chain.instance().address());
  EXPECT_TRUE(w.core->status(w.now).client_accounts.empty());
  // It serves under the new contract, also after another restart.
  const auto again = w.client();
  const auto again_worker = w.worker();
  w.converse(again, again_worker, 10);
  w.seconds(20);
  w.boot();
  w.observe_all();
  EXPECT_TRUE(w.core->serving()) << w.core->status(w.now).waiting_for;
  EXPECT_EQ(client_of(w).max, 10u);
}

TEST(ProxyMoney, ParametersThatChangedWhileItWasDownKeepTheOldAccounts) {
  World w;
  const auto client = w.client();
  const auto worker = w.worker();
  w.converse(client, worker, 100);
  w.seconds(20);
  ++w.chain.root.version;
  ++w.chain.root.params.params_version;
  w.chain.derive();
  w.chain.proxy_deployed = false;
  w.boot();
  w.observe_all();
  ASSERT_TRUE(w.core->serving()) << w.core->status(w.now).waiting_for;
  // The old accounts travel in the snapshots of the new contract: they are still owed.
  const auto snapshot = ledger::decode(w.stored);
  ASSERT_TRUE(snapshot.has_value());
  EXPECT_EQ(snapshot->proxy, w.chain.instance().address());
  EXPECT_GT(snapshot->extra.size(), 300u);
}

TEST(ProxyMoney, ADrainFinishesWhatRunsAndLeavesNothingInMemory) {
  Config config = test_config();
  config.snapshot_every = std::chrono::seconds(100);
  World w(config);
  const auto client = w.client();
  const auto worker = w.worker();
  w.packet(client, w.ask());
  const Bits256 id = w.asked(worker);
  w.feed(Drain{});
  EXPECT_FALSE(w.core->drained());
  w.packet(client, w.ask());
  EXPECT_EQ(wire::decode<wire::client::QueryAnswerErrorEx>(w.take(client).at(0).data)->error_code, 651);
  EXPECT_EQ(w.take(w.up(kClientPort)).at(0).kind, Said::Kind::closed);
  w.packet(worker, World::head(id));
  w.packet(worker, World::last_part(id, 50));
  EXPECT_TRUE(w.core->drained());
  EXPECT_EQ(client_of(w).db, 50u);
}

TEST(ProxyMoney, AClosingClientContractEndsItsService) {
  World w;
  const auto client = w.client();
  const auto worker = w.worker();
  w.chain.clients.at(kClient).state.state = ton::ContractState::closing;
  w.chain.client_notice(kClient);
  w.observe_changed();
  w.packet(client, w.ask());
  const auto said = w.take(client);
  ASSERT_EQ(said.size(), 1u);
  EXPECT_EQ(wire::decode<wire::client::QueryAnswerErrorEx>(said[0].data)->error_code, wire::kErrorNotReady);
  EXPECT_TRUE(w.take(worker).empty());
}

TEST(ProxyMoney, CommissionAndStakeAreTakenCareOf) {
  Config config = test_config();
  config.withdraw_at = 50;
  config.wanted_stake = 3 * ton::kTon;
  World w(config);
  w.seconds(5);
  EXPECT_EQ(w.chain.stake, 3 * ton::kTon);
  const auto client = w.client();
  const auto worker = w.worker();
  w.converse(client, worker, 100);
  w.seconds(40);
  EXPECT_EQ(w.chain.workers.at(kWorker).tokens, 100u);
  EXPECT_EQ(w.chain.commission, 0u);  // 100 were there and have been withdrawn
  EXPECT_EQ(w.chain.stake, 3 * ton::kTon);
}

TEST(ProxyMoney, MoreThanReservedIsNeverCharged) {
  World w;
  const auto client = w.client();
  const auto worker = w.worker();
  auto ask = w.ask();
  ask.max_coefficient = 1000;
  w.packet(client, ask);
  const std::uint64_t reserved = 100 + ask.query.size();
  EXPECT_EQ(w.core->status(w.now).client_accounts.at(0).reserved, reserved);
  const Bits256 id = w.asked(worker);
  w.packet(worker, World::head(id));
  w.packet(worker, World::last_part(id, 1'000'000'000));
  const auto said = w.take(client);
  const auto last = wire::decode<wire::client::QueryAnswerPartEx>(said.at(1).data);
  EXPECT_EQ(last->final_info.tokens_used.total_tokens_used, static_cast<std::int64_t>(reserved));
  EXPECT_EQ(wire::decode<wire::proxy::ClientRequestPayment>(said.at(2).data)->request_tokens,
            static_cast<std::int64_t>(reserved));
  EXPECT_EQ(client_of(w).max, reserved);
  EXPECT_EQ(w.core->status(w.now).client_accounts.at(0).reserved, 0u);
  // Nor less than nothing.
  w.packet(client, w.ask());
  const Bits256 second = w.asked(worker);
  w.packet(worker, World::head(second));
  w.packet(worker, World::last_part(second, -50));
  EXPECT_EQ(client_of(w).max, reserved);
}

TEST(Weakness, W06_TheLargestMultiplierIsReserved) {
  Config config = test_config();
  config.reserve_largest_multiplier = true;
  World w(config, false);
  w.chain.root.params.multipliers.completion = 80000;
  w.chain.derive();
  w.observe_all();
  ASSERT_TRUE(w.core->serving());
  const auto client = w.client();
  w.worker();
  auto ask = w.ask();
  ask.max_coefficient = 1000;
  w.packet(client, ask);
  EXPECT_EQ(w.core->status(w.now).client_accounts.at(0).reserved, 8 * (100 + ask.query.size()));
}

TEST(ProxyMoney, ACleanEndIsToldFromACrash) {
  World w;
  EXPECT_EQ(w.core->status(w.now).start_up, "fresh");
  w.converse(w.client(), w.worker(), 30);
  w.seconds(3);
  w.boot();
  w.observe_all();
  EXPECT_EQ(w.core->status(w.now).start_up, "crashed");
  w.converse(w.client(), w.worker(), 30);
  w.feed(Drain{});
  w.seconds(1);
  EXPECT_TRUE(w.core->drained());
  w.boot();
  w.observe_all();
  EXPECT_EQ(w.core->status(w.now).start_up, "clean");
  EXPECT_EQ(client_of(w).max, 60u);
}

TEST(ProxyMoney, WhatStopsItSaysWhatToDo) {
  const auto why = [](World& w) { return w.core->status(w.now).waiting_for; };
  World copy;
  copy.seconds(10);
  const Bytes old = copy.stored;
  copy.converse(copy.client(), copy.worker(), 100);
  copy.seconds(20);
  copy.stored = old;
  copy.boot();
  copy.observe_all();
  EXPECT_NE(why(copy).find("this database is an old copy"), std::string::npos) << why(copy);

  World clone;
  clone.chain.foreign_commit(7777, seed_of("another session"));
  clone.observe_changed();
  EXPECT_NE(why(clone).find("another machine runs with these keys"), std::string::npos) << why(clone);

  World empty;
  empty.seconds(10);
  empty.stored.clear();
  empty.boot();
  empty.observe_all();
  EXPECT_NE(why(empty).find("this database is new"), std::string::npos) << why(empty);
}

// An answer that broke off: what the worker says went out is paid for, and no more than was reserved.
TEST(ProxyMoney, ABrokenAnswerCostsWhatWasDelivered) {
  World w;
  const auto client = w.client();
  const auto worker = w.worker();
  const auto breaks = [&](bool after_head, std::int64_t tokens) {
    w.seconds(2);  // who fails thrice in a row rests for a second
    w.packet(client, w.ask());
    const Bits256 id = w.asked(worker);
    if (after_head) w.packet(worker, World::head(id));
    wire::proxy::QueryAnswerErrorEx error;
    error.request_id = id;
    error.error_code = wire::kErrorFailure;
    error.error = "the engine broke";
    wire::proxy::QueryFinalInfo info;
    info.tokens_used.completion_tokens_used = info.tokens_used.total_tokens_used = tokens;
    error.set_final_info(info);
    w.packet(worker, error);
    w.take(client);
  };
  breaks(false, 40);
  EXPECT_EQ(client_of(w).max, 0u) << "nothing went out before the head";
  breaks(true, 17);
  EXPECT_EQ(client_of(w).max, 17u);
  EXPECT_EQ(worker_of(w).max, 17u);
  breaks(true, -5);
  EXPECT_EQ(client_of(w).max, 17u);
  breaks(true, INT64_MAX);
  EXPECT_LT(client_of(w).max, 5000u) << "the reservation of one request";
  EXPECT_EQ(w.core->status(w.now).client_accounts.at(0).reserved, 0u);
}

TEST(Weakness, W06_AStreamLongerThanItsReservationIsStopped) {
  World w;
  const auto client = w.client();
  const auto worker = w.worker();
  auto ask = w.ask();
  ask.max_tokens = 10;
  w.packet(client, ask);
  const Bits256 id = w.asked(worker);
  w.packet(worker, World::head(id));
  const auto more = [&](std::size_t bytes) {
    wire::proxy::QueryAnswerPartEx part;
    part.request_id = id;
    part.answer.resize(bytes);
    w.carried_packet(worker, part);
    return w.take(worker);
  };
  EXPECT_TRUE(more((1u << 20) + 10 * 8192u - 44).empty());
  const auto told = more(0);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(wire::decode<wire::proxy::CancelQuery>(told[0].data)->request_id, id);
}

// A whole life of a proxy's contract, and nothing of it goes to the root contract.
TEST(Weakness, W10_NoNodeSendsKeyRegistrations) {
  World w;
  w.converse(w.client(), w.worker(), 100);
  w.seconds(60);
  EXPECT_FALSE(w.chain.log.empty());
  for (const auto opcode : {ton::op::root_add_public_key, ton::op::root_add_public_key_signed})
    EXPECT_EQ(std::count(w.chain.log.begin(), w.chain.log.end(), opcode), 0);
}

}  // namespace
}  // namespace cocoon::proxy::testing
