// What our liteserver proves, our lite client accepts; and nothing else.
#include <gtest/gtest.h>

#include "devnet/liteserver.hpp"
#include "devnet/testing.hpp"
#include "ton/lite/merkle.hpp"
#include "ton/lite/proof.hpp"

namespace cocoon::devnet {
namespace {

using namespace testing;

class AccountProof : public ::testing::Test {
 protected:
  void SetUp() override {
    for (std::uint8_t i = 1; i < 20; i++) ASSERT_TRUE(chain.faucet(Counter(i).address(), i * 1'000'000'000u));
    chain.make_block(kGenesis);
    query = query_for(counter.address().hash);
    answer = ask(query);
  }
  lite::GetAccountState query_for(const Bits256& account) const { return {chain.head().masterchain, {0, account}}; }
  lite::AccountState ask(const lite::GetAccountState& q) {
    auto got = lite::decode_answer<lite::GetAccountState>(answer_request(chain, lite::Function(q), kGenesis));
    EXPECT_TRUE(got) << got.error().what;
    return got ? *got : lite::AccountState{};
  }
  std::string refused() const {
    const auto proved = lite::check_account_state(query, answer);
    return proved ? std::string() : proved.error().what;
  }

  const Counter counter;
  Chain chain = chain_with(counter);
  lite::GetAccountState query;
  lite::AccountState answer;
};

TEST_F(AccountProof, LeadsToTheAccount) {
  const auto proved = lite::check_account_state(query, answer);
  ASSERT_TRUE(proved) << proved.error().what;
  ASSERT_TRUE(proved->account);
  const auto account = ton::parse_account(*proved->account);
  ASSERT_TRUE(account && *account);
  EXPECT_EQ((*account)->balance.coins, balance_of(chain, counter.address()));
  EXPECT_EQ(proved->time, chain.head().step.utime);
  const auto history = chain.transactions(counter.address().hash, proved->last_transaction_lt, 1);
  ASSERT_EQ(history.size(), 1u);
  EXPECT_EQ(history[0]->hash, proved->last_transaction_hash);
}

TEST_F(AccountProof, ShowsThatAnAccountDoesNotExist) {
  Bits256 nobody;
  nobody.fill(0xab);
  query = query_for(nobody);
  answer = ask(query);
  const auto proved = lite::check_account_state(query, answer);
  ASSERT_TRUE(proved) << proved.error().what;
  EXPECT_FALSE(proved->account);
  query.account.id = counter.address().hash;
  EXPECT_NE(refused(), "") << "an absence proved for another account";
}

TEST_F(AccountProof, IsShort) { EXPECT_LT(answer.proof.size(), ton::write_boc(chain.head_state().shard).size() / 2); }

TEST_F(AccountProof, ForAnotherBlockIsRefused) {
  chain.make_block(kGenesis);
  query.id = chain.head().masterchain;
  EXPECT_NE(refused(), "");
  answer.id = query.id;
  EXPECT_NE(refused(), "") << "an old state passed off as a new one";
}

TEST_F(AccountProof, WithAnotherStateIsRefused) {
  const auto other = ask(query_for(Counter(3).address().hash));
  answer.state = other.state;
  EXPECT_NE(refused(), "");
  answer = ask(query);
  answer.state.clear();
  EXPECT_TRUE(!lite::check_account_state(query, answer)) << "an account that exists cannot be denied";
  answer = ask(query);
  answer.proof = other.proof;
  EXPECT_NE(refused(), "");
}

TEST_F(AccountProof, OfAnotherShardBlockIsRefused) {
  answer.shard_block = chain.block(chain.head().step.seqno - 1)->shard;
  EXPECT_NE(refused(), "");
  answer = ask(query);
  answer.shard_block.file_hash[0] = static_cast<std::uint8_t>(answer.shard_block.file_hash[0] ^ 1);
  EXPECT_NE(refused(), "");
  answer = ask(query);
  answer.shard_proof.clear();
  EXPECT_NE(refused(), "");
}

TEST_F(AccountProof, ThatWasEditedIsRefused) {
  // Written anew without checksum, so that only the hashes can notice.
  const auto plain = [](BytesView boc) {
    const auto roots = ton::read_boc_roots(boc).value();
    return ton::write_boc(roots, {.crc32c = false});
  };
  const auto each_byte = [&](Bytes lite::AccountState::*field) {
    const auto good = plain(answer.*field);
    answer.*field = good;
    ASSERT_EQ(refused(), "");
    std::size_t harmless = 0;
    for (std::size_t i = 0; i < good.size(); i += 3) {
      answer.*field = good;
      auto& byte = (answer.*field)[i];
      byte = static_cast<std::uint8_t>(byte ^ 0x10);
      if (refused().empty()) harmless++;
    }
    answer.*field = good;
    EXPECT_EQ(harmless, 0u) << "every byte is under a hash, or is the shape of what is";
  };
  each_byte(&lite::AccountState::proof);
  each_byte(&lite::AccountState::shard_proof);
  each_byte(&lite::AccountState::state);
}

}  // namespace
}  // namespace cocoon::devnet
