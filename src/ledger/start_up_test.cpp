// What a ledger finds out when it starts: how the session before ended, and whether its database is the one that
// belongs to the contract (contracts.md 6.4).
#include "ledger/ledger_test.hpp"

namespace cocoon::ledger {
namespace {

using namespace testing;
using ton::kTon;

int code_of(const Result<std::optional<ton::Notice>>& r) { return r ? 0 : r.error().code; }

TEST_F(LedgerTest, ACleanEndIsToldFromACrash) {
  EXPECT_EQ(l->start_up(), StartUp::fresh);
  serve(100);
  const Snapshot running = write(false);
  EXPECT_EQ(open(running)->start_up(), StartUp::crashed);
  const Snapshot last = l->snapshot(false, /*clean=*/true);
  l->snapshot_durable(last.seqno);
  EXPECT_EQ(open(last)->start_up(), StartUp::clean);
  // The next session is running as soon as it writes.
  Ledger next = open(last).value();
  EXPECT_FALSE(next.snapshot(false).clean);
}

TEST_F(LedgerTest, WhatACrashForgetsWasNeverSigned) {
  serve(100);
  const Snapshot durable = commit();
  serve(50);  // never on disk
  EXPECT_EQ(ton::verify_payment(l->sign_for_client(alice, random).value(), ton::op::client_charge_signed,
                                proxy.client_address(alice), key.public_key())
                ->payload.tokens,
            100U);
  l.emplace(open(durable).value());
  chain.at(durable.anchor);
  EXPECT_EQ(l->client(alice)->tokens.max, 100U);
  EXPECT_EQ(l->client(alice)->tokens.sent, 100U) << "S never goes back (I2)";
  EXPECT_EQ(l->client(alice)->expected, 0U);
}

TEST_F(LedgerTest, AnOldCopyAClonedMachineAndANewDatabaseAreToldApart) {
  serve(100);
  const Snapshot old = write(false);
  serve(100);
  write(true);
  const auto foreign = l->commit_to_send().value();
  // The commit was there before the start: the database is older than the chain.
  Ledger copy = open(old).value();
  EXPECT_EQ(code_of(copy.apply(chain.commit(foreign))), fault::rolled_back);
  // It comes while we run: somebody else runs too.
  Ledger clone = open(old).value();
  clone.caught_up();
  chain.at(old.anchor);
  EXPECT_EQ(code_of(clone.apply(chain.commit(foreign))), fault::cloned);
  // There is no database: the one that made it is missing.
  Chain again(proxy);
  EXPECT_EQ(code_of(open({})->apply(again.commit(foreign))), fault::fresh_database);
  for (const int code :
       {fault::rolled_back, fault::damaged, fault::another_instance, fault::gap, fault::cloned, fault::fresh_database})
    EXPECT_STRNE(fault::advice(code), "") << code;
  EXPECT_STREQ(fault::advice(0), "");
}

TEST_F(LedgerTest, ACloneWithAnotherWalletIsFoundAndStrangersAreNot) {
  Config elsewhere = config;
  elsewhere.wallet = address(4);
  const Snapshot now = write(false);
  Ledger clone = Ledger::open(elsewhere, proxy, key, bits(99), seal_key, now).value();
  const Snapshot s = clone.snapshot(true);
  clone.snapshot_durable(s.seqno);
  const auto commit = clone.commit_to_send().value();
  l->caught_up();
  // Anybody can send the clone's words from a wallet of his own, or our words from his: it says nothing.
  EXPECT_EQ(code_of(l->apply(chain.message(address(77), clone.commit_body(commit)))), 0);
  write(true);
  EXPECT_EQ(code_of(l->apply(chain.message(address(77), l->commit_body(l->commit_to_send().value())))), 0);
  EXPECT_TRUE(l->committing());
  // The clone itself is known by the mark that only this machine's key makes.
  EXPECT_EQ(code_of(l->apply(chain.message(elsewhere.wallet, clone.commit_body(commit)))), fault::cloned);
}

TEST_F(LedgerTest, ANewDatabaseGoesWithAContractThatWasNeverUsed) {
  Ledger fresh = open({}).value();
  Chain other(proxy);
  EXPECT_EQ(code_of(fresh.apply(other.client(bob, state(kTon)))), 0) << "deposits alone are no debt of ours";
  EXPECT_EQ(code_of(fresh.apply(other.message(address(77), ton::Cell()))), 0);
  EXPECT_TRUE(fresh.client(bob).has_value());
}

// --- weaknesses (contracts.md 6.5)

TEST_F(Weakness, W05_TheAnchorIsInEverySnapshotAndAMissingOneMeansTheWholeHistory) {
  // The first snapshot of a restarted session, written before anything of the chain was seen, keeps the anchor.
  const Snapshot stored = write(false);
  Ledger next = open(stored).value();
  EXPECT_EQ(next.snapshot(false).anchor, stored.anchor);
  EXPECT_NE(stored.anchor, Anchor{});
  // Without an anchor only the very first transaction may follow, so that no commit can hide before it.
  Ledger fresh = open({}).value();
  EXPECT_EQ(code_of(fresh.apply(chain.client(bob, state(kTon)))), fault::gap);
}

TEST_F(Weakness, W07_NoRecordCanBeSwappedDroppedOrRolledBackAlone) {
  serve(100);
  const Snapshot before = commit();
  serve(100);
  const Snapshot now = commit();
  const auto damaged = [&](auto change) {
    Snapshot s = now;
    change(s);
    const auto opened = open(s);
    return !opened && opened.error().code == fault::damaged;
  };
  EXPECT_TRUE(damaged([&](Snapshot& s) { s.clients[0] = before.clients[0]; }));
  EXPECT_TRUE(damaged([&](Snapshot& s) { s.workers = before.workers; }));
  EXPECT_TRUE(damaged([&](Snapshot& s) { s.clients.clear(); }));
  EXPECT_TRUE(damaged([&](Snapshot& s) { s.seqno = before.seqno; }));
  EXPECT_TRUE(damaged([&](Snapshot& s) { s.anchor = before.anchor; }));
  EXPECT_TRUE(damaged([&](Snapshot& s) { s.pending = {{before.seqno, bits(1)}}; }));
  EXPECT_TRUE(damaged([&](Snapshot& s) { s.clean = !s.clean; }));
  EXPECT_TRUE(open(now));
}

TEST_F(Weakness, W07_TheCommitOnChainProvesEveryAccount) {
  serve(100);
  write(true);
  const auto commit = l->commit_to_send().value();
  serve(7);  // after it
  ASSERT_TRUE(l->apply(chain.commit(commit)));
  const Snapshot s = write(false);
  ASSERT_TRUE(s.proof);
  EXPECT_EQ(s.proof->seqno, commit.seqno);
  EXPECT_EQ(s.proof->lt, s.anchor.lt);
  EXPECT_EQ(s.clients[0].tokens, 107U);
  EXPECT_EQ(s.clients[0].committed, 100U);
  EXPECT_TRUE(verify_proof(s, commit.hash));
  // Neither other numbers nor another commit.
  EXPECT_FALSE(verify_proof(s, bits(1)));
  Snapshot changed = s;
  changed.clients[0].committed = 99;
  EXPECT_FALSE(verify_proof(changed, commit.hash));
  changed = s;
  changed.workers[0].owner = other_worker;
  EXPECT_FALSE(verify_proof(changed, commit.hash));
  // The proof lives on across a restart, until the next commit takes its place.
  Ledger next = open(s).value();
  EXPECT_TRUE(verify_proof(next.snapshot(false), commit.hash));
}

TEST_F(Weakness, W21_ANewDatabaseOverAContractThatWasUsedIsRefused) {
  Chain charged(proxy), paid(proxy), committed(proxy);
  EXPECT_EQ(code_of(open({})->apply(charged.client(bob, state(kTon, 1)))), fault::fresh_database);
  EXPECT_EQ(code_of(open({})->apply(paid.worker(worker, 1))), fault::fresh_database);
  EXPECT_EQ(code_of(open({})->apply(committed.commit({1, bits(1)}))), fault::fresh_database);
}

}  // namespace
}  // namespace cocoon::ledger
