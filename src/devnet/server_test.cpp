#include "devnet/server.hpp"

#include <csignal>
#include <filesystem>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "devnet/liteserver.hpp"
#include "devnet/testing.hpp"
#include "net/testing.hpp"
#include "ton/dict.hpp"
#include "ton/lite/merkle.hpp"
#include "ton_client/ton_client.hpp"

namespace cocoon::devnet {
namespace {

using namespace testing;
using net::Task;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint64_t kTon = 1'000'000'000;

DevnetSettings server_settings() {
  DevnetSettings settings;
  settings.listen = "127.0.0.1:0";
  settings.key.fill(0x17);
  settings.block_interval = milliseconds(20);
  settings.chain = chain_settings();
  return settings;
}

class DevnetTest : public ::testing::Test {
 protected:
  void start(DevnetSettings settings = server_settings()) {
    auto made = DevnetServer::start(loop.io.get_executor(), std::move(settings));
    ASSERT_TRUE(made) << made.error().what;
    server = std::move(*made);
  }
  std::unique_ptr<ton_client::TonClient> client() {
    return std::make_unique<ton_client::TonClient>(
        loop.io.get_executor(), ton_client::Options{server->address(), server->public_key()}, crypto::Random({}));
  }
  void TearDown() override {
    server.reset();
    loop.settle();
  }

