// Who we are on TLS, and how we judge who the others are. One Credentials per node, one PeerJudge per port or audience.
#pragma once
#include <functional>
#include <list>
#include <memory>
#include <unordered_map>

#include "net/tls.hpp"
#include "tee/session_binding.hpp"
#include "tee/verify.hpp"

namespace cocoon::net {

using Clock = std::function<Time()>;

class Credentials {
 public:
  // Makes the first identity at once: an attester that fails is an error here. `sessions`: offer to attest sessions,
  // and how (an empty function: with no evidence, but the other side's is asked for); none: do not offer.
  static Result<std::shared_ptr<Credentials>> make(tee::Attester attester, const crypto::Random& random,
                                                   Clock clock = wall_clock,
                                                   std::optional<tee::SessionAttester> sessions = std::nullopt);

  // The context for a session begun now. The identity is made anew every hour (wire.md 2.3); while the attester fails,
  // the old one serves until it expires.
  std::shared_ptr<TlsContext> context();
  crypto::PublicKey public_key() const { return public_key_; }
  const Bytes& certificate() const { return certificate_; }  // DER, the current one
  // May take seconds, and may be called on any thread, one at a time.
  Result<tee::SessionEvidence> attest_session(const tee::SessionChallenge&) const;
  crypto::Random& random() { return random_; }

 private:
  Credentials(tee::Attester attester, const crypto::Random& random, Clock clock,
              std::optional<tee::SessionAttester> sessions);
  Result<> renew();

  tee::Attester attester_;
  std::optional<tee::SessionAttester> sessions_;
  crypto::Random random_;
  Clock clock_;
  std::shared_ptr<TlsContext> context_;
  crypto::PublicKey public_key_;
  Bytes certificate_;
  Time renew_at_;
};

// Where collateral for a piece of evidence is found: what is at hand now.
class CollateralSource {
 public:
  virtual ~CollateralSource() = default;
  virtual tee::Collateral find(const tee::Evidence&) = 0;
  virtual tee::NvidiaFiles find_gpus(const std::vector<tee::GpuEvidence>&) { return {}; }
};

// What a peer proved about one session, and what it was asked.
struct SessionProof {
  tee::SessionEvidence evidence;
  tee::SessionChallenge challenge;
};

// Judges certificates under one policy and remembers verdicts by the certificate's hash, so that a peer that comes back
// costs one look-up. An accepted one is forgotten when it (the earliest of its inputs), the certificate, or ten minutes
// are over, a refusal after ten seconds, and both when the policy changes. What was refused for want of collateral is
// not remembered.
class PeerJudge {
 public:
  PeerJudge(tee::Policy policy, tee::Trust trust, std::size_t capacity = 4096, Clock clock = wall_clock,
            std::shared_ptr<CollateralSource> collateral = nullptr);

  // Accepted peers only; the error (net_untrusted) says what is wrong and what to do.
  Result<tee::Peer> judge(BytesView certificate_der, tee::Side whose);

  // The evidence of a peer that was let in at `since`, by what is known now: its verdict is over, collateral may have
  // changed. That its certificate has expired meanwhile ends no link. `session`: null where none was proved.
  Result<tee::Peer> judge_again(BytesView certificate_der, tee::Side whose, Time since,
                                const SessionProof* session = nullptr);
  // After judge() has accepted the peer: the evidence that it sent inside the session must answer the challenge and be
  // of the same kind and image as the certificate's. The peer's verdict becomes the session's.
  Result<> judge_session(const SessionProof&, tee::Peer& peer);
  // Must a peer be able to prove its sessions? GPUs are shown nowhere else.
  bool needs_session() const { return policy_.session_binding || policy_.gpu_required; }

  const tee::Policy& policy() const { return policy_; }
  void set_policy(tee::Policy policy);
  std::size_t remembered() const { return known_.size(); }  // accepted ones
  std::uint64_t hits() const { return hits_; }
  std::uint64_t refusals_remembered() const { return refused_hits_; }

 private:
  struct Known {
    tee::Peer peer;
    Time until;
    std::list<Bits256>::iterator age;
  };

  struct Refused {
    Error why;
    Time until;
  };
  std::unexpected<Error> refuse(const Bits256& name, Error why, Time now);
  tee::Peer judge_evidence(const tee::CertificateFacts&, Time now);

  tee::Policy policy_, at_certificate_;
  tee::Trust trust_;
  std::shared_ptr<CollateralSource> collateral_;
  tee::SignatureMemo memo_;
  std::unordered_map<Bits256, Refused> refused_;
  std::uint64_t refused_hits_ = 0;
  std::size_t capacity_;
  Clock clock_;
  std::unordered_map<Bits256, Known> known_;
  std::list<Bits256> by_age_;  // oldest first
  std::uint64_t hits_ = 0;
};

}  // namespace cocoon::net
