// Who this node is to others and whom it believes, from its configuration.
#pragma once
#include "node/common_config.hpp"
#include "tee/certificate.hpp"
#include "tee/evidence.hpp"
#include "tee/policy.hpp"

namespace cocoon::node {

// Where the evidence in our certificates comes from ([tee] kind).
Result<tee::Attester> make_attester(const CommonConfig&);
// The roots that evidence of others may end in: Intel's, and a simulated one if configured.
Result<tee::Trust> make_trust(const CommonConfig&);
// What a port or an outgoing connection demands: evidence with an accepted verdict. The image is the core's to compare,
// because the list changes with the root contract.
tee::Policy attested_policy(const CommonConfig&);
// Anybody (the proxy's port for clients, wire.md 0).
tee::Policy open_policy();

}  // namespace cocoon::node
