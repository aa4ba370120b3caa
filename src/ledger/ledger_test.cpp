#include "ledger/ledger_test.hpp"

#include <fstream>
#include <random>
#include <sstream>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "market/prices.hpp"
#include "ton/boc.hpp"

namespace cocoon::ledger {
namespace {

using namespace testing;
using ton::kTon;

TEST_F(LedgerTest, TokensWalkFromMemoryToDiskToChainToContract) {
  EXPECT_TRUE(l->ready());
  serve(100);
  EXPECT_EQ(l->client(alice)->tokens, (Counters{.max = 100}));
  EXPECT_EQ(l->worker(worker).tokens, (Counters{.max = 100}));
  const Snapshot s = l->snapshot(true);
  EXPECT_EQ(l->client(alice)->tokens.db, 0u);
  EXPECT_EQ(l->commit_to_send(), std::nullopt);
  l->snapshot_durable(s.seqno);
  EXPECT_EQ(l->client(alice)->tokens, (Counters{.max = 100, .db = 100}));
  serve(11);  // after the snapshot: not part of the commit
  const auto commit = l->commit_to_send().value();
  EXPECT_EQ(l->sign_for_client(alice, random), std::nullopt);
  ASSERT_TRUE(l->apply(chain.commit(commit)));
  EXPECT_EQ(l->client(alice)->tokens, (Counters{.max = 111, .db = 100, .chain = 100}));

  const auto boc = l->sign_for_client(alice, random).value();
  const auto verified =
      ton::verify_payment(boc, ton::op::client_charge_signed, proxy.client_address(alice), key.public_key());
  ASSERT_TRUE(verified) << verified.error().what;
  EXPECT_EQ(verified->payload.tokens, 100u);
  EXPECT_EQ(verified->message.excesses_to, wallet);
  EXPECT_EQ(l->client(alice)->tokens.sent, 100u);
  const auto payout = ton::verify_payment(l->sign_for_worker(worker, random).value(), ton::op::worker_payout_signed,
                                          proxy.worker_address(worker), key.public_key());
  ASSERT_TRUE(payout);
  EXPECT_EQ(payout->payload.tokens, 100u);

  ASSERT_TRUE(l->apply(chain.client(alice, state(15 * kTon - 2000, 100))));
  ASSERT_TRUE(l->apply(chain.worker(worker, 100)));
  EXPECT_EQ(l->client(alice)->tokens.charged, 100u);
  EXPECT_EQ(l->worker(worker).tokens.charged, 100u);
}

// At 20 nanoTON a token and 1000 nanoTON to be charged at.
TEST_F(LedgerTest, TheStakeCoversWhatIsNotChargedYet) {
  ASSERT_TRUE(l->apply(chain.client(bob, state(15 * kTon))));
  const auto owe = [&](const ton::Address& client, std::uint64_t tokens) {
    ASSERT_TRUE(l->reserve(client, tokens));
    l->finish(client, worker, tokens, tokens, at(0));
    commit();
  };
  l->cover(900);
  owe(alice, 44);
  EXPECT_TRUE(l->due(at(0), random).empty()) << "880 of 900";
  owe(bob, 1);
  auto due = l->due(at(0), random);
  ASSERT_EQ(due.size(), 1U) << "two owe: 450 each";
  EXPECT_EQ(due[0].owner, alice);
  EXPECT_EQ(due[0].tokens, 44U);
  ASSERT_TRUE(l->apply(chain.client(alice, state(15 * kTon - 880, 44))));
  // However small the stake, not below a quarter of what the operator asked for.
  l->cover(10);
  owe(bob, 11);
  EXPECT_TRUE(l->due(at(0), random).empty()) << "240";
  owe(bob, 1);
  EXPECT_EQ(l->due(at(0), random).size(), 1U) << "260";
  // No stake covers nothing.
  l->cover(0);
  owe(alice, 49);
  EXPECT_TRUE(l->due(at(0), random).empty()) << "980";
  owe(alice, 1);
  EXPECT_EQ(l->due(at(0), random).size(), 1U);
}

TEST_F(LedgerTest, SignaturesStayTheSameWhileNothingIsCommitted) {
  serve(10);
  commit();
  EXPECT_EQ(l->cached_for_client(alice), std::nullopt);
  const auto first = l->sign_for_client(alice, random);
  EXPECT_EQ(l->sign_for_client(alice, random), first);
  EXPECT_EQ(l->cached_for_client(alice), first);
  serve(10);
  EXPECT_EQ(l->sign_for_client(alice, random), first);
  commit();
  EXPECT_EQ(l->cached_for_client(alice), std::nullopt);
  EXPECT_NE(l->sign_for_client(alice, random), first);
}

TEST_F(LedgerTest, ReservationsAreLimitedByStakeAndBalance) {
  // 15 TON at 20 nanoTON: 750'000'000 tokens.
  EXPECT_EQ(l->client(alice)->available, 750'000'000);
  ASSERT_TRUE(l->reserve(alice, 700'000'000));
  EXPECT_FALSE(l->reserve(alice, 50'000'001));
  ASSERT_TRUE(l->reserve(alice, 50'000'000));
  EXPECT_FALSE(l->reserve(alice, 1));
  EXPECT_TRUE(l->reserve(alice, 0));
  EXPECT_EQ(l->finish(alice, worker, 700'000'000, 0, at(0)), 0u);
  EXPECT_EQ(l->client(alice)->reserved, 50'000'000u);
  // A worker that claims more than was reserved gets what was reserved (W-6).
  EXPECT_EQ(l->finish(alice, worker, 50'000'000, UINT64_MAX, at(0)), 50'000'000u);
  EXPECT_EQ(l->client(alice)->available, 700'000'000);
  EXPECT_FALSE(l->reserve(bob, 1));
  ASSERT_TRUE(l->apply(chain.client(alice, {.state = ton::ContractState::closing, .balance = 15 * kTon})));
  EXPECT_FALSE(l->reserve(alice, 1));
}

TEST_F(LedgerTest, NothingIsSignedBeforeThisSessionsCommit) {
  serve(100);
  const Snapshot s = commit();
  l.emplace(open(s).value());
  EXPECT_FALSE(l->ready());
  EXPECT_EQ(l->client(alice)->tokens.chain, 100u);
  EXPECT_EQ(l->sign_for_client(alice, random), std::nullopt);
  EXPECT_TRUE(l->due(at(0), random).empty());
  write(true);
  // The last commit of the session before comes again after the anchor: known, but not ours.
  chain.at(s.anchor);
  ASSERT_TRUE(l->apply(chain.commit(s.pending.back())));
  EXPECT_FALSE(l->ready());
  ASSERT_TRUE(l->apply(chain.commit(l->commit_to_send().value())));
  EXPECT_TRUE(l->ready());
  EXPECT_TRUE(l->sign_for_client(alice, random).has_value());
}

TEST_F(LedgerTest, AnOlderCopyOfTheDatabaseIsFound) {
  serve(100);
  const Snapshot old = write(false);
  serve(100);
  write(true);
  const auto newer = l->commit_to_send().value();
  // The host brings back the old file; the chain still shows the newer commit.
  l.emplace(open(old).value());
  auto tx = chain.commit(newer);
  const auto result = l->apply(tx);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, fault::rolled_back);
}

TEST_F(LedgerTest, CountersAboveWhatWasCommittedAreFound) {
  serve(100);
  write(false);
  l->caught_up();
  auto result = l->apply(chain.client(alice, state(kTon, 100)));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, fault::cloned);
  Ledger fresh = open({}).value();
  Chain other(proxy);
  EXPECT_EQ(fresh.apply(other.client(bob, state(kTon, 1))).error().code, fault::fresh_database);
  Chain third(proxy);
  EXPECT_EQ(fresh.apply(third.worker(worker, 1)).error().code, fault::fresh_database);
}

