#include "devnet/liteserver.hpp"

#include <algorithm>

#include "devnet/chain_proofs.hpp"
#include "tl/tl.hpp"
#include "ton/boc.hpp"

namespace cocoon::devnet {
namespace {

using namespace ton::lite;

constexpr std::int32_t kServerVersion = 0x101;   // 1.1, what mainnet's say
constexpr std::int64_t kServerCapabilities = 7;  // getTransactions, lookupBlock and their proofs
constexpr std::size_t kMaxTransactions = 16;     // per answer
constexpr std::size_t kMaxConfigParams = 256;
constexpr std::size_t kMaxMethodParams = 65'536;

// A block that a request names, in either workchain.
struct NamedBlock {
  const BlockRecord* record = nullptr;
  bool masterchain = false;

  const BlockIdExt& id() const { return masterchain ? record->masterchain : record->shard; }
  BytesView boc() const { return masterchain ? record->masterchain_boc : record->shard_boc; }
};

class Answers {
 public:
  Answers(Chain& chain, Time now) : chain_(chain), now_(static_cast<std::int32_t>(unix_time(now))) {}

  Result<CurrentTime> operator()(const GetTime&) const { return CurrentTime{now_}; }
  Result<Version> operator()(const GetVersion&) const { return Version{0, kServerVersion, kServerCapabilities, now_}; }

  Result<MasterchainInfo> operator()(const GetMasterchainInfo&) const {
    return MasterchainInfo{chain_.head().masterchain, chain_.head().masterchain_state, chain_.zero_state()};
  }

  Result<MasterchainInfoExt> operator()(const GetMasterchainInfoExt& q) const {
    if (q.mode != 0) return fail(lite_bad_request, "unsupported getMasterchainInfoExt mode {}", q.mode);
    const auto& head = chain_.head();
    return MasterchainInfoExt{
        0,    kServerVersion,         kServerCapabilities, head.masterchain, static_cast<std::int32_t>(head.step.utime),
        now_, head.masterchain_state, chain_.zero_state()};
  }

  Result<BlockData> operator()(const GetBlock& q) const {
    TRY_ASSIGN(const auto block, find(q.id));
    return BlockData{block.id(), to_bytes(block.boc())};
  }

  Result<BlockHeader> operator()(const GetBlockHeader& q) const {
    TRY_ASSIGN(const auto block, find(q.id));
    return header(block, q.mode);
  }

  Result<BlockHeader> operator()(const LookupBlock& q) const {
    if (q.id.shard != kWholeShard && q.id.shard != 0) return fail(lite_not_ready, "no such shard");
    NamedBlock block{nullptr, q.id.workchain == kMasterchain};
    if (q.id.workchain != 0 && !block.masterchain) return fail(lite_not_ready, "no such workchain");
    const auto by = q.mode & 7;
    if (by == LookupBlock::kBySeqno)
      block.record = chain_.block(q.id.seqno);
    else if (by == LookupBlock::kByLt)
      block.record = chain_.block_by_lt(q.lt);
    else if (by == LookupBlock::kByTime)
      block.record = chain_.block_by_time(static_cast<std::uint32_t>(q.utime));
    else
      return fail(lite_bad_request, "exactly one of mode.0, mode.1 and mode.2 must be set");
    if (!block.record) return fail(lite_not_ready, "block is not in the database");
    return header(block, q.mode);
  }

  Result<SendMsgStatus> operator()(const SendMessage& q) const {
    auto sent = chain_.submit(q.body, from_unix(now_));
    if (!sent)
      return fail(lite_failure, "cannot apply external message to current state : {}", std::move(sent).error().what);
    return SendMsgStatus{1};
  }

  Result<SendMsgStatus> operator()(const FaucetRequest& q) const {
    if (q.account.workchain != 0) return fail(lite_bad_request, "the faucet pays to workchain 0 only");
    auto paid = chain_.faucet({0, q.account.id}, q.nano);
    if (!paid) return fail(lite_failure, "{}", paid.error().what);
    return SendMsgStatus{1};
  }

