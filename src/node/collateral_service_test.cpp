#include "node/collateral_service.hpp"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

#include "net/https_testing.hpp"
#include "net/testing.hpp"
#include "node/collateral_testing.hpp"
#include "node/service_answer.hpp"
#include "tee/nvidia_testing.hpp"
#include "tee/utc.hpp"

namespace cocoon::node {
namespace {

namespace fs = std::filesystem;

Bytes carried(const std::string& name) {
  std::ifstream in(fs::path(COCOON_SOURCE_DIR) / "src/tee/testdata/attestation/synthetic" / name, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  EXPECT_FALSE(text.empty()) << name;
  return to_bytes(text);
}

tee::IntelCollateralFiles files() {
  return {carried("tcbinfo-f9590baa.json"), carried("qeid-16614736.json"),  carried("tcb-signing.der"),
          carried("tcb-signing.der"),       carried("pckcrl-fea93a26.der"), carried("rootcrl-46c4e696.der")};
}

tee::Bundle bundle_of(tee::IntelCollateralFiles files) {
  tee::Bundle out;
  out.intel = std::move(files);
  return out;
}

class CollateralServiceTest : public ::testing::Test {
 protected:
  ~CollateralServiceTest() override { fs::remove_all(directory); }

  std::shared_ptr<CollateralService> make(std::string url) {
    CollateralOptions options;
    options.service = std::move(url);
    options.directory = directory;
    return CollateralService::make(loop.io.get_executor(), options, [this] { return now; }).value();
  }
  tee::TdxEvidence evidence() {
    tee::TdxEvidence out;
    out.quote = carried("quote-uptodate-v4.bin");
    return out;
  }
  std::string verdict_with(const tee::Collateral& collateral) {
    const tee::Trust trust{{{crypto::sha256(carried("root.der")), "synthetic", false}}};
    return tee::verdict_text(tee::verify_unbound(evidence(), {}, trust, now, collateral));
  }

  net::testing::Loop loop;
  Time now = tee::parse_utc("2026-11-01T00:00:00Z").value();
  std::string directory = (fs::temp_directory_path() / ("cocoon-collateral-" + std::to_string(::getpid()))).string();
};

TEST_F(CollateralServiceTest, WhatIsMissingIsFetchedAndKept) {
  testing::CollateralServer server(loop.io.get_executor(), files());
  const auto service = make(server.url());
  EXPECT_EQ(service->find(evidence()).intel, nullptr);
  EXPECT_EQ(verdict_with({}), "REJECT:COLLATERAL_MISSING");
  const auto name = tee::collateral_name(tee::parse_quote(evidence().quote).value()).value();
  loop.until([&] { return service->cache().fresh_until(name) != Time::min(); });
  EXPECT_EQ(server.targets.at(0), "/tdx/certification/v4/tcb?fmspc=5a5a5a5a0000");
  EXPECT_EQ(server.targets.size(), 4u);
  EXPECT_EQ(verdict_with(service->find(evidence())), "UpToDate");

  // The service goes away and the node starts again: the directory is enough.
  server.broken = true;
  const auto again = make(server.url());
  EXPECT_EQ(verdict_with(again->find(evidence())), "UpToDate");
  EXPECT_EQ(again->find(evidence()).intel->files(), files());
  loop.run([&]() -> net::Task<> {
    const auto fetched = co_await again->fetch(name);
    EXPECT_FALSE(fetched);
  });
  EXPECT_EQ(verdict_with(again->find(evidence())), "UpToDate") << "an outage loses nothing";
  server.close();
  loop.settle();
}

TEST_F(CollateralServiceTest, ABundleIsAlwaysAtHand) {
  fs::create_directories(directory);
  const auto path = directory + "/bundle";
  tee::Bundle bundle;
  bundle.intel = files();
  std::ofstream(path) << tee::write_bundle(bundle);
  CollateralOptions options;
  options.bundle = path;
  const auto service = CollateralService::make(loop.io.get_executor(), options, [this] { return now; }).value();
  EXPECT_EQ(verdict_with(service->find(evidence())), "UpToDate");
  options.bundle = directory + "/nothing";
  EXPECT_FALSE(CollateralService::make(loop.io.get_executor(), options));
}

// A page of /attestation holds no more than its reader takes, and nothing about other devices.
TEST_F(CollateralServiceTest, ABundlesReferenceValuesAreThoseOfTheDevices) {
  fs::create_directories(directory);
  tee::testing::Gpu gpu;
  const auto shown = gpu.show({});
  const auto names = tee::rim_names(shown).value();
  tee::Bundle bundle;
  bundle.nvidia.emplace();
  bundle.nvidia->rims = {{names[0], Bytes{1}}, {"NV_GPU_DRIVER_GH100_1.2", Bytes{2}}};
  bundle.nvidia->ocsp.assign(tee::kMaxOcspAnswers, Bytes{3});
  CollateralOptions options;
  options.bundle = directory + "/bundle";
  options.gpus = directory;
  std::ofstream(options.bundle) << tee::write_bundle(bundle);
  std::ofstream(directory + "/answer.der") << "ocsp";
  const auto service = CollateralService::make(loop.io.get_executor(), options, [this] { return now; }).value();
  const auto found = service->find_gpus({shown});
  EXPECT_EQ(found.rims, (std::map<std::string, Bytes>{{names[0], Bytes{1}}}));
  EXPECT_EQ(found.ocsp.size(), tee::kMaxOcspAnswers);
  tee::Bundle on_page;
  on_page.nvidia = found;
  EXPECT_TRUE(tee::read_bundle(tee::write_bundle(on_page)));
}

TEST(CollateralCache, RenewsInTheMiddleOfItsLifeAndForgetsTheOldest) {
  const auto now = tee::parse_utc("2026-11-01T00:00:00Z").value();
  CollateralCache cache("", 2);
  constexpr auto intel = CollateralCache::Vendor::intel;
  tee::IntelCollateralName a, b, c;
  a.fmspc[0] = 1;
  b.fmspc[0] = 2;
  c.fmspc[0] = 3;
  cache.want(a, now);
  EXPECT_TRUE(cache.due(CollateralCache::Vendor::amd, now).empty());
  EXPECT_EQ(cache.due(intel, now).size(), 1u);
  EXPECT_TRUE(cache.due(intel, now + std::chrono::seconds(1)).empty()) << "a failed fetch is not repeated at once";
  EXPECT_EQ(cache.due(intel, now + std::chrono::minutes(2)).size(), 1u);
  ASSERT_TRUE(cache.put(a, bundle_of(files()), now));
  const auto until = cache.fresh_until(a);
  ASSERT_GT(until, now);
  EXPECT_TRUE(cache.due(intel, now + (until - now) / 2 - std::chrono::seconds(1)).empty());
  EXPECT_EQ(cache.due(intel, now + (until - now) / 2 + std::chrono::seconds(1)).size(), 1u);
  cache.want(b, now + std::chrono::seconds(1));
  EXPECT_NE(cache.find(a, now + std::chrono::seconds(2)).intel, nullptr);
  cache.want(c, now + std::chrono::seconds(3));
  EXPECT_EQ(cache.size(), 2u);
  EXPECT_NE(cache.find(a, now).intel, nullptr) << "b was asked for least recently";
}

TEST(CollateralCache, WhatCannotBeReadIsNotKept) {
  CollateralCache cache("");
  auto broken = files();
  broken.pck_crl.pop_back();
  EXPECT_FALSE(cache.put({}, bundle_of(broken), Time{}));
  EXPECT_EQ(cache.find({}, Time{}).intel, nullptr);
  EXPECT_FALSE(cache.put(tee::AmdCollateralName{}, bundle_of(files()), Time{})) << "of another vendor";
}

TEST(CollateralAnswers, ListsComeInThreeForms) {
  const auto der = carried("rootcrl-46c4e696.der");
  EXPECT_EQ(read_crl_answer(as_text(der)).value(), der);
  EXPECT_EQ(read_crl_answer(to_hex(der) + "\n").value(), der);
  EXPECT_EQ(read_crl_answer(tee::write_pem(der, "X509 CRL")).value(), der);
  EXPECT_FALSE(read_crl_answer("<html>"));
  EXPECT_FALSE(signer_of_header(""));
}

TEST_F(CollateralServiceTest, AGpusReferenceValuesAreTakenByTheirNames) {
  fs::create_directories(directory);
  const auto put = [&](const std::string& name, std::string_view text) {
    std::ofstream(fs::path(directory) / name) << text;
  };
  CollateralOptions options;
  options.gpus = directory;
  const auto service = CollateralService::make(loop.io.get_executor(), options, [this] { return now; }).value();
  tee::testing::Gpu gpu;
  const auto find = [&] { return tee::files_about(gpu.show({}), service->find_gpus({gpu.show({}), gpu.show({})})); };
  EXPECT_EQ(find(), tee::NvidiaCollateral{});
  put("NV_GPU_DRIVER_GH100_550.90.07.xml", "driver");
  put("NV_GPU_DRIVER_GH100_550.90.08.xml", "another");
  put("NV_GPU_VBIOS_1010_0200_882_96009F0001.xml", "vbios");
  put("answer.der", "ocsp");
  EXPECT_EQ(find().rims, (std::vector<Bytes>{to_bytes("driver"), to_bytes("vbios")}));
  EXPECT_EQ(find().ocsp, (std::vector<Bytes>{to_bytes("ocsp")}));
  // What a device says of itself is no way out of the directory.
  put("secret.xml", "secret");
  for (const char* driver : {"/../secret", "..", "550/90", "", "550\n"}) {
    gpu.driver = driver;
    EXPECT_LE(find().rims.size(), 1u) << driver;
  }
  EXPECT_EQ(service->find_gpus({{to_bytes("no evidence"), ""}}).rims.size(), 0u);
}

// --- AMD

class AmdService : public CollateralServiceTest {
 protected:
  using Spec = tee::testing::Spec;
  static constexpr auto kYear = std::chrono::hours(24 * 365);

  AmdService() {
    const auto ca = [&](const std::string& subject, const std::string& issuer, EVP_PKEY* key, EVP_PKEY* by) {
      return tee::testing::issue(
          {subject, issuer, 5, now - kYear, now + 20 * kYear, true, "keyCertSign,cRLSign", {}, {}}, key, by);
    };
    served.ark = ca("ARK-Genoa", "ARK-Genoa", ark.get(), ark.get());
    served.ask = ca("SEV-Genoa", "ARK-Genoa", ask.get(), ark.get());
    served.crl = list({});
    const auto vcek = tee::testing::issue(
        {"SEV-VCEK", "SEV-Genoa", 6, now - kYear, now + kYear, std::nullopt, "", {}, {}}, chip.get(), ask.get());
    evidence.vcek = tee::write_pem(vcek, "CERTIFICATE");
  }
  Bytes list(const std::vector<std::uint32_t>& revoked, Duration life = kYear) {
    return tee::testing::issue_crl("ARK-Genoa", ark.get(), now - std::chrono::hours(1), now + life, revoked);
  }
  std::shared_ptr<CollateralService> make_amd(std::string url) {
    CollateralOptions options;
    options.amd_service = std::move(url);
    options.directory = directory;
    return CollateralService::make(loop.io.get_executor(), options, [this] { return now; }).value();
  }
  Result<> fetch(CollateralService& service) {
    Result<> out = fail("not run");
    loop.run([&]() -> net::Task<> { out = co_await service.fetch(name); });
    return out;
  }

  tee::testing::KeyPtr ark = tee::testing::rsa_key(), ask = tee::testing::rsa_key(), chip = tee::testing::p384_key();
  tee::AmdCollateral served;
  tee::SnpEvidence evidence;
  CollateralName name = tee::AmdCollateralName{tee::SnpProduct::genoa, false};
};

TEST_F(AmdService, WhatIsMissingIsFetchedAndKept) {
  testing::CollateralServer server(loop.io.get_executor(), {});
  server.amd = served;
  const auto service = make_amd(server.url());
  EXPECT_EQ(service->find(evidence).amd, nullptr);
  loop.until([&] { return service->find(evidence).amd != nullptr; });
  EXPECT_EQ(server.targets, (std::vector<std::string>{"/vcek/v1/Genoa/cert_chain", "/vcek/v1/Genoa/crl"}));
  EXPECT_EQ(*service->find(evidence).amd, served);
  EXPECT_EQ(service->cache().fresh_until(name), now + kYear);
  // It goes away, the node starts again: the directory is enough.
  server.broken = true;
  const auto again = make_amd(server.url());
  ASSERT_NE(again->find(evidence).amd, nullptr);
  EXPECT_EQ(*again->find(evidence).amd, served);
  EXPECT_FALSE(fetch(*again));
  EXPECT_NE(again->find(evidence).amd, nullptr) << "an outage loses nothing";
  server.close();
  loop.settle();
}

TEST_F(AmdService, WhatIsNotWholeOrNotAmdsIsNotTaken) {
  testing::CollateralServer server(loop.io.get_executor(), {});
  server.amd = served;
  const auto service = make_amd(server.url());
  ASSERT_TRUE(fetch(*service));
  const auto refused = [&](const std::function<void(tee::AmdCollateral&)>& spoil) {
    server.amd = served;
    spoil(server.amd);
    EXPECT_FALSE(fetch(*service));
    EXPECT_EQ(*service->find(evidence).amd, served) << "what is at hand stays";
  };
  refused([](auto& a) { a.crl.clear(); });
  refused([](auto& a) { a.crl.back() ^= 1; });
  refused([](auto& a) { a.ask.back() ^= 1; });
  refused([](auto& a) { std::swap(a.ask, a.ark); });
  refused([](auto& a) { a.ask = to_bytes("<html>"); });
  refused([](auto& a) { a.crl = Bytes(5 * 1024 * 1024, '0'); });
  // An older list is not followed back.
  server.amd = served;
  server.amd.crl = list({}, kYear / 2);
  EXPECT_TRUE(fetch(*service));
  EXPECT_EQ(*service->find(evidence).amd, served);
  server.amd.crl = list({6}, 2 * kYear);
  EXPECT_TRUE(fetch(*service));
  EXPECT_EQ(service->find(evidence).amd->crl, server.amd.crl);
  server.close();
  loop.settle();
}

TEST_F(AmdService, IsNotAskedAgainBeforeItSays) {
  testing::CollateralServer server(loop.io.get_executor(), {});
  server.amd = served;
  server.retry_after = 600;
  const auto service = make_amd(server.url());
  service->find(evidence);
  loop.until([&] { return server.targets.size() == 1; });
  loop.settle();
  server.retry_after = 0;
  const auto ask_later = [&](Duration later) {
    now += later;
    service->find(evidence);
    loop.settle();
  };
  ask_later(std::chrono::seconds(300));
  EXPECT_EQ(server.targets.size(), 1U);
  now += std::chrono::seconds(301);
  loop.until([&] { return service->find(evidence).amd != nullptr; });
  server.close();
  loop.settle();
}

TEST_F(AmdService, IsAskedByHttpsAndBelievedByTheFile) {
  const net::testing::TestRoot root;
  net::testing::HttpsServer server(
      loop, root.issue(), [&](net::testing::HttpsServer::Stream& stream, std::string head) -> net::Task<bool> {
        const bool chain = head.find("/cert_chain ") != head.npos;
        const auto body = chain ? tee::write_pem(served.ask, "CERTIFICATE") + tee::write_pem(served.ark, "CERTIFICATE")
                                : to_text(served.crl);
        std::string answer = fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", body.size(), body);
        co_return co_await net::testing::HttpsServer::say(stream, std::move(answer));
      });
  const auto refused = fetch(*make_amd(server.url()));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, net::net_untrusted) << refused.error().what;

  fs::create_directories(directory);
  CollateralOptions options;
  options.amd_service = server.url();
  options.ca_file = directory + "/ca.pem";
  const auto make = [&] { return CollateralService::make(loop.io.get_executor(), options, [this] { return now; }); };
  const auto missing = make();
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().what.find("tee.collateral_ca"), std::string::npos) << missing.error().what;
  std::ofstream(options.ca_file) << root.pem();
  const auto service = make().value();
  const auto fetched = fetch(*service);
  ASSERT_TRUE(fetched) << fetched.error().what;
  EXPECT_EQ(*service->find(evidence).amd, served);
  server.close();
  loop.settle();
}

TEST_F(AmdService, ARedirectionIsNamedAndNotFollowed) {
  testing::CollateralServer server(loop.io.get_executor(), {}), other(loop.io.get_executor(), {});
  other.amd = served;
  server.moved_to = other.url() + "/elsewhere";
  const auto service = make_amd(server.url());
  for (const int status : {301, 302, 307, 308}) {
    server.moved_status = status;
    const auto refused = fetch(*service);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().what.find(std::to_string(status)), std::string::npos) << refused.error().what;
    EXPECT_NE(refused.error().what.find(server.moved_to), std::string::npos) << refused.error().what;
  }
  EXPECT_TRUE(other.targets.empty());
  server.close();
  other.close();
  loop.settle();
}

