#pragma once
#include "disk.hpp"
#include "node.hpp"
#include "observer.hpp"
#include "proxy/core/core.hpp"

namespace cocoon::sim {

class ProxyNode final : public RoleNode<ProxyNode, proxy::Core, proxy::Event, proxy::Effect> {
 public:
  using Base = RoleNode<ProxyNode, proxy::Core, proxy::Event, proxy::Effect>;

  struct Place {
    std::size_t index = 0;  // which proxy this is (a clone has the same)
    std::string for_workers, for_clients;
  };

  ProxyNode(Ground& ground, Observer& observer, std::string name, Place place, role::Peer peer)
      : RoleNode(ground, std::move(name), std::move(peer)), observer_(observer), place_(std::move(place)) {}

  proxy::Config config;
  bool carries = true;  // parts of answers go past the core
  Disk disk;
  // The nonces that it gives to clients: what an eavesdropper would like to know.
  std::function<void(std::uint64_t)> overheard;
  // A snapshot with a commit in it is about to be written.
  std::function<void()> before_commit;

  // False: it did not start, with this database.
  bool boot();
  bool faulted() const { return faulted_; }  // it said that it must not go on with this database
  void forgive() { faulted_ = false; }       // the database it refused has been replaced
  ProcessId process() const { return process_; }

  void packet(role::PacketIn) override;
  using Node::apply;
  void apply(role::SendPacket&);
  void apply(role::Answer&);
  void apply(role::SendExternal&);
  void apply(role::Log&);
  void apply(proxy::WriteSnapshot&);

 private:
  void core_gone() override;

  Observer& observer_;
  Place place_;
  Bytes carried_;
  ProcessId process_ = 0;
  bool faulted_ = false;
};

}  // namespace cocoon::sim
