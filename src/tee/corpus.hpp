// Collections of evidence with known verdicts (a CASES.tsv): reading them, judging each case, comparing.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "tee/utc.hpp"

namespace cocoon::tee {

// One line: case, kind, inputs (key=value;...), verification time, expected verdict, detail.
struct CorpusCase {
  std::string name, kind;
  std::vector<std::pair<std::string, std::string>> inputs;  // in order; a key may repeat
  std::optional<Time> at;                                   // the case names none: see CaseInputs::at
  std::string expected, detail;
};

// Tab-separated with a header line, at most 100,000 cases. An error names the line.
Result<std::vector<CorpusCase>> parse_corpus(std::string_view tsv);

// The content of a file of the collection, by its path in it.
using ReadFile = std::function<Result<Bytes>(const std::string& path)>;

// A case as its verifier sees it.
class CaseInputs {
 public:
  CaseInputs(const CorpusCase& which, const ReadFile& read) : case_(which), read_(read) {}
  const CorpusCase& of() const { return case_; }
  std::optional<std::string> text(std::string_view key) const;   // the value itself: a nonce
  std::vector<std::string> texts(std::string_view key) const;    // of every repetition
  Result<Bytes> file(std::string_view key) const;                // the value's file; an error when absent
  Result<Bytes> file_or_empty(std::string_view key) const;       // empty when the case has no such input
  Result<std::vector<Bytes>> files(std::string_view key) const;  // of every repetition
  std::optional<Time> at() const { return case_.at; }

 private:
  const CorpusCase& case_;
  const ReadFile& read_;
};

// The verdict in words ("UpToDate+DEBUG", "REJECT:..."); an error when the case cannot be judged: a file is missing.
using JudgeCase = Result<std::string> (*)(const CaseInputs&);
// The verifier of a kind ("dcap-neg"), or null. The table is in corpus.cpp: a new kind is a line there.
JudgeCase judge_of(std::string_view kind);
Result<std::string> judge_case(const CorpusCase&, const ReadFile&);

// Of a rejected case only that it is rejected is normative, not which check said so (attestation.md 1, rule 10).
bool same_verdict(std::string_view expected, std::string_view actual);

}  // namespace cocoon::tee
