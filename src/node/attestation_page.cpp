#include "node/attestation_page.hpp"

#include "tee/verdict_json.hpp"

namespace cocoon::node {
namespace {

std::string bundle_of(const tee::Collateral& collateral, const tee::NvidiaFiles* of_gpus = nullptr) {
  tee::Bundle out;
  if (collateral.intel) out.intel = collateral.intel->files();
  if (collateral.amd) out.amd = *collateral.amd;
  if (of_gpus != nullptr) out.nvidia = *of_gpus;
  return tee::write_bundle(out);
}

// Evidence of a certificate that was accepted before; nothing when it has expired since.
tee::Evidence evidence_in(BytesView certificate, tee::Side whose, Time now) {
  const auto facts = tee::read_certificate(certificate, whose, now);
  return facts ? facts->evidence : tee::Evidence(tee::NoEvidence{});
}

std::string session_of(const net::PeerInfo& peer) {
  return peer.session ? tee::write_session(peer.session->evidence, peer.session->challenge) : "null";
}

// What the peer's evidence, and that of its GPUs, is judged by.
std::string collateral_for(const net::PeerInfo& peer, CollateralService& collateral, Time now) {
  const auto found =
      collateral.find(evidence_in(peer.certificate, peer.outgoing ? tee::Side::server : tee::Side::client, now));
  if (!peer.session || peer.session->evidence.gpus.empty()) return bundle_of(found);
  const auto of_gpus = collateral.find_gpus(peer.session->evidence.gpus);
  return bundle_of(found, &of_gpus);
}

}  // namespace

std::string attestation_page(BytesView own_certificate, const std::vector<net::PeerInfo>& peers,
                             CollateralService& collateral, const tee::Policy& policy, const tee::Trust& trust,
                             Time now) {
  std::string own_verdict = "null", own_bundle = "{}";
  if (const auto facts = tee::read_certificate(own_certificate, tee::Side::server, now)) {
    const auto found = collateral.find(facts->evidence);
    own_bundle = bundle_of(found);
    own_verdict = tee::to_json(tee::verify(facts->evidence, facts->public_key, policy, trust, now, found));
  }
  auto out = fmt::format(R"({{"self":{{"certificate":"{}","collateral":{},"verdict":{}}},"peers":[)",
                         to_base64(own_certificate), own_bundle, own_verdict);
  bool first = true;
  for (const auto& peer : peers) {
    out += fmt::format(
        R"({}{{"address":"{}:{}","outgoing":{},"certificate":"{}","session":{},"collateral":{},"verdict":{}}})",
        first ? "" : ",", peer.remote.address().to_string(), peer.remote.port(), peer.outgoing,
        to_base64(peer.certificate), session_of(peer), collateral_for(peer, collateral, now),
        tee::to_json(peer.peer.verdict));
    first = false;
  }
  return out + "]}\n";
}

}  // namespace cocoon::node
