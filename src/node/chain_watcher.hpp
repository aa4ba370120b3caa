// Watched accounts as events (contracts.md 2.8): reads each at the newest block, fetches the transactions since the
// last look, and tells them oldest first together with the state after them; none is left out, however many a
// stranger has written meanwhile. Sends externals.
#pragma once
#include <functional>
#include <map>
#include <memory>

#include "role/events.hpp"
#include "ton_client/ton_client.hpp"

namespace cocoon::node {

class ChainWatcher {
 public:
  struct Sink {
    std::function<void(role::AccountObserved)> observed;
    std::function<void(role::ExternalResult)> external;
  };

  // At most `window` transactions are held and told at once; more of them arrive as several events (`more`).
  ChainWatcher(net::Executor executor, ton_client::Options liteserver, Duration poll, crypto::Random random, Sink sink,
               std::size_t window = 4096);
  ~ChainWatcher();

  void watch(const role::Watch&);
  void unwatch(const role::Unwatch&);
  void send(role::SendExternal);

  ton_client::TonClient& client();
  std::int64_t synced_at() const;  // unix seconds of the newest block seen; 0 before the first
  const std::string& last_error() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace cocoon::node
