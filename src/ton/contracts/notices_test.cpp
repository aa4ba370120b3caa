#include "ton/contracts/notices.hpp"

#include <gtest/gtest.h>

#include "crypto/crypto.hpp"

namespace cocoon::ton {
namespace {

Address address(std::uint8_t n) { return {0, Bits256::from(Bytes(32, n))}; }

struct NoticesTest : testing::Test {
  Address wallet = address(1), owner = address(2), stranger = address(3);
  ProxyInstance instance = make_instance();

  static ProxyInstance make_instance() {
    Params p;
    const auto code = [](std::uint64_t n) { return CellBuilder().store_uint(n, 8).must_finish(); };
    p.proxy_code = code(1);
    p.worker_code = code(2);
    p.client_code = code(3);
    return ProxyInstance::make(p, address(9), Bits256{}, address(8)).value();
  }
  // As notices arrive: 1 nanoTON buys no gas.
  Transaction notice(const Address& from, const Cell& body, std::uint64_t value = 1) {
    Transaction tx;
    Message m;
    m.info = InternalInfo{.bounce = true, .src = from, .dest = instance.address(), .value = {value, std::nullopt}};
    m.body = body;
    tx.in_msg = TransactionMessage{body, m};
    tx.description.aborted = true;
    tx.description.compute.skipped = SkipReason::no_gas;
    return tx;
  }
  Transaction success(const Address& from, const Cell& body) {
    Transaction tx = notice(from, body, kTon);
    tx.description.aborted = false;
    tx.description.compute = {.success = true};
    tx.description.action = ActionPhase{.success = true, .valid = true};
    return tx;
  }
  std::optional<Notice> read(const Transaction& tx) { return read_notice(instance, wallet, tx); }
  Cell client_body(const Address& of) {
    return build_client_request(
        {.query_id = 4, .owner = of, .state = {.balance = 6, .tokens_used = 7}, .payload = RegisterPayload{5}});
  }
};

TEST_F(NoticesTest, ClientsAreBelievedFromTheirOwnContractOnly) {
  const auto seen = read(notice(instance.client_address(owner), client_body(owner)));
  ASSERT_TRUE(seen);
  const auto& client = std::get<ClientNotice>(*seen);
  EXPECT_EQ(client.contract, instance.client_address(owner));
  EXPECT_EQ(client.request.owner, owner);
  EXPECT_EQ(client.request.state.tokens_used, 7u);
  EXPECT_EQ(std::get<RegisterPayload>(client.request.payload).nonce, 5u);
  EXPECT_FALSE(read(notice(stranger, client_body(owner))));
  EXPECT_FALSE(read(notice(instance.client_address(stranger), client_body(owner))));
  EXPECT_FALSE(read(notice(instance.worker_address(owner), client_body(owner))));
  const Address masterchain{-1, owner.hash};
  EXPECT_FALSE(read(notice(instance.client_address(masterchain), client_body(masterchain))));
}

TEST_F(NoticesTest, WorkersLikewise) {
  const Cell body = build_worker_request({.query_id = 4,
                                          .owner = owner,
                                          .state = ContractState::closed,
                                          .tokens = 9,
                                          .payload = PayoutPayload{1, 2, owner}});
  const auto seen = read(success(instance.worker_address(owner), body));
  ASSERT_TRUE(seen);
  EXPECT_EQ(std::get<WorkerNotice>(*seen).request.tokens, 9u);
  EXPECT_FALSE(read(success(instance.client_address(owner), body)));
}

TEST_F(NoticesTest, CommitsComeFromOurWallet) {
  const Cell body = build_body(ProxySaveState{.query_id = 1, .seqno = -3, .hash = owner.hash});
  const auto seen = read(notice(wallet, body));
  ASSERT_TRUE(seen);
  EXPECT_EQ(std::get<CommitNotice>(*seen).seqno, -3);
  EXPECT_EQ(std::get<CommitNotice>(*seen).hash, owner.hash);
  EXPECT_FALSE(read(notice(stranger, body)));
  EXPECT_TRUE(read(success(wallet, body)));
}

// W-17: what aborted for a real reason did not happen, whatever it says.
TEST_F(NoticesTest, FailuresAndBouncesAreNothing) {
  const Address from = instance.client_address(owner);
  EXPECT_TRUE(read(success(from, client_body(owner))));
  EXPECT_FALSE(read(notice(from, client_body(owner), 2)));
  auto tx = notice(from, client_body(owner));
  tx.description.compute.skipped = SkipReason::no_state;
  EXPECT_FALSE(read(tx));
  tx = success(from, client_body(owner));
  tx.description.aborted = true;
  EXPECT_FALSE(read(tx));
  tx = success(from, client_body(owner));
  tx.description.compute.success = false;
  EXPECT_FALSE(read(tx));
  tx = success(from, client_body(owner));
  tx.description.action->success = false;
  EXPECT_FALSE(read(tx));
  tx = success(from, client_body(owner));
  std::get<InternalInfo>(tx.in_msg->message->info).bounced = true;
  EXPECT_FALSE(read(tx));
}

TEST_F(NoticesTest, WhatCannotBeReadIsNothing) {
  const Address from = instance.client_address(owner);
  EXPECT_FALSE(read(notice(from, Cell())));
  EXPECT_FALSE(
      read(notice(from, CellBuilder().store_uint(op::client_proxy_request, 32).store_zeros(64).must_finish())));
  EXPECT_FALSE(read(notice(from, CellBuilder().store_cell(client_body(owner)).store_bit(true).must_finish())));
  EXPECT_FALSE(read(notice(wallet, build_body(Excesses{.query_id = 1}))));
  auto tx = notice(from, client_body(owner));
  tx.in_msg->message.reset();
  EXPECT_FALSE(read(tx));
  tx.in_msg.reset();
  EXPECT_FALSE(read(tx));
}

TEST_F(NoticesTest, CallsOfOneSender) {
  const Cell body = build_body(ClientTopUp{.query_id = 77, .amount = 1, .excesses_to = owner});
  const auto call = read_call(wallet, success(wallet, body));
  ASSERT_TRUE(call);
  EXPECT_EQ(call->opcode, op::client_top_up);
  EXPECT_EQ(call->query_id, 77u);
  EXPECT_TRUE(call->succeeded);
  auto failed = success(wallet, body);
  failed.description.compute = {.success = false, .exit_code = 1003};
  failed.description.aborted = true;
  EXPECT_EQ(read_call(wallet, failed)->exit_code, 1003);
  EXPECT_FALSE(read_call(wallet, failed)->succeeded);
  EXPECT_FALSE(read_call(stranger, success(wallet, body)));
}

}  // namespace
}  // namespace cocoon::ton
