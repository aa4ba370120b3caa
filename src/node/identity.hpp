// Who this node is to others and whom it believes, from its configuration.
#pragma once
#include "evidence/source.hpp"
#include "node/common_config.hpp"
#include "tee/certificate.hpp"
#include "tee/evidence.hpp"
#include "tee/policy.hpp"
#include "tee/session_binding.hpp"

namespace cocoon::node {

// Where the evidence in our certificates comes from ([tee] kind).
// `endorse`: for a machine whose host hands out no endorsement; null: such a machine has no evidence.
Result<tee::Attester> make_attester(const CommonConfig&, evidence::Endorse endorse = nullptr);
// The same for evidence that is made for one session, with that of GPUs ([tee] gpus); empty: none.
Result<tee::SessionAttester> make_session_attester(const CommonConfig&, crypto::Random&,
                                                   evidence::Endorse endorse = nullptr);
// The roots that evidence of others may end in: Intel's, and a simulated one if configured.
Result<tee::Trust> make_trust(const CommonConfig&);
// What a port or an outgoing connection demands: evidence that the configured policy accepts ([tee] policy). Without
// images in the policy the image is the core's to compare, because the list changes with the root contract. What the
// policy takes without looking is logged as a warning.
Result<tee::Policy> attested_policy(const CommonConfig&);
// Anybody (the proxy's port for clients, wire.md 0).
tee::Policy open_policy();

}  // namespace cocoon::node
