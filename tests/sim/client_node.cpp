#include "client_node.hpp"

#include <algorithm>

namespace cocoon::sim {

void ClientNode::boot() {
  born();
  auto with_records = config;
  for (const auto& [contract, record] : disk_) with_records.money.remembered.push_back(record);
  core_ = std::make_unique<client::Core>(std::move(with_records), crypto::Random(ground_.dice.bits256()));
  deliver(role::Tick{});
}

void ClientNode::core_gone() {
  Base::core_gone();
  observer_.client_forgets(index_);
  for (const auto& [id, bound] : std::exchange(open_, {})) used_ += bound;
}

void ClientNode::packet(role::PacketIn e) {
  if (core_) observer_.client_hears(index_, e.data);
  Base::packet(std::move(e));
}

void ClientNode::query_done(role::QueryDone e) {
  if (core_ && e.result) observer_.client_hears(index_, *e.result);
  Base::query_done(std::move(e));
}

bool ClientNode::knows(const ton::Address& contract) const {
  if (!core_) return false;
  const auto known = core_->status(ground_.now()).money.contracts;
  return std::any_of(known.begin(), known.end(), [&](const auto& c) { return c.self == contract; });
}

void ClientNode::ask(const std::string& model, std::int32_t max_tokens, std::int32_t max_coefficient, bool stream,
                     std::uint64_t bound) {
  if (!core_) return;
  client::ApiRequest r;
  r.id = next_api_++;
  r.path = "/v1/chat/completions";
  r.body = to_bytes(fmt::format(R"({{"model":"{}","messages":[{{"role":"user","content":"{}"}}],"stream":{}}})", model,
                                std::string(ground_.dice.below(200), 'x'), stream));
  r.model = model;
  r.max_tokens = max_tokens;
  r.max_coefficient = max_coefficient;
  r.timeout = ground_.dice.duration(std::chrono::seconds(5), std::chrono::seconds(60));
  open_.emplace(r.id, bound);
  ground_.trace.note(ground_.now(), name(), "asks {}: at most {} tokens", r.id, max_tokens);
  deliver(std::move(r));
}

// On disk at once; whether the process lives to hear of it is another matter.
void ClientNode::apply(client::Remember& e) {
  if (e.record.empty())
    disk_.erase(e.contract);
  else
    disk_[e.contract] = e.record;
  later(ground_.dice.duration(std::chrono::milliseconds(1), std::chrono::milliseconds(50)),
        [this, contract = e.contract] {
          deliver(client::Remembered{contract, {}});
        });
}

void ClientNode::apply(client::ApiEnd& e) {
  const auto it = open_.find(e.id);
  if (it == open_.end()) return;
  // What the proxy tells is checked against the account at the end; here it only counts as told.
  used_ += static_cast<std::uint64_t>(std::max<std::int64_t>(e.tokens.total_tokens_used, 0));
  ++answered_;
  open_.erase(it);
  ground_.trace.note(ground_.now(), name(), "answered {}: {} tokens", e.id, e.tokens.total_tokens_used);
}

void ClientNode::apply(client::ApiFailed& e) {
  const auto it = open_.find(e.id);
  if (it == open_.end()) return;
  used_ += it->second;
  open_.erase(it);
  ground_.trace.note(ground_.now(), name(), "failed {}: {} ({})", e.id, e.message, e.code);
}

std::uint64_t ClientNode::used_at_most() const {
  auto sum = used_;
  for (const auto& [id, bound] : open_) sum += bound;
  return sum;
}

}  // namespace cocoon::sim
