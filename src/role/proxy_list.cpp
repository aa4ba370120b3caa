#include "role/proxy_list.hpp"

#include <fmt/core.h>

namespace cocoon::role {

Result<ton::RootState> ProxyList::read(const AccountObserved& seen) const {
  const auto* init = seen.account ? seen.account->active() : nullptr;
  if (init == nullptr || !init->data) return fail("it is not on this chain (yet)");
  TRY_ASSIGN(auto state, ton::parse_root_state(*init->data));
  if (state.params.is_test != config_.is_test)
    return fail("it is of a {} network, this node is configured for {}", state.params.is_test ? "test" : "live",
                config_.is_test ? "test" : "live");
  return state;
}

ProxyList::News ProxyList::observe(const AccountObserved& seen, Time now) {
  if (seen.more) return {};
  auto state = read(seen);
  if (!state) {
    // An account is told again and again; what is wrong with it, once.
    auto trouble = "the root contract: " + state.error().what;
    if (trouble == trouble_) return {};
    trouble_ = trouble;
    return {.trouble = std::move(trouble)};
  }
  trouble_.clear();
  if (root_ && state->version <= root_->version) return {};
  News news{
      .root = true, .contracts = root_ && state->params.params_version != root_->params.params_version, .trouble = {}};
  root_ = std::move(*state);
  images_.adopt(root_->proxy_hashes, now);
  listed_.clear();
  for (const auto& [seqno, text] : root_->registered_proxies)
    if (const auto endpoints = ton::parse_proxy_endpoints(text))
      listed_.insert((side_ == Side::clients ? endpoints->for_clients : endpoints->for_workers).text());
  return news;
}

std::string ProxyList::waiting_for() const {
  if (!root_) return trouble_.empty() ? "reading the root contract" : trouble_;
  return listed_.empty() ? "the root contract lists no proxy" : "";
}

std::string ProxyList::why_refused(const std::string& address, const Peer* peer, Time now) const {
  if (!listed_.contains(address)) return "the root contract no longer lists this proxy";
  if (peer != nullptr && config_.check_images && !images_.accepts(peer->image_hash, now))
    return "the proxy's image hash " + to_hex(peer->image_hash) + " is not in the root contract's list";
  return {};
}

std::string ProxyList::warning(const std::string& address, const Peer& peer, Time now) const {
  return config_.check_images ? images_.warning(peer.image_hash, "proxy " + address, now) : "";
}

std::vector<std::string> ProxyList::choose(const std::vector<std::string>& in_use, crypto::Random& random) const {
  std::vector<std::string> free(listed_.begin(), listed_.end()), chosen;
  for (const auto& address : in_use) std::erase(free, address);
  if (free.size() > 1) std::erase(free, given_up_);
  while (in_use.size() + chosen.size() < static_cast<std::size_t>(config_.proxy_connections) && !free.empty()) {
    const auto pick = free.begin() + static_cast<std::ptrdiff_t>(random.below(free.size()));
    chosen.push_back(std::move(*pick));
    free.erase(pick);
  }
  return chosen;
}

}  // namespace cocoon::role
