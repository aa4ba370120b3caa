#include "ton/lite/client.hpp"

#include <algorithm>

namespace cocoon::ton::lite {

Result<Request> decode_request(BytesView query) {
  auto outer = tl::decode_boxed<LiteQuery>(query);
  if (!outer) return std::unexpected(std::move(outer).error().within("liteserver request"));
  Request request;
  tl::Reader reader(outer->data);
  if (tl::peek_id(outer->data) == WaitMasterchainSeqno::kId) reader.boxed(request.wait.emplace());
  reader.value(request.function);
  if (auto end = reader.finish(); !end) return std::unexpected(std::move(end).error().within("liteserver request"));
  return request;
}

LiteClient::LiteClient(const crypto::PublicKey& server, const crypto::Random& random, LiteClientLimits limits)
    : server_(server), random_(random), limits_(limits) {}

Result<> LiteClient::open(Time now) {
  close();
  TRY_ASSIGN(auto connection, AdnlConnection::client(server_, random_));
  connection_.emplace(std::move(connection));
  state_ = State::opening;
  opened_at_ = heard_at_ = pinged_at_ = now;
  return {};
}

void LiteClient::close() {
  connection_.reset();
  state_ = State::closed;
  by_query_id_.clear();
  for (auto& [ticket, pending] : pending_) pending.sent_as.reset();
}

Result<> LiteClient::receive(BytesView bytes, Time now) {
  if (!connection_) return fail("liteserver connection: closed");
  auto payloads = connection_->receive(bytes, random_);
  if (!payloads) {
    close();
    return std::unexpected(std::move(payloads).error());
  }
  if (!bytes.empty()) heard_at_ = now;
  if (state_ == State::opening && connection_->ready()) {
    state_ = State::open;
    send_waiting();
  }
  for (const auto& bytes_of_payload : *payloads) {
    auto payload = decode_payload(bytes_of_payload);
    auto taken = payload ? take(*payload) : std::unexpected(std::move(payload).error());
    if (!taken) {
      close();
      return taken;
    }
  }
  return {};
}

Result<> LiteClient::take(const Payload& payload) {
  if (const auto* ping = std::get_if<Ping>(&payload))
    return connection_->send(encode_payload(Pong{ping->random_id}), random_);
  if (std::holds_alternative<Query>(payload)) return fail("liteserver connection: the server asks us");
  const auto* answer = std::get_if<QueryAnswer>(&payload);
  if (!answer) return {};
  const auto known = by_query_id_.find(answer->id);
  if (known == by_query_id_.end()) return {};  // late, or forgotten
  const auto ticket = known->second;
  by_query_id_.erase(known);
  pending_.erase(ticket);
  completions_.push_back({ticket, answer->data});
  return {};
}

LiteClient::Ticket LiteClient::ask(Bytes request, Time deadline) {
  const auto ticket = ++last_ticket_;
  if (pending_.size() >= limits_.pending) {
    completions_.push_back({ticket, fail("liteserver connection: {} requests are waiting already", pending_.size())});
    return ticket;
  }
  auto& pending = pending_.emplace(ticket, Pending{std::move(request), deadline, std::nullopt}).first->second;
  if (state_ == State::open) send(ticket, pending);
  return ticket;
}

void LiteClient::forget(Ticket ticket) {
  const auto it = pending_.find(ticket);
  if (it != pending_.end()) {
    if (it->second.sent_as) by_query_id_.erase(*it->second.sent_as);
    pending_.erase(it);
  }
  std::erase_if(completions_, [ticket](const Completion& c) { return c.ticket == ticket; });
}

// A request too large for a packet is left to its deadline; none that we make is.
void LiteClient::send(Ticket ticket, Pending& pending) {
  const auto id = random_.bits256();
  if (!connection_->send(encode_payload(Query{id, pending.request}), random_)) return;
  pending.sent_as = id;
  by_query_id_.emplace(id, ticket);
}

void LiteClient::send_waiting() {
  for (auto& [ticket, pending] : pending_)
    if (!pending.sent_as) send(ticket, pending);
}

Result<> LiteClient::tick(Time now) {
  for (auto it = pending_.begin(); it != pending_.end();) {
    if (it->second.deadline > now) {
      ++it;
      continue;
    }
    const char* why = state_ == State::open ? "no answer in time" : "no connection in time";
    completions_.push_back({it->first, fail("liteserver: {}", why)});
    if (it->second.sent_as) by_query_id_.erase(*it->second.sent_as);
    it = pending_.erase(it);
  }
  auto alive = check_silence(now);
  if (!alive) close();
  return alive;
}

Result<> LiteClient::check_silence(Time now) {
  if (state_ == State::closed) return {};
  if (state_ == State::opening) {
    if (now - opened_at_ >= limits_.handshake) return fail("liteserver connection: no handshake in time");
    return {};
  }
  if (now - heard_at_ >= limits_.dead_after) return fail("liteserver connection: the server is silent");
  if (now - std::max(heard_at_, pinged_at_) >= limits_.ping_after) {
    pinged_at_ = now;
    return connection_->send(encode_payload(Ping{random_.u64()}), random_);
  }
  return {};
}

std::optional<Time> LiteClient::next_tick() const {
  std::optional<Time> next;
  const auto sooner = [&next](Time t) { next = next ? std::min(*next, t) : t; };
  for (const auto& [ticket, pending] : pending_) sooner(pending.deadline);
  if (state_ == State::opening) sooner(opened_at_ + limits_.handshake);
  if (state_ == State::open) {
    sooner(std::max(heard_at_, pinged_at_) + limits_.ping_after);
    sooner(heard_at_ + limits_.dead_after);
  }
  return next;
}

Bytes LiteClient::take_output() { return connection_ ? connection_->take_output() : Bytes{}; }

std::vector<LiteClient::Completion> LiteClient::take_completions() { return std::exchange(completions_, {}); }

}  // namespace cocoon::ton::lite
