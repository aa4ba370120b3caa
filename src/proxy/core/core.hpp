// The proxy role, pure: matches, relays, keeps the accounts (wire.md 4.3, 4.5, 4.7, 4.8; contracts.md 6).
//
//   auto core = Core::make(config, random, stored_snapshot);
//   (*core)->start(now, effects);
//   (*core)->handle(event, now, effects);   // one way in; effects is the one way out
#pragma once
#include <memory>
#include <unordered_set>
#include <vector>

#include "proxy/core/clients.hpp"
#include "proxy/core/config.hpp"
#include "proxy/core/events.hpp"
#include "proxy/core/instance.hpp"
#include "proxy/core/money.hpp"
#include "proxy/core/requests.hpp"
#include "proxy/core/status.hpp"
#include "proxy/core/workers.hpp"

namespace cocoon::proxy {

class Core {
 public:
  // `stored`: data of the newest durable WriteSnapshot; empty on the very first start. An error when it is damaged or
  // of another proxy: better not to start than to forget who is owed what.
  static Result<std::unique_ptr<Core>> make(Config config, crypto::Random random, BytesView stored);
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  void start(Time now, std::vector<Effect>& out);  // once, before the first event
  void handle(const Event& event, Time now, std::vector<Effect>& out);
  // The shortcut of what is most of the traffic (docs/design-notes.md): see Requests::carry.
  std::optional<Carried> carry(role::LinkId worker, BytesView packet, Bytes& out) {
    return requests_.carry(worker, packet, out);
  }
  Time wake_at() const;

  Status status(Time now) const;
  bool serving() const { return why_not_serving().empty(); }
  std::string why_not_serving() const;  // in words
  std::uint64_t carried_bytes() const { return requests_.carried_bytes(); }
  bool drained() const { return draining_ && requests_.running() == 0 && money_.settled(); }

 private:
  Core(Config config, crypto::Random random);

  void on(Io&, const role::Tick&) {}  // what is due is done after every event
  void on(Io&, const role::LinkUp&);
  void on(Io&, const role::LinkDown&);
  void on(Io&, const role::PacketIn&);
  void on(Io&, const role::QueryIn&);
  void on(Io&, const role::QueryDone&);
  void on(Io&, const role::AccountObserved&);
  void on(Io&, const role::ExternalResult&);
  void on(Io& io, const role::Order& o) { money_.order(io, o); }
  void on(Io&, const SnapshotDurable&);
  void on(Io&, const SnapshotFailed&);
  void on(Io& io, const ReaderTooSlow& e) { requests_.reader_too_slow(io, e); }
  void on(Io&, const GroupKeys&);
  void on(Io&, const SetEnabled&);
  void on(Io&, const Drain&);
  void on(Io&, const ChangeWorkerModel&);

  void root_observed(Io&, const role::AccountObserved&);
  void do_what_is_due(Io&);
  void close_links_unless_serving(Io&);

  Config config_;
  crypto::Random random_;
  Time last_event_{};
  Instance instance_;
  Money money_;
  Workers workers_;
  Clients clients_;
  Requests requests_;
  bool enabled_ = true;
  bool was_serving_ = false;
  bool draining_ = false;
  std::string root_problem_;                  // why the last state of the root contract was not adopted
  std::unordered_set<role::LinkId> closing_;  // closed by us, LinkDown not yet heard: what they still say is ignored
  role::QueryToken next_token_ = 1;
};

}  // namespace cocoon::proxy
