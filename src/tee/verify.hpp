// Evidence + collateral + policy + trust + time -> verdict. A pure function; net carries the evidence, roles read the
// verdict.
#pragma once
#include "tee/intel.hpp"
#include "tee/policy.hpp"

namespace cocoon::tee {

// The collateral for one piece of evidence; null where none is at hand.
struct Collateral {
  std::shared_ptr<const IntelCollateral> intel;
  std::shared_ptr<const AmdCollateral> amd;
  std::shared_ptr<const NvidiaFiles> nvidia;  // of the GPUs beside it
};

// Judges the evidence of the holder of `key`. Every check that can be made is made and listed, also after one failed:
// "extensions", "format", the verifier's own (intel.hpp), "report-data", the policy's (policy.hpp). `memo` saves work
// and changes no result (p256.hpp).
Verdict verify(const Evidence&, const crypto::PublicKey& key, const Policy&, const Trust&, Time now,
               const Collateral& = {}, SignatureMemo* memo = nullptr);

// Evidence that came without a key: everything but "report-data". It proves that such a machine exists, not who speaks.
Verdict verify_unbound(const Evidence&, const Policy&, const Trust&, Time now, const Collateral& = {});

// The same as what a role asks: who is this peer? peer.verdict.accepted says whether it may come in.
Peer judge(const Evidence&, const crypto::PublicKey& key, const Policy&, const Trust&, Time now, const Collateral& = {},
           SignatureMemo* memo = nullptr);

}  // namespace cocoon::tee
