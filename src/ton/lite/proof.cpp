#include "ton/lite/proof.hpp"

#include "ton/boc.hpp"
#include "ton/lite/block.hpp"
#include "ton/lite/merkle.hpp"

namespace cocoon::ton::lite {
namespace {

// The two roots of a proof: a block that leads to a state, and that state, each cut down to what matters.
Result<ShardState> state_behind(BytesView proof, const BlockIdExt& block) {
  TRY_ASSIGN(const auto roots, read_boc_roots(proof));
  if (roots.size() != 2) return fail("a proof with {} roots, 2 expected", roots.size());
  TRY_ASSIGN(const auto block_root, open_merkle_proof(roots[0], block.root_hash));
  TRY_ASSIGN(const auto state_hash, state_hash_after(block_root));
  TRY_ASSIGN(const auto state_root, open_merkle_proof(roots[1], state_hash));
  TRY_ASSIGN(auto state, read_shard_state(state_root));
  if (state.workchain != block.workchain || state.seqno != block.seqno) return fail("a proof about another block");
  return state;
}

Result<> check_shard(const AccountState& answer, std::int32_t workchain) {
  if (workchain == kMasterchain) {
    if (answer.shard_block != answer.id) return fail("an account of the masterchain in another block");
    return {};
  }
  TRY_ASSIGN(const auto masterchain, state_behind(answer.shard_proof, answer.id));
  TRY_ASSIGN(const auto shard, find_shard(masterchain, workchain));
  if (!shard || *shard != answer.shard_block) return fail("the masterchain names another block of that workchain");
  return {};
}

}  // namespace

Result<ProvedAccount> check_account_state(const GetAccountState& query, const AccountState& answer) {
  const auto prove = [&]() -> Result<ProvedAccount> {
    if (answer.id != query.id) return fail("an answer about another block");
    TRY(check_shard(answer, query.account.workchain));
    TRY_ASSIGN(const auto state, state_behind(answer.proof, answer.shard_block));
    TRY_ASSIGN(const auto entry, find_account(state, query.account.id));
    ProvedAccount out;
    out.block = answer.id;
    out.shard_block = answer.shard_block;
    out.time = state.utime;
    if (!entry) {
      if (!answer.state.empty()) return fail("the state of an account that does not exist");
      return out;
    }
    TRY_ASSIGN(out.account, read_boc(answer.state));
    if (out.account->hash() != entry->account.hash(0)) return fail("not the state that the proof leads to");
    out.last_transaction_lt = entry->last_transaction_lt;
    out.last_transaction_hash = entry->last_transaction_hash;
    return out;
  };
  auto proved = prove();
  if (!proved) return std::unexpected(std::move(proved).error().within("account state"));
  return proved;
}

}  // namespace cocoon::ton::lite
