// What a peer shows, and whose signatures we believe. Values only; verdict.hpp and policy.hpp hold the judgement.
#pragma once
#include <string>
#include <variant>
#include <vector>

#include "tee/verdict.hpp"

namespace cocoon::tee {

struct NoEvidence {
  friend bool operator==(const NoEvidence&, const NoEvidence&) = default;
};
struct TdxEvidence {
  Bytes quote;           // extension .1, at most kMaxQuote bytes
  Bytes user_claims;     // extension .2; not compared
  bool complete = true;  // both extensions are there
  friend bool operator==(const TdxEvidence&, const TdxEvidence&) = default;
};
struct SnpEvidence {
  Bytes report_data;     // extension .100
  Bytes report;          // extension .101
  std::string vcek;      // extension .102, PEM
  bool complete = true;  // all three are there
  friend bool operator==(const SnpEvidence&, const SnpEvidence&) = default;
};
using Evidence = std::variant<NoEvidence, TdxEvidence, SnpEvidence>;

// A root certificate that may stand at the end of a chain.
struct TrustedRoot {
  Bits256 sha256;          // of its DER
  std::string name;        // for people
  bool simulated = false;  // made for a network at `up` time: proves who runs the network, not hardware
};

// NVIDIA's root of device identities, and its root of reference values: neither stands in for the other.
struct NvidiaRoots {
  std::vector<TrustedRoot> device, rim;
  static NvidiaRoots nvidia();
};

struct Trust {
  std::vector<TrustedRoot> roots;  // of CPUs
  NvidiaRoots gpus;
  static TrustedRoot intel();
  static std::vector<TrustedRoot> amd();  // the ARKs of Milan, Genoa and Turin
};

struct Peer {
  crypto::PublicKey public_key;
  TeeKind tee = TeeKind::none;
  Bits256 image_hash;  // image_hash_of_nothing() unless the verdict is accepted
  Verdict verdict;
};

}  // namespace cocoon::tee
