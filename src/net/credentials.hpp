// Who we are on TLS, and how we judge who the others are. One Credentials per node, one PeerJudge per port or audience.
#pragma once
#include <functional>
#include <list>
#include <memory>
#include <unordered_map>

#include "net/tls.hpp"
#include "tee/verify.hpp"

namespace cocoon::net {

using Clock = std::function<Time()>;

class Credentials {
 public:
  // Makes the first identity at once: an attester that fails is an error here.
  static Result<std::shared_ptr<Credentials>> make(tee::Attester attester, const crypto::Random& random,
                                                   Clock clock = wall_clock);

  // The context for a session begun now. The identity is made anew every hour (wire.md 2.3); while the attester fails,
  // the old one serves until it expires.
  std::shared_ptr<TlsContext> context();
  crypto::PublicKey public_key() const { return public_key_; }
  const Bytes& certificate() const { return certificate_; }  // DER, the current one
  crypto::Random& random() { return random_; }

 private:
  Credentials(tee::Attester attester, const crypto::Random& random, Clock clock);
  Result<> renew();

  tee::Attester attester_;
  crypto::Random random_;
  Clock clock_;
  std::shared_ptr<TlsContext> context_;
  crypto::PublicKey public_key_;
  Bytes certificate_;
  Time renew_at_;
};

// Judges certificates under one policy and remembers accepted ones by their hash, so that a peer that comes back costs
// one look-up. A verdict is forgotten when it, the certificate, or ten minutes are over, and when the policy changes.
class PeerJudge {
 public:
  PeerJudge(tee::Policy policy, tee::Trust trust, std::size_t capacity = 4096, Clock clock = wall_clock);

  // Accepted peers only; the error (net_untrusted) says what is wrong and what to do.
  Result<tee::Peer> judge(BytesView certificate_der, tee::Side whose);

  const tee::Policy& policy() const { return policy_; }
  void set_policy(tee::Policy policy);
  std::size_t remembered() const { return known_.size(); }
  std::uint64_t hits() const { return hits_; }

 private:
  struct Known {
    tee::Peer peer;
    Time until;
    std::list<Bits256>::iterator age;
  };

  tee::Policy policy_;
  tee::Trust trust_;
  std::size_t capacity_;
  Clock clock_;
  std::unordered_map<Bits256, Known> known_;
  std::list<Bits256> by_age_;  // oldest first
  std::uint64_t hits_ = 0;
};

}  // namespace cocoon::net