TEST_F(LedgerTest, CommitsOfStrangersAndWrongHashes) {
  // A stranger may send what looks like a commit: nothing.
  EXPECT_EQ(l->apply(chain.commit({99, bits(1)}, address(77))).value(), std::nullopt);
  write(true);
  auto commit = l->commit_to_send().value();
  commit.hash = bits(66);
  l->caught_up();
  EXPECT_EQ(l->apply(chain.commit(commit)).error().code, fault::cloned);
}

TEST_F(LedgerTest, GapsAreFoundAndRepetitionsIgnored) {
  const auto first = chain.client(bob, state(kTon));
  const auto second = chain.client(bob, state(2 * kTon));
  EXPECT_EQ(l->apply(second).error().code, fault::gap);
  ASSERT_TRUE(l->apply(first));
  ASSERT_TRUE(l->apply(second));
  EXPECT_EQ(l->apply(first).value(), std::nullopt);
  EXPECT_EQ(l->client(bob)->chain.balance, 2 * kTon);
  // A new database, but the contract has a past.
  Ledger fresh = open({}).value();
  EXPECT_EQ(fresh.apply(second).error().code, fault::gap);
}

TEST_F(LedgerTest, StoredValuesOfAnotherKeyInstanceOrHand) {
  serve(100);
  const Snapshot good = commit();
  EXPECT_TRUE(open(good));
  Snapshot changed = good;
  changed.clients[0].tokens -= 50;
  EXPECT_EQ(open(changed).error().code, fault::damaged);
  changed = good;
  changed.pending.clear();
  EXPECT_EQ(open(changed).error().code, fault::damaged);
  const auto other = instance(21);
  EXPECT_EQ(Ledger::open(config, other, key, bits(1), seal_key, good).error().code, fault::another_instance);
  // Rightly sealed, wrongly counted: also what a bug of ours would look like.
  changed = good;
  changed.workers[0].tokens += 1;
  changed.seal = seal(changed, seal_key);
  EXPECT_EQ(open(changed).error().code, fault::damaged);
}

