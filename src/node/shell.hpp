// Connections and chain as a core sees them: turns links, queries, watched accounts into the common events of
// role/events.hpp and carries out the common effects. One executor drives a shell, its core and everything they own.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <unordered_map>
#include <variant>

#include "net/dialer.hpp"
#include "net/link.hpp"
#include "net/listener.hpp"
#include "node/chain_watcher.hpp"
#include "node/collateral_service.hpp"
#include "node/common_config.hpp"
#include "role/events.hpp"

namespace cocoon::node {

using CommonEvent = std::variant<role::LinkUp, role::LinkDown, role::DialFailed, role::PacketIn, role::QueryIn,
                                 role::QueryDone, role::AccountObserved, role::ExternalResult>;

class Shell final : private net::LinkOwner {
 public:
  struct Hooks {
    std::function<void(CommonEvent)> event;
    // The data path: sees each one-way message before the core does; true: taken care of. The view is valid during
    // the call.
    std::function<bool(role::LinkId, BytesView)> on_packet;
    // A link that was not writable is so again.
    std::function<void(role::LinkId)> on_writable;
  };

  // Everything that `config` names is opened here: keys, evidence, trust. Errors say which key of the configuration.
  static Result<std::unique_ptr<Shell>> make(net::Executor executor, const CommonConfig& config,
                                             const tee::Policy& dial_policy, Hooks hooks);
  ~Shell() override;

  // Accepts links; `port` is the role's own number for it (role::LinkUp::port).
  Result<> listen(const std::string& address, int port, const tee::Policy& policy);

  void apply(role::Dial);
  void apply(role::Undial);
  void apply(role::CloseLink);
  void apply(role::SendPacket);
  void apply(role::SendQuery);
  void apply(role::Answer);
  void apply(role::AnswerError);
  void apply(role::Watch);
  void apply(role::Unwatch);
  void apply(role::SendExternal);
  void apply(role::Log);

  // For routes. False: the link is gone.
  bool send_packet(role::LinkId, BytesView object);
  // Bytes that wait to be sent on a link; 0 when it is gone.
  std::size_t queued(role::LinkId) const;

  // The body of /attestation (attestation_page.hpp).
  std::string attestation() const;

  ChainWatcher& chain() { return *chain_; }
  std::size_t links() const { return links_.size(); }
  // Closes everything, sending what is queued first.
  void stop(const std::string& why);

 private:
  struct Peer {
    net::LinkPtr link;
    role::TargetId target = 0;
    struct Pending {
      role::QueryToken token;
      Time deadline;
    };
    std::unordered_map<std::int64_t, Pending> queries;
    Time verdict_until = Time::max();  // then its evidence is judged again
  };

  Shell(net::Executor executor, CommonConfig config, Hooks hooks);
  void on_packet(net::Link&, const wire::PacketView&) override;
  void on_writable(net::Link&) override;
  void on_closed(net::Link&, const Error&) override;
  void adopt(net::LinkPtr link, role::TargetId target, int port);
  Peer* find(role::LinkId);
  void finish_query(Peer&, role::LinkId, std::int64_t id, Result<Bytes>);
  void arm();
  void expire();
  // Judges again those whose verdict is over; who is no longer accepted is left, with the reason.
  void reattest();

  net::Executor executor_;
  CommonConfig config_;
  Hooks hooks_;
  crypto::Random random_;
  std::shared_ptr<net::Credentials> credentials_;
  tee::Policy policy_;  // what we ask of those we dial
  tee::Trust trust_;
  std::shared_ptr<CollateralService> collateral_;
  net::LinkConfig dial_config_;
  std::unique_ptr<ChainWatcher> chain_;
  std::map<role::TargetId, std::unique_ptr<net::Dialer>> dialers_;
  std::vector<std::unique_ptr<net::Listener>> listeners_;
  std::unordered_map<role::LinkId, Peer> links_;
  std::unordered_map<const net::Link*, role::LinkId> ids_;
  role::LinkId next_link_ = 1;
  std::multimap<Time, std::pair<role::LinkId, std::int64_t>> deadlines_;
  net::asio::steady_timer timer_, attest_timer_;
  bool stopping_ = false;
};

// Applies `effect` if it is a common one. Services visit their effects with this first.
template <class E>
constexpr bool is_common_effect = requires { std::declval<Shell&>().apply(std::declval<E>()); };

}  // namespace cocoon::node