  net::testing::Loop loop;
  std::unique_ptr<DevnetServer> server;
};

// In coroutines, where ASSERT_ cannot return. Errors are shown.
template <class T>
bool fine(const Result<T>& result) {
  EXPECT_TRUE(result) << result.error().what;
  return result.has_value();
}
template <class T>
bool fine(const T& value) {
  EXPECT_TRUE(value);
  return static_cast<bool>(value);
}
#define CO_ASSERT(condition)         \
  do {                               \
    if (!fine(condition)) co_return; \
  } while (false)

TEST_F(DevnetTest, AClientPaysDeploysCallsAndReads) {
  start();
  const auto node = client();
  const Counter counter;
  loop.run([&]() -> Task<> {
    const auto info = co_await node->masterchain_info();
    CO_ASSERT(info);
    EXPECT_GE(info->last.seqno, 1);
    EXPECT_EQ(info->last.workchain, lite::kMasterchain);

    const auto nobody = co_await node->account(counter.address());
    CO_ASSERT(nobody);
    EXPECT_FALSE(nobody->account);

    FaucetRequest faucet{{0, counter.address().hash}, 3 * kTon};
    const auto paid = co_await node->ask(faucet);
    CO_ASSERT(paid);
    auto now = co_await node->wait_for(server->chain().head().step.seqno + 1, seconds(5));
    CO_ASSERT(now);
    const auto funded = co_await node->account(counter.address());
    CO_ASSERT(funded && funded->account);
    EXPECT_EQ(funded->account->balance.coins, 3 * kTon);

    CO_ASSERT(co_await node->send_message(ton::write_boc(counter.add(1, true))));
    now = co_await node->wait_for(server->chain().head().step.seqno + 1, seconds(5));
    CO_ASSERT(now);
    const auto ran = co_await node->run_method(counter.address(), "currentCounter", empty_stack());
    CO_ASSERT(ran);
    EXPECT_EQ(ran->exit_code, 0);
    EXPECT_EQ(integer_result(ran->result), 6);

    const auto refused = co_await node->send_message(ton::write_boc(counter.add(1, false, false)));
    CO_ASSERT(!refused);
    EXPECT_NE(refused.error().what.find("exitcode=401"), std::string::npos) << refused.error().what;

    const auto active = co_await node->account(counter.address());
    CO_ASSERT(active && active->account && active->account->active());
    const auto history = co_await node->transactions(counter.address(), active->last_lt, active->last_hash, 16);
    CO_ASSERT(history);
    EXPECT_EQ(history->size(), 2u);
    EXPECT_EQ(history->front().prev_lt, history->back().lt);
    const auto unknown = co_await node->transactions(counter.address(), 1, {}, 16);
    EXPECT_FALSE(unknown);
  });
}

TEST_F(DevnetTest, BlocksCanBeFoundAgain) {
  start();
  const auto node = client();
  loop.run([&]() -> Task<> {
    const auto info = co_await node->masterchain_info();
    CO_ASSERT(info);
    const auto ext = co_await node->ask(lite::GetMasterchainInfoExt{0});
    CO_ASSERT(ext);
    EXPECT_EQ(ext->init, info->init);
    EXPECT_GE(ext->last.seqno, info->last.seqno);

    const auto found = co_await node->ask(lite::LookupBlock{lite::LookupBlock::kBySeqno, info->last.short_id(), 0, 0});
    CO_ASSERT(found);
    EXPECT_EQ(found->id, info->last);
    const auto header = co_await node->ask(lite::GetBlockHeader{info->last, 1});
    CO_ASSERT(header);
    EXPECT_EQ(header->header_proof, found->header_proof);
    const auto proof = ton::read_boc(header->header_proof);
    CO_ASSERT(proof);
    const auto block = lite::open_merkle_proof(*proof, info->last.root_hash);
    CO_ASSERT(block);
    const auto read = lite::read_block_info(*block);
    CO_ASSERT(read);
    EXPECT_EQ(read->seqno, info->last.seqno);
    EXPECT_EQ(lite::state_hash_after(*block).value(), info->state_root_hash);

    for (const auto mode : {lite::LookupBlock::kByLt, lite::LookupBlock::kByTime}) {
      const auto same = co_await node->ask(
          lite::LookupBlock{mode, {0, lite::kWholeShard, 0}, read->start_lt, static_cast<std::int32_t>(read->utime)});
      CO_ASSERT(same);
      EXPECT_EQ(same->id.workchain, 0);
      if (mode == lite::LookupBlock::kByLt) {
        EXPECT_EQ(same->id.seqno, info->last.seqno);
      }
    }

    const auto data = co_await node->ask(lite::GetBlock{info->last});
    CO_ASSERT(data);
    EXPECT_EQ(crypto::sha256(data->data), info->last.file_hash);
    const auto shards = co_await node->ask(lite::GetAllShardsInfo{info->last});
    CO_ASSERT(shards);
    const auto shard = co_await node->ask(lite::GetShardInfo{info->last, 0, lite::kWholeShard, true});
    CO_ASSERT(shard);
    EXPECT_EQ(shard->shard_block.seqno, info->last.seqno);

    auto forged = info->last;
    forged.root_hash[0] = static_cast<std::uint8_t>(forged.root_hash[0] ^ 1);
    const auto missing = co_await node->ask(lite::GetBlockHeader{forged, 1});
    CO_ASSERT(!missing);
    EXPECT_EQ(missing.error().code, lite_not_ready);
  });
}

TEST_F(DevnetTest, TheConfigurationIsProved) {
  start();
  const auto node = client();
  loop.run([&]() -> Task<> {
    const auto info = co_await node->masterchain_info();
    CO_ASSERT(info);
    const auto config_in = [&](const lite::ConfigInfo& answer) -> std::optional<ton::Dict> {
      const auto block = lite::open_merkle_proof(ton::read_boc(answer.state_proof).value(), info->last.root_hash);
      if (!block) return std::nullopt;
      const auto state =
          lite::open_merkle_proof(ton::read_boc(answer.config_proof).value(), lite::state_hash_after(*block).value());
      if (!state) return std::nullopt;
      return ton::Dict(32, lite::config_of(lite::read_shard_state(*state).value()).value());
    };
    const auto all = co_await node->ask(lite::GetConfigAll{0, info->last});
    CO_ASSERT(all);
    const auto parameters = config_in(*all);
    CO_ASSERT(parameters);
    EXPECT_EQ(parameters->root(), server->chain().config());

    lite::GetConfigParams wanted;
    wanted.id = info->last;
    for (auto index : {19, 25, 12345}) wanted.params.push_back(index);
    const auto some = co_await node->ask(wanted);
    CO_ASSERT(some);
    EXPECT_LT(some->config_proof.size(), all->config_proof.size());
    const auto few = config_in(*some);
    CO_ASSERT(few);
    auto id = few->find(ton::BitString::of_uint(19, 32));
    CO_ASSERT(id && *id);
    EXPECT_EQ((*id)->load_ref_slice().load_int(32), -7310);
  });
}

TEST_F(DevnetTest, WaitsEndWithTheBlockOrWithTheirTime) {
  auto settings = server_settings();
  settings.block_interval = std::chrono::minutes(10);
  start(settings);
  const auto node = client();
  loop.run([&]() -> Task<> {
    const auto first = co_await node->wait_for(1, seconds(1));
    CO_ASSERT(first);
    EXPECT_EQ(first->last.seqno, 1);
  });
  bool answered = false;
  net::asio::co_spawn(
      loop.io,
      [&]() -> Task<> {
        const auto second = co_await node->wait_for(2, seconds(60));
        EXPECT_TRUE(second);
        const auto never = co_await node->wait_for(1000, milliseconds(0));
        EXPECT_FALSE(never);
        EXPECT_EQ(never.error().code, lite_timeout);
        answered = true;
      },
      net::asio::detached);
  loop.until([&] {
    if (!answered) {
      EXPECT_TRUE(server->make_block());
    }
    return answered;
  });
}

TEST_F(DevnetTest, MalformedRequestsAreAnsweredWithErrors) {
  start();
  const auto node = client();
  const Counter counter;
  loop.run([&]() -> Task<> {
    const auto info = co_await node->masterchain_info();
    CO_ASSERT(info);
    const auto unknown = co_await node->ask(lite::GetBlockHeader{});
    CO_ASSERT(!unknown);
    EXPECT_EQ(unknown.error().code, lite_not_ready);
    lite::RunSmcMethod method;
    method.mode = lite::RunSmcMethod::kWithResult;
    method.id = info->last;
    method.account = {0, counter.address().hash};
    method.params = to_bytes("nonsense");
    const auto nonsense = co_await node->ask(method);
    CO_ASSERT(!nonsense);
    EXPECT_EQ(nonsense.error().code, lite_bad_request);
    method.params = empty_stack();
    const auto none = co_await node->ask(method);
    CO_ASSERT(none);
    EXPECT_EQ(none->exit_code, kNotAContract);
    const auto garbage = co_await node->send_message(to_bytes("garbage"));
    EXPECT_FALSE(garbage);
    const auto mode = co_await node->ask(lite::GetMasterchainInfoExt{7});
    EXPECT_FALSE(mode);
    const auto later = co_await node->masterchain_info();
    EXPECT_TRUE(later) << "and the connection goes on";
  });
}

TEST_F(DevnetTest, AStrangerOnThePortIsSentAway) {
  start();
  auto socket = net::testing::connect_to(
      loop.io, static_cast<std::uint16_t>(std::stoi(server->address().substr(server->address().find(':') + 1))));
  loop.run([&]() -> Task<> {
    const std::string noise(300, 'x');
    co_await net::asio::async_write(socket, net::asio::buffer(noise), net::no_throw);
    std::array<char, 16> buffer;
    const auto [error, n] = co_await socket.async_read_some(net::asio::buffer(buffer), net::no_throw);
    EXPECT_TRUE(error);
  });
}

TEST_F(DevnetTest, ARestartKeepsEverythingAndClientsComeBack) {
  const auto path = ::testing::TempDir() + "/devnet_restart.db";
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path + suffix);
  auto settings = server_settings();
  settings.data = path;
  start(settings);
  settings.listen = server->address();
  const auto node = client();
  const Counter counter;
  std::int32_t before = 0;
  loop.run([&]() -> Task<> {
    CO_ASSERT(server->faucet(counter.address(), kTon));
    CO_ASSERT(co_await node->wait_for(server->chain().head().step.seqno + 2, seconds(5)));
    before = server->chain().head().step.seqno;
  });
  server.reset();
  loop.settle();
  start(settings);
  EXPECT_GE(server->chain().head().step.seqno, before);
  loop.run([&]() -> Task<> {
    const auto account = co_await node->account(counter.address());
    CO_ASSERT(account && account->account);
    EXPECT_EQ(account->account->balance.coins, kTon);
    EXPECT_GE(account->block.seqno, before);
  });
  server.reset();
  loop.settle();
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path + suffix);
}

