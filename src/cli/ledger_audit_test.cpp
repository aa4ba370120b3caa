// The part of the audit that needs no chain; the whole is proved in tests/e2e against a running one.
#include "cli/ledger_audit.hpp"

#include <gtest/gtest.h>

#include "ledger/keys.hpp"
#include "proxy/core/book.hpp"

namespace cocoon::cli {
namespace {

ton::Address address(std::uint8_t n) { return {0, Bits256::from(Bytes(32, n))}; }

ledger::Snapshot books() {
  ledger::Snapshot s;
  ledger::ClientRecord c;
  c.owner = address(1);
  c.contract = address(2);
  c.chain = {ton::ContractState::normal, 900, 100, 50, 0, {}};
  c.tokens = 80;
  s.clients.push_back(c);
  ledger::WorkerRecord w;
  w.owner = address(3);
  w.contract = address(4);
  w.paid = 50;
  w.tokens = 80;
  s.workers.push_back(w);
  return s;
}

ton::ClientNotice client_notice(const ton::Address& contract, std::uint64_t tokens, std::uint64_t balance) {
  ton::ClientNotice n;
  n.contract = contract;
  n.request.owner = address(1);
  n.request.state = {ton::ContractState::closing, balance, 100, tokens, 0, {}};
  return n;
}

ton::WorkerNotice worker_notice(const ton::Address& contract, std::uint64_t tokens) {
  ton::WorkerNotice n;
  n.contract = contract;
  n.request.owner = address(3);
  n.request.state = ton::ContractState::closed;
  n.request.tokens = tokens;
  return n;
}

TEST(LedgerAudit, AppliesWhatTheHistorySays) {
  auto s = books();
  apply_notice(s, client_notice(address(2), 70, 700));
  EXPECT_EQ(s.clients[0].chain.tokens_used, 70u);
  EXPECT_EQ(s.clients[0].chain.balance, 700u);
  EXPECT_EQ(s.clients[0].chain.state, ton::ContractState::closing);
  EXPECT_EQ(s.clients[0].tokens, 80u);  // what was used is the books' own
  apply_notice(s, worker_notice(address(4), 70));
  EXPECT_EQ(s.workers[0].paid, 70u);
  EXPECT_EQ(s.workers[0].state, ton::ContractState::closed);
}

TEST(LedgerAudit, WhatIsOlderOrOfOthersChangesNothing) {
  auto s = books();
  apply_notice(s, client_notice(address(2), 49, 1));
  apply_notice(s, client_notice(address(9), 70, 1));
  apply_notice(s, worker_notice(address(4), 49));
  apply_notice(s, worker_notice(address(9), 70));
  apply_notice(s, ton::CommitNotice{7, {}});
  EXPECT_EQ(s, books());
  // A client contract may change without a token being charged.
  apply_notice(s, client_notice(address(2), 50, 1900));
  EXPECT_EQ(s.clients[0].chain.balance, 1900u);
}

TEST(LedgerAudit, IsProvedWhenNothingIsWrong) {
  Audit audit;
  audit.checks = {{"seal", true, ""}, {"commit", true, ""}};
  audit.accounts.resize(2);
  audit.accounts[0].explanation = "transactions since the snapshot";
  EXPECT_TRUE(audit.proved());
  audit.accounts[1].problem = "differs";
  EXPECT_FALSE(audit.proved());
  audit.accounts[1].problem.clear();
  audit.checks[1].ok = false;
  EXPECT_FALSE(audit.proved());
}

// --- what the database holds

const crypto::Seed kMachine = Bits256::from(Bytes(32, 77));

proxy::BookRecord record_of(std::uint32_t params_version) {
  ton::Params p;
  p.params_version = params_version;
  p.price_per_token = 20;
  p.worker_fee_per_token = 19;
  const auto code = [](std::uint64_t n) { return ton::CellBuilder().store_uint(n, 64).must_finish(); };
  p.proxy_code = code(1);
  p.worker_code = code(2);
  p.client_code = code(3);
  return {.params = p, .owner = address(10), .retiring = false, .closing_since = 0};
}

ledger::Snapshot sealed_books(std::uint32_t params_version, Bytes extra) {
  const auto keys = ledger::machine_keys(kMachine);
  auto s = books();
  s.root = address(11);
  s.params_version = params_version;
  const auto record = record_of(params_version);
  s.proxy = ton::ProxyInstance::make(record.params, record.owner, keys.payment.public_key(), s.root)->address();
  s.extra = std::move(extra);
  s.seal = ledger::seal(s, keys.seal);
  return s;
}

ledger::Snapshot newest() {
  return sealed_books(3, proxy::encode(proxy::StoredBooks{.root_version = 9,
                                                          .record = record_of(3),
                                                          .earlier = {sealed_books(1, proxy::encode(record_of(1))),
                                                                      sealed_books(2, proxy::encode(record_of(2)))}}));
}

TEST(LedgerAudit, ReadsTheBooksOfEveryContractTheProxyHad) {
  const auto all = read_books(newest(), kMachine);
  ASSERT_TRUE(all) << all.error().what;
  ASSERT_EQ(all->size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    const auto& one = (*all)[i];
    EXPECT_TRUE(one.sealed);
    EXPECT_EQ(one.instance.address(), one.snapshot.proxy);
    EXPECT_EQ(one.snapshot.params_version, (std::array{3U, 1U, 2U})[i]);
  }
}

TEST(LedgerAudit, BooksOfAnotherMachineOrChangedOnesAreNotProved) {
  EXPECT_FALSE(read_books(newest(), Bits256::from(Bytes(32, 78))));
  auto changed = newest();
  changed.clients[0].tokens = 79;
  const auto all = read_books(changed, kMachine);
  ASSERT_TRUE(all);
  EXPECT_FALSE((*all)[0].sealed);
  EXPECT_TRUE((*all)[1].sealed);
  changed.extra.resize(changed.extra.size() / 2);
  EXPECT_FALSE(read_books(changed, kMachine));
}

}  // namespace
}  // namespace cocoon::cli
