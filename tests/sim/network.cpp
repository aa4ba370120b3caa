#include "network.hpp"

#include <algorithm>

#include "wire/error_codes.hpp"

namespace cocoon::sim {

using std::chrono::milliseconds;
using std::chrono::seconds;

void Network::listen(Endpoint& end, const std::string& address, int port) {
  living_[end.name()] = &end;
  listeners_[address].emplace_back(&end, port);
}

bool Network::alive(const Endpoint* end, const std::string& who) const {
  const auto it = living_.find(who);
  return it != living_.end() && it->second == end;
}

void Network::dial(Endpoint& end, TargetId target, const std::string& address) {
  living_[end.name()] = &end;
  targets_[{end.name(), target}] = {.address = address};
  try_target(end, target);
}

void Network::undial(Endpoint& end, TargetId target) {
  const auto node = targets_.extract({end.name(), target});
  if (!node.empty() && node.mapped().link != 0) close(end, node.mapped().link, "undialled");
}

void Network::try_target(Endpoint& end, TargetId target) {
  auto& t = targets_.at({end.name(), target});
  if (t.trying || t.link != 0) return;
  t.trying = true;
  const auto wait = t.failures == 0 ? milliseconds(20) : milliseconds(500) * (1 << std::min(t.failures, 4));
  schedule_.in(dice_.duration(wait, 2 * wait), [this, &end, who = end.name(), target] { attempt(end, who, target); });
}

void Network::attempt(Endpoint& end, const std::string& who, TargetId target) {
  const auto it = targets_.find({who, target});
  if (!alive(&end, who) || it == targets_.end()) return;
  auto& t = it->second;
  t.trying = false;
  if (t.link != 0) return;
  const auto heard = listeners_.find(t.address);
  if (heard == listeners_.end() || heard->second.empty() || faults_.strikes(Fault::dial_refused)) {
    ++t.failures;
    try_target(end, target);
    return end.dial_failed({target, "connection refused"});
  }
  auto& [listener, port] = dice_.pick(heard->second);
  establish(end, target, *listener, port);
}

void Network::establish(Endpoint& from, TargetId target, Endpoint& to, int port) {
  auto link = std::make_shared<Link>();
  link->sides[0] = {.end = &from, .id = next_link_++, .target = target, .quiet_until = {}, .asked = {}};
  link->sides[1] = {.end = &to, .id = next_link_++, .target = 0, .quiet_until = {}, .asked = {}};
  for (int i = 0; i < 2; ++i) by_id_[link->sides[i].id] = {link, i};
  auto& t = targets_.at({from.name(), target});
  t.link = link->sides[0].id;
  t.up_since = schedule_.now();
  trace_.note(schedule_.now(), "network", "{} reaches {}", from.name(), to.name());
  deliver(link, 1, [port, peer = from.peer()](Endpoint& end, Side& side) { end.link_up({side.id, 0, port, peer}); });
  deliver(link, 0, [target, peer = to.peer()](Endpoint& end, Side& side) { end.link_up({side.id, target, 0, peer}); });
}

// In order per direction: nothing overtakes what was sent before it.
void Network::deliver(const LinkPtr& link, int to, std::function<void(Endpoint&, Side&)> what) {
  Duration delay = dice_.duration(milliseconds(2), milliseconds(60));
  if (faults_.strikes(Fault::link_slow)) delay = dice_.duration(seconds(1), seconds(20));
  auto& side = link->sides[to];
  side.quiet_until = std::max(schedule_.now() + delay, side.quiet_until);
  schedule_.at(side.quiet_until, [link, to, what = std::move(what)] {
    auto& s = link->sides[to];
    if (s.end != nullptr) what(*s.end, s);
  });
  if (faults_.strikes(Fault::link_cut)) break_link(link, "connection reset");
}

std::pair<Network::LinkPtr, int> Network::find(const Endpoint& end, LinkId id) const {
  const auto it = by_id_.find(id);
  if (it == by_id_.end() || it->second.first->sides[it->second.second].end != &end) return {nullptr, 0};
  return it->second;
}

void Network::send_packet(Endpoint& end, LinkId id, Bytes data) {
  const auto [link, side] = find(end, id);
  if (!link || link->broken) return;
  deliver(link, 1 - side, [data = std::move(data)](Endpoint& to, Side& s) { to.packet({s.id, data}); });
}

void Network::send_query(Endpoint& end, LinkId id, QueryToken token, Bytes data, Duration timeout) {
  const auto [link, side] = find(end, id);
  if (!link) {
    schedule_.in(Duration(1), [this, &end, who = end.name(), id, token] {
      if (alive(&end, who)) end.query_done({id, token, fail(wire::kErrorCancelled, "no such connection")});
    });
    return;
  }
  const auto query = next_query_++;
  link->sides[side].asked.emplace(query, token);
  schedule_.in(timeout, [link, side, query] {
    auto& s = link->sides[side];
    const auto node = s.asked.extract(query);
    if (!node.empty() && s.end != nullptr)
      s.end->query_done({s.id, node.mapped(), fail(wire::kErrorTimeout, "no answer in time")});
  });
  if (link->broken) return;  // it is noticed in a moment
  deliver(link, 1 - side, [query, data = std::move(data)](Endpoint& to, Side& s) { to.query({s.id, query, data}); });
}

void Network::answer(Endpoint& end, LinkId id, std::int64_t query, Result<Bytes> result) {
  const auto [link, side] = find(end, id);
  if (!link || link->broken) return;
  deliver(link, 1 - side, [query, result = std::move(result)](Endpoint& to, Side& s) {
    const auto node = s.asked.extract(query);
    if (!node.empty()) to.query_done({s.id, node.mapped(), result});
  });
}

// The closer knows at once, and what it sent before still arrives; the other side finds out when it has read that.
void Network::close(Endpoint& end, LinkId id, const std::string& reason) {
  const auto [link, side] = find(end, id);
  if (!link) return;
  const bool was_broken = std::exchange(link->broken, true);
  schedule_.in(Duration(1), [this, link, side, reason] { notice(link, side, reason); });
  if (was_broken) return;
  const int other = 1 - side;
  const auto at = std::max(link->sides[other].quiet_until, schedule_.now()) + milliseconds(1);
  schedule_.at(at, [this, link, other] { notice(link, other, "closed by the peer"); });
}

void Network::break_link(const LinkPtr& link, const std::string& why) {
  if (std::exchange(link->broken, true)) return;
  trace_.note(schedule_.now(), "network", "a connection breaks");
  for (int side = 0; side < 2; ++side)
    schedule_.in(dice_.duration(milliseconds(1), seconds(3)), [this, link, side, why] { notice(link, side, why); });
}

void Network::notice(const LinkPtr& link, int side, const std::string& why) {
  auto& s = link->sides[side];
  Endpoint* const end = s.end;
  if (end == nullptr) return;
  const std::string who = end->name();
  by_id_.erase(s.id);
  for (const auto& [query, token] : std::exchange(s.asked, {}))
    if (alive(end, who)) end->query_done({s.id, token, fail(wire::kErrorCancelled, "the connection was lost")});
  if (!alive(end, who)) return;
  s.end = nullptr;
  end->link_down({s.id, why});
  if (s.target == 0 || !alive(end, who)) return;
  if (const auto it = targets_.find({who, s.target}); it != targets_.end() && it->second.link == s.id) {
    it->second.link = 0;
    it->second.failures = schedule_.now() - it->second.up_since < seconds(10) ? it->second.failures + 1 : 0;
    try_target(*end, s.target);
  }
}

void Network::died(Endpoint& end) {
  living_.erase(end.name());
  for (auto& [address, list] : listeners_) std::erase_if(list, [&](const auto& l) { return l.first == &end; });
  std::erase_if(targets_, [&](const auto& t) { return t.first.first == end.name(); });
  std::vector<LinkPtr> mine;
  for (auto& [id, entry] : by_id_)
    if (auto& [link, side] = entry; link->sides[side].end == &end) {
      link->sides[side].end = nullptr;
      mine.push_back(link);
    }
  for (const auto& link : mine) break_link(link, "the peer has died");
  std::erase_if(by_id_, [](const auto& entry) {
    const auto& [link, side] = entry.second;
    return link->sides[side].end == nullptr;
  });
}

}  // namespace cocoon::sim
