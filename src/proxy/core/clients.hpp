// The client port: handshake and authorisation (wire.md 4.3), queries of clients.
#pragma once
#include <map>
#include <optional>
#include <unordered_map>

#include "proxy/core/config.hpp"
#include "proxy/core/deadlines.hpp"
#include "proxy/core/instance.hpp"
#include "proxy/core/io.hpp"
#include "proxy/core/money.hpp"
#include "proxy/core/workers.hpp"

namespace cocoon::proxy {

struct ClientLink {
  enum class Step { hello, authorise, ready };

  role::LinkId id = 0;
  Step step = Step::hello;
  std::string address;
  // From client.connectToProxy; empty before.
  ton::Address owner;
  std::int32_t version = 0;
  std::uint64_t nonce = 0;                 // names this link in a register message on chain, while authorising
  bool registered = false;                 // that message was seen
  std::optional<std::int64_t> long_query;  // authorizeWithProxyLong, held open until then
};

class Clients {
 public:
  Clients(const Config& config, const Instance& instance, Money& money, const Workers& workers, crypto::Random& random)
      : config_(config), instance_(instance), money_(money), workers_(workers), random_(random) {}

  void link_up(Io&, const role::LinkUp&);
  void link_down(role::LinkId);
  void query(Io&, const role::QueryIn&);
  void tick(Io&);
  Time wake_at() const { return deadlines_.earliest(); }
  // The owner's client contract told the proxy contract this nonce.
  void register_seen(Io&, const ton::Address& owner, std::uint64_t nonce);
  // The owner's client contract has changed its state: pending authorisations of a closing one are refused.
  void contract_changed(Io&, const ton::Address& owner);
  void close_all(Io&, const std::string& why);

  const ClientLink* find_ready(role::LinkId) const;
  bool has(role::LinkId link) const { return links_.contains(link); }
  std::size_t count() const { return links_.size(); }

 private:
  ClientLink* find(role::LinkId);
  void hello(Io&, ClientLink&, const role::QueryIn&);
  Result<> admit(ClientLink&, const wire::client::ConnectToProxy&) const;
  void authorise_short(Io&, ClientLink&, const role::QueryIn&);
  void authorise_long(Io&, ClientLink&, const role::QueryIn&);
  void authorised(Io&, ClientLink&, std::int64_t query);
  void payment_status(Io&, ClientLink&, const role::QueryIn&);
  void refuse_and_close(Io&, role::LinkId, std::int64_t id, const Error&);
  void release_nonce(ClientLink&);

  const Config& config_;
  const Instance& instance_;
  Money& money_;
  const Workers& workers_;
  crypto::Random& random_;
  std::map<role::LinkId, ClientLink> links_;
  std::unordered_map<std::uint64_t, role::LinkId> nonces_;  // of links that are authorising
  Deadlines<role::LinkId> deadlines_;                       // of handshakes
};

}  // namespace cocoon::proxy
