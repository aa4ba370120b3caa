#include "ton/lite/block.hpp"

#include "ton/dict.hpp"
#include "ton/lite/merkle.hpp"

namespace cocoon::ton::lite {
namespace {

Result<CellSlice> open(const Cell& cell, std::uint32_t tag, unsigned tag_bits, const char* what) {
  CellSlice s(cell);
  if (s.load_uint(tag_bits) != tag || !s.ok()) return fail("not a {}", what);
  return s;
}

// shard_ident$00 shard_pfx_bits:(#<= 60) workchain_id:int32 shard_prefix:uint64: only unsplit workchains are read.
std::int32_t load_whole_shard(CellSlice& s) {
  if (s.load_uint(2) != 0) s.reject("not a shard identifier");
  if (s.load_uint(6) != 0) s.reject("a part of a split workchain");
  const auto workchain = static_cast<std::int32_t>(s.load_int(32));
  s.load_u64();
  return workchain;
}

}  // namespace

Result<BlockInfo> read_block_info(const Cell& block) {
  TRY_ASSIGN(auto b, open(block, kBlockTag, 32, "block"));
  TRY_ASSIGN(auto s, open(b.load_ref(), kBlockInfoTag, 32, "block info"));
  BlockInfo out;
  s.load_u32();  // version
  out.not_master = s.load_bit();
  s.load_uint(7);  // merges, splits, key block, vertical
  s.load_uint(8);  // flags
  out.seqno = static_cast<std::int32_t>(s.load_u32());
  s.load_u32();  // vertical seqno
  out.workchain = load_whole_shard(s);
  out.utime = s.load_u32();
  out.start_lt = s.load_u64();
  out.end_lt = s.load_u64();
  TRY(s.status());
  return out;
}

Result<Bits256> state_hash_after(const Cell& block) {
  TRY(open(block, kBlockTag, 32, "block"));
  if (block.ref_count() <= kBlockStateUpdate) return fail("a block without a state update");
  return merkle_update_result(block.ref(kBlockStateUpdate));
}

Result<ShardState> read_shard_state(const Cell& state) {
  TRY_ASSIGN(auto s, open(state, kShardStateTag, 32, "shard state"));
  ShardState out;
  s.load_u32();  // global id
  out.workchain = load_whole_shard(s);
  out.seqno = static_cast<std::int32_t>(s.load_u32());
  s.load_u32();  // vertical seqno
  out.utime = s.load_u32();
  out.lt = s.load_u64();
  s.load_u32();  // min_ref_mc_seqno
  s.load_ref();  // out_msg_queue_info
  s.load_bit();  // before_split
  out.accounts = s.load_ref();
  s.load_ref();  // totals
  out.extra = s.load_maybe_ref();
  TRY(s.status());
  return out;
}

Result<std::optional<ShardAccountEntry>> find_account(const ShardState& state, const Bits256& account) {
  CellSlice accounts(state.accounts);
  TRY_ASSIGN(const auto dict, AugDict::load(accounts, kShardAccountsShape));
  TRY_ASSIGN(auto found, dict.find(BitString::of_bytes(account.view())));
  if (!found) return std::nullopt;
  ShardAccountEntry out;
  out.account = found->load_ref();
  out.last_transaction_hash = found->load_bits256();
  out.last_transaction_lt = found->load_u64();
  TRY(found->status());
  return out;
}

Result<std::optional<BlockIdExt>> find_shard(const ShardState& masterchain_state, std::int32_t workchain) {
  if (!masterchain_state.extra) return fail("not a masterchain state");
  TRY_ASSIGN(auto s, open(*masterchain_state.extra, kMcStateExtraTag, 16, "masterchain state"));
  const auto shards = Dict::load(s, 32);
  TRY(s.status());
  TRY_ASSIGN(auto found, shards.find(BitString::of_uint(static_cast<std::uint32_t>(workchain), 32)));
  if (!found) return std::nullopt;
  auto leaf = found->load_ref_slice();
  if (leaf.load_bit()) leaf.reject("a split workchain");
  if (leaf.load_uint(4) != 0xb) leaf.reject("not a shard description");
  BlockIdExt out{workchain, kWholeShard, 0, {}, {}};
  out.seqno = static_cast<std::int32_t>(leaf.load_u32());
  leaf.load_u32();  // reg_mc_seqno
  leaf.load_u64();  // start_lt
  leaf.load_u64();  // end_lt
  out.root_hash = leaf.load_bits256();
  out.file_hash = leaf.load_bits256();
  TRY(found->status());
  TRY(leaf.status());
  return out;
}

Result<Cell> config_of(const ShardState& masterchain_state) {
  if (!masterchain_state.extra) return fail("not a masterchain state");
  TRY_ASSIGN(auto s, open(*masterchain_state.extra, kMcStateExtraTag, 16, "masterchain state"));
  s.load_maybe_ref();  // shard_hashes
  s.load_bits256();    // config_addr
  const auto config = s.load_ref();
  TRY(s.status());
  return config;
}

}  // namespace cocoon::ton::lite