TEST_F(LedgerTest, AFailedWriteIsTriedAgainWithNewerValues) {
  serve(100);
  const Snapshot lost = l->snapshot(true);
  EXPECT_FALSE(l->dirty());
  l->snapshot_failed(lost.seqno);
  EXPECT_TRUE(l->dirty());
  EXPECT_FALSE(l->committing());
  EXPECT_EQ(l->client(alice)->tokens.db, 0u);
  serve(1);
  const Snapshot next = commit();
  EXPECT_GT(next.seqno, lost.seqno);
  EXPECT_EQ(l->client(alice)->tokens.chain, 101u);
  EXPECT_TRUE(std::ranges::none_of(next.pending, [&](const auto& p) { return p.seqno == lost.seqno; }));
}

TEST_F(LedgerTest, ChargesAndPayoutsLeaveAtTheirThresholds) {
  serve(49);  // 980 nanoTON, below 1000
  commit();
  EXPECT_TRUE(l->due(at(0), random).empty());
  serve(1);
  EXPECT_TRUE(l->due(at(0), random).empty());  // not committed yet
  commit();
  auto due = l->due(at(0), random);
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].kind, SettlementKind::charge);
  EXPECT_EQ(due[0].contract, proxy.client_address(alice));
  EXPECT_EQ(due[0].tokens, 50u);
  EXPECT_TRUE(ton::verify_payment(due[0].body, ton::op::client_charge_signed, due[0].contract, key.public_key()));
  EXPECT_TRUE(l->due(at(1), random).empty());

  serve(250);
  commit();
  due = l->due(at(2), random);  // the charge is still on its way; the worker has 300 * 19
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].kind, SettlementKind::payout);
  EXPECT_EQ(due[0].tokens, 300u);

  ASSERT_TRUE(l->apply(chain.client(alice, state(15 * kTon - 1000, 50))));
  due = l->due(at(3), random);
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].kind, SettlementKind::charge);
  EXPECT_EQ(due[0].tokens, 300u);
}

