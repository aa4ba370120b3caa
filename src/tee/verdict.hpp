// What was found out about one piece of evidence: who signed, what is measured, how fresh, what is wrong, what to do.
// Every verifier (one file per kind of evidence) fills one Verdict; the policy is applied to it afterwards
// (policy.hpp).
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "tee/snp.hpp"

namespace cocoon::tee {

enum class TeeKind { none, fake, tdx, snp, sgx, gpu, vtpm };
std::string_view to_string(TeeKind);

// One check that a verifier makes. `name` is for people and stable ("quote-signature"); `reason` is for programs, only
// there when it failed ("QUOTE_SIG_INVALID").
struct Check {
  enum class State { passed, failed, not_done };
  std::string name;
  State state = State::not_done;
  std::string why;     // for failed and not_done
  std::string reason;  // for failed
  std::string input;   // what was looked at, in words; empty where the name says it
};
std::string_view to_string(Check::State);

// How well patched the platform is, as its vendor's collateral says (attestation.md 1, rule 9). `valid`: cryptography
// right, the vendor publishes no status for it (SEV-SNP). Ordered by nothing: see severity().
enum class TcbStatus {
  not_judged,  // no collateral was evaluated
  valid,
  up_to_date,
  sw_hardening_needed,
  configuration_needed,
  configuration_and_sw_hardening_needed,
  td_relaunch_advised,
  td_relaunch_advised_configuration_needed,
  out_of_date,
  out_of_date_configuration_needed,
  revoked,
  not_supported,
};
std::string_view to_string(TcbStatus);                 // "UpToDate", as vendors write it
Result<TcbStatus> parse_tcb_status(std::string_view);  // the names of to_string
// 0 the best. What a policy's minimum compares: the status must be no worse.
int severity(TcbStatus);

struct Verdict {
  // --- the judgement
  bool accepted = false;      // set last, by settle()
  std::vector<Check> checks;  // in the order they were made
  std::string reason;         // empty when accepted: of the first failed check, for programs
  std::string problem;        // empty when accepted: what is wrong
  std::string advice;         // empty when accepted: what to do about it

  // --- who signed
  TeeKind kind = TeeKind::none;
  bool simulated = false;  // the chain ends in a simulated root
  std::string signer;      // whose root signed, for people
  Bits384 root_key_id;     // wire.md 2.5
  FixedBytes<6> fmspc;     // kinds tdx, sgx: which platform family
  Bytes platform_id;       // which machine: PPID (16 bytes; tdx, sgx) or chip id (64 bytes; snp); empty when not known
  std::string tier;        // what the policy calls that machine; empty when it does not know it

  // --- how well patched
  TcbStatus tcb = TcbStatus::not_judged;
  std::vector<std::string> advisories;  // sorted, each once
  SnpTcb snp_tcb;                       // kind snp: what the report says and the endorsement proves
  std::uint32_t evaluation_number = 0;  // the lowest tcbEvaluationDataNumber used; 0 without collateral

  // --- flags: the cryptography is right and the policy decides
  bool debug = false;       // the owner of the machine can read it
  bool service_td = false;  // MRSERVICETD is not zero
  unsigned vmpl = 0;        // kind snp
  bool migratable = false;  // kind snp: a migration agent may move the guest
  bool gpu = false;         // GPU evidence bound to this evidence was verified too

  // --- what is measured
  TdxMeasurements tdx;
  SnpMeasurements snp;
  SgxMeasurements sgx;
  Bits512 report_data;
  Bits256 image_hash;
  bool session_bound = false;  // the evidence was made for the TLS session that it came in (session_binding.hpp)

  // --- how fresh: the verdict holds within this window, both ends included
  Time fresh_from = Time::min(), fresh_until = Time::max();

  // Recording checks. `fail_check` keeps the first failure as the verdict's reason, problem and advice.
  void pass_check(std::string name, std::string input = {});
  void fail_check(std::string name, std::string_view reason, std::string why, std::string_view advice,
                  std::string input = {});
  void skip_check(std::string name, std::string why);
  // pass_check or fail_check; returns `good`.
  bool require(bool good, std::string name, std::string_view reason, std::string why, std::string_view advice,
               std::string input = {});
  // The verdict holds at most within [from, until].
  void narrow(Time from, Time until);
  void add_advisories(const std::vector<std::string>&);
  // accepted = no check failed. Called once, when the last check was made.
  void settle();

  const Check* failed_check() const;  // the first
};

// "accepted: simulated TDX, image 1a2b..., signed by X" or "refused: ...": one line.
std::string summary(const Verdict&);
// For programs and corpora: "REJECT:<reason>", or the status with its flags: "UpToDate+SERVICETD", "VALID+VMPL1".
std::string verdict_text(const Verdict&);

// What to do when evidence has been tampered with.
inline constexpr std::string_view kForged = "do not trust this peer; if it is yours, take fresh evidence";

}  // namespace cocoon::tee
