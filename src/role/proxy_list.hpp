// The proxies of a network as one that connects to them sees them, a client or a worker: who is listed, whose image may
// be trusted, which of them to keep a connection to (wire.md 4.1; contracts.md 4.1). The root contract rules all of it.
#pragma once
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "crypto/crypto.hpp"
#include "role/events.hpp"
#include "role/image_list.hpp"
#include "ton/contracts/root.hpp"

namespace cocoon::role {

class ProxyList {
 public:
  enum class Side { clients, workers };  // which of a proxy's two addresses is ours
  struct Config {
    ton::Address root;          // the root contract
    bool is_test = false;       // a root contract of the other kind is refused
    bool check_images = true;   // refuse proxies whose image hash, a worker also a model, that the root does not list
    Duration image_grace{0};    // for a proxy whose image leaves the list (role/image_list.hpp)
    int proxy_connections = 1;  // how many proxies to stay connected to
    Duration give_up_target = std::chrono::seconds(300);  // a target not ready for so long is replaced
  };

  ProxyList(Side side, const Config& config) : side_(side), config_(config), images_(config.image_grace) {}

  // What the root contract says; nothing before it was read.
  const std::optional<ton::RootState>& root() const { return root_; }
  const std::set<std::string>& listed() const { return listed_; }
  // What is being waited for, in words; empty: there are proxies to choose from.
  std::string waiting_for() const;

  struct News {
    bool root = false;       // a newer configuration was taken over
    bool contracts = false;  // with other parameters: every contract of ours is another one from now on
    std::string trouble;     // why it cannot be used; told once
  };
  News observe(const AccountObserved& seen, Time now);

  // Why a proxy may not be used any more; empty if it may. `peer`: who answered there; none while nobody did.
  std::string why_refused(const std::string& address, const Peer* peer, Time now) const;
  // What an operator should read of a proxy whose image has left the list; empty: nothing.
  std::string warning(const std::string& address, const Peer& peer, Time now) const;

  // What was connected to this address is given up: it is not chosen next while there are others.
  void give_up(const std::string& address) { given_up_ = address; }
  // Addresses to connect to beside those in use.
  std::vector<std::string> choose(const std::vector<std::string>& in_use, crypto::Random& random) const;

 private:
  Result<ton::RootState> read(const AccountObserved&) const;

  Side side_;
  Config config_;
  std::optional<ton::RootState> root_;
  std::set<std::string> listed_;  // addresses for our side
  ImageList images_;
  std::string trouble_;
  std::string given_up_;
};

}  // namespace cocoon::role
