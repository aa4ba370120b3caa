#include "devnet/chain.hpp"

#include <filesystem>

#include <gtest/gtest.h>

#include "devnet/chain_store.hpp"
#include "devnet/testing.hpp"
#include "devnet/treasury.hpp"
#include "ton/dict.hpp"

namespace cocoon::devnet {
namespace {

using namespace testing;
using std::chrono::seconds;

constexpr std::uint64_t kTon = 1'000'000'000;

std::vector<ton::Transaction> transactions_of(const BlockDelta& delta) {
  std::vector<ton::Transaction> out;
  out.reserve(delta.transactions.size());
  for (const auto& record : delta.transactions)
    out.push_back(ton::parse_transaction(ton::read_boc(record.boc).value()).value());
  return out;
}

TEST(Chain, BlocksFollowOneAnother) {
  auto chain = new_chain();
  EXPECT_EQ(chain.head().step.seqno, 1);
  const auto first = chain.head();
  const auto delta = chain.make_block(kGenesis + seconds(3));
  EXPECT_EQ(delta.block.step.seqno, 2);
  EXPECT_EQ(delta.block.step.utime, 1'800'000'003u);
  EXPECT_GT(delta.block.step.start_lt, first.step.end_lt);
  EXPECT_EQ(delta.block.step.start_lt % 1'000'000, 0u);
  EXPECT_NE(delta.block.masterchain.root_hash, first.masterchain.root_hash);
  EXPECT_EQ(chain.make_block(kGenesis).block.step.utime, 1'800'000'003u) << "time does not go backwards";

  // The blocks are what their names say.
  const auto shard = ton::read_boc(delta.block.shard_boc).value();
  EXPECT_EQ(shard.hash(), delta.block.shard.root_hash);
  EXPECT_EQ(crypto::sha256(delta.block.shard_boc), delta.block.shard.file_hash);
  const auto info = lite::read_block_info(shard);
  ASSERT_TRUE(info) << info.error().what;
  EXPECT_EQ(info->seqno, 2);
  EXPECT_EQ(info->workchain, 0);
  EXPECT_EQ(info->end_lt, delta.block.step.end_lt);
  const auto state = chain.state(2);
  ASSERT_TRUE(state);
  EXPECT_EQ(lite::state_hash_after(shard).value(), state->shard.hash());
}

TEST(Chain, TheConfigurationIsMainnetsWithoutBallast) {
  const auto config = genesis_config(-7310);
  ASSERT_TRUE(config) << config.error().what;
  ton::Dict parameters(32, *config);
  const auto has = [&](std::uint32_t index) {
    return parameters.find(ton::BitString::of_uint(index, 32)).value().has_value();
  };
  for (auto index : {8u, 18u, 20u, 21u, 24u, 25u}) EXPECT_TRUE(has(index)) << index;
  for (auto index : {34u, 44u, 71u}) EXPECT_FALSE(has(index)) << index;
  auto id = parameters.find(ton::BitString::of_uint(19, 32)).value()->load_ref_slice();
  EXPECT_EQ(id.load_int(32), -7310);
  EXPECT_LT(ton::write_boc(*config).size(), 20'000u);
}

TEST(Chain, TheFaucetPaysWithRealTransactions) {
  auto chain = new_chain();
  const Counter counter;
  ASSERT_TRUE(chain.faucet(counter.address(), 2 * kTon));
  const auto delta = chain.make_block(kGenesis);
  EXPECT_TRUE(delta.notes.empty());
  const auto done = transactions_of(delta);
  ASSERT_EQ(done.size(), 2u);
  EXPECT_EQ(done[0].account, chain.treasury().hash);
  ASSERT_EQ(done[0].out_msgs.size(), 1u);
  EXPECT_TRUE(done[0].succeeded());
  EXPECT_EQ(done[1].account, counter.address().hash);
  EXPECT_GT(done[1].lt, done[0].lt);
  EXPECT_EQ(balance_of(chain, counter.address()), 2 * kTon);
  const auto spent = chain_settings().treasury_nano - balance_of(chain, chain.treasury());
  EXPECT_GT(spent, 2 * kTon) << "fees are mainnet's";
  EXPECT_LT(spent, 2 * kTon + kTon / 100);

  EXPECT_FALSE(chain.faucet(counter.address(), chain_settings().treasury_nano));
  EXPECT_FALSE(chain.faucet({-1, {}}, kTon));
}

TEST(Chain, SeveralPaymentsShareABlock) {
  auto chain = new_chain();
  for (std::uint8_t i = 1; i <= 5; i++) ASSERT_TRUE(chain.faucet(Counter(i).address(), i * kTon));
  const auto delta = chain.make_block(kGenesis);
  EXPECT_EQ(delta.transactions.size(), 10u);
  for (std::uint8_t i = 1; i <= 5; i++) EXPECT_EQ(balance_of(chain, Counter(i).address()), i * kTon);
}

TEST(Chain, ContractsAreDeployedAndCalled) {
  const Counter counter;
  auto chain = chain_with(counter);
  ASSERT_TRUE(chain.submit(ton::write_boc(counter.add(10)), kGenesis));
  EXPECT_EQ(counter_value(chain, counter), 6) << "accepted is not included";
  EXPECT_EQ(chain.waiting_externals(), 1u);
  ASSERT_TRUE(chain.submit(ton::write_boc(counter.add(10)), kGenesis)) << "the same message waits once";
  EXPECT_EQ(chain.waiting_externals(), 1u);
  chain.make_block(kGenesis);
  EXPECT_EQ(counter_value(chain, counter), 16);
}

TEST(Chain, RefusedExternalsSayWhy) {
  const Counter counter;
  auto chain = chain_with(counter);
  auto sent = chain.submit(ton::write_boc(counter.add(1, false, false)), kGenesis);
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, 401);
  EXPECT_NE(sent.error().what.find("exitcode=401"), std::string::npos) << sent.error().what;
  EXPECT_EQ(chain.waiting_externals(), 0u);
  EXPECT_FALSE(chain.submit(ton::write_boc(Counter(99).add(1)), kGenesis)) << "no such account";
  EXPECT_FALSE(chain.submit(as_bytes("nonsense"), kGenesis));
  EXPECT_FALSE(chain.submit({}, kGenesis));
  EXPECT_FALSE(chain.submit(Bytes(Chain::kMaxExternalBytes + 1), kGenesis));
  EXPECT_FALSE(chain.submit(ton::write_boc(ton::Cell()), kGenesis));
  EXPECT_EQ(chain.counters().externals_refused, 6u);
}

// What the treasury's owner can make it send: any internal message.
ton::Cell from_treasury(const Chain& chain, const ton::Message& message) {
  const crypto::KeyPair key(chain_settings().treasury_seed);
  const auto seqno = treasury_seqno(*chain.account(chain.treasury().hash).value()).value();
  const auto order =
      ton::CellBuilder().store_uint(seqno, 32).store_ref(ton::build_message(message).value()).must_finish();
  ton::Message external;
  external.info = ton::ExternalInInfo{std::nullopt, chain.treasury(), 0};
  external.body = ton::CellBuilder().store_bytes(key.sign(order.hash().view())).store_cell(order).must_finish();
  return ton::build_message(external).value();
}

ton::Message internal_to(const ton::Address& to, std::uint64_t nano, bool bounce, const ton::Cell& body) {
  ton::Message message;
  ton::InternalInfo info;
  info.dest = to;
  info.bounce = bounce;
  info.value.coins = nano;
  message.info = info;
  message.body = body;
  return message;
}

TEST(Chain, InternalMessagesAreDeliveredInTheSameBlock) {
  const Counter counter;
  auto chain = chain_with(counter);
  const auto message = internal_to(counter.address(), kTon, true, Counter::add_body(30));
  ASSERT_TRUE(chain.submit(ton::write_boc(from_treasury(chain, message)), kGenesis));
  const auto done = transactions_of(chain.make_block(kGenesis));
  ASSERT_EQ(done.size(), 2u);
  EXPECT_TRUE(done[1].succeeded());
  EXPECT_EQ(counter_value(chain, counter), 36);
}

TEST(Chain, FailedMessagesBounce) {
  const Counter counter;
  auto chain = chain_with(counter);
  const auto body = ton::CellBuilder().store_uint(0x11111111, 32).must_finish();
  const auto before = balance_of(chain, counter.address());
  ASSERT_TRUE(
      chain.submit(ton::write_boc(from_treasury(chain, internal_to(counter.address(), kTon, true, body))), kGenesis));
  const auto done = transactions_of(chain.make_block(kGenesis));
  ASSERT_EQ(done.size(), 3u);
  EXPECT_EQ(done[1].description.compute.exit_code, 65535);
  EXPECT_EQ(done[1].description.bounce, ton::BouncePhase::bounced);
  EXPECT_EQ(done[2].account, chain.treasury().hash);
  ASSERT_TRUE(done[2].in_msg && done[2].in_msg->message && done[2].in_msg->message->internal());
  EXPECT_TRUE(done[2].in_msg->message->internal()->bounced);
  EXPECT_LE(balance_of(chain, counter.address()), before);
}

TEST(Chain, TheRestOfAFullBlockWaitsForTheNext) {
  auto settings = chain_settings();
  settings.block_transactions = 3;
  auto chain = new_chain(settings);
  for (std::uint8_t i = 1; i <= 3; i++) ASSERT_TRUE(chain.faucet(Counter(i).address(), kTon));
  auto delta = chain.make_block(kGenesis);
  EXPECT_EQ(delta.transactions.size(), 3u);
  EXPECT_EQ(delta.waiting.size(), 3u);
  delta = chain.make_block(kGenesis);
  EXPECT_EQ(delta.transactions.size(), 3u);
  EXPECT_TRUE(delta.waiting.empty());
  for (std::uint8_t i = 1; i <= 3; i++) EXPECT_EQ(balance_of(chain, Counter(i).address()), kTon);
}

TEST(Chain, StorageIsPaidFor) {
  const Counter counter;
  auto chain = chain_with(counter);
  const auto before = balance_of(chain, counter.address());
  const auto later = kGenesis + std::chrono::days(365);
  chain.make_block(later);
  EXPECT_EQ(balance_of(chain, counter.address()), before) << "nothing happens to an account that is left alone";
  ASSERT_TRUE(chain.submit(ton::write_boc(counter.add(1)), later));
  const auto done = transactions_of(chain.make_block(later));
  ASSERT_EQ(done.size(), 1u);
  ASSERT_TRUE(done[0].description.storage);
  EXPECT_GT(done[0].description.storage->fees_collected, 100'000u);
  EXPECT_LT(balance_of(chain, counter.address()), before - done[0].description.storage->fees_collected);
}

TEST(Chain, HistoryIsLinkedAndBounded) {
  auto settings = chain_settings();
  settings.account_history = 5;
  const Counter counter;
  auto chain = chain_with(counter, settings);
  for (std::uint32_t i = 0; i < 6; i++) {
    ASSERT_TRUE(chain.submit(ton::write_boc(counter.add(100 + i)), kGenesis));
    chain.make_block(kGenesis);
  }
  const auto account = chain.account(counter.address().hash).value();
  const auto state = lite::read_shard_state(chain.head_state().shard).value();
  const auto entry = lite::find_account(state, counter.address().hash).value();
  ASSERT_TRUE(account && entry);
  const auto all = chain.transactions(counter.address().hash, entry->last_transaction_lt, 100);
  ASSERT_EQ(all.size(), 5u);
  EXPECT_EQ(all.front()->hash, entry->last_transaction_hash);
  for (std::size_t i = 0; i < all.size(); i++) {
    const auto cell = ton::read_boc(all[i]->boc).value();
    EXPECT_EQ(cell.hash(), all[i]->hash);
    const auto* block = chain.block(all[i]->block.seqno);
    ASSERT_TRUE(block);
    EXPECT_EQ(block->shard, all[i]->block);
    EXPECT_LE(block->step.start_lt, all[i]->lt);
    EXPECT_GE(block->step.end_lt, all[i]->lt);
    EXPECT_EQ(chain.block_by_lt(all[i]->lt), block);
    if (i + 1 < all.size()) {
      EXPECT_EQ(all[i]->prev_lt, all[i + 1]->lt);
      EXPECT_EQ(all[i]->prev_hash, all[i + 1]->hash);
    }
  }
  EXPECT_EQ(chain.transactions(counter.address().hash, entry->last_transaction_lt, 2).size(), 2u);
  EXPECT_TRUE(chain.transactions(counter.address().hash, 12345, 2).empty());
}

TEST(Chain, HostileExternalsCostAnInstanceAndNothingElse) {
  const Counter counter;
  auto chain = chain_with(counter);
  // A body that is a library cell makes an exception leave the emulator.
  ton::Message message;
  message.info = ton::ExternalInInfo{std::nullopt, counter.address(), 0};
  message.body = ton::CellBuilder().store_uint(2, 8).store_zeros(256).finish_exotic().value();
  auto sent = chain.submit(ton::write_boc(ton::build_message(message).value()), kGenesis);
  ASSERT_FALSE(sent);
  EXPECT_NE(sent.error().what.find("aborted"), std::string::npos) << sent.error().what;
  EXPECT_EQ(chain.counters().tvm_discarded, 1u);

  // Nested as deep as a message may be, deeper, and as deep as a bag of cells may be.
  for (unsigned depth : {400u, 511u, 512u, 513u, 1023u}) {
    ton::Cell body;
    for (unsigned i = 1; i < depth; i++) body = ton::CellBuilder().store_uint(i, 64).store_ref(body).must_finish();
    message.body = body;
    EXPECT_FALSE(chain.submit(ton::write_boc(ton::build_message(message).value()), kGenesis)) << depth;
  }

  ASSERT_TRUE(chain.submit(ton::write_boc(counter.add(1)), kGenesis));
  chain.make_block(kGenesis);
  EXPECT_EQ(counter_value(chain, counter), 7);
}

TEST(Chain, TheSameEventsGiveTheSameChain) {
  const auto run = [] {
    const Counter counter;
    auto chain = chain_with(counter);
    EXPECT_TRUE(chain.submit(ton::write_boc(counter.add(3)), kGenesis + seconds(9)));
    chain.make_block(kGenesis + seconds(9));
    return chain.head().masterchain;
  };
  EXPECT_EQ(run(), run());
}

class ChainOnDisk : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = ::testing::TempDir() + "/devnet_" + ::testing::UnitTest::GetInstance()->current_test_info()->name() + ".db";
    remove();
  }
  void TearDown() override { remove(); }
  void remove() {
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path_ + suffix);
  }
  std::string path_;
};

TEST_F(ChainOnDisk, AChainGoesOnWhereItStopped) {
  const auto settings = chain_settings();
  const Counter counter;
  lite::BlockIdExt head, next;
  {
    auto store = ChainStore::open(path_);
    ASSERT_TRUE(store) << store.error().what;
    ASSERT_FALSE(store->load(settings).value());
    BlockDelta delta;
    auto chain = new_chain(settings, &delta);
    ASSERT_TRUE(store->begin(chain, delta));
    const auto step = [&](Time now) {
      auto kept = store->append(chain.make_block(now), settings);
      ASSERT_TRUE(kept) << kept.error().what;
    };
    ASSERT_TRUE(chain.faucet(counter.address(), 2 * kTon));
    step(kGenesis);
    ASSERT_TRUE(chain.submit(ton::write_boc(counter.add(1, true)), kGenesis));
    step(kGenesis + seconds(1));
    head = chain.head().masterchain;
    ASSERT_FALSE(ChainStore::open(path_)) << "a second devnet on the same file";
    next = chain.make_block(kGenesis + seconds(2)).block.masterchain;
  }
  auto store = ChainStore::open(path_);
  ASSERT_TRUE(store) << store.error().what;
  auto image = store->load(settings);
  ASSERT_TRUE(image) << image.error().what;
  ASSERT_TRUE(*image);
  auto chain = Chain::restore(settings, **image);
  ASSERT_TRUE(chain) << chain.error().what;
  EXPECT_EQ(chain->head().masterchain, head);
  EXPECT_EQ(counter_value(*chain, counter), 6);
  EXPECT_EQ(chain->make_block(kGenesis + seconds(2)).block.masterchain, next) << "exactly as if it had never stopped";
  const auto entry =
      lite::find_account(lite::read_shard_state(chain->head_state().shard).value(), counter.address().hash);
  EXPECT_EQ(chain->transactions(counter.address().hash, (*entry)->last_transaction_lt, 9).size(), 2u);

  // Accounts that are not those of the last block are noticed.
  auto damaged = **image;
  damaged.accounts.erase(counter.address().hash);
  EXPECT_FALSE(Chain::restore(settings, damaged));
}

TEST_F(ChainOnDisk, MessagesOnTheirWaySurvive) {
  auto settings = chain_settings();
  settings.block_transactions = 1;
  const Counter counter;
  {
    auto store = ChainStore::open(path_).value();
    BlockDelta delta;
    auto chain = new_chain(settings, &delta);
    ASSERT_TRUE(store.begin(chain, delta));
    ASSERT_TRUE(chain.faucet(counter.address(), kTon));
    ASSERT_TRUE(store.append(chain.make_block(kGenesis), settings));
    EXPECT_EQ(chain.waiting_messages(), 1u);
  }
  auto store = ChainStore::open(path_).value();
  auto chain = Chain::restore(settings, **store.load(settings));
  ASSERT_TRUE(chain) << chain.error().what;
  ASSERT_TRUE(store.append(chain->make_block(kGenesis), settings));
  EXPECT_EQ(balance_of(*chain, counter.address()), kTon);
  EXPECT_TRUE(store.load(settings).value()->waiting.empty());
}

TEST_F(ChainOnDisk, OldBlocksArePruned) {
  auto settings = chain_settings();
  settings.recent_blocks = 100;
  auto store = ChainStore::open(path_).value();
  BlockDelta delta;
  auto chain = new_chain(settings, &delta);
  ASSERT_TRUE(store.begin(chain, delta));
  for (int i = 0; i < 300; i++) ASSERT_TRUE(store.append(chain.make_block(kGenesis), settings));
  settings.recent_blocks = 10'000;
  auto image = store.load(settings);
  ASSERT_TRUE(image) << image.error().what;
  EXPECT_LE((*image)->blocks.size(), 160u);
  EXPECT_TRUE(Chain::restore(settings, **image));
  EXPECT_FALSE(chain.block(150));
  EXPECT_TRUE(chain.block(250));
}

}  // namespace
}  // namespace cocoon::devnet
