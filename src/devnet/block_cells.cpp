#include "devnet/block_cells.hpp"

#include "base/assert.hpp"
#include "crypto/crypto.hpp"
#include "ton/boc.hpp"
#include "ton/dict.hpp"
#include "ton/lite/merkle.hpp"

namespace cocoon::devnet {
namespace {

using ton::Cell;
using ton::CellBuilder;

void store_amount(CellBuilder& b, std::uint64_t nano) { b.store_coins(nano).store_bit(false); }

// shard_ident$00 shard_pfx_bits:(#<= 60) workchain_id:int32 shard_prefix:uint64
void store_whole_shard(CellBuilder& b, std::int32_t workchain) {
  b.store_uint(0, 2).store_uint(0, 6).store_int(workchain, 32).store_uint(0, 64);
}

// ext_blk_ref$_ end_lt:uint64 seq_no:uint32 root_hash:bits256 file_hash:bits256
void store_block_ref(CellBuilder& b, const BlockRef& ref) {
  b.store_uint(ref.end_lt, 64).store_uint(static_cast<std::uint32_t>(ref.id.seqno), 32);
  b.store_bytes(ref.id.root_hash).store_bytes(ref.id.file_hash);
}

Cell block_ref_cell(const BlockRef& ref) {
  CellBuilder b;
  store_block_ref(b, ref);
  return b.must_finish();
}

// _ out_queue:OutMsgQueue proc_info:ProcessedInfo extra:(Maybe OutMsgQueueExtra)
Cell empty_queue_info() { return CellBuilder().store_bit(false).store_zeros(64).store_zeros(2).must_finish(); }

struct StateParts {
  StepInfo step;
  std::int32_t workchain = 0;
  std::optional<BlockRef> master;
  std::uint64_t total_balance = 0;
  Cell accounts;
  std::optional<Cell> extra;
};

Cell state_cell(const StateParts& parts) {
  const auto& step = parts.step;
  CellBuilder totals;
  totals.store_uint(0, 64).store_uint(0, 64);  // load history
  store_amount(totals, parts.total_balance);
  store_amount(totals, 0);  // validator fees
  totals.store_bit(false);  // libraries
  totals.store_bit(parts.master.has_value());
  if (parts.master) store_block_ref(totals, *parts.master);

  CellBuilder b;
  b.store_uint(lite::kShardStateTag, 32).store_int(step.global_id, 32);
  store_whole_shard(b, parts.workchain);
  b.store_uint(static_cast<std::uint32_t>(step.seqno), 32).store_uint(0, 32).store_uint(step.utime, 32);
  b.store_uint(step.end_lt, 64).store_uint(0, 32);
  b.store_ref(empty_queue_info()).store_bit(false).store_ref(parts.accounts).store_ref(totals.must_finish());
  b.store_maybe_ref(parts.extra);
  return b.must_finish();
}

Cell accounts_cell(const lite::AugDict& accounts) {
  CellBuilder b;
  accounts.store(b);
  return b.must_finish();
}

Cell block_info_cell(const StepInfo& step, std::int32_t workchain, const BlockRef& previous,
                     const std::optional<BlockRef>& master) {
  CellBuilder b;
  b.store_uint(lite::kBlockInfoTag, 32).store_uint(0, 32).store_bit(master.has_value());
  b.store_uint(0, 7).store_uint(0, 8);
  b.store_uint(static_cast<std::uint32_t>(step.seqno), 32).store_uint(0, 32);
  store_whole_shard(b, workchain);
  b.store_uint(step.utime, 32).store_uint(step.start_lt, 64).store_uint(step.end_lt, 64);
  b.store_zeros(32 * 4);  // validators, catchain, min_ref_mc_seqno, prev_key_block_seqno
  if (master) b.store_ref(block_ref_cell(*master));
  b.store_ref(block_ref_cell(previous));
  return b.must_finish();
}

Cell value_flow_cell(std::uint64_t before, std::uint64_t after, std::uint64_t fees) {
  CellBuilder moved, made;
  for (auto nano : {before, after, std::uint64_t{0}, std::uint64_t{0}}) store_amount(moved, nano);
  for (int i = 0; i < 4; i++) store_amount(made, 0);
  CellBuilder b;
  b.store_uint(0xb8e48dfb, 32).store_ref(moved.must_finish());
  store_amount(b, fees);
  return b.store_ref(made.must_finish()).must_finish();
}

Cell block_extra_cell(const StepInfo& step, const Cell& account_blocks, const std::optional<Cell>& custom) {
  CellBuilder in, out;
  in.store_bit(false).store_coins(0);
  store_amount(in, 0);
  out.store_bit(false);
  store_amount(out, 0);
  CellBuilder b;
  b.store_uint(0x4a33f6fd, 32).store_ref(in.must_finish()).store_ref(out.must_finish()).store_ref(account_blocks);
  b.store_bytes(step.random_seed).store_zeros(256).store_maybe_ref(custom);
  return b.must_finish();
}

Cell block_cell(const StepInfo& step, const Cell& info, const Cell& flow, const Cell& update, const Cell& extra) {
  CellBuilder b;
  b.store_uint(lite::kBlockTag, 32).store_int(step.global_id, 32);
  return b.store_ref(info).store_ref(flow).store_ref(update).store_ref(extra).must_finish();
}

// shard_descr#b
Cell shard_descr_leaf(const StepInfo& step, const lite::BlockIdExt& block) {
  CellBuilder b;
  b.store_bit(false).store_uint(0xb, 4);  // bt_leaf, tag
  b.store_uint(static_cast<std::uint32_t>(block.seqno), 32).store_uint(static_cast<std::uint32_t>(step.seqno), 32);
  b.store_uint(step.start_lt, 64).store_uint(step.end_lt, 64);
  b.store_bytes(block.root_hash).store_bytes(block.file_hash);
  b.store_zeros(8);  // splits, merges, catchain, flags
  b.store_uint(0, 32).store_uint(lite::kWholeShard, 64);
  b.store_uint(0, 32).store_uint(step.utime, 32).store_bit(false);
  store_amount(b, 0);
  store_amount(b, 0);
  return b.must_finish();
}

}  // namespace

Cell shard_state_cell(const StepInfo& step, const lite::AugDict& accounts, const BlockRef& last_masterchain) {
  return state_cell({step, 0, last_masterchain, accounts.sum(), accounts_cell(accounts), std::nullopt});
}

Cell shard_block_cell(const ShardBlockParts& parts) {
  CellBuilder accounts;
  parts.account_blocks.store(accounts);
  return block_cell(parts.step, block_info_cell(parts.step, 0, parts.previous, parts.last_masterchain),
                    value_flow_cell(parts.balance_before, parts.balance_after, parts.fees),
                    lite::merkle_update(parts.state_before, parts.state_after),
                    block_extra_cell(parts.step, accounts.must_finish(), std::nullopt));
}

Cell shard_hashes_root(const StepInfo& step, const lite::BlockIdExt& shard_block) {
  ton::Dict shards(32);
  const auto leaf = CellBuilder().store_ref(shard_descr_leaf(step, shard_block)).must_finish();
  const auto set = shards.set(ton::BitString::of_uint(0, 32), leaf);
  COCOON_ASSERT(set.has_value());
  return *shards.root();
}

Cell masterchain_state_cell(const StepInfo& step, const std::optional<Cell>& shard_hashes, const Cell& config,
                            std::uint64_t total_balance) {
  CellBuilder more;
  more.store_uint(0, 16).store_zeros(32 + 32 + 1);         // flags, validator info
  more.store_bit(false).store_bit(false).store_zeros(64);  // prev_blocks: empty, with its KeyMaxLt
  more.store_bit(false).store_bit(false);                  // after_key_block, last_key_block
  CellBuilder extra;
  extra.store_uint(lite::kMcStateExtraTag, 16).store_maybe_ref(shard_hashes);
  Bits256 config_address;
  config_address.fill(0x55);
  extra.store_bytes(config_address).store_ref(config).store_ref(more.must_finish());
  store_amount(extra, total_balance);
  const lite::AugDict no_accounts(lite::kShardAccountsShape);
  return state_cell({step, lite::kMasterchain, std::nullopt, 0, accounts_cell(no_accounts), extra.must_finish()});
}

Cell masterchain_block_cell(const MasterchainBlockParts& parts) {
  CellBuilder custom;
  custom.store_uint(0xcca5, 16).store_bit(false).store_maybe_ref(parts.shard_hashes);
  custom.store_bit(false);  // shard_fees, with its sums
  store_amount(custom, 0);
  store_amount(custom, 0);
  custom.store_ref(CellBuilder().store_zeros(3).must_finish());
  CellBuilder no_accounts;
  lite::AugDict(lite::kAccountBlocksShape).store(no_accounts);
  return block_cell(parts.step, block_info_cell(parts.step, lite::kMasterchain, parts.previous, std::nullopt),
                    value_flow_cell(0, 0, 0), lite::merkle_update(parts.state_before, parts.state_after),
                    block_extra_cell(parts.step, no_accounts.must_finish(), custom.must_finish()));
}

Result<Cell> account_block_cell(const Bits256& account, const lite::AugDict& transactions, const Bits256& state_before,
                                const Bits256& state_after) {
  if (transactions.empty()) return fail("an account block without transactions");
  const auto update =
      CellBuilder().store_uint(0x72, 8).store_bytes(state_before).store_bytes(state_after).must_finish();
  CellBuilder b;
  b.store_uint(5, 4).store_bytes(account).store_cell(*transactions.root()).store_ref(update);
  return b.finish();
}

lite::BlockIdExt block_id(std::int32_t workchain, std::int32_t seqno, const Cell& block, Bytes& boc) {
  boc = ton::write_boc(block);
  return {workchain, lite::kWholeShard, seqno, block.hash(), crypto::sha256(boc)};
}

}  // namespace cocoon::devnet
