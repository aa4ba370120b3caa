// Evidence + policy + trust + time -> verdict. A pure function; net carries the evidence, roles read the verdict.
#pragma once
#include "tee/evidence.hpp"

namespace cocoon::tee {

// Judges the evidence of the holder of `key`. Every check that can be made is made and listed, also after one failed.
// Names of TDX checks: extensions, format, vendor, chain, root, platform, qe-signature, qe-binding, quote-signature,
// report-data, debug, attributes, service-td, image, collateral.
Verdict verify(const Evidence&, const crypto::PublicKey& key, const Policy&, const Trust&, Time now);

// The same as what a role asks: who is this peer? peer.verdict.accepted says whether it may come in.
Peer judge(const Evidence&, const crypto::PublicKey& key, const Policy&, const Trust&, Time now);

}  // namespace cocoon::tee
