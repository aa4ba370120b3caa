// What a node demands of its peers' evidence, and the judgement of a verdict by it (wire.md 2.4.4). Everything that is
// not said to be accepted is refused.
#pragma once
#include <string>
#include <vector>

#include "tee/verdict.hpp"

namespace cocoon::tee {

// A machine known by its hardware's own id, and what it is trusted with. Forged evidence under a genuine chain
// (physical attacks) shows in no signature; which machines may be believed is a decision that only a list can hold.
struct KnownPlatform {
  Bytes id;  // PPID (16 bytes) or chip id (64 bytes)
  std::string tier;
  friend bool operator==(const KnownPlatform&, const KnownPlatform&) = default;
};

struct Policy {
  enum class Level {
    any,       // evidence is not read: the peer counts as unattested
    fake_tee,  // evidence must be there in form, its content is not read (tests, old networks)
    tee,       // evidence must earn an accepted verdict; a peer without any is refused
  };
  Level level = Level::tee;
  std::string name = "default";
  std::vector<TeeKind> kinds{TeeKind::tdx, TeeKind::snp};
  std::vector<Bits256> image_hashes;  // what may run there; empty: anything (the role's core then asks the registry)
  // Genuine hardware without collateral says who made the machine, not whether it is patched or revoked.
  bool accept_unevaluated_collateral = false;
  TcbStatus worst_tcb = TcbStatus::up_to_date;  // no status of greater severity is accepted
  std::uint32_t min_evaluation_number = 0;      // older collateral is a rollback (attestation.md 1, rule 2)
  bool any_advisory = false;
  std::vector<std::string> allowed_advisories;  // open advisories that are accepted
  bool allow_debug = false;                     // debug TDs, guests and enclaves
  bool allow_service_td = false;                // a migration TD is bound (TD 1.5)
  unsigned max_vmpl = 0;                        // kind snp
  bool session_binding = false;                 // evidence must also be made for the session (session_binding.hpp)
  bool gpu_required = false;                    // verified GPU evidence bound to the CPU's
  bool gpu_reference_values = true;             // a GPU's firmware and driver must be held against NVIDIA's manifests
  bool gpu_revocation = true;                   // its certificates must have good OCSP answers
  bool gpu_expired_signers = false;             // manifests whose signer has expired since are taken
  std::vector<KnownPlatform> platforms;
  bool only_known_platforms = false;  // refuse machines that are not in `platforms`
  std::vector<std::string> tiers;     // of known platforms; empty: every tier
  Duration collateral_grace{0};       // collateral is used this long after it went stale, while its source is down
  Duration verdict_lifetime = Duration::max();  // evidence is judged anew at least this often
};
std::string_view to_string(Policy::Level);

// Adds the policy's checks to a verdict whose evidence was verified, narrows its window and fills `tier`. Names and
// reasons: kind KIND_NOT_ACCEPTED, tcb-status TCB_STATUS, collateral COLLATERAL_MISSING, evaluation-number
// EVALUATION_NUMBER, advisories ADVISORIES, debug DEBUG, service-td SERVICETD, vmpl VMPL, platform-id PLATFORM_UNKNOWN,
// PLATFORM_TIER, gpu GPU_MISSING, image IMAGE_NOT_LISTED.
void apply_policy(Verdict&, const Policy&, Time now);
// The image alone: all that is asked of evidence whose content is not read.
void check_image(Verdict&, const Policy&);

}  // namespace cocoon::tee