  Result<AccountState> operator()(const GetAccountState& q) const {
    TRY_ASSIGN(const auto at, locate(q.id, q.account));
    AccountState out{at.block.id(), at.shard_block, at.shard_proof, {}, {}};
    const auto& root = at.in_masterchain ? at.state->masterchain : at.state->shard;
    TRY_ASSIGN(out.proof,
               account_proof(at.in_masterchain ? at.block.record->masterchain_boc : at.block.record->shard_boc, root,
                             q.account.id));
    TRY_ASSIGN(const auto state, read_shard_state(root));
    TRY_ASSIGN(const auto entry, find_account(state, q.account.id));
    if (entry) out.state = ton::write_boc(entry->account);
    return out;
  }

  Result<RunMethodResult> operator()(const RunSmcMethod& q) const {
    if (q.params.size() > kMaxMethodParams) return fail(lite_bad_request, "parameters of more than 64 KiB");
    if (!ton::read_boc(q.params)) return fail(lite_bad_request, "parameters are not a bag of cells with one root");
    TRY_ASSIGN(auto at, locate(q.id, q.account));
    if (at.in_masterchain) return fail(lite_not_ready, "no such account");
    const auto seqno = at.block.record->step.seqno;
    TRY_ASSIGN(auto ran, chain_.run_get_method(seqno, q.account.id, static_cast<std::uint64_t>(q.method_id), q.params));

    RunMethodResult out;
    out.mode = q.mode & (RunSmcMethod::kWithProof | RunSmcMethod::kWithStateProof | RunSmcMethod::kWithResult);
    out.id = at.block.id();
    out.shard_block = at.shard_block;
    out.exit_code = ran.exit_code;
    out.result = std::move(ran.stack);
    if (q.mode & RunSmcMethod::kWithProof) {
      out.shard_proof = std::move(at.shard_proof);
      TRY_ASSIGN(out.proof, account_proof(at.block.record->shard_boc, at.state->shard, q.account.id));
    }
    if (q.mode & RunSmcMethod::kWithStateProof) {
      TRY_ASSIGN(const auto state, read_shard_state(at.state->shard));
      TRY_ASSIGN(const auto entry, find_account(state, q.account.id));
      if (entry) {
        TRY_ASSIGN(out.state_proof, state_proof(entry->account));
      }
    }
    return out;
  }

  Result<ShardInfo> operator()(const GetShardInfo& q) const {
    TRY_ASSIGN(const auto at, locate(q.id, {q.workchain, {}}));
    if (at.in_masterchain || q.id.workchain != kMasterchain) return fail(lite_not_ready, "no such shard");
    auto leaf = ton::CellSlice(shard_hashes_root(at.block.record->step, at.shard_block).ref(0));
    leaf.load_bit();
    return ShardInfo{at.block.id(), at.shard_block, at.shard_proof, ton::write_boc(leaf.load_rest())};
  }

  Result<AllShardsInfo> operator()(const GetAllShardsInfo& q) const {
    TRY_ASSIGN(const auto at, locate(q.id, {0, {}}));
    if (q.id.workchain != kMasterchain) return fail(lite_not_ready, "not a block of the masterchain");
    const auto root = shard_hashes_root(at.block.record->step, at.shard_block);
    const auto shards = ton::CellBuilder().store_maybe_ref(root).must_finish();
    return AllShardsInfo{at.block.id(), at.shard_proof, ton::write_boc(shards)};
  }

  Result<TransactionList> operator()(const GetTransactions& q) const {
    const auto missing = [] { return fail(lite_not_ready, "cannot locate the transaction"); };
    if (q.account.workchain != 0) return missing();
    const auto found = chain_.transactions(q.account.id, q.lt, std::min<std::size_t>(q.count, kMaxTransactions));
    if (q.count == 0) return TransactionList{};
    if (found.empty() || found.front()->hash != q.hash) return missing();
    TransactionList out;
    std::vector<ton::Cell> roots;
    for (const auto* record : found) {
      TRY_ASSIGN(const auto cell, ton::read_boc(record->boc));
      roots.push_back(cell);
      out.ids.push_back(record->block);
    }
    out.transactions = ton::write_boc(roots);
    return out;
  }

