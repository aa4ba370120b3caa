#include "tee/corpus.hpp"

#include <gtest/gtest.h>

#include "tee/verdict.hpp"

namespace cocoon::tee {
namespace {

TEST(Corpus, ReadsCasesWithAndWithoutTime) {
  const auto cases = parse_corpus(
      "case\tkind\tinputs\tverify_time\texpected_verdict\tdetail\n"
      "a\tdcap\tquote=q.bin;rim=1.xml;rim=2.xml\t2026-02-14T00:17:59Z\tUpToDate\tadvisories=\r\n"
      "\n"
      "b\tratls\tcert=c.pem\t\tBINDING_OK");
  ASSERT_TRUE(cases) << cases.error().what;
  ASSERT_EQ(cases->size(), 2u);
  const auto& a = cases->front();
  EXPECT_EQ(a.name, "a");
  EXPECT_EQ(a.kind, "dcap");
  EXPECT_EQ(to_utc(a.at.value()), "2026-02-14T00:17:59Z");
  EXPECT_EQ(a.expected, "UpToDate");
  EXPECT_EQ(a.detail, "advisories=");
  const ReadFile read = [](const std::string& path) -> Result<Bytes> { return to_bytes(path); };
  const CaseInputs inputs(a, read);
  EXPECT_EQ(inputs.file("quote").value(), to_bytes("q.bin"));
  EXPECT_EQ(inputs.files("rim").value().size(), 2u);
  EXPECT_EQ(inputs.file_or_empty("none").value(), Bytes{});
  EXPECT_FALSE(inputs.file("none"));
  EXPECT_FALSE(cases->back().at);
}

TEST(Corpus, AnErrorNamesTheLine) {
  for (const char* line : {"a\tdcap\tquote\t\tUpToDate", "a\tdcap", "a\tdcap\tq=1\tyesterday\tUpToDate"}) {
    const auto cases = parse_corpus(std::string("header\n") + line);
    ASSERT_FALSE(cases);
    EXPECT_TRUE(cases.error().what.starts_with("line 2: ")) << cases.error().what;
  }
}

TEST(Corpus, UtcTimesAreExact) {
  EXPECT_EQ(unix_time(parse_utc("1970-01-01T00:00:00Z").value()), 0);
  EXPECT_EQ(unix_time(parse_utc("2026-11-01T00:00:00Z").value()), 1'793'491'200);
  EXPECT_EQ(to_utc(from_unix(1'793'491'200)), "2026-11-01T00:00:00Z");
  for (const char* text : {"", "2026-02-30T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01 00:00:00Z",
                           "2026-01-01T00:00:00", "2026-01-01T00:00:00Z "})
    EXPECT_FALSE(parse_utc(text)) << text;
}

TEST(Corpus, OfARejectedCaseOnlyTheRejectionCounts) {
  EXPECT_TRUE(same_verdict("UpToDate", "UpToDate"));
  EXPECT_FALSE(same_verdict("UpToDate", "UpToDate+DEBUG"));
  EXPECT_TRUE(same_verdict("REJECT:QUOTE_SIG_INVALID", "REJECT:TRUNCATED"));
  EXPECT_FALSE(same_verdict("REJECT:QUOTE_SIG_INVALID", "UpToDate"));
  EXPECT_FALSE(same_verdict("UpToDate", "REJECT:TRUNCATED"));
}

TEST(Corpus, AKindWithoutVerifierIsAnError) {
  CorpusCase one;
  one.kind = "tea-leaves";
  EXPECT_FALSE(judge_case(one, [](const std::string&) -> Result<Bytes> { return Bytes{}; }));
}

TEST(Verdicts, AreWordsForPrograms) {
  Verdict v;
  v.tcb = TcbStatus::up_to_date;
  EXPECT_EQ(verdict_text(v), "UpToDate");
  v.debug = v.service_td = true;
  v.vmpl = 2;
  EXPECT_EQ(verdict_text(v), "UpToDate+DEBUG+SERVICETD+VMPL2");
  v.fail_check("quote-signature", "QUOTE_SIG_INVALID", "wrong", "do not trust it");
  v.fail_check("image", "IMAGE_NOT_LISTED", "unknown", "list it");
  v.settle();
  EXPECT_FALSE(v.accepted);
  EXPECT_EQ(verdict_text(v), "REJECT:QUOTE_SIG_INVALID");
  EXPECT_EQ(v.problem, "wrong") << "the first failure is the one that is told";
}

TEST(Verdicts, StatusNamesReadBack) {
  for (const auto status : {TcbStatus::valid, TcbStatus::up_to_date, TcbStatus::td_relaunch_advised,
                            TcbStatus::out_of_date_configuration_needed, TcbStatus::revoked})
    EXPECT_EQ(parse_tcb_status(to_string(status)).value(), status);
  EXPECT_FALSE(parse_tcb_status("Fine"));
  EXPECT_LT(severity(TcbStatus::up_to_date), severity(TcbStatus::sw_hardening_needed));
  EXPECT_LT(severity(TcbStatus::out_of_date), severity(TcbStatus::revoked));
}

TEST(Verdicts, TheWindowOnlyNarrows) {
  Verdict v;
  v.narrow(from_unix(10), from_unix(100));
  v.narrow(from_unix(5), from_unix(50));
  EXPECT_EQ(v.fresh_from, from_unix(10));
  EXPECT_EQ(v.fresh_until, from_unix(50));
}

}  // namespace
}  // namespace cocoon::tee
