#include "worker_node.hpp"

#include "wire/messages.hpp"
#include "worker/core/replies.hpp"

namespace cocoon::sim {

using std::chrono::milliseconds;
using std::chrono::seconds;

void WorkerNode::boot() {
  born();
  core_ = std::make_unique<worker::Core>(config, crypto::Random(ground_.dice.bits256()));
  deliver(role::Tick{});
  if (alive()) deliver(worker::EngineHealth{true, ""});
}

void WorkerNode::core_gone() {
  Base::core_gone();
  jobs_.clear();
  observer_.worker_forgets(index_);
}

void WorkerNode::packet(role::PacketIn e) {
  if (core_) observer_.worker_hears(index_, e.data);
  Base::packet(std::move(e));
}

void WorkerNode::query_done(role::QueryDone e) {
  if (core_ && e.result) observer_.worker_hears(index_, *e.result);
  Base::query_done(std::move(e));
}

void WorkerNode::apply(worker::StartJob& e) {
  jobs_.insert(e.job);
  openai::Usage usage;
  usage.prompt = static_cast<std::int64_t>(ground_.dice.between(5, 120));
  usage.cached = static_cast<std::int64_t>(ground_.dice.below(static_cast<std::uint64_t>(usage.prompt)));
  usage.completion = static_cast<std::int64_t>(ground_.dice.between(1, 400));
  usage.reasoning = static_cast<std::int64_t>(ground_.dice.below(static_cast<std::uint64_t>(usage.completion)));
  const auto takes = ground_.dice.duration(milliseconds(50), seconds(6));
  const bool streams = ground_.dice.percent(50);
  later(takes, [this, order = e, usage, streams] {
    const auto job = order.job;
    if (!jobs_.contains(job)) return;
    if (ground_.faults.strikes(Fault::engine_fails)) {
      jobs_.erase(job);
      return deliver(worker::EngineFailed{job, worker::EngineFailed::How::broken, "the engine broke", usage});
    }
    if (streams) {
      deliver(worker::EngineHead{job, 200, {{"Content-Type", "text/event-stream"}}});
      if (jobs_.contains(job)) stream(order, usage, 1, static_cast<int>(ground_.dice.between(0, 4)));
      return;
    }
    jobs_.erase(job);
    deliver(worker::EngineAnswer{job, 200, {{"Content-Type", "application/json"}}, to_bytes("{}"), usage});
  });
}

void WorkerNode::stream(const worker::StartJob& order, openai::Usage usage, int part, int parts) {
  later(ground_.dice.duration(milliseconds(20), seconds(1)), [this, order, usage, part, parts] {
    if (!jobs_.contains(order.job)) return;
    if (part > parts) {
      jobs_.erase(order.job);
      return deliver(worker::EngineDone{order.job, to_bytes("data: [DONE]\n\n"), usage});
    }
    const auto text = to_bytes("data: {}\n\n");
    Bytes packet = worker::part({order.request_id, order.ex}, text);
    if (order.counts) {
      const auto& p = order.pricing;
      const auto so_far =
          market::adjust_usage({0, 0, usage.completion * part / parts, 0}, p.coefficient, p.multipliers);
      packet = worker::counted_part(order.request_id, text, so_far);
    }
    tamper(packet);
    observer_.worker_says(packet);
    ground_.network.send_packet(*this, order.link, std::move(packet));
    stream(order, usage, part + 1, parts);
  });
}

void WorkerNode::apply(worker::StopJob& e) {
  if (jobs_.erase(e.job) == 0) return;
  later(ground_.dice.duration(milliseconds(1), milliseconds(50)), [this, job = e.job] {
    openai::Usage delivered;
    delivered.prompt = 5;
    deliver(worker::EngineFailed{job, worker::EngineFailed::How::stopped, "stopped", delivered});
  });
}

void WorkerNode::apply(role::SendPacket& e) {
  tamper(e.data);
  observer_.worker_says(e.data);
  Node::apply(e);
}

void WorkerNode::tamper(Bytes& packet) {
  const auto cheat = [&](auto message, const auto& tokens_of) {
    if (!message) return;
    wire::TokensUsed* said = tokens_of(*message);
    if (said == nullptr) return;
    auto& tokens = *said;
    if (ground_.faults.strikes(Fault::worker_inflates)) {
      static constexpr std::int64_t kClaims[] = {1'000, 50'000, 10'000'000, INT64_MAX};
      tokens.total_tokens_used = kClaims[ground_.dice.below(std::size(kClaims))];
      tokens.completion_tokens_used = tokens.total_tokens_used;
    } else if (ground_.faults.strikes(Fault::worker_underreports)) {
      static constexpr std::int64_t kClaims[] = {0, 1, -1, INT64_MIN};
      tokens.total_tokens_used = kClaims[ground_.dice.below(std::size(kClaims))];
    } else {
      return;
    }
    packet = wire::encode(*message);
  };
  const auto of_end = [](auto& m) { return m.is_final() ? &m.final_info.tokens_used : nullptr; };
  switch (wire::peek_id(packet)) {
    case wire::proxy::QueryAnswerEx::kId:
      return cheat(wire::decode<wire::proxy::QueryAnswerEx>(packet), of_end);
    case wire::proxy::QueryAnswerPartEx::kId:
      return cheat(wire::decode<wire::proxy::QueryAnswerPartEx>(packet), of_end);
    case wire::proxy::QueryAnswerPartCounted::kId:
      return cheat(wire::decode<wire::proxy::QueryAnswerPartCounted>(packet), [](auto& m) { return &m.tokens_used; });
    default:
      return;
  }
}

}  // namespace cocoon::sim
