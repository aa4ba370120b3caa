// For tests: a ledger, the proxy contract as the chain would show it, and one of everybody.
#pragma once
#include <gtest/gtest.h>

#include "ledger/ledger.hpp"

namespace cocoon::ledger::testing {

using ton::kTon;

inline ton::Address address(std::uint8_t n) { return {0, Bits256::from(Bytes(32, n))}; }
inline Bits256 bits(std::uint8_t n) { return Bits256::from(Bytes(32, n)); }
inline Time at(std::int64_t seconds) { return from_unix(1'800'000'000 + seconds); }

inline const crypto::KeyPair key(bits(1));
inline const Bits256 seal_key = bits(2);
inline const ton::Address wallet = address(3);

inline ton::ProxyInstance instance(std::uint64_t price = 20, std::uint64_t fee = 19) {
  ton::Params p;
  p.params_version = 17;
  p.price_per_token = price;
  p.worker_fee_per_token = fee;
  p.min_client_stake = 15 * kTon;
  const auto code = [](std::uint64_t n) { return ton::CellBuilder().store_uint(n, 64).must_finish(); };
  p.proxy_code = code(1);
  p.worker_code = code(2);
  p.client_code = code(3);
  return ton::ProxyInstance::make(p, address(10), key.public_key(), address(11)).value();
}

// The proxy contract as the chain would show it: each message becomes its next transaction.
class Chain {
 public:
  explicit Chain(const ton::ProxyInstance& i) : instance_(i) {}
  // Goes on where a ledger that was restarted has stopped.
  void at(const Anchor& a) {
    lt_ = a.lt;
    hash_ = a.hash;
  }

  ton::Transaction message(const ton::Address& from, const ton::Cell& body, std::uint64_t value = 1) {
    ton::Transaction tx;
    tx.account = instance_.address().hash;
    tx.prev_lt = lt_;
    tx.prev_hash = hash_;
    tx.lt = lt_ += 10;
    tx.hash = hash_ = crypto::sha256(body.hash().view());
    ton::Message m;
    m.info = ton::InternalInfo{.src = from, .dest = instance_.address(), .value = {value, std::nullopt}};
    m.body = body;
    tx.in_msg = ton::TransactionMessage{ton::Cell(), m};
    tx.description.aborted = true;
    tx.description.compute.skipped = ton::SkipReason::no_gas;
    return tx;
  }
  ton::Transaction client(const ton::Address& owner, const ton::ClientState& state, std::uint64_t nonce = 0) {
    ton::ClientRequest r{.query_id = 5, .owner = owner, .state = state, .payload = {}};
    if (nonce != 0) r.payload = ton::RegisterPayload{nonce};
    return message(instance_.client_address(owner), ton::build_client_request(r));
  }
  ton::Transaction worker(const ton::Address& owner, std::uint64_t tokens,
                          ton::ContractState state = ton::ContractState::normal) {
    return message(
        instance_.worker_address(owner),
        ton::build_worker_request({.query_id = 6, .owner = owner, .state = state, .tokens = tokens, .payload = {}}));
  }
  ton::Transaction commit(const PendingCommit& c, const ton::Address& from = wallet) {
    return message(from, ton::build_body(ton::ProxySaveState{.query_id = 7, .seqno = c.seqno, .hash = c.hash}));
  }

 private:
  ton::ProxyInstance instance_;
  std::uint64_t lt_ = 0;
  Bits256 hash_;
};

struct LedgerTest : ::testing::Test {
  Config config{.wallet = wallet, .charge_client_at = 1000, .pay_worker_at = 5000};
  ton::ProxyInstance proxy = instance();
  Chain chain{proxy};
  crypto::Random random{bits(9)};
  const ton::Address alice = address(100), bob = address(101), worker = address(200), other_worker = address(201);
  std::optional<Ledger> l;
  std::uint8_t sessions = 0;

  Result<Ledger> open(const std::optional<Snapshot>& stored) {
    return Ledger::open(config, proxy, key, bits(static_cast<std::uint8_t>(50 + sessions++)), seal_key, stored);
  }
  ton::ClientState state(std::uint64_t balance, std::uint64_t used = 0) const {
    return {.balance = balance, .stake = 15 * kTon, .tokens_used = used, .secret_hash = bits(7)};
  }
  Snapshot write(bool commit) {
    Snapshot s = l->snapshot(commit);
    l->snapshot_durable(s.seqno);
    return s;
  }
  // Snapshot, commit, and the commit's arrival.
  Snapshot commit() {
    Snapshot s = write(true);
    EXPECT_TRUE(l->apply(chain.commit(l->commit_to_send().value())));
    return s;
  }
  void serve(std::uint64_t used) {
    ASSERT_TRUE(l->reserve(alice, used));
    EXPECT_EQ(l->finish(alice, worker, used, used, at(0)), used);
  }
  // A first commit, and alice with 15 TON.
  void SetUp() override {
    l.emplace(open({}).value());
    commit();
    ASSERT_TRUE(l->apply(chain.client(alice, state(15 * kTon), 42)));
  }
};

// For the tests named after the weaknesses of contracts.md 6.5.
struct Weakness : LedgerTest {
  // As from a contract whose transaction was computed: with success or without.
  static ton::Transaction computed(ton::Transaction tx, bool success) {
    tx.description.aborted = !success;
    tx.description.compute = {.skipped = ton::SkipReason::none, .success = success, .exit_code = success ? 0 : 5};
    tx.description.action = ton::ActionPhase{.success = success, .valid = success};
    auto info = std::get<ton::InternalInfo>(tx.in_msg->message->info);
    info.value.coins = kTon;
    tx.in_msg->message->info = info;
    return tx;
  }
};

}  // namespace cocoon::ledger::testing
