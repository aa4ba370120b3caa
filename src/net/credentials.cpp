#include "net/credentials.hpp"

#include "base/log.hpp"
#include "net/asio.hpp"

namespace cocoon::net {

Credentials::Credentials(tee::Attester attester, const crypto::Random& random, Clock clock)
    : attester_(std::move(attester)), random_(random), clock_(std::move(clock)) {}

Result<std::shared_ptr<Credentials>> Credentials::make(tee::Attester attester, const crypto::Random& random,
                                                       Clock clock) {
  std::shared_ptr<Credentials> out(new Credentials(std::move(attester), random, std::move(clock)));
  TRY(out->renew());
  return out;
}

Result<> Credentials::renew() {
  TRY_ASSIGN(auto identity, tee::make_identity(attester_, random_, clock_()));
  TRY_ASSIGN(context_, TlsContext::make(identity));
  public_key_ = identity.key.public_key();
  certificate_ = std::move(identity.certificate);
  renew_at_ = identity.renew_at;
  return {};
}

std::shared_ptr<TlsContext> Credentials::context() {
  if (clock_() >= renew_at_) {
    if (const auto renewed = renew(); !renewed) {
      log::warn("net", "the TLS certificate could not be renewed: {}", renewed.error().what);
      renew_at_ = clock_() + std::chrono::minutes(1);
    }
  }
  return context_;
}

PeerJudge::PeerJudge(tee::Policy policy, tee::Trust trust, std::size_t capacity, Clock clock)
    : policy_(std::move(policy)), trust_(std::move(trust)), capacity_(capacity), clock_(std::move(clock)) {}

void PeerJudge::set_policy(tee::Policy policy) {
  policy_ = std::move(policy);
  known_.clear();
  by_age_.clear();
}

Result<tee::Peer> PeerJudge::judge(BytesView der, tee::Side whose) {
  const auto now = clock_();
  // A certificate good for one side need not be good for the other: the side is part of the name.
  auto name = crypto::sha256(der);
  name[0] = static_cast<std::uint8_t>((name[0] & 0xfe) | (whose == tee::Side::server ? 1 : 0));
  if (const auto found = known_.find(name); found != known_.end()) {
    if (now <= found->second.until) {
      ++hits_;
      return found->second.peer;
    }
    by_age_.erase(found->second.age);
    known_.erase(found);
  }
  const auto facts = tee::read_certificate(der, whose, now);
  if (!facts) return fail(net_untrusted, facts.error().what);
  auto peer = tee::judge(facts->evidence, facts->public_key, policy_, trust_, now);
  if (!peer.verdict.accepted) return fail(net_untrusted, "{}: {}", peer.verdict.problem, peer.verdict.advice);
  if (capacity_ == 0) return peer;
  if (known_.size() >= capacity_) {
    known_.erase(by_age_.front());
    by_age_.pop_front();
  }
  by_age_.push_back(name);
  const auto until = std::min({peer.verdict.fresh_until, facts->not_after, now + std::chrono::minutes(10)});
  known_.emplace(name, Known{peer, until, std::prev(by_age_.end())});
  return peer;
}

}  // namespace cocoon::net
