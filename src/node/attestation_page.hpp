// GET /attestation: who this node and the peers now connected are, as evidence that another verifier can judge from
// scratch.
#pragma once
#include <string>
#include <vector>

#include "net/link.hpp"
#include "node/collateral_service.hpp"

namespace cocoon::node {

// {"self": {certificate, collateral, verdict},
//  "peers": [{address, outgoing, certificate, session, collateral, verdict}]}: `session` is null, or what the peer
// showed inside the session and what it was asked; certificates as base64 of DER; session and collateral as
// tee/presented.hpp reads them, verdicts as tee/verdict_json.hpp writes them. The verdict on ourselves is what our own
// policy says of our own certificate.
std::string attestation_page(BytesView own_certificate, const std::vector<net::PeerInfo>& peers, CollateralService&,
                             const tee::Policy&, const tee::Trust&, Time now);

}  // namespace cocoon::node
