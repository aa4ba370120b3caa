#include "net/credentials.hpp"

#include "base/log.hpp"
#include "net/asio.hpp"

namespace cocoon::net {

Credentials::Credentials(tee::Attester attester, const crypto::Random& random, Clock clock,
                         std::optional<tee::SessionAttester> sessions)
    : attester_(std::move(attester)), sessions_(std::move(sessions)), random_(random), clock_(std::move(clock)) {}

Result<std::shared_ptr<Credentials>> Credentials::make(tee::Attester attester, const crypto::Random& random,
                                                       Clock clock, std::optional<tee::SessionAttester> sessions) {
  std::shared_ptr<Credentials> out(new Credentials(std::move(attester), random, std::move(clock), std::move(sessions)));
  TRY(out->renew());
  return out;
}

Result<> Credentials::renew() {
  TRY_ASSIGN(auto identity, tee::make_identity(attester_, random_, clock_()));
  TRY_ASSIGN(context_, TlsContext::make(identity, sessions_.has_value()));
  public_key_ = identity.key.public_key();
  certificate_ = std::move(identity.certificate);
  renew_at_ = identity.renew_at;
  return {};
}

Result<tee::SessionEvidence> Credentials::attest_session(const tee::SessionChallenge& challenge) const {
  if (!sessions_ || !*sessions_) return tee::SessionEvidence{};
  return (*sessions_)(challenge);
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

namespace {

constexpr auto kRefusalHolds = std::chrono::seconds(10);

}  // namespace

PeerJudge::PeerJudge(tee::Policy policy, tee::Trust trust, std::size_t capacity, Clock clock,
                     std::shared_ptr<CollateralSource> collateral)
    : policy_(std::move(policy)),
      at_certificate_(tee::at_certificate(policy_)),
      trust_(std::move(trust)),
      collateral_(std::move(collateral)),
      capacity_(capacity),
      clock_(std::move(clock)) {}

tee::Peer PeerJudge::judge_evidence(const tee::CertificateFacts& facts, Time now) {
  const bool looks = policy_.level == tee::Policy::Level::tee && collateral_;
  const auto collateral = looks ? collateral_->find(facts.evidence) : tee::Collateral{};
  return tee::judge(facts.evidence, facts.public_key, at_certificate_, trust_, now, collateral, &memo_);
}

Result<tee::Peer> PeerJudge::judge_again(BytesView der, tee::Side whose, Time since, const SessionProof* session) {
  TRY_ASSIGN(const auto facts, tee::read_certificate(der, whose, since));
  auto peer = judge_evidence(facts, clock_());
  if (!peer.verdict.accepted) return fail(net_untrusted, "{}: {}", peer.verdict.problem, peer.verdict.advice);
  if (session != nullptr) TRY(judge_session(*session, peer));
  return peer;
}

Result<> PeerJudge::judge_session(const SessionProof& proof, tee::Peer& peer) {
  // Who is not asked for evidence, or whose evidence is not read, has none to bind.
  if (policy_.level != tee::Policy::Level::tee) return {};
  auto collateral = collateral_ ? collateral_->find(proof.evidence.machine) : tee::Collateral{};
  if (collateral_ && !proof.evidence.gpus.empty())
    collateral.nvidia = std::make_shared<const tee::NvidiaFiles>(collateral_->find_gpus(proof.evidence.gpus));
  auto verdict =
      tee::verify_session(proof.evidence, proof.challenge, peer.verdict, policy_, trust_, clock_(), collateral, &memo_);
  if (!verdict.accepted)
    return fail(net_untrusted, "evidence for this session: {}: {}", verdict.problem, verdict.advice);
  peer.verdict = std::move(verdict);
  return {};
}

void PeerJudge::set_policy(tee::Policy policy) {
  policy_ = std::move(policy);
  at_certificate_ = tee::at_certificate(policy_);
  known_.clear();
  by_age_.clear();
  refused_.clear();
}

// Refusals are cheap to forget: when there are too many, all of them are.
std::unexpected<Error> PeerJudge::refuse(const Bits256& name, Error why, Time now) {
  if (capacity_ > 0) {
    if (refused_.size() >= capacity_) refused_.clear();
    refused_.insert_or_assign(name, Refused{why, now + kRefusalHolds});
  }
  return std::unexpected(std::move(why));
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
  if (const auto found = refused_.find(name); found != refused_.end()) {
    if (now < found->second.until) {
      ++refused_hits_;
      return std::unexpected(found->second.why);
    }
    refused_.erase(found);
  }
  const auto facts = tee::read_certificate(der, whose, now);
  if (!facts) return refuse(name, Error{net_untrusted, facts.error().what}, now);
  auto peer = judge_evidence(*facts, now);
  if (!peer.verdict.accepted) {
    Error why{net_untrusted, fmt::format("{}: {}", peer.verdict.problem, peer.verdict.advice)};
    if (peer.verdict.reason == "COLLATERAL_MISSING") return std::unexpected(std::move(why));
    return refuse(name, std::move(why), now);
  }
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