TEST_F(AmdService, AServiceThatHangsCostsItsOwnCollateralOnly) {
  using Hang = testing::CollateralServer::Hang;
  testing::CollateralServer intel(loop.io.get_executor(), files()), amd(loop.io.get_executor(), {});
  amd.amd = served;
  CollateralOptions options;
  options.service = intel.url();
  options.amd_service = amd.url();
  for (const auto hang : {Hang::before_headers, Hang::in_body}) {
    intel.hangs = hang;
    options.patience = net::Millis(100);
    const auto hasty = CollateralService::make(loop.io.get_executor(), options, [this] { return now; }).value();
    int turns = 0;
    net::asio::steady_timer timer(loop.io);
    const std::function<void()> tick = [&] {
      timer.expires_after(net::Millis(1));
      timer.async_wait([&](boost::system::error_code ec) {
        if (ec) return;
        ++turns;
        tick();
      });
    };
    tick();
    loop.run([&]() -> net::Task<> {
      const auto fetched = co_await hasty->fetch(tee::IntelCollateralName{});
      EXPECT_FALSE(fetched);
      EXPECT_EQ(fetched ? 0 : fetched.error().code, int{net::net_timeout});
    });
    timer.cancel();
    EXPECT_GT(turns, 3) << "others go on meanwhile";

    // What is wanted of Intel waits; what is wanted of AMD comes.
    options.patience = net::Millis(20'000);
    const auto service = CollateralService::make(loop.io.get_executor(), options, [this] { return now; }).value();
    intel.targets.clear();
    const auto tdx = CollateralServiceTest::evidence();
    service->find(tdx);
    loop.until([&] { return !intel.targets.empty(); });
    service->find(evidence);
    loop.until([&] { return service->cache().fresh_until(name) != Time::min(); });
    EXPECT_EQ(service->find(tdx).intel, nullptr);
    EXPECT_EQ(intel.targets.size(), 1u);
    service->stop();
  }
  // It answers again: what was wanted comes when it is due again.
  intel.hangs = Hang::no;
  const auto service = CollateralService::make(loop.io.get_executor(), options, [this] { return now; }).value();
  const auto wanted = CollateralServiceTest::evidence();
  service->find(wanted);
  const auto intel_name = tee::collateral_name(tee::parse_quote(wanted.quote).value()).value();
  loop.until([&] { return service->cache().fresh_until(intel_name) != Time::min(); });
  intel.close();
  amd.close();
  loop.settle();
}

}  // namespace
}  // namespace cocoon::node
