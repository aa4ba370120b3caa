// For each of Intel's checks a case in which only that check fails, and the merge of statuses.
#include "tee/intel.hpp"

#include <gtest/gtest.h>

#include "tee/intel_testing.hpp"
#include "tee/policy.hpp"

namespace cocoon::tee {
namespace {

using testing::IntelWorld;
using testing::with;

// "name REASON" of every check that failed.
std::string failures(const Verdict& v) {
  std::string out;
  for (const auto& check : v.checks)
    if (check.state == Check::State::failed) out += (out.empty() ? "" : ", ") + check.name + " " + check.reason;
  return out;
}

class Intel : public ::testing::Test {
 protected:
  std::string failed() const { return failures(w.judge()); }
  std::string text() const { return verdict_text(w.judge()); }
  IntelWorld w;
};

TEST_F(Intel, AllIsWell) {
  const auto v = w.judge();
  EXPECT_EQ(failures(v), "");
  EXPECT_EQ(verdict_text(v), "UpToDate");
  EXPECT_EQ(v.evaluation_number, 19u) << "the lower of TCB info and QE identity";
  EXPECT_EQ(v.signer, "test root");
  EXPECT_TRUE(v.advisories.empty());
  EXPECT_EQ(v.fresh_from, w.now - std::chrono::hours(24 * 10)) << "TCB info is older, identity younger";
  EXPECT_EQ(v.fresh_until, w.now + std::chrono::hours(24 * 19)) << "TCB info ends first";
  for (const auto& check : v.checks) EXPECT_EQ(check.state, Check::State::passed) << check.name;
}

TEST_F(Intel, OnlyRootCrl) {
  w.root_crl_key = w.ca_key;
  EXPECT_EQ(failed(), "root-crl ROOT_CRL_SIG_INVALID");
  w = {};
  w.root_crl.issuer = "ca";
  EXPECT_EQ(failed(), "root-crl ROOT_CRL_WRONG_ISSUER");
  w = {};
  w.root_crl.next_update = w.now - std::chrono::seconds(1);
  EXPECT_EQ(failed(), "root-crl ROOT_CRL_EXPIRED");
  w = {};
  w.root_crl.this_update = w.now + std::chrono::seconds(1);
  EXPECT_EQ(failed(), "root-crl ROOT_CRL_NOT_YET_VALID");
  auto files = IntelWorld{}.files();
  files.root_crl.pop_back();
  EXPECT_EQ(failures(IntelWorld{}.judge(files)), "root-crl ROOT_CRL_MALFORMED");
}

TEST_F(Intel, OnlyPckCrl) {
  w.pck_crl_key = w.root_key;
  EXPECT_EQ(failed(), "pck-crl PCK_CRL_SIG_INVALID");
  w = {};
  w.pck_crl.issuer = "root";
  EXPECT_EQ(failed(), "pck-crl PCK_CRL_WRONG_ISSUER");
  w = {};
  w.pck_crl.next_update = w.now - std::chrono::seconds(1);
  EXPECT_EQ(failed(), "pck-crl PCK_CRL_EXPIRED");
  w.pck_crl.next_update = w.now;
  EXPECT_EQ(failed(), "") << "the last second counts";
  auto files = IntelWorld{}.files();
  files.pck_crl.clear();
  EXPECT_EQ(failures(IntelWorld{}.judge(files)), "pck-crl PCK_CRL_MALFORMED");
}

TEST_F(Intel, OnlyRevocation) {
  w.pck_crl.revoked = {Bytes{0x21}, Bytes{0x23}};
  EXPECT_EQ(failed(), "") << "neighbours of the platform's serial";
  w.pck_crl.revoked.push_back(Bytes{0x22});
  EXPECT_EQ(failed(), "revocation PCK_REVOKED");
  w = {};
  w.root_crl.revoked = {Bytes{0x21}};
  EXPECT_EQ(failed(), "revocation PCK_CA_REVOKED");
}

TEST_F(Intel, OnlySigner) {
  const auto both = [](std::string_view reason) { return fmt::format("tcb-signer {0}, qe-signer {0}", reason); };
  w.root_crl.revoked = {Bytes{0x31}};
  EXPECT_EQ(failed(), both("TCB_SIGNING_REVOKED"));
  w = {};
  w.signer.not_after = w.now - std::chrono::seconds(1);
  EXPECT_EQ(failed(), both("TCB_SIGNING_CERT_EXPIRED"));
  w = {};
  w.signer.path_length = 0;
  EXPECT_EQ(failed(), both("TCB_SIGNING_CHAIN")) << "a CA signs no data";
  w = {};
  w.signer_issuer_key = w.ca_key;
  EXPECT_EQ(failed(), both("TCB_SIGNING_CHAIN")) << "signed by another key than the root's";
  w.signer.issuer = "ca";
  EXPECT_EQ(failed(), both("TCB_SIGNING_CHAIN")) << "issued by the CA";
  auto files = IntelWorld{}.files();
  files.tcb_signer.clear();
  EXPECT_EQ(failures(IntelWorld{}.judge(files)), "tcb-signer TCB_SIGNING_CERT_MALFORMED");
}

TEST_F(Intel, OnlyTcbInfo) {
  w.break_tcb_signature = true;
  EXPECT_EQ(failed(), "tcb-info TCBINFO_SIG_INVALID");
  w = {};
  w.tcb_info = with(w.tcb_info, "2026-11-20", "2026-10-31");
  EXPECT_EQ(failed(), "tcb-info TCBINFO_EXPIRED");
  w = {};
  w.tcb_info = with(w.tcb_info, "2026-10-20", "2026-11-02");
  EXPECT_EQ(failed(), "tcb-info TCBINFO_NOT_YET_VALID");
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{{"\"version\":3", "\"version\":4"},
                                                                                 {"\"tcbType\":0", "\"tcbType\":1"},
                                                                                 {"UpToDate", "Splendid"},
                                                                                 {"\"pcesvn\":13", "\"pcesvn\":70000"},
                                                                                 {"{\"svn\":0},", ""},
                                                                                 {"\"fmspc\":\"5A", "\"fmspc\":\""}}) {
    w = {};
    w.tcb_info = with(w.tcb_info, from, to);
    EXPECT_EQ(failed(), "tcb-info TCBINFO_MALFORMED") << to;
  }
}

TEST_F(Intel, OnlyTcbInfoSubject) {
  w.tcb_info = with(w.tcb_info, "5A5A00000001", "5A5A00000002");
  EXPECT_EQ(failed(), "tcb-info-subject FMSPC_MISMATCH");
  w = {};
  w.tcb_info = with(w.tcb_info, "\"pceId\":\"0000\"", "\"pceId\":\"0001\"");
  EXPECT_EQ(failed(), "tcb-info-subject PCEID_MISMATCH");
  w = {};
  w.tcb_info = with(w.tcb_info, "\"id\":\"TDX\"", "\"id\":\"SGX\"");
  EXPECT_EQ(failed(), "tcb-info-subject TCBINFO_TEE_MISMATCH");
}

TEST_F(Intel, OnlyQeIdentity) {
  w.break_qe_signature = true;
  EXPECT_EQ(failed(), "qe-identity QEID_SIG_INVALID");
  w = {};
  w.qe_identity = with(w.qe_identity, "2026-11-21", "2026-10-31");
  EXPECT_EQ(failed(), "qe-identity QEID_EXPIRED");
  w = {};
  w.qe_identity = with(w.qe_identity, "2026-10-21", "2026-11-02");
  EXPECT_EQ(failed(), "qe-identity QEID_NOT_YET_VALID");
  w = {};
  w.qe_identity = with(w.qe_identity, "\"version\":2", "\"version\":3");
  EXPECT_EQ(failed(), "qe-identity QEID_MALFORMED");
}

TEST_F(Intel, OnlyQe) {
  const auto edited = [](std::size_t at, std::uint8_t value) {
    IntelWorld out;
    out.edit_qe = [=](Bytes& report) { report[at] = value; };
    return failures(out.judge());
  };
  EXPECT_EQ(edited(128, 0), "qe QE_MRSIGNER");
  EXPECT_EQ(edited(256, 1), "qe QE_ISVPRODID");
  EXPECT_EQ(edited(16, 1), "qe QE_MISCSELECT");
  EXPECT_EQ(edited(48, 0x13), "qe QE_ATTRIBUTES") << "debug";
  EXPECT_EQ(edited(48, 0x15), "") << "a bit outside the mask";
  EXPECT_EQ(edited(258, 1), "qe QE_TCB_NOT_SUPPORTED") << "below every level";
  w.qe_identity = with(w.qe_identity, "TD_QE", "QE");
  EXPECT_EQ(failed(), "qe QE_IDENTITY_MISMATCH");
}

TEST_F(Intel, OnlyTdxModule) {
  w.header_and_body[48 + 64] = 1;
  EXPECT_EQ(failed(), "tdx-module TDX_MODULE_MISMATCH") << "MRSIGNERSEAM";
  w = {};
  w.header_and_body[48 + 112] = 1;
  EXPECT_EQ(failed(), "tdx-module TDX_MODULE_MISMATCH") << "SEAMATTRIBUTES";
  w = {};
  w.header_and_body[48 + 1] = 2;
  EXPECT_EQ(failed(), "tdx-module TDX_MODULE_MISMATCH") << "no identity of that version";
  w = {};
  w.header_and_body[48] = 3;
  EXPECT_EQ(failed(), "tdx-module TDX_MODULE_TCB_NOT_SUPPORTED");
  w = {};
  w.header_and_body[48 + 1] = 0;  // the module of tdxModule: no identity is used, all components are compared
  EXPECT_EQ(text(), "UpToDate");
  w.header_and_body[48 + 64] = 1;
  EXPECT_EQ(failed(), "tdx-module TDX_MODULE_MISMATCH");
}

TEST_F(Intel, TheLevelIsTheHighestThatIsReached) {
  w.header_and_body[48 + 2] = 1;
  EXPECT_EQ(text(), "OutOfDateConfigurationNeeded");
  EXPECT_EQ(w.judge().advisories, std::vector<std::string>{"INTEL-SA-1"});
  w.header_and_body[48 + 2] = 0;
  EXPECT_EQ(text(), "TCB_NOT_SUPPORTED");
  EXPECT_TRUE(w.judge().advisories.empty());
  w = {};
  w.tcb_info = with(w.tcb_info, "\"pcesvn\":13", "\"pcesvn\":14");
  EXPECT_EQ(text(), "OutOfDateConfigurationNeeded") << "PCESVN counts too";
  // Levels in the wrong order in the document.
  w = {};
  const auto begin = w.tcb_info.rfind("\"tcbLevels\":[") + 13, middle = w.tcb_info.find("},{\"tcb\"", begin) + 1;
  const auto high = w.tcb_info.substr(begin, middle - begin),
             low = w.tcb_info.substr(middle + 1, w.tcb_info.size() - middle - 3);
  w.tcb_info = w.tcb_info.substr(0, begin) + low + "," + high + "]}";
  EXPECT_EQ(text(), "UpToDate");
}

TEST_F(Intel, TheWorstPartWins) {
  w.header_and_body[48] = 5;  // TDX module out of date
  EXPECT_EQ(text(), "OutOfDate");
  EXPECT_EQ(w.judge().advisories, std::vector<std::string>{"INTEL-SA-2"});
  w = {};
  w.edit_qe = [](Bytes& report) { report[258] = 3; };
  EXPECT_EQ(text(), "OutOfDate");
  EXPECT_EQ(w.judge().advisories, std::vector<std::string>{"INTEL-SA-3"});
}

TEST(TcbMerge, IsIntelsTable) {
  using enum TcbStatus;
  const std::vector<std::tuple<TcbStatus, TcbStatus, TcbStatus>> table{
      {up_to_date, up_to_date, up_to_date},
      {up_to_date, out_of_date, out_of_date},
      {sw_hardening_needed, out_of_date, out_of_date},
      {configuration_needed, out_of_date, out_of_date_configuration_needed},
      {configuration_and_sw_hardening_needed, out_of_date, out_of_date_configuration_needed},
      {out_of_date, out_of_date, out_of_date},
      {out_of_date_configuration_needed, up_to_date, out_of_date_configuration_needed},
      {sw_hardening_needed, configuration_needed, configuration_and_sw_hardening_needed},
      {td_relaunch_advised, up_to_date, td_relaunch_advised},
      {td_relaunch_advised, out_of_date, out_of_date},
      {td_relaunch_advised_configuration_needed, out_of_date, out_of_date_configuration_needed},
      {up_to_date, revoked, revoked},
      {not_supported, out_of_date, not_supported},
      {not_supported, revoked, revoked},
  };
  for (const auto& [a, b, expected] : table) {
    EXPECT_EQ(merge(a, b), expected) << to_string(a) << " + " << to_string(b);
    EXPECT_EQ(merge(b, a), expected) << to_string(b) << " + " << to_string(a);
  }
}

// The same TD before and after the machine's TDX module was updated under it (body type 3).
TEST_F(Intel, RelaunchIsAdvisedWhereItHelps) {
  const auto running_on = [](std::uint8_t module_svn, std::uint8_t late_microcode) {
    IntelWorld out;
    out.header_and_body[48] = 4;  // launched on an outdated module
    Bytes v5(out.header_and_body.begin(), out.header_and_body.begin() + 48);
    v5[0] = 5;
    append(v5, Bytes{3, 0, 0x88, 2, 0, 0});
    v5.insert(v5.end(), out.header_and_body.begin() + 48, out.header_and_body.end());
    v5.resize(v5.size() + 64);
    const auto svn2 = v5.size() - 64;
    v5[svn2] = module_svn;
    v5[svn2 + 1] = 1;
    v5[svn2 + 2] = late_microcode;
    out.header_and_body = v5;
    return verdict_text(out.judge());
  };
  EXPECT_EQ(running_on(6, 2), "TDRelaunchAdvised");
  EXPECT_EQ(running_on(4, 2), "OutOfDate") << "still the outdated module";
  EXPECT_EQ(running_on(6, 1), "OutOfDate") << "the module is new, the microcode is not";
  EXPECT_EQ(running_on(3, 2), "OutOfDate") << "now on a module that no level fits";
}

TEST_F(Intel, GraceKeepsStaleCollateralAlive) {
  w.tcb_info = with(w.tcb_info, "2026-11-20", "2026-10-31");
  EXPECT_EQ(failures(w.judge(w.files(), std::chrono::hours(23))), "tcb-info TCBINFO_EXPIRED");
  const auto v = w.judge(w.files(), std::chrono::hours(25));
  EXPECT_EQ(failures(v), "");
  EXPECT_EQ(v.fresh_until, w.now + std::chrono::hours(1)) << "until the policy says stop";
}

TEST_F(Intel, AMemoChangesNoVerdictAndSavesWork) {
  const auto collateral = IntelCollateral::read(w.files());
  const auto raw = w.quote();
  const auto trust = w.trust();
  SignatureMemo memo;
  IntelContext context{trust, w.now};
  context.collateral = collateral.get();
  context.memo = &memo;
  for (int i = 0; i < 2; ++i) {
    Verdict v;
    verify_intel_quote(v, parse_quote(raw).value(), context);
    EXPECT_EQ(verdict_text(v), "UpToDate");
    EXPECT_EQ(memo.size(), 6u) << "CA, signer, TCB info, QE identity, two lists";
  }
  w.break_tcb_signature = true;
  const auto forged = IntelCollateral::read(w.files());
  context.collateral = forged.get();
  Verdict v;
  verify_intel_quote(v, parse_quote(raw).value(), context);
  EXPECT_EQ(failures(v), "tcb-info TCBINFO_SIG_INVALID");
}

// --- Policy: each of its checks alone.

class PolicyTest : public Intel {
 protected:
  std::string refused() {
    auto v = w.judge();
    apply_policy(v, policy, w.now);
    return failures(v);
  }
  Policy policy;
};

TEST_F(PolicyTest, TheDefaultTakesWhatIsUpToDate) { EXPECT_EQ(refused(), ""); }

TEST_F(PolicyTest, OnlyKind) {
  policy.kinds = {TeeKind::snp};
  EXPECT_EQ(refused(), "kind KIND_NOT_ACCEPTED");
}

TEST_F(PolicyTest, StatusAndAdvisories) {
  w.header_and_body[48] = 5;
  EXPECT_EQ(refused(), "tcb-status TCB_STATUS, advisories ADVISORIES");
  policy.worst_tcb = TcbStatus::out_of_date;
  EXPECT_EQ(refused(), "advisories ADVISORIES");
  policy.allowed_advisories = {"INTEL-SA-2"};
  EXPECT_EQ(refused(), "");
  policy.allowed_advisories = {"INTEL-SA-1"};
  EXPECT_EQ(refused(), "advisories ADVISORIES");
  policy.any_advisory = true;
  EXPECT_EQ(refused(), "");
}

TEST_F(PolicyTest, OnlyEvaluationNumber) {
  policy.min_evaluation_number = 19;
  EXPECT_EQ(refused(), "");
  policy.min_evaluation_number = 20;
  EXPECT_EQ(refused(), "evaluation-number EVALUATION_NUMBER");
}

TEST_F(PolicyTest, OnlyPlatform) {
  policy.only_known_platforms = true;
  EXPECT_EQ(refused(), "platform-id PLATFORM_UNKNOWN");
  policy.platforms = {{Bytes(16), "gold"}};
  EXPECT_EQ(refused(), "");
  policy.tiers = {"silver"};
  EXPECT_EQ(refused(), "platform-id PLATFORM_TIER");
  policy.tiers = {"silver", "gold"};
  EXPECT_EQ(refused(), "");
}

TEST_F(PolicyTest, OnlyGpuAndOnlyImage) {
  policy.gpu_required = true;
  EXPECT_EQ(refused(), "gpu GPU_MISSING");
  policy.gpu_required = false;
  policy.image_hashes = {Bits256{}};
  EXPECT_EQ(refused(), "image IMAGE_NOT_LISTED");
  policy.image_hashes.push_back(image_hash(simulated_measurements("test")));
  EXPECT_EQ(refused(), "");
}

TEST_F(PolicyTest, AVerdictHoldsNoLongerThanThePolicySays) {
  policy.verdict_lifetime = std::chrono::minutes(5);
  auto v = w.judge();
  apply_policy(v, policy, w.now);
  EXPECT_EQ(v.fresh_until, w.now + std::chrono::minutes(5));
}

}  // namespace
}  // namespace cocoon::tee
