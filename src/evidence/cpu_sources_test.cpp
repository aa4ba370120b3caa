#include <gtest/gtest.h>

#include "evidence/quote_service.hpp"
#include "evidence/recorded_testing.hpp"
#include "evidence/source.hpp"
#include "tee/snp_certificates.hpp"

namespace cocoon::evidence {
namespace {

using testing::RecordedKernel;

void put(Bytes& out, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

Challenge challenge() {
  Challenge out;
  for (std::size_t i = 0; i < 64; ++i) out.report_data[i] = static_cast<std::uint8_t>(i + 1);
  return out;
}

// Quotes and reports as far as a collector reads them.
Bytes quote_over(BytesView report_data) {
  Bytes out;
  put(out, 4, 2);
  put(out, 2, 2);
  put(out, 0x81, 4);
  out.resize(48 + 520, 0);
  append(out, report_data);
  out.resize(out.size() + 100, 0xee);
  return out;
}
Bytes snp_report_over(BytesView report_data, bool vlek = false) {
  Bytes out(1184, 0);
  out[0] = 3;
  std::ranges::copy(report_data, out.begin() + 0x50);
  if (vlek) out[0x48] = 1 << 2;
  return out;
}
Bytes certificate_table() {
  Bytes out;
  const auto entry = [&out](std::string_view guid, std::uint32_t offset, std::uint32_t size) {
    append(out, from_hex(guid).value());
    put(out, offset, 4);
    put(out, size, 4);
  };
  entry("63da758de6644564adc5f4b93be8accd", 120, 4);  // VCEK
  entry("c0b406a4a803495297433fb6014cd0ae", 124, 3);  // ARK
  entry("79b3b74aacbbe44fa02f05aef327c782", 127, 3);  // ASK, in the mixed order of bytes
  entry("00000000000000000000000000000001", 0, 0);    // unknown
  out.resize(120, 0);
  append(out, as_bytes("VCEKARKASK"));
  return out;
}

class Tsm : public ::testing::Test {
 protected:
  Tsm() {
    kernel->record("/sys/kernel/config/tsm/report/other/provider", as_bytes("tdx_guest\n"));
    kernel->report = [](BytesView inblob) { return quote_over(inblob); };
  }
  std::shared_ptr<RecordedKernel> kernel = std::make_shared<RecordedKernel>();
};

TEST_F(Tsm, TdxQuotes) {
  const auto found = tsm_source(kernel)->collect(challenge());
  ASSERT_TRUE(found) << found.error().what;
  EXPECT_EQ(std::get<tee::TdxEvidence>(found->cpu).quote, quote_over(challenge().report_data.view()));
  EXPECT_EQ(kernel->entries, 0) << "the entry is removed";
  EXPECT_TRUE(tsm_source(kernel)->collect(challenge())) << "and can be made again";
}

TEST_F(Tsm, SnpReportsWithTheHostsCertificates) {
  kernel->provider = "sev_guest\n";
  kernel->has_privlevel = true;
  kernel->report = [](BytesView inblob) { return snp_report_over(inblob); };
  kernel->auxblob = certificate_table();
  const auto found = tsm_source(kernel, 2)->collect(challenge());
  ASSERT_TRUE(found) << found.error().what;
  const auto& snp = std::get<tee::SnpEvidence>(found->cpu);
  EXPECT_EQ(snp.report, snp_report_over(challenge().report_data.view()));
  EXPECT_EQ(snp.report_data, to_bytes(challenge().report_data.view()));
  EXPECT_NE(snp.vcek.find("VkNFSw=="), std::string::npos) << "\"VCEK\"";
  EXPECT_EQ(found->amd.ark, to_bytes("ARK"));
  EXPECT_EQ(found->amd.ask, to_bytes("ASK"));
  EXPECT_EQ(kernel->last_privlevel, to_bytes("2"));
  kernel->auxblob.clear();
  EXPECT_EQ(std::get<tee::SnpEvidence>(tsm_source(kernel)->collect(challenge())->cpu).vcek, "");
}

TEST_F(Tsm, SomebodyElsesGenerationMeansAnotherTry) {
  kernel->changed_generations = 3;
  EXPECT_TRUE(tsm_source(kernel)->collect(challenge()));
  kernel->changed_generations = 1000;
  const auto never = tsm_source(kernel)->collect(challenge());
  ASSERT_FALSE(never);
  EXPECT_EQ(never.error().code, EBUSY);
  EXPECT_EQ(kernel->entries, 0);
}

TEST_F(Tsm, ABusyKernelMeansAnotherTry) {
  kernel->busy_reads = 4;
  EXPECT_TRUE(tsm_source(kernel)->collect(challenge()));
  kernel->busy_reads = 1000;
  EXPECT_FALSE(tsm_source(kernel)->collect(challenge()));
  EXPECT_EQ(kernel->entries, 0);
}

TEST_F(Tsm, NoPermissionSaysWhatToDo) {
  kernel->make_fails = EACCES;
  const auto denied = tsm_source(kernel)->collect(challenge());
  ASSERT_FALSE(denied);
  EXPECT_NE(denied.error().what.find("run as root"), std::string::npos) << denied.error().what;
  kernel->make_fails = 0;
  kernel->read_fails = EPERM;
  EXPECT_NE(tsm_source(kernel)->collect(challenge()).error().what.find("run as root"), std::string::npos);
}

TEST_F(Tsm, AShortReadIsAnError) {
  kernel->short_read = 150;
  EXPECT_FALSE(tsm_source(kernel)->collect(challenge()));
  kernel->provider = "sev_guest\n";
  kernel->report = [](BytesView inblob) { return snp_report_over(inblob); };
  kernel->short_read = 1;
  EXPECT_FALSE(tsm_source(kernel)->collect(challenge()));
}

TEST_F(Tsm, AnAnswerToAnotherChallengeIsAnError) {
  kernel->report = [](BytesView) { return quote_over(Bytes(64, 7)); };
  const auto found = tsm_source(kernel)->collect(challenge());
  ASSERT_FALSE(found);
  EXPECT_NE(found.error().what.find("another challenge"), std::string::npos);
}

TEST_F(Tsm, AnUnknownProviderIsAnError) {
  kernel->provider = "arm_cca_guest\n";
  EXPECT_FALSE(tsm_source(kernel)->collect(challenge()));
}

TEST_F(Tsm, LeftOverEntriesAreInNobodysWay) {
  kernel->record("/sys/kernel/config/tsm/report/cocoon0/provider", as_bytes("tdx_guest\n"));
  EXPECT_TRUE(tsm_source(kernel)->collect(challenge()));
  EXPECT_TRUE(kernel->exists("/sys/kernel/config/tsm/report/cocoon0"));
}

// --- Devices

Bytes td_report_over(const Bits512& report_data) {
  // A TDINFO of zeros, and its SHA-384.
  const auto hash = from_hex(
                        "d83d9a38c238ef3b7bc207bbea3287a8b37b37e731480a8d"
                        "240d2a6953086c5ecbdf7ee4c72fec3a3e9d4a87f4f9b4fe")
                        .value();
  Bytes out(1024, 0);
  out[0] = 0x81;
  std::ranges::copy(report_data, out.begin() + 128);
  std::ranges::copy(hash, out.begin() + 80);
  return out;
}

Bytes quote_answer(BytesView quote) {
  Bytes out;
  put(out, 1, 2);
  put(out, 0, 2);
  put(out, 1, 4);
  put(out, 24 + 3 + quote.size(), 4);
  put(out, 0, 4);
  put(out, 3, 4);
  put(out, quote.size(), 4);
  append(out, as_bytes("id1"));
  append(out, quote);
  return out;
}

TEST(QuoteService, RequestsAndAnswers) {
  const Bytes report(1024, 5);
  const auto request = quote_request(report);
  ASSERT_EQ(request.size(), 24u + 1024u);
  EXPECT_EQ(to_hex(BytesView(request).first(24)),
            "01000000"
            "00000000"
            "18040000"
            "00000000"
            "00040000"
            "00000000");
  const auto quote = to_bytes("a quote");
  const auto answer = quote_answer(quote);
  EXPECT_EQ(quote_of_answer(answer).value(), quote);
  for (std::size_t n = 0; n < answer.size(); ++n) EXPECT_FALSE(quote_of_answer(BytesView(answer).first(n))) << n;
  for (const std::size_t at : {0u, 4u, 8u, 12u, 16u, 20u}) {
    auto changed = answer;
    changed[at] ^= 0x40;
    EXPECT_FALSE(quote_of_answer(changed)) << at;
  }
}

TEST(TdxDevice, QuotesThroughTheHostsService) {
  const auto kernel = std::make_shared<RecordedKernel>();
  const auto source = tdx_device_source(kernel);
  kernel->tdx = [](const Bits512& data) -> Result<Bytes> { return td_report_over(data); };
  kernel->quote_service = [](BytesView request) -> Result<Bytes> {
    return quote_answer(quote_over(request.subspan(24 + 128, 64)));
  };
  const auto found = source->collect(challenge());
  ASSERT_TRUE(found) << found.error().what;
  EXPECT_EQ(std::get<tee::TdxEvidence>(found->cpu).quote, quote_over(challenge().report_data.view()));
  kernel->quote_service = [](BytesView) -> Result<Bytes> { return quote_answer(quote_over(Bytes(64, 7))); };
  EXPECT_FALSE(source->collect(challenge())) << "an answer to another challenge";
  kernel->quote_service = [](BytesView) -> Result<Bytes> { return fail(ECONNREFUSED, "refused"); };
  EXPECT_FALSE(source->collect(challenge()));
  kernel->tdx = [](const Bits512&) -> Result<Bytes> { return Bytes(1000, 0x81); };
  EXPECT_FALSE(source->collect(challenge())) << "a short report";
  kernel->tdx = [](const Bits512&) -> Result<Bytes> { return fail(EACCES, "denied"); };
  EXPECT_NE(source->collect(challenge()).error().what.find("run as root"), std::string::npos);
}

TEST(SnpDevice, ReportsAndTheirFaults) {
  const auto kernel = std::make_shared<RecordedKernel>();
  const auto source = snp_device_source(kernel, 1);
  const auto response = [](std::uint32_t status, BytesView report) {
    Bytes out;
    put(out, status, 4);
    put(out, report.size(), 4);
    out.resize(32, 0);
    append(out, report);
    out.resize(4000, 0);
    return out;
  };
  unsigned asked_vmpl = 99;
  kernel->snp = [&](const Bits512& data, unsigned vmpl) -> Result<SnpDeviceReport> {
    asked_vmpl = vmpl;
    return SnpDeviceReport{response(0, snp_report_over(data.view())), certificate_table()};
  };
  const auto found = source->collect(challenge());
  ASSERT_TRUE(found) << found.error().what;
  EXPECT_EQ(std::get<tee::SnpEvidence>(found->cpu).report, snp_report_over(challenge().report_data.view()));
  EXPECT_EQ(asked_vmpl, 1u);
  kernel->snp = [&](const Bits512& data, unsigned) -> Result<SnpDeviceReport> {
    return SnpDeviceReport{response(0x16, snp_report_over(data.view())), {}};
  };
  EXPECT_FALSE(source->collect(challenge())) << "the firmware refuses";
  kernel->snp = [&](const Bits512& data, unsigned) -> Result<SnpDeviceReport> {
    return SnpDeviceReport{response(0, BytesView(snp_report_over(data.view())).first(1000)), {}};
  };
  EXPECT_FALSE(source->collect(challenge())) << "short";
  kernel->snp = [](const Bits512&, unsigned) -> Result<SnpDeviceReport> { return fail(EBUSY, "busy"); };
  EXPECT_NE(source->collect(challenge()).error().what.find("try again"), std::string::npos);
}

TEST(SnpCertificates, HostileTablesAreErrors) {
  const auto good = certificate_table();
  EXPECT_EQ(tee::parse_snp_certificates(good)->vcek, to_bytes("VCEK"));
  EXPECT_TRUE(tee::parse_snp_certificates({}));
  auto outside = good;
  outside[16] = 0xff;
  outside[17] = 0xff;
  EXPECT_FALSE(tee::parse_snp_certificates(outside));
  auto long_one = good;
  long_one[20] = 0xff;
  EXPECT_FALSE(tee::parse_snp_certificates(long_one));
  EXPECT_FALSE(tee::parse_snp_certificates(Bytes(1000, 1))) << "no end";
  EXPECT_FALSE(tee::parse_snp_certificates(Bytes(65 * 1024)));
}

TEST(LinuxKernel, FilesUnderARootOfOurOwn) {
  RecordedKernel tree;
  tree.record("/sys/firmware/log", as_bytes("twelve bytes"));
  const auto kernel = linux_kernel(tree.root());
  EXPECT_EQ(kernel->read("/sys/firmware/log", 12).value(), to_bytes("twelve bytes"));
  EXPECT_EQ(kernel->read("/sys/firmware/log", 11).error().code, EFBIG);
  EXPECT_EQ(kernel->read("/sys/none", 12).error().code, ENOENT);
  EXPECT_EQ(kernel->tdx_report("/dev/tdx_guest", {}).error().code, ENOENT);
  EXPECT_EQ(kernel->snp_report("/dev/sev-guest", {}, 0).error().code, ENOENT);
  EXPECT_EQ(kernel->tdx_report("/sys/firmware/log", {}).error().code, ENOTTY) << "not that device";
  EXPECT_TRUE(kernel->make_directory("/sys/new"));
  EXPECT_EQ(kernel->make_directory("/sys/new").error().code, EEXIST);
  EXPECT_TRUE(kernel->remove_directory("/sys/new"));
  EXPECT_FALSE(kernel->exists("/sys/new"));
}

TEST(AttestWith, EvidenceIsOverTheCertificatesKey) {
  const auto kernel = std::make_shared<RecordedKernel>();
  kernel->record("/sys/kernel/config/tsm/report/other/provider", {});
  kernel->report = [](BytesView inblob) { return quote_over(inblob); };
  const auto key = crypto::KeyPair(crypto::sha256(as_bytes("node"))).public_key();
  const auto attester = attest_with(tsm_source(kernel));
  const auto tdx = attester(key);
  ASSERT_TRUE(tdx) << tdx.error().what;
  EXPECT_EQ(std::get<tee::TdxEvidence>(*tdx).quote, quote_over(tee::report_data(key).view()));
  EXPECT_EQ(std::get<tee::TdxEvidence>(*tdx).user_claims, to_bytes(key.view()));
  kernel->provider = "sev_guest\n";
  kernel->report = [](BytesView inblob) { return snp_report_over(inblob); };
  EXPECT_FALSE(attester(key)) << "no endorsement";
  kernel->auxblob = certificate_table();
  const auto snp = attester(key);
  ASSERT_TRUE(snp) << snp.error().what;
  EXPECT_EQ(std::get<tee::SnpEvidence>(*snp).report_data, to_bytes(tee::report_data(key).view()));
  kernel->make_fails = EACCES;
  EXPECT_TRUE(attester(key).error().what.starts_with("configfs-tsm: ")) << attester(key).error().what;
}

TEST(Detect, TheBestInterfaceIsTaken) {
  const auto kernel = std::make_shared<RecordedKernel>();
  const auto none = detect_cpu_source(kernel);
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().what.find("/dev/sev-guest"), std::string::npos) << "the error lists what was looked for";
  kernel->record("/dev/sev-guest", {});
  EXPECT_EQ(detect_cpu_source(kernel).value()->name(), "/dev/sev-guest");
  kernel->record("/dev/tdx_guest", {});
  EXPECT_EQ(detect_cpu_source(kernel).value()->name(), "/dev/tdx_guest");
  kernel->record("/sys/kernel/config/tsm/report/x", {});
  EXPECT_EQ(detect_cpu_source(kernel).value()->name(), "configfs-tsm");
}

}  // namespace
}  // namespace cocoon::evidence
