#include "node.hpp"

#include <algorithm>

namespace cocoon::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::int64_t kRepeatSeconds = 3;

}  // namespace

std::int32_t Liteserver::shows() {
  const auto head = ground_.chain.head();
  if (ground_.now() >= until_) {
    frozen_at_ = -1;
    behind_ = 0;
    if (ground_.faults.strikes(Fault::lite_frozen)) {
      frozen_at_ = head;
      until_ = ground_.now() + ground_.dice.duration(seconds(5), seconds(90));
    } else if (ground_.faults.strikes(Fault::lite_stale)) {
      behind_ = static_cast<std::int32_t>(ground_.dice.between(1, 60));
      until_ = ground_.now() + ground_.dice.duration(seconds(5), seconds(90));
    }
  }
  if (frozen_at_ >= 0) return frozen_at_;
  if (ground_.faults.strikes(Fault::lite_back))
    return std::max(1, head - static_cast<std::int32_t>(ground_.dice.between(1, 200)));
  return std::max(1, head - behind_);
}

void Node::born() {
  ++incarnation_;
  name_ = fmt::format("{}.{}", base_name_, incarnation_);
  alive_ = true;
  watched_.clear();
  last_seqno_ = -1;
  changed_ = true;
  ground_.trace.note(ground_.now(), name_, "starts");
}

void Node::kill() {
  if (!alive_) return;
  ground_.trace.note(ground_.now(), name_, "dies");
  alive_ = false;
  ground_.network.died(*this);
  core_gone();
  if (on_death) on_death();
}

void Node::later(Duration wait, std::function<void()> task) {
  ground_.schedule.in(wait, [this, mine = incarnation_, task = std::move(task)] {
    if (alive_ && incarnation_ == mine) task();
  });
}

void Node::apply(role::Watch& e) {
  const auto [it, added] = watched_.try_emplace(e.address);
  if (!added) return;
  it->second.known_lt = e.from_lt;
  it->second.from_start_of_watch = e.from_lt == 0;
  changed_ = true;
  later(ground_.dice.duration(milliseconds(20), milliseconds(400)), [this] { look(); });
}

void Node::apply(role::SendExternal& e) {
  ground_.chain.send(std::move(e.boc));
  later(milliseconds(50), [this, hash = e.body_hash] { external_result({hash, {}}); });
}

void Node::chain_moved() {
  if (!alive_) return;
  later(ground_.dice.duration(milliseconds(10), milliseconds(1500)), [this] { look(); });
}

void Node::look() {
  const auto shown = lite_.shows();
  if (shown < last_seqno_ || (shown == last_seqno_ && !changed_)) return;
  last_seqno_ = shown;
  changed_ = false;
  std::vector<ton::Address> all;
  all.reserve(watched_.size());
  for (const auto& [address, w] : watched_) all.push_back(address);
  for (const auto& address : all) {
    look_at(address, shown);
    if (!alive_) return;
  }
}

void Node::look_at(const ton::Address& address, std::int32_t seqno) {
  const auto it = watched_.find(address);
  if (it == watched_.end()) return;
  auto& w = it->second;
  const auto* view = ground_.chain.account(address.hash, seqno);
  const auto last_lt = view == nullptr ? 0 : view->last_lt;
  const auto time = ground_.chain.time_of(seqno);
  if (w.seen && last_lt == w.known_lt && time < w.told_at + kRepeatSeconds) return;
  role::AccountObserved out;
  out.address = address;
  if (view != nullptr) out.account = view->account;
  out.chain_time = time;
  if (!w.seen && w.from_start_of_watch)
    out.complete = last_lt == 0;
  else
    for (const auto* h : ground_.chain.transactions(address.hash, w.known_lt, seqno))
      out.transactions.push_back(h->transaction);
  w.seen = true;
  w.known_lt = std::max(last_lt, w.known_lt);
  w.told_at = time;
  observed(std::move(out));
}

}  // namespace cocoon::sim
