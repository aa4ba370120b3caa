#include "tee/verdict.hpp"

#include <algorithm>
#include <array>

namespace cocoon::tee {
namespace {

struct StatusName {
  TcbStatus status;
  int severity;
  std::string_view name;
};
// Intel's names; the order of severity is that of its quote verification library's merge.
constexpr std::array kStatuses{
    StatusName{TcbStatus::valid, 0, "VALID"},
    StatusName{TcbStatus::up_to_date, 0, "UpToDate"},
    StatusName{TcbStatus::sw_hardening_needed, 1, "SWHardeningNeeded"},
    StatusName{TcbStatus::configuration_needed, 2, "ConfigurationNeeded"},
    StatusName{TcbStatus::configuration_and_sw_hardening_needed, 3, "ConfigurationAndSWHardeningNeeded"},
    StatusName{TcbStatus::td_relaunch_advised, 4, "TDRelaunchAdvised"},
    StatusName{TcbStatus::td_relaunch_advised_configuration_needed, 5, "TDRelaunchAdvisedConfigurationNeeded"},
    StatusName{TcbStatus::out_of_date, 6, "OutOfDate"},
    StatusName{TcbStatus::out_of_date_configuration_needed, 7, "OutOfDateConfigurationNeeded"},
    StatusName{TcbStatus::not_judged, 8, "NotJudged"},
    StatusName{TcbStatus::not_supported, 9, "TCB_NOT_SUPPORTED"},
    StatusName{TcbStatus::revoked, 10, "Revoked"},
};

const StatusName& entry(TcbStatus status) {
  const auto at = std::ranges::find(kStatuses, status, &StatusName::status);
  return at == kStatuses.end() ? kStatuses.back() : *at;
}

}  // namespace

std::string_view to_string(TeeKind kind) {
  switch (kind) {
    case TeeKind::none:
      return "none";
    case TeeKind::fake:
      return "fake";
    case TeeKind::tdx:
      return "tdx";
    case TeeKind::snp:
      return "snp";
    case TeeKind::sgx:
      return "sgx";
    case TeeKind::gpu:
      return "gpu";
    case TeeKind::vtpm:
      return "vtpm";
  }
  return "none";
}

std::string_view to_string(Check::State state) {
  switch (state) {
    case Check::State::passed:
      return "passed";
    case Check::State::failed:
      return "failed";
    case Check::State::not_done:
      return "not done";
  }
  return "not done";
}

std::string_view to_string(TcbStatus status) { return entry(status).name; }
int severity(TcbStatus status) { return entry(status).severity; }

Result<TcbStatus> parse_tcb_status(std::string_view name) {
  const auto at = std::ranges::find(kStatuses, name, &StatusName::name);
  if (at == kStatuses.end()) return fail("TCB status \"{}\" is not known", name);
  return at->status;
}

void Verdict::pass_check(std::string name, std::string input) {
  checks.push_back({std::move(name), Check::State::passed, {}, {}, std::move(input)});
}

void Verdict::fail_check(std::string name, std::string_view code, std::string why, std::string_view what_to_do,
                         std::string input) {
  if (reason.empty()) {
    reason = code;
    problem = why;
    advice = what_to_do;
  }
  checks.push_back({std::move(name), Check::State::failed, std::move(why), std::string(code), std::move(input)});
}

void Verdict::skip_check(std::string name, std::string why) {
  checks.push_back({std::move(name), Check::State::not_done, std::move(why), {}, {}});
}

bool Verdict::require(bool good, std::string name, std::string_view code, std::string why, std::string_view what_to_do,
                      std::string input) {
  if (good)
    pass_check(std::move(name), std::move(input));
  else
    fail_check(std::move(name), code, std::move(why), what_to_do, std::move(input));
  return good;
}

void Verdict::narrow(Time from, Time until) {
  fresh_from = std::max(fresh_from, from);
  fresh_until = std::min(fresh_until, until);
}

void Verdict::add_advisories(const std::vector<std::string>& more) {
  advisories.insert(advisories.end(), more.begin(), more.end());
  std::ranges::sort(advisories);
  const auto repeated = std::ranges::unique(advisories);
  advisories.erase(repeated.begin(), repeated.end());
}

void Verdict::settle() { accepted = failed_check() == nullptr; }

const Check* Verdict::failed_check() const {
  for (const auto& check : checks)
    if (check.state == Check::State::failed) return &check;
  return nullptr;
}

std::string summary(const Verdict& v) {
  if (!v.accepted) return fmt::format("refused: {}", v.problem);
  if (v.kind == TeeKind::none) return "accepted: no attestation asked for";
  if (v.kind == TeeKind::fake) return "accepted: fake attestation, content not read";
  return fmt::format("accepted: {}{}, image {}, signed by {}", v.simulated ? "simulated " : "", to_string(v.kind),
                     to_hex(v.image_hash.view().first(8)), v.signer);
}

std::string verdict_text(const Verdict& v) {
  if (const auto* failed = v.failed_check()) return "REJECT:" + failed->reason;
  std::string out(to_string(v.tcb));
  if (v.debug) out += "+DEBUG";
  if (v.service_td) out += "+SERVICETD";
  if (v.vmpl > 0) out += fmt::format("+VMPL{}", v.vmpl);
  return out;
}

}  // namespace cocoon::tee
