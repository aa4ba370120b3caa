#include "tee/corpus.hpp"

#include <algorithm>

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
      {"dcap", judge_intel_case},
      {"dcap-neg", judge_intel_case},
      {"dcap-synthetic", judge_intel_case},
      {"ratls", judge_ratls_case},
      {"ratls-neg", judge_ratls_case},
      {"nvidia", judge_nvidia_case},
      {"nvidia-neg", judge_nvidia_case},
      {"azure-vtpm", judge_vtpm_case},
      {"azure-vtpm-neg", judge_vtpm_case},
      {"ccel", judge_ccel_case},
      {"ccel-neg", judge_ccel_case},
      {"dstack-eventlog", judge_application_log_case},
      {"dstack-eventlog-neg", judge_application_log_case},
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
