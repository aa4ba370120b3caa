#include "tee/corpus.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "tee/case_judges.hpp"

namespace cocoon::tee {
namespace {

constexpr std::size_t kMaxCases = 100'000;

struct Kind {
  std::string_view name;
  JudgeCase judge;
};
// Who judges which kind of case.
const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all{
      {"snp", judge_snp_case},
      {"snp-neg", judge_snp_case},
  };
  return all;
}

std::vector<std::string_view> split(std::string_view text, char by) {
  std::vector<std::string_view> out;
  while (true) {
    const auto at = text.find(by);
    out.push_back(text.substr(0, at));
    if (at == text.npos) return out;
    text.remove_prefix(at + 1);
  }
}

Result<CorpusCase> parse_case(std::string_view line) {
  const auto fields = split(line, '\t');
  if (fields.size() < 5) return fail("{} fields, expected case, kind, inputs, time, verdict, detail", fields.size());
  CorpusCase out;
  out.name = fields[0];
  out.kind = fields[1];
  for (const auto input : split(fields[2], ';')) {
    if (input.empty()) continue;
    const auto at = input.find('=');
    if (at == input.npos) return fail("input \"{}\" is not key=value", input);
    out.inputs.emplace_back(input.substr(0, at), input.substr(at + 1));
  }
  if (!fields[3].empty()) {
    TRY_ASSIGN(out.at, parse_utc(fields[3]));
  }
  out.expected = fields[4];
  if (fields.size() > 5) out.detail = fields[5];
  return out;
}

}  // namespace

Result<Time> parse_utc(std::string_view text) {
  constexpr std::string_view shape = "0000-00-00T00:00:00Z";
  bool good = text.size() == shape.size();
  for (std::size_t i = 0; good && i < shape.size(); ++i)
    good = shape[i] == '0' ? text[i] >= '0' && text[i] <= '9' : text[i] == shape[i];
  if (!good) return fail("\"{}\" is not a time like 2026-01-31T00:00:00Z", text);
  const auto number = [text](std::size_t at, std::size_t n) {
    unsigned value = 0;
    std::from_chars(text.data() + at, text.data() + at + n, value);
    return value;
  };
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(number(0, 4))),
                                         std::chrono::month(number(5, 2)), std::chrono::day(number(8, 2))};
  const auto hour = number(11, 2), minute = number(14, 2), second = number(17, 2);
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return fail("\"{}\" is not a time", text);
  return Time(std::chrono::sys_days(date)) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second);
}

std::string to_utc(Time time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto day = std::chrono::floor<std::chrono::days>(seconds);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(seconds - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count());
}

Result<std::vector<CorpusCase>> parse_corpus(std::string_view tsv) {
  std::vector<CorpusCase> out;
  std::size_t number = 0;
  for (auto line : split(tsv, '\n')) {
    ++number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (number == 1 || line.empty()) continue;
    if (out.size() >= kMaxCases) return fail("more than {} cases", kMaxCases);
    auto one = parse_case(line);
    if (!one) return std::unexpected(std::move(one).error().within(fmt::format("line {}", number)));
    out.push_back(*std::move(one));
  }
  return out;
}

std::optional<std::string> CaseInputs::text(std::string_view key) const {
  for (const auto& [name, value] : case_.inputs)
    if (name == key) return value;
  return std::nullopt;
}

std::vector<std::string> CaseInputs::texts(std::string_view key) const {
  std::vector<std::string> out;
  for (const auto& [name, value] : case_.inputs)
    if (name == key) out.push_back(value);
  return out;
}

Result<Bytes> CaseInputs::file(std::string_view key) const {
  const auto path = text(key);
  if (!path) return fail("the case has no input \"{}\"", key);
  return read_(*path);
}

Result<Bytes> CaseInputs::file_or_empty(std::string_view key) const {
  if (!text(key)) return Bytes{};
  return file(key);
}

Result<std::vector<Bytes>> CaseInputs::files(std::string_view key) const {
  std::vector<Bytes> out;
  for (const auto& path : texts(key)) {
    TRY_ASSIGN(auto content, read_(path));
    out.push_back(std::move(content));
  }
  return out;
}

JudgeCase judge_of(std::string_view kind) {
  const auto at = std::ranges::find(kinds(), kind, &Kind::name);
  return at == kinds().end() ? nullptr : at->judge;
}

Result<std::string> judge_case(const CorpusCase& one, const ReadFile& read) {
  const auto judge = judge_of(one.kind);
  if (!judge) return fail("no verifier judges cases of kind \"{}\"", one.kind);
  return judge(CaseInputs(one, read));
}

bool same_verdict(std::string_view expected, std::string_view actual) {
  constexpr std::string_view reject = "REJECT:";
  if (expected.starts_with(reject)) return actual.starts_with(reject);
  return expected == actual;
}

}  // namespace cocoon::tee
