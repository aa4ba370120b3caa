#pragma once
#include <set>

#include "node.hpp"
#include "observer.hpp"
#include "worker/core/core.hpp"

namespace cocoon::sim {

class WorkerNode final : public RoleNode<WorkerNode, worker::Core, worker::Event, worker::Effect> {
 public:
  using Base = RoleNode<WorkerNode, worker::Core, worker::Event, worker::Effect>;

  WorkerNode(Ground& ground, Observer& observer, std::size_t index, std::string name, role::Peer peer)
      : RoleNode(ground, std::move(name), std::move(peer)), observer_(observer), index_(index) {}

  worker::Config config;

  void boot();

  using Node::apply;
  void packet(role::PacketIn) override;
  void query_done(role::QueryDone) override;
  void apply(role::SendPacket&);
  void apply(worker::StartJob&);
  void apply(worker::StopJob&);
  void apply(worker::CancelJob& e) { jobs_.erase(e.job); }

 private:
  void core_gone() override;
  // The parts from `part` on, of as many as there are, and the end.
  void stream(const worker::StartJob&, openai::Usage, int part, int parts);
  // A cheat puts other numbers where its usage stands.
  void tamper(Bytes& packet);

  Observer& observer_;
  std::size_t index_;
  std::set<worker::JobId> jobs_;
};

}  // namespace cocoon::sim
