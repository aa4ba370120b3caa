// A process: a core, and the shell around it as far as this simulation needs one. It may die between any two effects.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include "network.hpp"
#include "role/operator.hpp"
#include "sim_chain.hpp"

namespace cocoon::sim {

// What everything in one run shares.
struct Ground {
  Schedule& schedule;
  Trace& trace;
  Dice& dice;
  Faults& faults;
  SimChain& chain;
  Network& network;

  Time now() const { return schedule.now(); }
};

// A liteserver: honest, or lying about how fresh it is. What it shows at one block is always true: proofs see to that.
class Liteserver {
 public:
  explicit Liteserver(Ground& ground) : ground_(ground) {}
  std::int32_t shows();  // the block it says is the last

 private:
  Ground& ground_;
  Time until_{};  // of the present lie
  std::int32_t frozen_at_ = -1;
  std::int32_t behind_ = 0;
};

class Node : public Endpoint {
 public:
  Node(Ground& ground, std::string name, role::Peer peer)
      : ground_(ground), base_name_(std::move(name)), peer_(std::move(peer)), lite_(ground) {}

  const std::string& name() const final { return name_; }
  const std::string& base_name() const { return base_name_; }
  role::Peer peer() const final { return peer_; }
  bool alive() const { return alive_; }
  void kill();
  // As kill(), but nobody restarts it.
  void kill_for_good() {
    const auto restart = std::exchange(on_death, nullptr);
    kill();
    on_death = restart;
  }
  // Somebody who restarts it, told after each death.
  std::function<void()> on_death;
  // A block was made: look at it, some time.
  void chain_moved();

 protected:
  void born();                   // a new incarnation
  virtual void core_gone() = 0;  // the process has died: what was in memory is lost
  virtual void observed(role::AccountObserved) = 0;
  virtual void external_result(role::ExternalResult) = 0;

  void apply(role::Dial& e) { ground_.network.dial(*this, e.target, e.address); }
  void apply(role::Undial& e) { ground_.network.undial(*this, e.target); }
  void apply(role::CloseLink& e) { ground_.network.close(*this, e.link, e.reason); }
  void apply(role::SendPacket& e) { ground_.network.send_packet(*this, e.link, std::move(e.data)); }
  void apply(role::SendQuery& e) { ground_.network.send_query(*this, e.link, e.token, std::move(e.data), e.timeout); }
  void apply(role::Answer& e) { ground_.network.answer(*this, e.link, e.id, std::move(e.data)); }
  void apply(role::AnswerError& e) { ground_.network.answer(*this, e.link, e.id, fail(e.code, e.message)); }
  void apply(role::Watch& e);
  void apply(role::Unwatch& e) { watched_.erase(e.address); }
  void apply(role::SendExternal& e);
  void apply(role::OrderAnswer& e) {
    ground_.trace.note(ground_.now(), name_, "order {}: {}", e.id,
                       e.plan ? fmt::format("{} messages", e.plan->messages.size()) : e.plan.error().what);
  }
  void apply(role::OrderDone& e) {
    ground_.trace.note(ground_.now(), name_, "order {} is over: {}", e.id,
                       e.outcome ? *e.outcome : e.outcome.error().what);
  }
  void apply(role::Log& e) { ground_.trace.note(ground_.now(), name_, "says: {}", e.text); }

  // Runs `task` unless this incarnation has died by then.
  void later(Duration, std::function<void()> task);

  Ground& ground_;

 private:
  // As node/chain_watcher does it: a liteserver that goes back is not believed, accounts are told when they have moved
  // and every few seconds.
  struct Watched {
    std::uint64_t known_lt = 0;
    bool seen = false, from_start_of_watch = true;
    std::int64_t told_at = 0;
  };
  void look();
  void look_at(const ton::Address&, std::int32_t seqno);

  std::string base_name_, name_;
  role::Peer peer_;
  Liteserver lite_;
  bool alive_ = false;
  std::uint64_t incarnation_ = 0;
  std::map<ton::Address, Watched> watched_;
  std::int32_t last_seqno_ = -1;
  bool changed_ = true;
};

// `Derived` has apply(E&) for each effect of its own, and starts by make_core().
template <class Derived, class CoreT, class EventT, class EffectT>
class RoleNode : public Node {
 public:
  using Node::Node;

  CoreT* core() { return core_.get(); }

  // The operator wants something.
  void order(role::OrderKind kind, const std::optional<ton::Address>& contract = {}, std::uint64_t amount = 0) {
    if constexpr (std::is_constructible_v<EventT, role::Order>)
      deliver(role::Order{next_order_++, kind, contract, amount, false});
  }

  void link_up(const role::LinkUp& e) final { deliver(e); }
  void link_down(const role::LinkDown& e) final { deliver(e); }
  void packet(role::PacketIn e) override { deliver(std::move(e)); }
  void query_done(role::QueryDone e) override { deliver(std::move(e)); }
  void query(role::QueryIn e) final { deliver(std::move(e)); }
  void dial_failed(const role::DialFailed& e) final { deliver_if_known(e); }

 protected:
  void core_gone() override {
    core_.reset();
    wake_ = Time::max();
  }
  void observed(role::AccountObserved e) final { deliver(std::move(e)); }
  void external_result(role::ExternalResult e) final { deliver(std::move(e)); }

  void deliver(EventT event) {
    if (!core_) return;
    std::vector<EffectT> effects;
    core_->handle(event, ground_.now(), effects);
    carry_out(effects);
  }

  void carry_out(std::vector<EffectT>& effects) {
    for (auto& effect : effects) {
      if (ground_.faults.strikes(Fault::kill)) return kill();
      std::visit([this](auto& e) { static_cast<Derived*>(this)->apply(e); }, effect);
      if (!core_) return;
    }
    arm();
  }

  std::unique_ptr<CoreT> core_;

 private:
  template <class E>
  void deliver_if_known(const E& e) {
    if constexpr (std::is_constructible_v<EventT, E>) deliver(e);
  }

  void arm() {
    const auto at = core_->wake_at();
    if (at >= wake_) return;
    wake_ = std::max(at, ground_.now() + std::chrono::milliseconds(1));
    later(wake_ - ground_.now(), [this, at = wake_] {
      if (at != wake_) return;  // an earlier one was set meanwhile
      wake_ = Time::max();
      deliver(role::Tick{});
    });
  }

  Time wake_ = Time::max();
  role::OrderId next_order_ = 1;
};

}  // namespace cocoon::sim
