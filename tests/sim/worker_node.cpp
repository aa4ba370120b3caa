#include "worker_node.hpp"

#include "wire/messages.hpp"

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
  later(takes, [this, job = e.job, link = e.link, request = e.request_id, ex = e.ex, usage, streams] {
    if (!jobs_.contains(job)) return;
    if (ground_.faults.strikes(Fault::engine_fails)) {
      jobs_.erase(job);
      return deliver(worker::EngineFailed{job, worker::EngineFailed::How::broken, "the engine broke", usage});
    }
    if (streams) {
      deliver(worker::EngineHead{job, 200, {{"Content-Type", "text/event-stream"}}});
      if (jobs_.contains(job)) stream(job, link, request, ex, static_cast<int>(ground_.dice.between(0, 4)), usage);
      return;
    }
    jobs_.erase(job);
    deliver(worker::EngineAnswer{job, 200, {{"Content-Type", "application/json"}}, to_bytes("{}"), usage});
  });
}

void WorkerNode::stream(worker::JobId job, role::LinkId link, const Bits256& request, bool ex, int parts,
                        openai::Usage usage) {
  later(ground_.dice.duration(milliseconds(20), seconds(1)), [this, job, link, request, ex, parts, usage] {
    if (!jobs_.contains(job)) return;
    if (parts == 0) {
      jobs_.erase(job);
      return deliver(worker::EngineDone{job, to_bytes("data: [DONE]\n\n"), usage});
    }
    if (ex) {
      wire::proxy::QueryAnswerPartEx part;
      part.request_id = request;
      part.answer = to_bytes("data: {}\n\n");
      ground_.network.send_packet(*this, link, wire::encode(part));
    }
    stream(job, link, request, ex, parts - 1, usage);
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
  const auto cheat = [&](auto message) {
    if (!message || !message->is_final()) return;
    auto& tokens = message->final_info.tokens_used;
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
  switch (wire::peek_id(packet)) {
    case wire::proxy::QueryAnswerEx::kId:
      return cheat(wire::decode<wire::proxy::QueryAnswerEx>(packet));
    case wire::proxy::QueryAnswerPartEx::kId:
      return cheat(wire::decode<wire::proxy::QueryAnswerPartEx>(packet));
    default:
      return;
  }
}

}  // namespace cocoon::sim
