#include "tee/case_judges.hpp"
#include "tee/event_log.hpp"
#include "tee/vtpm.hpp"

namespace cocoon::tee {
namespace {

Result<std::array<Bits384, 4>> rtmrs_of(BytesView quote) {
  TRY_ASSIGN(const auto report, td_report_of_quote(quote));
  std::array<Bits384, 4> out;
  for (std::size_t i = 0; i < 4; ++i) out[i] = Bits384::from(report.identity.subspan(208 + 48 * i));
  return out;
}

Result<std::string> judge(const CaseInputs& in, std::string_view key, Result<EventLog> (*parse)(BytesView),
                          bool count) {
  TRY_ASSIGN(const auto bytes, in.file(key));
  TRY_ASSIGN(const auto quote, in.file("quote"));
  TRY_ASSIGN(const auto rtmrs, rtmrs_of(quote));
  const auto log = parse(bytes);
  if (!log) return "REJECT:MALFORMED";
  const auto events = count ? fmt::format(" events={}", log->events.size()) : std::string();
  std::string wrong;
  for (const auto i : replay_mismatches(*log, rtmrs)) wrong += fmt::format("{}rtmr{}", wrong.empty() ? "" : ",", i);
  if (!wrong.empty()) return fmt::format("REJECT:REPLAY_MISMATCH({}){}", wrong, events);
  if (log->altered()) return "REJECT:EVENT_DIGEST_MISMATCH";
  return "REPLAY_MATCH" + events;
}

}  // namespace

Result<std::string> judge_ccel_case(const CaseInputs& in) { return judge(in, "ccel", parse_ccel, true); }
Result<std::string> judge_application_log_case(const CaseInputs& in) {
  return judge(in, "eventlog", parse_application_log, false);
}

}  // namespace cocoon::tee
