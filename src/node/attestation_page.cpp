#include "node/attestation_page.hpp"

#include "tee/verdict_json.hpp"

namespace cocoon::node {
namespace {

std::string bundle_of(const tee::Collateral& collateral) {
  tee::Bundle out;
  if (collateral.intel) out.intel = collateral.intel->files();
  if (collateral.amd) out.amd = *collateral.amd;
  return tee::write_bundle(out);
}

// Evidence of a certificate that was accepted before; nothing when it has expired since.
tee::Evidence evidence_in(BytesView certificate, tee::Side whose, Time now) {
  const auto facts = tee::read_certificate(certificate, whose, now);
  return facts ? facts->evidence : tee::Evidence(tee::NoEvidence{});
}

// What another verifier needs to check the session's evidence by itself; the exporter stays here.
std::string session_of(const net::PeerInfo& peer) {
  if (!peer.session) return "null";
  const auto& [evidence, challenge] = *peer.session;
  return fmt::format(R"({{"evidence":"{}","report_data":"{}","gpu_nonce":"{}"}})",
                     to_base64(tee::encode_session_evidence(evidence)), to_hex(challenge.report_data(evidence.gpus)),
                     to_hex(challenge.gpu_nonce()));
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
    const auto evidence = evidence_in(peer.certificate, peer.outgoing ? tee::Side::server : tee::Side::client, now);
    out += fmt::format(
        R"({}{{"address":"{}:{}","outgoing":{},"certificate":"{}","session":{},"collateral":{},"verdict":{}}})",
        first ? "" : ",", peer.remote.address().to_string(), peer.remote.port(), peer.outgoing,
        to_base64(peer.certificate), session_of(peer), bundle_of(collateral.find(evidence)),
        tee::to_json(peer.peer.verdict));
    first = false;
  }
  return out + "]}\n";
}

}  // namespace cocoon::node
