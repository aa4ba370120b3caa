#include "devnet/chain_proofs.hpp"

#include "ton/boc.hpp"
#include "ton/dict.hpp"

namespace cocoon::devnet {
namespace {

using ton::Cell;

Result<Bytes> two_roots(BytesView block_boc, const Cell& state, const lite::Shown& shown) {
  TRY_ASSIGN(const auto block, header_proof(block_boc));
  TRY_ASSIGN(const auto rest, lite::merkle_proof(state, shown));
  const Cell roots[] = {block, rest};
  return ton::write_boc(roots);
}

// The dictionary's own cells: forks have two references, leaves one, which is the parameter.
void show_skeleton(const Cell& node, lite::Shown& shown) {
  shown.cell(node);
  if (node.ref_count() != 2) return;
  for (unsigned i = 0; i < 2; i++) show_skeleton(node.ref(i), shown);
}

}  // namespace

Result<Cell> header_proof(BytesView block_boc) {
  TRY_ASSIGN(const auto block, ton::read_boc(block_boc));
  lite::Shown shown;
  shown.cell(block);
  shown.tree(block.ref(lite::kBlockInfo));
  return lite::merkle_proof(block, shown);
}

Result<Bytes> account_proof(BytesView block_boc, const Cell& state, const Bits256& account) {
  TRY_ASSIGN(const auto parsed, lite::read_shard_state(state));
  ton::CellSlice slice(parsed.accounts);
  TRY_ASSIGN(const auto accounts, lite::AugDict::load(slice, lite::kShardAccountsShape));
  TRY_ASSIGN(const auto path, accounts.path(ton::BitString::of_bytes(account.view())));
  lite::Shown shown;
  shown.cell(parsed.accounts);
  for (const auto& cell : path) shown.cell(cell);
  return two_roots(block_boc, state, shown);
}

Result<Bytes> shards_proof(BytesView masterchain_boc, const Cell& masterchain_state) {
  TRY_ASSIGN(const auto parsed, lite::read_shard_state(masterchain_state));
  if (!parsed.extra) return fail("not a masterchain state");
  ton::CellSlice extra(*parsed.extra);
  extra.load_uint(16);
  lite::Shown shown;
  shown.cell(*parsed.extra);
  if (const auto shards = extra.load_maybe_ref()) shown.tree(*shards);
  TRY(extra.status());
  return two_roots(masterchain_boc, masterchain_state, shown);
}

Result<Bytes> config_proof(const Cell& masterchain_state, const std::vector<std::int32_t>* only) {
  TRY_ASSIGN(const auto parsed, lite::read_shard_state(masterchain_state));
  TRY_ASSIGN(const auto config, lite::config_of(parsed));
  lite::Shown shown;
  shown.cell(*parsed.extra);
  if (!only) {
    shown.tree(config);
  } else {
    show_skeleton(config, shown);
    const ton::Dict parameters(32, config);
    for (auto index : *only) {
      TRY_ASSIGN(auto found, parameters.find(ton::BitString::of_uint(static_cast<std::uint32_t>(index), 32)));
      if (found) shown.tree(found->load_ref());
    }
  }
  TRY_ASSIGN(const auto proof, lite::merkle_proof(masterchain_state, shown));
  return ton::write_boc(proof);
}

Result<Bytes> state_proof(const Cell& account) {
  lite::Shown shown;
  TRY_ASSIGN(const auto proof, lite::merkle_proof(account, shown));
  return ton::write_boc(proof);
}

}  // namespace cocoon::devnet
