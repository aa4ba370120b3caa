// Connections between processes, as TCP gives them: in order, whole, until they break; and a broken one is noticed by
// each side in its own time, what was under way lost from some point on.
#pragma once
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "faults.hpp"
#include "role/events.hpp"
#include "schedule.hpp"
#include "trace.hpp"

namespace cocoon::sim {

using role::LinkId;
using role::QueryToken;
using role::TargetId;

// A process, as far as connections go. Everything is called from the schedule, never from inside a call of Network.
class Endpoint {
 public:
  virtual ~Endpoint() = default;
  virtual const std::string& name() const = 0;
  virtual role::Peer peer() const = 0;  // how the others see it
  virtual void link_up(const role::LinkUp&) = 0;
  virtual void link_down(const role::LinkDown&) = 0;
  virtual void dial_failed(const role::DialFailed&) = 0;
  virtual void packet(role::PacketIn) = 0;
  virtual void query(role::QueryIn) = 0;
  virtual void query_done(role::QueryDone) = 0;
};

class Network {
 public:
  Network(Schedule& schedule, Trace& trace, Dice& dice, Faults& faults)
      : schedule_(schedule), trace_(trace), dice_(dice), faults_(faults) {}

  void listen(Endpoint&, const std::string& address, int port);
  void dial(Endpoint&, TargetId, const std::string& address);
  void undial(Endpoint&, TargetId);
  void close(Endpoint&, LinkId, const std::string& reason);
  void send_packet(Endpoint&, LinkId, Bytes);
  void send_query(Endpoint&, LinkId, QueryToken, Bytes, Duration timeout);
  void answer(Endpoint&, LinkId, std::int64_t id, Result<Bytes>);
  // The process has died: nobody hears from it any more, and the others find out.
  void died(Endpoint&);
  std::size_t links() const { return by_id_.size(); }

 private:
  struct Side {
    Endpoint* end = nullptr;  // null: knows that it is over, or has died
    LinkId id = 0;
    TargetId target = 0;
    Time quiet_until{};  // nothing is delivered before
    std::map<std::int64_t, QueryToken> asked;
  };
  struct Link {
    Side sides[2];
    bool broken = false;  // nothing enters any more
  };
  using LinkPtr = std::shared_ptr<Link>;
  struct Target {
    std::string address;
    LinkId link = 0;
    int failures = 0;  // in a row; a link that breaks at once is one
    Time up_since{};
    bool trying = false;
  };
  using TargetName = std::pair<std::string, TargetId>;  // of the process

  void try_target(Endpoint&, TargetId);
  void attempt(Endpoint&, const std::string& who, TargetId);
  void establish(Endpoint& from, TargetId, Endpoint& to, int port);
  void deliver(const LinkPtr&, int to, std::function<void(Endpoint&, Side&)>);
  void break_link(const LinkPtr&, const std::string& why);
  void notice(const LinkPtr&, int side, const std::string& why);
  std::pair<LinkPtr, int> find(const Endpoint&, LinkId) const;
  bool alive(const Endpoint* end, const std::string& who) const;

  Schedule& schedule_;
  Trace& trace_;
  Dice& dice_;
  Faults& faults_;
  std::map<LinkId, std::pair<LinkPtr, int>> by_id_;
  std::map<TargetName, Target> targets_;
  std::map<std::string, std::vector<std::pair<Endpoint*, int>>> listeners_;  // by address
  std::map<std::string, Endpoint*> living_;                                  // who has dialled or listens, by name
  LinkId next_link_ = 1;
  std::int64_t next_query_ = 1;
};

}  // namespace cocoon::sim
