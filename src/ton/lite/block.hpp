// The parts of blocks and shard states that a lite client reads (TL-B Block, ShardStateUnsplit, McStateExtra,
// ShardDescr), also out of pruned trees: only what is asked for needs to be shown.
#pragma once
#include <cstdint>
#include <optional>

#include "ton/cell.hpp"
#include "ton/lite/aug_dict.hpp"
#include "ton/lite/schema.hpp"

namespace cocoon::ton::lite {

inline constexpr std::uint32_t kBlockTag = 0x11ef55aa;
inline constexpr std::uint32_t kBlockInfoTag = 0x9bc7a987;
inline constexpr std::uint32_t kShardStateTag = 0x9023afe2;
inline constexpr std::uint32_t kMcStateExtraTag = 0xcc26;

// References of a Block.
enum BlockRef : unsigned { kBlockInfo = 0, kBlockValueFlow = 1, kBlockStateUpdate = 2, kBlockExtra = 3 };

// The part of BlockInfo that stands in its first cell.
struct BlockInfo {
  bool not_master = false;
  std::int32_t workchain = 0;
  std::int32_t seqno = 0;
  std::uint32_t utime = 0;  // Unix seconds
  std::uint64_t start_lt = 0, end_lt = 0;
};
Result<BlockInfo> read_block_info(const Cell& block);
// Hash of the shard state after a block.
Result<Bits256> state_hash_after(const Cell& block);

struct ShardState {
  std::int32_t workchain = 0;
  std::int32_t seqno = 0;
  std::uint32_t utime = 0;
  std::uint64_t lt = 0;
  Cell accounts;              // ShardAccounts
  std::optional<Cell> extra;  // McStateExtra, of the masterchain
};
Result<ShardState> read_shard_state(const Cell& state);

struct ShardAccountEntry {
  Cell account;  // Account, perhaps pruned
  Bits256 last_transaction_hash;
  std::uint64_t last_transaction_lt = 0;
};
Result<std::optional<ShardAccountEntry>> find_account(const ShardState& state, const Bits256& account);

// The one shard of a workchain, as the masterchain's state names it.
Result<std::optional<BlockIdExt>> find_shard(const ShardState& masterchain_state, std::int32_t workchain);

// The dictionary of configuration parameters in a masterchain state: its root, for keys of 32 bits.
Result<Cell> config_of(const ShardState& masterchain_state);

}  // namespace cocoon::ton::lite