  Result<ConfigInfo> operator()(const GetConfigAll& q) const { return config(q.id, q.mode, nullptr); }

  Result<ConfigInfo> operator()(const GetConfigParams& q) const {
    if (q.params.size() > kMaxConfigParams) return fail(lite_bad_request, "more than {} parameters", kMaxConfigParams);
    return config(q.id, q.mode, &q.params);
  }

 private:
  // Where to look for an account: a block that a request names, and the state it leads to.
  struct Place {
    NamedBlock block;
    const ChainState* state = nullptr;
    BlockIdExt shard_block;
    Bytes shard_proof;
    bool in_masterchain = false;
  };

  Result<NamedBlock> find(const BlockIdExt& id) const {
    NamedBlock block{chain_.block(id.seqno), id.workchain == kMasterchain};
    if (!block.record || block.id() != id) return fail(lite_not_ready, "block is not in the database");
    return block;
  }

  Result<Place> locate(const BlockIdExt& id, const AccountId& account) const {
    Place out;
    TRY_ASSIGN(out.block, find(id));
    out.state = chain_.state(id.seqno);
    if (!out.state) return fail(lite_not_ready, "the state of this block is not kept any more");
    out.in_masterchain = account.workchain == kMasterchain;
    if (out.in_masterchain) {
      if (id.workchain != kMasterchain) return fail(lite_bad_request, "an account of another workchain");
      out.shard_block = id;
      return out;
    }
    if (account.workchain != 0) return fail(lite_not_ready, "no such workchain");
    out.shard_block = out.block.record->shard;
    if (id.workchain == kMasterchain) {
      TRY_ASSIGN(out.shard_proof, shards_proof(out.block.record->masterchain_boc, out.state->masterchain));
    }
    return out;
  }

  Result<BlockHeader> header(const NamedBlock& block, std::uint32_t mode) const {
    TRY_ASSIGN(const auto proof, header_proof(block.boc()));
    return BlockHeader{block.id(), mode, ton::write_boc(proof)};
  }

  Result<ConfigInfo> config(const BlockIdExt& id, std::uint32_t mode, const std::vector<std::int32_t>* only) const {
    if (id.workchain != kMasterchain) return fail(lite_bad_request, "not a block of the masterchain");
    TRY_ASSIGN(const auto at, locate(id, {kMasterchain, {}}));
    TRY_ASSIGN(const auto block, header_proof(at.block.boc()));
    TRY_ASSIGN(auto proof, config_proof(at.state->masterchain, only));
    return ConfigInfo{mode & 0xffff, at.block.id(), ton::write_boc(block), std::move(proof)};
  }

  Chain& chain_;
  std::int32_t now_;
};

template <class T>
Bytes encode(const Result<T>& answer) {
  return answer ? tl::encode_boxed(*answer) : lite_error(answer.error().code, answer.error().what);
}

}  // namespace

Result<DevnetRequest> decode_devnet_request(BytesView query) {
  auto outer = tl::decode_boxed<LiteQuery>(query);
  if (!outer) return std::unexpected(std::move(outer).error().within("liteserver request"));
  DevnetRequest request;
  tl::Reader reader(outer->data);
  if (tl::peek_id(outer->data) == WaitMasterchainSeqno::kId) reader.boxed(request.wait.emplace());
  if (tl::peek_id(reader.rest()) == FaucetRequest::kId) {
    reader.boxed(request.function.emplace<FaucetRequest>());
  } else {
    reader.value(request.function.emplace<Function>());
  }
  if (auto end = reader.finish(); !end) return std::unexpected(std::move(end).error().within("liteserver request"));
  return request;
}

Bytes lite_error(int code, std::string_view message) { return tl::encode_boxed(LiteError{code, std::string(message)}); }

Bytes answer_request(Chain& chain, const std::variant<Function, FaucetRequest>& function, Time now) {
  const Answers answers(chain, now);
  if (const auto* faucet = std::get_if<FaucetRequest>(&function)) return encode(answers(*faucet));
  return std::visit([&](const auto& f) { return encode(answers(f)); }, std::get<Function>(function));
}

}  // namespace cocoon::devnet