TEST_F(LedgerTest, SettlementsWithoutEffectAreTriedAgainLessAndLessOften) {
  serve(50);
  commit();
  const auto sent = [&](std::int64_t when) { l->settlement_sent(SettlementKind::charge, alice, at(when)); };
  ASSERT_EQ(l->due(at(0), random).size(), 1u);
  // It waits in the wallet, which may be empty for days: that is no reason to queue it again.
  EXPECT_TRUE(l->due(at(-1), random).empty());
  EXPECT_EQ(l->wake_at(), Time::max());
  sent(0);
  EXPECT_EQ(l->wake_at(), at(120));
  EXPECT_TRUE(l->due(at(119), random).empty());
  ASSERT_EQ(l->due(at(120), random).size(), 1u);
  sent(120);
  EXPECT_TRUE(l->due(at(300), random).empty());
  ASSERT_EQ(l->due(at(360), random).size(), 1u);
  // The wallet could not send it: no need to wait that long.
  l->settlement_failed(SettlementKind::charge, alice, at(361));
  EXPECT_TRUE(l->due(at(400), random).empty());
  ASSERT_EQ(l->due(at(481), random).size(), 1u);
  ASSERT_TRUE(l->apply(chain.client(alice, state(15 * kTon - 1000, 50))));
  EXPECT_TRUE(l->due(at(100'000), random).empty());
}

TEST_F(LedgerTest, AClosingClientIsRefundedOnceEverythingIsCommitted) {
  serve(30);
  ASSERT_TRUE(l->reserve(alice, 100));
  commit();
  auto closing = state(15 * kTon);
  closing.state = ton::ContractState::closing;
  ASSERT_TRUE(l->apply(chain.client(alice, closing)));
  EXPECT_TRUE(l->due(at(0), random).empty());
  l->finish(alice, worker, 100, 12, at(0));
  EXPECT_TRUE(l->due(at(0), random).empty());
  EXPECT_TRUE(l->commit_wanted());
  commit();
  const auto due = l->due(at(0), random);
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].kind, SettlementKind::grant_refund);
  EXPECT_EQ(due[0].tokens, 42u);
  // Until it arrives, notices of the closing contract do not make us pay for another one (W-12).
  closing.secret_hash = bits(99);
  ASSERT_TRUE(l->apply(chain.client(alice, closing)));
  EXPECT_TRUE(l->due(at(1), random).empty());
  l->settlement_sent(SettlementKind::grant_refund, alice, at(1));
  closing.secret_hash = bits(98);
  ASSERT_TRUE(l->apply(chain.client(alice, closing)));
  EXPECT_TRUE(l->due(at(100), random).empty());
  EXPECT_EQ(l->due(at(121), random).size(), 1u);
  auto closed = state(0, 42);
  closed.state = ton::ContractState::closed;
  ASSERT_TRUE(l->apply(chain.client(alice, closed)));
  EXPECT_TRUE(l->due(at(100'000), random).empty());
}

TEST_F(LedgerTest, PayoutsThatMustFailAreNotSent) {
  proxy = instance(20, 21);
  chain = Chain(proxy);
  l.emplace(open({}).value());
  commit();
  ASSERT_TRUE(l->apply(chain.client(alice, state(15 * kTon))));
  serve(100'000);
  commit();
  for (const auto& s : l->due(at(0), random)) EXPECT_NE(s.kind, SettlementKind::payout);
}

// Random histories with crashes at every step: what was ever signed is never lost, everything balances, and a restart
// from the newest durable snapshot is always accepted by the chain that was seen.
TEST_F(LedgerTest, RandomHistoriesWithCrashes) {
  std::mt19937_64 dice(7);
  std::optional<Snapshot> durable;  // what the disk holds
  std::vector<ton::Transaction> history;
  std::map<ton::Address, std::uint64_t> signed_for, contract;  // what peers hold; what contracts count
  const std::vector<ton::Address> owners{alice, bob}, staff{worker, other_worker};
  chain = Chain(proxy);
  l.emplace(open({}).value());
  std::optional<Snapshot> writing;
  std::int64_t now = 0;
  const auto see = [&](const ton::Transaction& tx) {
    history.push_back(tx);
    const auto seen = l->apply(tx);
    ASSERT_TRUE(seen) << seen.error().what;
  };
  const auto read_signature = [&](const std::optional<Bytes>& boc, const ton::Address& owner) {
    if (!boc) return;
    const auto message = ton::parse_signed_message(ton::read_boc(*boc).value()).value();
    const auto tokens = ton::parse_payment_payload(message.payload).value().tokens;
    signed_for[owner] = std::max(signed_for[owner], tokens);
  };
  for (int step = 0; step < 20'000; ++step) {
    ++now;
    const auto owner = owners[dice() % 2];
    const auto who = staff[dice() % 2];
    switch (dice() % 10) {
      case 0:
        see(chain.client(owner, state(15 * kTon, contract[owner])));
        break;
      case 1:
      case 2:
        if (const auto r = dice() % 500; l->ready() && l->reserve(owner, r))
          l->finish(owner, who, r, dice() % 500, at(now));
        break;
      case 3:
        if (!l->writing()) writing = l->snapshot(!l->committing() && l->commit_wanted());
        break;
      case 4:
        if (writing && l->writing()) {
          if (dice() % 5 == 0) {
            l->snapshot_failed(writing->seqno);
          } else {
            durable = writing;
            l->snapshot_durable(writing->seqno);
          }
        }
        break;
      case 5:
        if (const auto c = l->commit_to_send()) see(chain.commit(*c));
        break;
      case 6:
        read_signature(l->sign_for_client(owner, random), owner);
        read_signature(l->sign_for_worker(who, random), who);
        break;
      case 7:
        for (const auto& s : l->due(at(now), random)) {
          signed_for[s.owner] = std::max(signed_for[s.owner], s.tokens);
          contract[s.owner] = std::max(contract[s.owner], s.tokens);
          if (s.kind == SettlementKind::payout)
            see(chain.worker(s.owner, contract[s.owner]));
          else
            see(chain.client(s.owner, state(15 * kTon, contract[s.owner])));
        }
        break;
      case 8:
        // Peers present their newest signature themselves.
        if (signed_for[who] > contract[who]) {
          contract[who] = signed_for[who];
          see(chain.worker(who, contract[who]));
        }
        break;
      default:
        if (dice() % 20 != 0 || !durable) break;
        // Crash: only the disk remains. A write under way may have reached it or not.
        if (writing && l->writing() && dice() % 2 == 0) durable = writing;
        writing.reset();
        l.emplace(open(decode(encode(*durable)).value()).value());
        for (const auto& tx : history) {
          const auto seen = l->apply(tx);
          ASSERT_TRUE(seen) << seen.error().what;
        }
    }
    for (const auto& o : owners) {
      const auto c = l->client(o);
      EXPECT_LE(signed_for[o], c ? c->tokens.chain : 0);
    }
    for (const auto& w : staff) EXPECT_LE(signed_for[w], l->worker(w).tokens.chain);
  }
  EXPECT_GT(signed_for[alice], 0u);
  EXPECT_GT(contract[worker], 0u);
}

TEST(Snapshot, BytesAreExactAndTotal) {
  Snapshot s;
  s.seqno = -5;
  s.pending = {{-7, bits(1)}, {3, bits(2)}};
  s.clients.push_back({address(1), address(2), {.balance = 5, .tokens_used = 6}, 7, 4, 8});
  s.workers.push_back({address(3), address(4), ton::ContractState::closed, 5, 6, 3, 7});
  s.extra = {1, 2, 3};
  s.seal = seal(s, seal_key);
  const Bytes bytes = encode(s);
  EXPECT_EQ(decode(bytes).value(), s);
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_FALSE(decode(BytesView(bytes).first(n))) << n;
    Bytes changed = bytes;
    changed[n] ^= 0x81;
    const auto other = decode(changed);
    EXPECT_TRUE(!other || encode(*other) == changed) << n;
  }
  Bytes longer = bytes;
  longer.push_back(0);
  EXPECT_FALSE(decode(longer));
  auto twice = s;
  twice.clients.push_back(s.clients[0]);
  EXPECT_FALSE(decode(encode(twice)));
}

Bits256 hash_of(const Snapshot& s, std::uint8_t session) { return commit_hash(commit_parts(s, bits(session))); }

TEST(Snapshot, CommitHashBindsSessionAndRecords) {
  Snapshot s;
  s.clients.push_back({address(1), address(2), {}, 7, 0, 8});
  const auto hash = hash_of(s, 1);
  EXPECT_NE(hash, hash_of(s, 2));
  auto changed = s;
  changed.clients[0].tokens = 6;
  EXPECT_NE(hash, hash_of(changed, 1));
  changed = s;
  changed.extra = {1};
  EXPECT_NE(hash, hash_of(changed, 1));
  changed = s;
  changed.seal = bits(9);
  EXPECT_EQ(hash, hash_of(changed, 1));
}

// The arithmetic of the contract vectors that lies in `market`.
TEST(Vectors, AdjustedTokens) {
  std::ifstream in(std::string(COCOON_SOURCE_DIR) + "/src/ton/testdata/contract-vectors.json");
  std::stringstream text;
  text << in.rdbuf();
  const auto all = boost::json::parse(text.str());
  const auto n = [](const boost::json::value& o, const char* name) { return o.at(name).to_number<std::int64_t>(); };
  for (const auto& v : all.at("adjust_tokens").as_array())
    EXPECT_EQ(market::adjust_tokens(n(v, "tokens"), n(v, "coefficient"), n(v, "multiplier")),
              n(v, "exact_integer_floor"));
  const auto& v = all.at("usage_example");
  const auto& e = v.at("engine_usage");
  const auto& m = v.at("multipliers");
  const auto adjusted = market::adjust_usage(
      {n(e, "prompt_tokens"), n(e, "cached_tokens"), n(e, "completion_tokens"), n(e, "reasoning_tokens")},
      n(v, "coefficient"), {n(m, "prompt"), n(m, "cached"), n(m, "completion"), n(m, "reasoning")});
  const auto& a = v.at("adjusted");
  EXPECT_EQ(adjusted, (market::AdjustedUsage{n(a, "prompt"), n(a, "cached"), n(a, "completion"), n(a, "reasoning"),
                                             n(a, "total")}));
  EXPECT_EQ(market::costs_of(adjusted, 20).total, n(v, "client_price_nano"));
  EXPECT_EQ(market::costs_of(adjusted, 19).total, n(v, "worker_part_nano"));
  EXPECT_EQ(market::costs_of(adjusted, 1).total, n(v, "proxy_part_nano"));
}

}  // namespace
}  // namespace cocoon::ledger
