#include "sim_chain.hpp"

#include <algorithm>

#include "ton/boc.hpp"

namespace cocoon::sim {
namespace {

devnet::ChainSettings settings_of(const Bits256& treasury_seed) {
  devnet::ChainSettings settings;
  settings.treasury_seed = treasury_seed;
  settings.recent_states = 2;  // the archive remembers
  settings.recent_blocks = 8;
  settings.account_history = 4;
  return settings;
}

devnet::Chain born(const devnet::ChainSettings& settings, Time now, devnet::BlockDelta& first) {
  auto chain = devnet::Chain::create(settings, now, first);
  COCOON_ASSERT(chain.has_value());
  return *std::move(chain);
}

}  // namespace

SimChain::SimChain(Schedule& schedule, Trace& trace, Dice& dice, Faults& faults, const Bits256& treasury_seed)
    : schedule_(schedule),
      trace_(trace),
      dice_(dice),
      faults_(faults),
      settings_(settings_of(treasury_seed)),
      chain_([&] {
        devnet::BlockDelta first;
        return born(settings_, schedule.now(), first);
      }()) {
  times_.assign(static_cast<std::size_t>(head()) + 1, unix_time(schedule.now()));
}

void SimChain::faucet(const ton::Address& to, std::uint64_t nano) {
  COCOON_ASSERT(chain_.faucet(to, nano).has_value());
}

void SimChain::send(Bytes boc) {
  if (faults_.strikes(Fault::external_lost)) return trace_.note(schedule_.now(), "chain", "an external is lost");
  if (faults_.strikes(Fault::external_twice)) {
    const auto later = dice_.duration(std::chrono::seconds(1), std::chrono::seconds(90));
    schedule_.in(later, [this, boc] { arrive(boc); });
  }
  Duration delay = dice_.duration(std::chrono::milliseconds(10), std::chrono::milliseconds(300));
  if (faults_.strikes(Fault::external_delayed))
    delay = dice_.duration(std::chrono::seconds(2), std::chrono::seconds(80));
  schedule_.in(delay, [this, boc = std::move(boc)]() mutable { arrive(std::move(boc)); });
}

void SimChain::make_block() {
  if (!pool_.empty() && faults_.strikes(Fault::block_dropped)) {
    trace_.note(schedule_.now(), "chain", "a block with {} externals is dropped", pool_.size());
    pool_.clear();
  }
  for (const Bytes& boc : pool_) static_cast<void>(chain_.submit(boc, schedule_.now()));  // refusals are everyday
  pool_.clear();
  const auto delta = chain_.make_block(schedule_.now());
  times_.resize(static_cast<std::size_t>(delta.block.step.seqno) + 1);
  times_.back() = delta.block.step.utime;
  keep(delta);
  trace_.note(schedule_.now(), "chain", "block {}: {} transactions", delta.block.step.seqno, delta.transactions.size());
}

void SimChain::keep(const devnet::BlockDelta& delta) {
  const auto seqno = delta.block.step.seqno;
  latest_.clear();
  for (const auto& record : delta.transactions) {
    auto cell = ton::read_boc(record.boc);
    COCOON_ASSERT(cell.has_value());
    auto parsed = ton::parse_transaction(*cell);
    COCOON_ASSERT(parsed.has_value());
    auto& list = archive_[record.account].happenings;
    list.push_back(std::make_unique<Happened>(Happened{seqno, *std::move(parsed)}));
    latest_.push_back(list.back().get());
  }
  for (const auto& [id, cell] : delta.accounts) {
    AccountView view{.seqno = seqno, .account = {}, .last_lt = 0};
    if (cell) {
      auto parsed = ton::parse_shard_account(*cell);
      COCOON_ASSERT(parsed.has_value());
      view.account = std::move(parsed->account);
      view.last_lt = parsed->last_trans_lt;
    }
    archive_[id].states.push_back(std::move(view));
  }
}

const AccountView* SimChain::account(const Bits256& id, std::int32_t at_seqno) const {
  const auto found = archive_.find(id);
  if (found == archive_.end()) return nullptr;
  const auto& states = found->second.states;
  const auto after = std::upper_bound(states.begin(), states.end(), at_seqno,
                                      [](std::int32_t at, const AccountView& v) { return at < v.seqno; });
  return after == states.begin() ? nullptr : &*std::prev(after);
}

std::vector<const Happened*> SimChain::transactions(const Bits256& id, std::uint64_t after_lt,
                                                    std::int32_t at_seqno) const {
  std::vector<const Happened*> out;
  const auto found = archive_.find(id);
  if (found == archive_.end()) return out;
  const auto& list = found->second.happenings;
  auto it = std::upper_bound(list.begin(), list.end(), after_lt,
                             [](std::uint64_t lt, const auto& h) { return lt < h->transaction.lt; });
  for (; it != list.end() && (*it)->seqno <= at_seqno; ++it) out.push_back(it->get());
  return out;
}

}  // namespace cocoon::sim
