// Blocks and shard states as cells (TL-B Block, ShardStateUnsplit), for a chain of one unsplit workchain 0 and a
// masterchain without accounts. What the devnet has nothing to say about (validators, message descriptors, the message
// queue) is written in its empty form.
#pragma once
#include <cstdint>
#include <vector>

#include "ton/lite/aug_dict.hpp"
#include "ton/lite/block.hpp"

namespace cocoon::devnet {

namespace lite = ton::lite;

// One step of the chain, as both its blocks tell it.
struct StepInfo {
  std::int32_t global_id = 0;
  std::int32_t seqno = 0;
  std::uint32_t utime = 0;  // Unix seconds
  std::uint64_t start_lt = 0, end_lt = 0;
  Bits256 random_seed;
};

// A block (or, with seqno 0, a zero state) that a later one refers to.
struct BlockRef {
  lite::BlockIdExt id;
  std::uint64_t end_lt = 0;
};

ton::Cell shard_state_cell(const StepInfo& step, const lite::AugDict& accounts, const BlockRef& last_masterchain);

struct ShardBlockParts {
  StepInfo step;
  BlockRef previous, last_masterchain;
  ton::Cell state_before, state_after;
  lite::AugDict account_blocks{lite::kAccountBlocksShape};
  std::uint64_t balance_before = 0, balance_after = 0, fees = 0;  // nanoTON
};
ton::Cell shard_block_cell(const ShardBlockParts& parts);

// The shard's block as the masterchain's state describes it.
ton::Cell shard_hashes_root(const StepInfo& step, const lite::BlockIdExt& shard_block);
// `shard_hashes`: absent in the zero state only. `config`: root of the dictionary of parameters.
ton::Cell masterchain_state_cell(const StepInfo& step, const std::optional<ton::Cell>& shard_hashes,
                                 const ton::Cell& config, std::uint64_t total_balance);

struct MasterchainBlockParts {
  StepInfo step;
  BlockRef previous;
  ton::Cell state_before, state_after;
  ton::Cell shard_hashes;
};
ton::Cell masterchain_block_cell(const MasterchainBlockParts& parts);

// AccountBlock: what one block did to one account. `transactions` must not be empty.
Result<ton::Cell> account_block_cell(const Bits256& account, const lite::AugDict& transactions,
                                     const Bits256& state_before, const Bits256& state_after);

// Name of a block: hash of its cell and of its bytes. `boc` receives the bytes.
lite::BlockIdExt block_id(std::int32_t workchain, std::int32_t seqno, const ton::Cell& block, Bytes& boc);

}  // namespace cocoon::devnet
