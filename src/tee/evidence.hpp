// Who a peer is and why we believe it: evidence, policy, trust. Values only; the verdict is in verdict.hpp.
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

// The policy of a port (wire.md 2.4.4).
struct Policy {
  enum class Level {
    any,       // evidence is not read: the peer counts as unattested
    fake_tee,  // evidence must be there in form, its content is not read (tests, old networks)
    tee,       // evidence must earn an accepted verdict; a peer without any is refused
  };
  Level level = Level::tee;
  std::vector<Bits256> image_hashes;  // what may run there; empty: anything (the role's core then compares)
  bool allow_debug = false;           // debug TDs and debug guests
  bool allow_service_td = false;      // a migration TD is bound (TD 1.5)
  // A genuine Intel root without collateral says who made the machine, not whether it is patched or revoked.
  bool accept_unevaluated_collateral = false;
};
std::string_view to_string(Policy::Level);

// A root certificate that may stand at the end of a chain.
struct TrustedRoot {
  Bits256 sha256;          // of its DER
  std::string name;        // for people
  bool simulated = false;  // made for a network at `up` time: proves who runs the network, not hardware
};

struct Trust {
  std::vector<TrustedRoot> roots;
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
