// The worker port: handshake (wire.md 4.5), state of each worker, the table of models.
#pragma once
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <variant>

#include "market/breaker.hpp"
#include "market/selection.hpp"
#include "proxy/core/config.hpp"
#include "proxy/core/deadlines.hpp"
#include "proxy/core/instance.hpp"
#include "proxy/core/io.hpp"
#include "proxy/core/money.hpp"

namespace cocoon::proxy {

struct WorkerLink {
  enum class Step { hello, compare, extended_compare, finish, ready };

  role::LinkId id = 0;
  Step step = Step::hello;
  role::Peer peer;
  // From worker.connectToProxy; empty before.
  ton::Address owner;
  std::string full_model;
  std::string model;  // the base name: what clients ask for
  std::int32_t version = 0;
  std::int32_t coefficient = 0;     // for new requests, 1/1000
  std::int32_t limit = 0;           // of requests at once
  std::string description;          // JSON text of the worker, "{}" if it sent none
  std::int32_t context_length = 0;  // tokens; 0: it has not said
  bool disabled = true;
  bool listed = false;  // in the table of models

  std::int32_t running = 0;
  std::string name;  // what a client pins (market::Policy): the start of its certificate's key, in hex
  market::DecayingAverage durations;
  market::DecayingAverage first_bytes;  // from asking it to the head of its answer
  double failing = 0;                   // share of answers that failed, of late
  market::Breaker breaker;
  std::uint64_t requests = 0, succeeded = 0;
};

class Workers {
 public:
  Workers(const Config& config, const Instance& instance, Money& money)
      : config_(config), instance_(instance), money_(money) {}

  void link_up(Io&, const role::LinkUp&);
  void link_down(role::LinkId);
  void query(Io&, const role::QueryIn&);
  // enabledDisabled, newCoefficient, contextLength; others are ignored.
  void state_packet(Io&, role::LinkId, BytesView packet);
  void tick(Io&);
  Time wake_at() const { return deadlines_.earliest(); }
  // After a change of the root: workers whose image or model is no longer listed get no more requests.
  void lists_changed(Io&);  // of the root contract
  void close_all(Io&, const std::string& why);

  // Worker for a request (wire.md 5.7), or why there is none. `not_these` have been tried.
  std::variant<WorkerLink*, market::Refusal> choose(const std::string& model, const market::Ask&,
                                                    std::span<const role::LinkId> not_these, Time now);
  // A request has been given to a worker, has left it, or its answer has begun.
  void engage(WorkerLink&);
  enum class Left { answered, failed, neither };  // neither: it says nothing about the worker
  void release(WorkerLink&, Left, Duration took, Time now);
  void answer_began(WorkerLink& worker, Duration after, Time now) { worker.first_bytes.add(now, after); }
  // Grows whenever a worker may have become able to take a request that found none.
  std::uint64_t openings() const { return openings_; }
  // When a resting worker may be tried again.
  Time next_opening(Time now) const;
  WorkerLink* find(role::LinkId);  // any step
  WorkerLink* find_ready(role::LinkId);
  bool has(role::LinkId link) const { return links_.contains(link); }

  wire::client::WorkerTypes types() const;
  enum class ListForm { existing, with_additions };
  wire::client::WorkerTypesV2 types_v2(ListForm) const;
  const std::map<role::LinkId, WorkerLink>& links() const { return links_; }

 private:
  void recheck(Io&);
  void hello(Io&, WorkerLink&, const role::QueryIn&);
  Result<> admit(WorkerLink&, const wire::worker::ConnectToProxy&) const;
  void compare(Io&, WorkerLink&, const role::QueryIn&);
  void extended_compare(Io&, WorkerLink&, const role::QueryIn&);
  void handshake_complete(Io&, WorkerLink&, const role::QueryIn&);
  void payment_status(Io&, WorkerLink&, const role::QueryIn&);
  void refuse_and_close(Io&, role::LinkId, std::int64_t id, const Error&);
  void list(WorkerLink&);
  void unlist(WorkerLink&);
  void next_step(Io&, WorkerLink&, WorkerLink::Step);

  const Config& config_;
  const Instance& instance_;
  Money& money_;
  std::map<role::LinkId, WorkerLink> links_;              // ascending: the order of wire.md 5.7
  std::map<std::string, std::set<role::LinkId>> models_;  // by base model; entries stay when the last worker leaves
  Deadlines<role::LinkId> deadlines_;                     // of handshakes
  Time next_recheck_{};
  std::uint64_t openings_ = 0;
};

}  // namespace cocoon::proxy
