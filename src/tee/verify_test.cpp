#include "tee/verify.hpp"

#include <fstream>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "tee/certificate.hpp"
#include "tee/der.hpp"
#include "tee/pck.hpp"
#include "tee/quote.hpp"
#include "tee/snp.hpp"
#include "tee/verdict_testing.hpp"
#include "tee/x509_write.hpp"

namespace cocoon::tee {
namespace {

using testing::failures;

namespace fs = std::filesystem;

constexpr Time kNow = Time(std::chrono::seconds(1'790'000'000));

Bytes read_bytes(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  return to_bytes(text);
}

fs::path testdata() { return fs::path(COCOON_SOURCE_DIR) / "src/tee/testdata"; }

class SimulatedTee : public ::testing::Test {
 protected:
  Evidence evidence(Bytes quote) {
    TdxEvidence out;
    out.quote = std::move(quote);
    out.user_claims = to_bytes(key.view());
    return out;
  }
  Evidence good() { return evidence(platform.quote(image, report_data(key))); }
  Verdict judge_quote(Bytes quote) { return verify(evidence(std::move(quote)), key, policy, trust, kNow); }

  crypto::Random random{Bits256{}};
  crypto::PublicKey key = crypto::KeyPair(crypto::sha256(as_bytes("node"))).public_key();
  SimulatedRoot root = SimulatedRoot::create(random, kNow, "test");
  SimulatedPlatform platform = root.make_platform(random, kNow);
  TdxMeasurements image = simulated_measurements("cocoon-proxy 1");
  Policy policy;
  Trust trust{{root.trusted()}};
};

TEST_F(SimulatedTee, AGoodQuoteIsAccepted) {
  policy.image_hashes = {image_hash(image)};
  const auto peer = judge(good(), key, policy, trust, kNow);
  EXPECT_TRUE(peer.verdict.accepted) << peer.verdict.problem;
  EXPECT_EQ(peer.tee, TeeKind::tdx);
  EXPECT_EQ(peer.image_hash, image_hash(image));
  EXPECT_EQ(peer.verdict.tdx, image);
  EXPECT_TRUE(peer.verdict.simulated);
  EXPECT_EQ(failures(peer.verdict), "");
  EXPECT_EQ(as_text(peer.verdict.fmspc.view()), "COCOON");
  EXPECT_GT(peer.verdict.fresh_until, kNow);
  std::size_t passed = 0;
  for (const auto& check : peer.verdict.checks) passed += check.state == Check::State::passed;
  EXPECT_EQ(passed, 17u);
  EXPECT_EQ(peer.verdict.checks.size(), 19u) << "only collateral and status are not done";
}

// Each check fails alone.

TEST_F(SimulatedTee, OnlyExtensions) {
  auto half = std::get<TdxEvidence>(good());
  half.complete = false;
  EXPECT_EQ(failures(verify(half, key, policy, trust, kNow)), "extensions");
}

TEST_F(SimulatedTee, OnlyFormat) {
  auto quote = platform.quote(image, report_data(key));
  quote[0] = 6;
  EXPECT_EQ(failures(judge_quote(quote)), "format");
}

TEST_F(SimulatedTee, OnlyVendor) {
  auto signed_part = simulated_header_and_body(image, report_data(key));
  signed_part[12] ^= 1;
  EXPECT_EQ(failures(judge_quote(platform.complete_quote(signed_part))), "vendor");
}

TEST_F(SimulatedTee, OnlyValidity) {
  const auto late = verify(good(), key, policy, trust, kNow + std::chrono::hours(24 * 365 * 8));
  EXPECT_EQ(failures(late), "validity");
  EXPECT_EQ(late.reason, "PCK_EXPIRED");
  const auto early = verify(good(), key, policy, trust, kNow - std::chrono::hours(25));
  EXPECT_EQ(failures(early), "validity");
  EXPECT_EQ(early.reason, "PCK_NOT_YET_VALID");
}

TEST_F(SimulatedTee, OnlyChain) {
  // The same names under other keys: the signatures do not fit together.
  const auto other = SimulatedRoot::create(random, kNow, "test");
  const auto theirs = other.make_platform(random, kNow);
  auto theirs_pem = read_pem(theirs.chain_pem(), "CERTIFICATE", 3).value();
  auto ours_pem = read_pem(platform.chain_pem(), "CERTIFICATE", 3).value();
  auto mixed = platform.quote(image, report_data(key));
  const auto parsed = parse_quote(mixed).value();
  const auto chain = write_pem(ours_pem[0], "CERTIFICATE") + write_pem(theirs_pem[1], "CERTIFICATE") +
                     write_pem(ours_pem[2], "CERTIFICATE");
  const auto rebuilt =
      assemble_quote(parsed.signed_part, parsed.signature, parsed.attestation_key, parsed.qe_report_bytes,
                     parsed.qe_signature, parsed.qe_auth_data, as_bytes(chain));
  EXPECT_EQ(failures(judge_quote(rebuilt)), "chain");
}

TEST_F(SimulatedTee, OnlyRoot) {
  const auto other = SimulatedRoot::create(random, kNow, "test");
  trust.roots = {other.trusted(), Trust::intel()};
  EXPECT_EQ(failures(verify(good(), key, policy, trust, kNow)), "root");
  trust.roots.clear();
  EXPECT_EQ(failures(verify(good(), key, policy, trust, kNow)), "root");
}

// A quote whose PCK certificate and QE report the test makes itself.
class HandMade : public SimulatedTee {
 protected:
  Bytes quote(std::vector<Bytes> extensions, const Bits256* bound = nullptr, int leaf_path_length = -1) {
    CertificateSpec spec{"r", "r", root_key.point(), {}, kNow - std::chrono::hours(1), kNow + std::chrono::hours(1),
                         1,   {}};
    spec.serial[15] = 1;
    const auto root_der = issue_certificate(spec, root_key);
    trust.roots = {{crypto::sha256(root_der), "r", true}};
    spec.subject = "c";
    spec.key = ca_key.point();
    spec.path_length = 0;
    const auto ca = issue_certificate(spec, root_key);
    spec.subject = "p";
    spec.issuer = "c";
    spec.key = pck_key.point();
    spec.path_length = leaf_path_length;
    spec.extensions = std::move(extensions);
    const auto leaf = issue_certificate(spec, ca_key);
    const auto chain =
        write_pem(leaf, "CERTIFICATE") + write_pem(ca, "CERTIFICATE") + write_pem(root_der, "CERTIFICATE");
    const auto signed_part = simulated_header_and_body(image, report_data(key));
    Bytes preimage = to_bytes(attestation_key.point().view());
    append(preimage, Bytes(3));
    const auto qe_report = simulated_qe_report(bound ? *bound : crypto::sha256(preimage));
    return assemble_quote(signed_part, attestation_key.sign(signed_part), attestation_key.point(), qe_report,
                          pck_key.sign(qe_report), Bytes(3), as_bytes(chain));
  }
  Bytes sgx(Bytes value) { return der::write_extension(kSgxExtensionsOid, false, value); }

  P256Key root_key = P256Key::generate(random), ca_key = P256Key::generate(random), pck_key = P256Key::generate(random),
          attestation_key = P256Key::generate(random);
  Bytes good_sgx = sgx(sgx_extensions_value({}, {}));
};

TEST_F(HandMade, Good) { EXPECT_EQ(failures(judge_quote(quote({good_sgx}))), ""); }

TEST_F(HandMade, OnlyPlatform) {
  EXPECT_EQ(failures(judge_quote(quote({}))), "platform") << "no SGX extensions";
  EXPECT_EQ(failures(judge_quote(quote({good_sgx, good_sgx}))), "chain") << "twice";
  EXPECT_EQ(failures(judge_quote(quote({sgx({1, 2, 3})}))), "platform") << "rubbish";
  EXPECT_EQ(failures(judge_quote(quote({sgx(der::write_sequence({}))}))), "platform") << "empty";
}

TEST_F(HandMade, ALeafThatIsACaFailsTheChain) {
  EXPECT_EQ(failures(judge_quote(quote({good_sgx}, nullptr, 0))), "chain");
}

TEST_F(HandMade, OnlyQeBinding) {
  const Bits256 wrong = crypto::sha256(as_bytes("another key"));
  EXPECT_EQ(failures(judge_quote(quote({good_sgx}, &wrong))), "qe-binding");
}

TEST_F(SimulatedTee, OnlyQeSignature) {
  auto quote = platform.quote(image, report_data(key));
  quote[1154 + 40] ^= 1;
  EXPECT_EQ(failures(judge_quote(quote)), "qe-signature");
}

TEST_F(SimulatedTee, OnlyQuoteSignature) {
  auto quote = platform.quote(image, report_data(key));
  quote[636 + 10] ^= 1;
  EXPECT_EQ(failures(judge_quote(quote)), "quote-signature");
  std::fill_n(quote.begin() + 636, 64, std::uint8_t{0});
  EXPECT_EQ(failures(judge_quote(quote)), "quote-signature");
}

TEST_F(SimulatedTee, OnlyReportData) {
  const auto other = crypto::KeyPair(crypto::sha256(as_bytes("other"))).public_key();
  EXPECT_EQ(failures(verify(good(), other, policy, trust, kNow)), "report-data");
  EXPECT_EQ(failures(judge_quote(platform.quote(image, Bits512{}))), "report-data") << "empty report data";
}

TEST_F(SimulatedTee, OnlyDebugAndOnlyAttributes) {
  auto signed_part = simulated_header_and_body(image, report_data(key));
  signed_part[48 + 120] = 1;
  EXPECT_EQ(failures(judge_quote(platform.complete_quote(signed_part))), "debug");
  policy.allow_debug = true;
  EXPECT_EQ(failures(judge_quote(platform.complete_quote(signed_part))), "");
  signed_part[48 + 120] = 2;
  EXPECT_EQ(failures(judge_quote(platform.complete_quote(signed_part))), "attributes");
}

TEST_F(SimulatedTee, OnlyServiceTd) {
  const auto v4 = simulated_header_and_body(image, report_data(key));
  const auto v5 = [&](bool bound) {
    Bytes out(v4.begin(), v4.begin() + 48);
    out[0] = 5;
    append(out, Bytes{3, 0, 0x88, 2, 0, 0});
    out.insert(out.end(), v4.begin() + 48, v4.end());
    out.resize(out.size() + 64);
    if (bound) out.back() = 1;
    return platform.complete_quote(out);
  };
  EXPECT_EQ(failures(judge_quote(v5(false))), "");
  EXPECT_EQ(failures(judge_quote(v5(true))), "service-td");
  policy.allow_service_td = true;
  EXPECT_EQ(failures(judge_quote(v5(true))), "");
}

TEST_F(SimulatedTee, OnlyImage) {
  policy.image_hashes = {image_hash(simulated_measurements("another image"))};
  const auto peer = judge(good(), key, policy, trust, kNow);
  EXPECT_EQ(failures(peer.verdict), "image");
  EXPECT_EQ(peer.tee, TeeKind::none);
  EXPECT_EQ(peer.image_hash, image_hash_of_nothing());
  EXPECT_NE(peer.verdict.problem.find(to_hex(image_hash(image).view())), std::string::npos);
  EXPECT_FALSE(peer.verdict.advice.empty());
}

TEST_F(SimulatedTee, WithoutCollateralNoStatus) {
  trust.roots.front().simulated = false;  // as if this root were genuine
  EXPECT_EQ(failures(verify(good(), key, policy, trust, kNow)), "tcb-status");
  policy.accept_unevaluated_collateral = true;
  const auto verdict = verify(good(), key, policy, trust, kNow);
  EXPECT_TRUE(verdict.accepted);
  EXPECT_FALSE(verdict.simulated);
  EXPECT_EQ(verdict.checks.back().name == "image" && verdict.failed_check() == nullptr, true);
}

TEST_F(SimulatedTee, Policies) {
  const auto bare = [&](Policy::Level level, Evidence shown, std::vector<Bits256> images = {}) {
    Policy p;
    p.level = level;
    p.image_hashes = std::move(images);
    return judge(shown, key, p, trust, kNow);
  };
  const auto zero = image_hash_of_nothing();
  using enum Policy::Level;
  const Evidence plain = attest_plain_client()(key).value(), fake = attest_fake_tdx()(key).value(),
                 snp = attest_fake_snp()(key).value();
  EXPECT_TRUE(bare(any, NoEvidence{}).verdict.accepted);
  EXPECT_TRUE(bare(any, plain).verdict.accepted);
  EXPECT_TRUE(bare(any, snp).verdict.accepted);
  EXPECT_EQ(bare(any, good()).tee, TeeKind::none) << "accepted unread";
  EXPECT_FALSE(bare(any, NoEvidence{}, {zero}).verdict.accepted);
  EXPECT_FALSE(bare(any, good(), {image_hash(image)}).verdict.accepted);
  EXPECT_TRUE(bare(fake_tee, NoEvidence{}).verdict.accepted);
  EXPECT_FALSE(bare(fake_tee, NoEvidence{}, {zero}).verdict.accepted);
  EXPECT_EQ(bare(fake_tee, fake).tee, TeeKind::fake);
  EXPECT_EQ(bare(fake_tee, fake).image_hash, zero);
  EXPECT_TRUE(bare(fake_tee, fake, {zero}).verdict.accepted);
  EXPECT_FALSE(bare(fake_tee, fake, {image_hash(image)}).verdict.accepted);
  EXPECT_EQ(bare(fake_tee, snp).image_hash, image_hash(SnpMeasurements{}));
  EXPECT_EQ(failures(bare(tee, NoEvidence{}).verdict), "evidence");
  EXPECT_EQ(failures(bare(tee, plain).verdict), "format");
  EXPECT_EQ(failures(bare(tee, fake).verdict), "format");
  EXPECT_EQ(failures(bare(tee, snp).verdict), "format") << "a fake report has no version";
}

TEST_F(SimulatedTee, FlippedBytesEverywhereAreRefused) {
  const auto quote = platform.quote(image, report_data(key));
  const auto end = parse_quote(quote).value().pck_chain.data() - quote.data();
  for (std::size_t i = 0; i < static_cast<std::size_t>(end); i += 1 + i % 3) {
    auto flipped = quote;
    flipped[i] ^= 0x10;
    EXPECT_FALSE(judge_quote(flipped).accepted) << "byte " << i;
  }
}

TEST_F(SimulatedTee, EveryTruncationIsRefused) {
  const auto quote = platform.quote(image, report_data(key));
  for (std::size_t n = 0; n < quote.size(); n += n < 1300 ? 1 : 97)
    EXPECT_FALSE(judge_quote(Bytes(quote.begin(), quote.begin() + static_cast<std::ptrdiff_t>(n))).accepted) << n;
  auto longer = quote;
  longer.resize(longer.size() + 307);
  EXPECT_TRUE(judge_quote(longer).accepted) << "bytes after the signature data are ignored";
}

TEST_F(SimulatedTee, TheStateSurvivesADirectory) {
  const auto directory = fs::temp_directory_path() / ("cocoon-tee-test-" + std::to_string(::getpid()));
  fs::remove_all(directory);
  ASSERT_TRUE(root.save(directory / "root"));
  ASSERT_TRUE(platform.save(directory / "node"));
  EXPECT_EQ(fs::status(directory / "root/root-key.pem").permissions(), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_FALSE(fs::exists(directory / "node/root-key.pem"));
  const auto root_again = SimulatedRoot::load(directory / "root");
  const auto platform_again = SimulatedPlatform::load(directory / "node");
  ASSERT_TRUE(root_again && platform_again);
  EXPECT_EQ(root_again->trusted().sha256, root.trusted().sha256);
  EXPECT_EQ(failures(judge_quote(platform_again->quote(image, report_data(key)))), "");
  const auto second = root_again->make_platform(random, kNow);
  EXPECT_EQ(failures(judge_quote(second.quote(image, report_data(key)))), "");
  std::ofstream(directory / "node/platform-key.pem") << "rubbish";
  EXPECT_FALSE(SimulatedPlatform::load(directory / "node"));
  EXPECT_FALSE(SimulatedRoot::load(directory / "nowhere"));
  fs::remove_all(directory);
}

TEST(Images, AreStableAndDistinct) {
  EXPECT_EQ(simulated_measurements("a"), simulated_measurements("a"));
  EXPECT_NE(image_hash(simulated_measurements("a")), image_hash(simulated_measurements("b")));
}

// --- Vectors of wire.md 8

class Vectors : public ::testing::Test {
 protected:
  static boost::json::object vector(std::string_view id) {
    const auto text = read_bytes(testdata() / "attestation-vectors.json");
    const auto all = boost::json::parse(std::string(as_text(text)));
    for (const auto& item : all.as_array())
      if (item.at("id").as_string() == id) return item.as_object();
    ADD_FAILURE() << "no vector " << id;
    return {};
  }
  static std::string output(std::string_view id) { return std::string(vector(id).at("output").as_string()); }
  static void expect_extension(std::string_view id, const Bytes& der) {
    const auto v = vector(id);
    EXPECT_EQ(der.size(), static_cast<std::size_t>(v.at("total_bytes").as_int64())) << id;
    EXPECT_EQ(to_hex(crypto::sha256(der).view()), v.at("sha256").as_string()) << id;
  }
  crypto::PublicKey key() {
    return fixed_from_hex<32>(std::string(vector("claims-tdx").at("input").at("public_key").as_string())).value();
  }
  static Bits384 filled(std::uint8_t value) {
    Bits384 out;
    out.fill(value);
    return out;
  }
};

TEST_F(Vectors, ClaimsAndFakes) {
  EXPECT_EQ(to_hex(report_data(key()).view()), output("claims-tdx"));
  const auto tdx = std::get<TdxEvidence>(attest_fake_tdx()(key()).value());
  EXPECT_EQ(to_hex(crypto::sha256(tdx.quote).view()), output("fake-tdx-quote"));
  const auto snp = std::get<SnpEvidence>(attest_fake_snp()(key()).value());
  EXPECT_EQ(to_hex(crypto::sha256(snp.report).view()), output("fake-sev-report"));
}

TEST_F(Vectors, ImageHashes) {
  EXPECT_EQ(to_hex(image_hash_of_nothing().view()), output("imagehash-tdx-zero"));
  EXPECT_EQ(to_hex(image_hash(SnpMeasurements{}).view()), output("imagehash-sev-zero"));
  TdxMeasurements tdx{filled(0x10), filled(0x11), filled(0x12), filled(0x13), {}};
  for (std::uint8_t i = 0; i < 4; ++i) tdx.rtmr[i] = filled(static_cast<std::uint8_t>(0x14 + i));
  EXPECT_EQ(to_hex(image_hash(tdx).view()), output("imagehash-tdx"));
  EXPECT_EQ(to_hex(image_hash(SnpMeasurements{filled(0x20)}).view()), output("imagehash-sev"));
}

TEST_F(Vectors, Extensions) {
  const auto tdx = std::get<TdxEvidence>(attest_fake_tdx()(key()).value());
  const auto snp = std::get<SnpEvidence>(attest_fake_snp()(key()).value());
  expect_extension("ext-tdx-claims", der::write_extension(kTdxClaimsOid, true, tdx.user_claims));
  expect_extension("ext-tdx-fake-quote", der::write_extension(kTdxQuoteOid, true, tdx.quote));
  expect_extension("ext-sev-report-data", der::write_extension(kSnpReportDataOid, true, snp.report_data));
  expect_extension("ext-sev-fake-report", der::write_extension(kSnpReportOid, true, snp.report));
}

// --- Quotes that others made

// Everything but report data (made for no key of ours) and collateral.
std::string foreign_failures(const Bytes& quote, const Trust& trust, Time now) {
  Policy policy;
  policy.accept_unevaluated_collateral = policy.allow_debug = policy.allow_service_td = true;
  TdxEvidence evidence;
  evidence.quote = quote;
  auto verdict = verify(evidence, {}, policy, trust, now);
  std::erase_if(verdict.checks, [](const Check& c) { return c.name == "report-data"; });
  return failures(verdict);
}

TEST(SyntheticQuotes, Verify) {
  const Trust trust{{{crypto::sha256(read_bytes(testdata() / "synthetic-root.der")), "synthetic", false}}};
  const auto now = from_unix(1'793'491'200);  // 2026-11-01
  for (const char* name : {"quote-uptodate-v4.bin", "quote-uptodate-v5-bt2.bin", "quote-uptodate-v5-bt3.bin"}) {
    const auto quote = read_bytes(testdata() / name);
    EXPECT_EQ(foreign_failures(quote, trust, now), "") << name;
    EXPECT_EQ(foreign_failures(quote, Trust{{Trust::intel()}}, now), "root") << name;
    EXPECT_EQ(parse_quote(quote).value().header.version,
              std::string_view(name).find("v5") != std::string::npos ? 5 : 4);
  }
}

TEST(GenuineQuotes, TheRootKeyIdIsTheOneNodesList) {
  const auto file = fs::path(COCOON_SOURCE_DIR).parent_path() / "shared/attestation/quotes/tdx-v4-cocoon.bin";
  if (!fs::exists(file)) {
    std::cout << "the genuine quotes (../shared/attestation) are absent\n";
    return;
  }
  TdxEvidence evidence;
  evidence.quote = read_bytes(file);
  const auto verdict = verify(evidence, {}, Policy{}, Trust{{Trust::intel()}}, from_unix(1'771'027'200));
  EXPECT_EQ(to_hex(verdict.root_key_id.view()),
            "46e403bd34f05a3f2817ab9badcaacc7ffc98e0f261008cd30dae936cace18d5dcf58eef31463613de1570d516200993");
  EXPECT_NE(verdict.failed_check(), nullptr) << "without collateral a genuine quote is not accepted by default";
  EXPECT_EQ(to_hex(verdict.fmspc.view()), "90c06f000000");
}

}  // namespace
}  // namespace cocoon::tee