TEST_F(DevnetTest, AFullDiskStopsTheChainUntilThereIsRoom) {
  const auto path = ::testing::TempDir() + "/devnet_full.db";
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path + suffix);
  auto settings = server_settings();
  settings.block_interval = std::chrono::minutes(10);
  settings.data = path;
  start(settings);
  ASSERT_TRUE(server->make_block());
  const auto seqno = server->chain().head().step.seqno;

  // No file of this process may grow any more: writes behind the end fail as on a full disk.
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit none = before;
  none.rlim_cur = 1;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &none), 0);
  const auto first = server->make_block();
  const auto second = server->make_block();
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_FALSE(first);
  EXPECT_FALSE(second);
  EXPECT_FALSE(server->failure().empty());
  EXPECT_EQ(server->chain().head().step.seqno, seqno + 1) << "at most one block is ahead of the disk";

  const auto kept = server->make_block();
  ASSERT_TRUE(kept) << kept.error().what;
  EXPECT_TRUE(server->failure().empty());
  ASSERT_TRUE(server->make_block());
  const auto head = server->chain().head().masterchain;
  server.reset();
  loop.settle();
  start(settings);
  EXPECT_EQ(server->chain().head().masterchain, head);
  server.reset();
  loop.settle();
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path + suffix);
}

TEST_F(DevnetTest, ServersAndClientsThatNeverRanCanBeDropped) {
  start();
  auto node = client();
  node.reset();
  server.reset();
  loop.settle();
}

TEST_F(DevnetTest, APortInUseIsAnError) {
  start();
  auto settings = server_settings();
  settings.listen = server->address();
  auto second = DevnetServer::start(loop.io.get_executor(), settings);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().what.find(settings.listen), std::string::npos) << second.error().what;
}

}  // namespace
}  // namespace cocoon::devnet
