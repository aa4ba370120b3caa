// Proofs that the liteserver hands out with its answers: bags of cells, shaped as mainnet's.
#pragma once
#include "devnet/chain.hpp"
#include "ton/lite/merkle.hpp"

namespace cocoon::devnet {

// One root: a block with its header, and the hash of the state after it.
Result<ton::Cell> header_proof(BytesView block_boc);
// Two roots: the block, and the way to the account in the state after it.
Result<Bytes> account_proof(BytesView block_boc, const ton::Cell& state, const Bits256& account);
// Two roots: the masterchain block, and the shards' descriptions in the state after it.
Result<Bytes> shards_proof(BytesView masterchain_boc, const ton::Cell& masterchain_state);
// One root: all configuration parameters in a masterchain state, or only those asked for.
Result<Bytes> config_proof(const ton::Cell& masterchain_state, const std::vector<std::int32_t>* only);
// One root: an account's state, with its code and data cut off.
Result<Bytes> state_proof(const ton::Cell& account);

}  // namespace cocoon::devnet
