// Who a peer is and why we believe it: evidence, policy, trust, verdict. Values only.
#pragma once
#include <string>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "tee/measurements.hpp"

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

enum class TeeKind { none, fake, tdx, snp };
std::string_view to_string(TeeKind);

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
};

struct Check {
  enum class State { passed, failed, not_done };
  std::string name;
  State state = State::not_done;
  std::string why;  // for failed and not_done
};

// What was found out about one piece of evidence.
struct Verdict {
  bool accepted = false;
  bool simulated = false;  // the chain ends in a simulated root
  TeeKind kind = TeeKind::none;
  std::string signer;   // whose root signed, for people
  Bits384 root_key_id;  // wire.md 2.5
  TdxMeasurements tdx;  // kind tdx
  SnpMeasurements snp;  // kind snp
  Bits512 report_data;
  FixedBytes<6> fmspc;  // kind tdx: which platform family
  Bits256 image_hash;
  Time fresh_until = Time::max();  // judge again after that
  std::vector<Check> checks;       // in the order they were made
  std::string problem;             // empty when accepted: what is wrong
  std::string advice;              // empty when accepted: what to do about it

  const Check* failed_check() const;
};
// "accepted: simulated TDX, image 1a2b..., signed by X" or "refused: ...": one line.
std::string summary(const Verdict&);

struct Peer {
  crypto::PublicKey public_key;
  TeeKind tee = TeeKind::none;
  Bits256 image_hash;  // image_hash_of_nothing() unless the verdict is accepted
  Verdict verdict;
};

}  // namespace cocoon::tee
