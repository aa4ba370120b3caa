#include "devnet/chain.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "devnet/chain_work.hpp"
#include "devnet/treasury.hpp"
#include "ton/boc.hpp"
#include "ton/dict.hpp"

namespace cocoon::devnet {
namespace {

constexpr std::int32_t kGlobalIdParameter = 19;
// Validator sets, suspended addresses, bridges: large, read anew by every get-method, and nothing here uses them.
constexpr std::int32_t kDroppedParameters[] = {32, 33, 34, 35, 36, 37, 39, 44, 71, 72, 73, 79, 81, 82};

ton::BitString parameter_key(std::int32_t index) {
  return ton::BitString::of_uint(static_cast<std::uint32_t>(index), 32);
}

}  // namespace

Result<ton::Cell> genesis_config(std::int32_t global_id) {
  TRY_ASSIGN(const auto root, ton::read_boc(mainnet_config_snapshot()));
  ton::Dict parameters(32, root);
  for (auto index : kDroppedParameters) TRY(parameters.erase(parameter_key(index)));
  const auto value = ton::CellBuilder().store_int(global_id, 32).must_finish();
  TRY(parameters.set(parameter_key(kGlobalIdParameter), ton::CellBuilder().store_ref(value).must_finish()));
  return *parameters.root();
}

Chain::Chain(const ChainSettings& settings, Tvm tvm, const ton::Cell& config)
    : settings_(settings),
      tvm_(std::move(tvm)),
      config_(config),
      treasury_key_(settings_.treasury_seed),
      treasury_(ton::address_of(treasury_state_init(treasury_key_.public_key()))) {}

Result<Chain> Chain::create(const ChainSettings& settings, Time now, BlockDelta& first) {
  TRY_ASSIGN(const auto config, genesis_config(settings.global_id));
  TRY_ASSIGN(auto tvm, Tvm::create(ton::write_boc(config)));
  Chain chain(settings, std::move(tvm), config);
  TRY(chain.make_zero_state(now));
  const auto born = chain.accounts_;
  first = chain.make_block(now);
  TRY_ASSIGN(const auto accounts, born.entries(1));
  for (const auto& [key, value] : accounts) {
    auto rest = value;
    first.accounts.emplace(key.to_bits256(), rest.load_rest());
  }
  return chain;
}

Result<> Chain::make_zero_state(Time now) {
  ton::Account treasury;
  treasury.address = treasury_;
  treasury.last_paid = static_cast<std::uint32_t>(unix_time(now));
  treasury.balance.coins = settings_.treasury_nano;
  treasury.state = treasury_state_init(treasury_key_.public_key());
  ton::ShardAccount entry;
  entry.account = treasury;
  TRY(accounts_.set(ton::BitString::of_bytes(treasury_.hash.view()), ton::build_shard_account(entry),
                    settings_.treasury_nano));

  StepInfo zero;
  zero.global_id = settings_.global_id;
  zero.utime = static_cast<std::uint32_t>(unix_time(now));
  const auto masterchain = masterchain_state_cell(zero, std::nullopt, config_, accounts_.sum());
  Bytes boc;
  last_masterchain_ = {block_id(lite::kMasterchain, 0, masterchain, boc), 0};
  zero_state_ = {lite::kMasterchain, last_masterchain_.id.root_hash, last_masterchain_.id.file_hash};
  const auto shard = shard_state_cell(zero, accounts_, last_masterchain_);
  last_shard_ = {block_id(0, 0, shard, boc), 0};
  states_.push_back({shard, masterchain});
  return {};
}

Result<Chain> Chain::restore(ChainSettings settings, const ChainImage& image) {
  if (image.blocks.empty()) return fail("the chain on disk has no blocks");
  settings.global_id = image.global_id;
  TRY_ASSIGN(auto tvm, Tvm::create(ton::write_boc(image.config)));
  Chain chain(settings, std::move(tvm), image.config);
  chain.zero_state_ = image.zero_state;
  for (const auto& [id, cell] : image.accounts) {
    TRY_ASSIGN(const auto entry, ton::parse_shard_account(cell));
    if (!entry.account) return fail("account {} on disk is empty", to_hex(id));
    TRY(chain.accounts_.set(ton::BitString::of_bytes(id.view()), cell, entry.account->balance.coins));
  }
  for (const auto& message : image.waiting) chain.waiting_.emplace(std::pair(message.lt, message.hash), message);
  for (const auto& record : image.transactions) chain.remember(record);
  chain.blocks_.assign(image.blocks.begin(), image.blocks.end());

  const auto& head = chain.head();
  BlockRef before{{lite::kMasterchain, lite::kWholeShard, 0, image.zero_state.root_hash, image.zero_state.file_hash},
                  0};
  if (head.step.seqno > 1) {
    const auto* previous = chain.block(head.step.seqno - 1);
    if (!previous) return fail("the chain on disk lacks the block before its last");
    before = {previous->masterchain, previous->step.end_lt};
  }
  const auto shard = shard_state_cell(head.step, chain.accounts_, before);
  const auto masterchain =
      masterchain_state_cell(head.step, shard_hashes_root(head.step, head.shard), chain.config_, chain.accounts_.sum());
  TRY_ASSIGN(const auto block, ton::read_boc(head.shard_boc));
  TRY_ASSIGN(const auto named, lite::state_hash_after(block));
  if (named != shard.hash() || head.masterchain_state != masterchain.hash())
    return fail("the accounts on disk are not those of block {}", head.step.seqno);
  chain.states_.push_back({shard, masterchain});
  chain.last_shard_ = {head.shard, head.step.end_lt};
  chain.last_masterchain_ = {head.masterchain, head.step.end_lt};
  chain.trim();
  return chain;
}

// --- what comes from outside

Result<Chain::External> Chain::read_external(BytesView boc) const {
  if (boc.size() > kMaxExternalBytes)
    return fail("external message: {} bytes, at most {}", boc.size(), kMaxExternalBytes);
  const ton::BocLimits limits{kMaxExternalBytes, kMaxExternalCells, 1, kMaxExternalDepth};
  auto cell = ton::read_boc(boc, limits);
  if (!cell) return std::unexpected(std::move(cell).error().within("external message"));
  if (cell->level_mask() != 0) return fail("external message: it is a piece of a proof");
  auto message = ton::parse_message(*cell);
  if (!message) return std::unexpected(std::move(message).error().within("external message"));
  const auto* info = message->external_in();
  if (!info) return fail("external message: it is another kind of message");
  if (info->dest.workchain != 0) return fail("external message: workchain {} is not here", info->dest.workchain);
  return External{cell->hash(), info->dest.hash, *cell};
}

Result<> Chain::submit(BytesView boc, Time now) {
  const auto refuse = [this](Error error) {
    counters_.externals_refused++;
    return std::unexpected(std::move(error));
  };
  auto external = read_external(boc);
  if (!external) return refuse(std::move(external).error());
  if (external_hashes_.contains(external->hash)) return {};  // it waits already
  if (externals_.size() >= settings_.waiting_externals) return refuse({0, "too many external messages are waiting"});

  const auto step = next_step(now);
  TRY_ASSIGN(const auto account, shard_account(external->destination));
  auto outcome = run(account, external->message, next_lt(account, step.start_lt + 1), step);
  if (!outcome) return refuse(std::move(outcome).error().within("external message"));
  if (!outcome->accepted) {
    const auto code = outcome->exit_code ? fmt::format(": exitcode={}", *outcome->exit_code) : std::string();
    return refuse({outcome->exit_code.value_or(0), fmt::format("inbound external message rejected by account {}{}: {}",
                                                               to_hex(external->destination), code, outcome->refusal)});
  }
  external_hashes_.insert(external->hash);
  externals_.push_back(*std::move(external));
  return {};
}

Result<> Chain::faucet(const ton::Address& to, std::uint64_t nano) {
  if (to.workchain != 0) return fail("the faucet pays to workchain 0 only");
  if (payments_.size() >= settings_.waiting_externals) return fail("too many payments of the faucet are waiting");
  TRY_ASSIGN(const auto treasury, account(treasury_.hash));
  if (!treasury || treasury->balance.coins <= nano) return fail("the treasury does not hold {} nanoTON", nano);
  payments_.push_back({to, nano});
  return {};
}

// --- reading

Result<ton::Cell> Chain::shard_account(const Bits256& account) const {
  TRY_ASSIGN(auto found, accounts_.find(ton::BitString::of_bytes(account.view())));
  if (!found) return ton::build_shard_account({});
  return found->load_rest();
}

Result<std::optional<ton::Account>> Chain::account(const Bits256& id) const {
  TRY_ASSIGN(const auto cell, shard_account(id));
  TRY_ASSIGN(auto entry, ton::parse_shard_account(cell));
  return std::move(entry.account);
}

const BlockRecord* Chain::block(std::int32_t seqno) const {
  const auto first = blocks_.front().step.seqno;
  if (seqno < first || seqno > head().step.seqno) return nullptr;
  return &blocks_[static_cast<std::size_t>(seqno - first)];
}

const ChainState* Chain::state(std::int32_t seqno) const {
  const auto behind = std::int64_t{head().step.seqno} - seqno;
  if (behind < 0 || behind >= static_cast<std::int64_t>(states_.size())) return nullptr;
  return &states_[states_.size() - 1 - static_cast<std::size_t>(behind)];
}

const BlockRecord* Chain::block_by_lt(std::uint64_t lt) const {
  const auto it = std::ranges::lower_bound(blocks_, lt, {}, [](const BlockRecord& b) { return b.step.end_lt; });
  return it != blocks_.end() && lt >= it->step.start_lt ? &*it : nullptr;
}

const BlockRecord* Chain::block_by_time(std::uint32_t utime) const {
  const auto it = std::ranges::upper_bound(blocks_, utime, {}, [](const BlockRecord& b) { return b.step.utime; });
  return it == blocks_.begin() ? nullptr : &*std::prev(it);
}

std::vector<const TransactionRecord*> Chain::transactions(const Bits256& account, std::uint64_t lt,
                                                          std::size_t count) const {
  std::vector<const TransactionRecord*> out;
  const auto known = history_.find(account);
  if (known == history_.end()) return out;
  const auto& all = known->second;
  auto it = std::ranges::lower_bound(all, lt, {}, &TransactionRecord::lt);
  if (it == all.end() || it->lt != lt) return out;
  while (out.size() < count) {
    out.push_back(&*it);
    if (it == all.begin() || std::prev(it)->lt != it->prev_lt) break;
    --it;
  }
  return out;
}

Result<GetMethodOutcome> Chain::run_get_method(std::int32_t seqno, const Bits256& account, std::uint64_t method_id,
                                               BytesView stack) {
  const auto* at = state(seqno);
  if (!at) return fail("the state after block {} is not kept any more", seqno);
  TRY_ASSIGN(const auto shard, lite::read_shard_state(at->shard));
  TRY_ASSIGN(const auto entry, lite::find_account(shard, account));
  std::optional<ton::Account> parsed;
  if (entry) {
    TRY_ASSIGN(parsed, ton::parse_account(entry->account));
  }
  const auto* active = parsed ? parsed->active() : nullptr;
  if (!active || !active->code || !active->data) return GetMethodOutcome{kNotAContract, 0, {}, {}};
  const auto code = ton::write_boc(*active->code), data = ton::write_boc(*active->data);
  GetMethodRequest request;
  request.code = code;
  request.data = data;
  request.stack = stack;
  request.method_id = method_id;
  request.account = account;
  request.balance = parsed->balance.coins;
  request.now = shard.utime;
  request.random_seed = at->shard.hash();
  return tvm_.run_get_method(request);
}

ChainCounters Chain::counters() const {
  auto out = counters_;
  out.tvm_discarded = tvm_.discarded_instances();
  return out;
}

void Chain::remember(const TransactionRecord& record) {
  auto& all = history_[record.account];
  all.push_back(record);
  while (all.size() > settings_.account_history) all.pop_front();
}

void Chain::trim() {
  while (blocks_.size() > settings_.recent_blocks) blocks_.pop_front();
  while (states_.size() > settings_.recent_states) states_.pop_front();
}

}  // namespace cocoon::devnet
