#include "tee/certificate.hpp"

#include <gtest/gtest.h>

#include "tee/der.hpp"
#include "tee/p256.hpp"
#include "tee/quote.hpp"
#include "tee/verify.hpp"

namespace cocoon::tee {
namespace {

using namespace der;

constexpr Time kNow = Time(std::chrono::seconds(1'790'000'000));

// A certificate made wrong on purpose.
struct Recipe {
  int version = 2;  // the field's value: 2 is v3
  std::string subject = "cocoon", issuer = "cocoon";
  Time from = kNow - std::chrono::minutes(1), until = kNow + std::chrono::hours(24);
  std::vector<std::string> dns = {"localhost", "127.0.0.1"};
  bool ip_name = false;  // an iPAddress 127.0.0.1
  std::vector<std::string> purposes = {"1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"};
  Bytes first;  // extensions in front
};

Bytes build(const Recipe& r, const crypto::KeyPair& key, const crypto::KeyPair& signer) {
  const auto algorithm = write_sequence({write_oid("1.3.101.112")});
  Bytes extensions = r.first;
  append(extensions, write_extension("2.5.29.15", true, write_bits(Bytes{0x80}, 7)));
  Bytes purposes, names;
  for (const auto& p : r.purposes) append(purposes, write_oid(p));
  if (!purposes.empty()) append(extensions, write_extension("2.5.29.37", true, item(sequence, purposes)));
  for (const auto& name : r.dns) append(names, item(0x82, as_bytes(name)));
  if (r.ip_name) append(names, item(0x87, Bytes{127, 0, 0, 1}));
  if (!names.empty()) append(extensions, write_extension("2.5.29.17", false, item(sequence, names)));
  const auto version = r.version == 0 ? Bytes{} : item(0xa0, write_small(static_cast<std::uint32_t>(r.version)));
  const auto validity = write_sequence({write_time(unix_time(r.from)), write_time(unix_time(r.until))});
  const auto body = write_sequence({version, write_small(77), algorithm, write_name(r.issuer), validity,
                                    write_name(r.subject), write_sequence({algorithm, write_bits(key.public_key())}),
                                    item(0xa3, item(sequence, extensions))});
  return write_sequence({body, algorithm, write_bits(signer.sign(body))});
}

class CertificateTest : public ::testing::Test {
 protected:
  Bytes make(const Recipe& r = {}) { return build(r, key, key); }
  bool reads(const Bytes& der, Side side = Side::server) { return read_certificate(der, side, kNow).has_value(); }
  std::string refusal(const Bytes& der, Side side = Side::server) {
    const auto facts = read_certificate(der, side, kNow);
    return facts ? "accepted" : facts.error().what;
  }
  crypto::Random random{Bits256{}};
  crypto::KeyPair key{crypto::sha256(as_bytes("key"))}, other{crypto::sha256(as_bytes("other"))};
};

TEST_F(CertificateTest, OursAreReadBack) {
  auto root = SimulatedRoot::create(random, kNow, "test");
  const auto image = simulated_measurements("cocoon-worker 1");
  for (const auto& attester : {attest_nothing(), attest_plain_client(), attest_fake_tdx(), attest_fake_snp(),
                               attest_simulated(root.make_platform(random, kNow), image)}) {
    const auto identity = make_identity(attester, random, kNow);
    ASSERT_TRUE(identity);
    const bool signed_afresh =
        identity->certificate.size() > 3000;  // a simulated quote: its signature is never the same
    EXPECT_EQ(identity->renew_at, kNow + std::chrono::hours(1));
    for (const auto side : {Side::server, Side::client}) {
      const auto facts = read_certificate(identity->certificate, side, kNow);
      ASSERT_TRUE(facts) << facts.error().what;
      EXPECT_EQ(facts->public_key, identity->key.public_key());
      const auto shown = attester(facts->public_key).value();
      EXPECT_EQ(facts->evidence.index(), shown.index());
      if (!signed_afresh) {
        EXPECT_EQ(facts->evidence, shown);
      }
      EXPECT_EQ(facts->not_before, kNow - std::chrono::minutes(1));
      EXPECT_EQ(facts->not_after, kNow + std::chrono::hours(24));
    }
  }
  const auto simulated = make_identity(attest_simulated(root.make_platform(random, kNow), image), random, kNow);
  const auto facts = read_certificate(simulated->certificate, Side::client, kNow);
  const auto peer = judge(facts->evidence, facts->public_key, Policy{}, Trust{{root.trusted()}}, kNow);
  EXPECT_TRUE(peer.verdict.accepted) << peer.verdict.problem;
  EXPECT_EQ(peer.image_hash, image_hash(image));
}

TEST_F(CertificateTest, ExtensionsComeInTheOrderOfTheSpec) {
  const auto der = make_certificate(key, attest_plain_client()(key.public_key()).value(), {}, kNow);
  std::size_t at = 0;
  for (const auto& extension :
       {write_oid(kTdxQuoteOid), write_oid(kTdxClaimsOid), write_oid("2.5.29.19"), write_oid("2.5.29.15"),
        write_oid("2.5.29.37"), write_oid("2.5.29.14"), write_oid("2.5.29.17")}) {
    const auto found =
        std::search(der.begin() + static_cast<std::ptrdiff_t>(at), der.end(), extension.begin(), extension.end());
    ASSERT_NE(found, der.end());
    at = static_cast<std::size_t>(found - der.begin());
  }
  EXPECT_EQ(as_text(der).find(as_text(write_oid("2.5.29.35"))), std::string_view::npos) << "no authorityKeyIdentifier";
}

TEST_F(CertificateTest, VersionOneWithExtensionsIsTaken) {
  Recipe r;
  r.version = 0;
  EXPECT_EQ(refusal(make(r)), "accepted");
}

TEST_F(CertificateTest, OnlyValidity) {
  Recipe late, early;
  late.until = kNow - std::chrono::seconds(1);
  early.from = kNow + std::chrono::seconds(1);
  EXPECT_NE(refusal(make(late)).find("expired"), std::string::npos);
  EXPECT_NE(refusal(make(early)).find("not valid yet"), std::string::npos);
  late.until = kNow;
  early.from = kNow;
  EXPECT_TRUE(reads(make(late)) && reads(make(early))) << "the bounds themselves are valid";
}

TEST_F(CertificateTest, OnlySignatureAndOnlySelf) {
  EXPECT_NE(refusal(build({}, key, other)).find("signature"), std::string::npos);
  Recipe issued;
  issued.issuer = "somebody else";
  EXPECT_NE(refusal(make(issued)).find("self-signed"), std::string::npos);
}

TEST_F(CertificateTest, OnlyPurpose) {
  Recipe client, server, none;
  client.purposes = {"1.3.6.1.5.5.7.3.2"};
  server.purposes = {"1.3.6.1.5.5.7.3.1"};
  none.purposes = {};
  EXPECT_NE(refusal(make(client), Side::server).find("not made for"), std::string::npos);
  EXPECT_TRUE(reads(make(client), Side::client));
  EXPECT_NE(refusal(make(server), Side::client).find("not made for"), std::string::npos);
  EXPECT_TRUE(reads(make(server), Side::server));
  EXPECT_TRUE(reads(make(none), Side::server) && reads(make(none), Side::client)) << "absence is fine";
}

TEST_F(CertificateTest, OnlyName) {
  Recipe wrong, nameless, ip_only;
  wrong.dns = {"localhost"};
  EXPECT_NE(refusal(make(wrong)).find("DNS name"), std::string::npos);
  EXPECT_TRUE(reads(make(wrong), Side::client)) << "a client needs no name";
  ip_only.dns = {};
  ip_only.ip_name = true;
  EXPECT_NE(refusal(make(ip_only)).find("DNS name"), std::string::npos);
  nameless.dns = {};
  EXPECT_FALSE(reads(make(nameless)));
  nameless.subject = nameless.issuer = "127.0.0.1";
  EXPECT_TRUE(reads(make(nameless))) << "the common name counts when there is no DNS name";
}

TEST_F(CertificateTest, OnlyCriticalExtensions) {
  Recipe unknown, lenient, twice;
  unknown.first = write_extension("1.2.3.4", true, Bytes{1});
  EXPECT_NE(refusal(make(unknown)).find("unknown critical"), std::string::npos);
  lenient.first = write_extension("1.2.3.4", false, Bytes{1});
  EXPECT_TRUE(reads(make(lenient)));
  twice.first = join({write_extension(kTdxQuoteOid, true, Bytes{1}), write_extension(kTdxQuoteOid, true, Bytes{1})});
  EXPECT_NE(refusal(make(twice)).find("repeats"), std::string::npos);
}

TEST_F(CertificateTest, OnlyFamilies) {
  Recipe both, quiet, half;
  both.first = join({write_extension(kTdxQuoteOid, true, Bytes{1}), write_extension(kSnpReportOid, true, Bytes{1})});
  EXPECT_NE(refusal(make(both)).find("together"), std::string::npos);
  quiet.first = join({write_extension(kTdxQuoteOid, false, Bytes{1}), write_extension(kSnpReportOid, false, Bytes{1})});
  const auto facts = read_certificate(make(quiet), Side::server, kNow);
  ASSERT_TRUE(facts);
  EXPECT_TRUE(std::holds_alternative<NoEvidence>(facts->evidence)) << "not critical: ignored";
  half.first = write_extension(kTdxQuoteOid, true, Bytes{1});
  const auto incomplete = read_certificate(make(half), Side::server, kNow);
  ASSERT_TRUE(incomplete);
  EXPECT_FALSE(std::get<TdxEvidence>(incomplete->evidence).complete);
}

TEST_F(CertificateTest, OnlySizes) {
  Recipe large, limit;
  limit.first =
      join({write_extension(kTdxQuoteOid, true, Bytes(kMaxQuote)), write_extension(kTdxClaimsOid, true, Bytes(32))});
  EXPECT_EQ(refusal(make(limit)), "accepted");
  large.first = write_extension(kTdxQuoteOid, true, Bytes(kMaxQuote + 1));
  EXPECT_NE(refusal(make(large)).find("larger"), std::string::npos);
  EXPECT_FALSE(reads({}));
  EXPECT_FALSE(reads(Bytes(kMaxCertificate + 1)));
  auto longer = make();
  longer.push_back(0);
  EXPECT_FALSE(reads(longer)) << "trailing bytes";
}

TEST_F(CertificateTest, OnlyKeyType) {
  auto p256 = P256Key::generate(random);
  const auto algorithm = write_sequence({write_oid("1.2.840.10045.4.3.2")});
  const auto key_info =
      write_sequence({write_sequence({write_oid("1.2.840.10045.2.1"), write_oid("1.2.840.10045.3.1.7")}),
                      write_bits(join({Bytes{4}, to_bytes(p256.point().view())}))});
  const auto validity = write_sequence({write_time(unix_time(kNow)), write_time(unix_time(kNow) + 100)});
  const auto body = write_sequence({item(0xa0, write_small(2)), write_small(1), algorithm, write_name("127.0.0.1"),
                                    validity, write_name("127.0.0.1"), key_info});
  const auto der = write_sequence({body, algorithm, write_bits(p256_signature_der(p256.sign(body)))});
  EXPECT_NE(refusal(der).find("Ed25519"), std::string::npos);
}

TEST_F(CertificateTest, EveryMutationIsRefused) {
  const auto der = make_certificate(key, attest_plain_client()(key.public_key()).value(), {}, kNow);
  for (std::size_t i = 0; i < der.size(); ++i)
    for (const int bit : {0x01, 0x80}) {
      auto mutated = der;
      mutated[i] = static_cast<std::uint8_t>(mutated[i] ^ bit);
      EXPECT_FALSE(reads(mutated)) << "byte " << i;
    }
  for (std::size_t n = 0; n < der.size(); ++n)
    EXPECT_FALSE(reads(Bytes(der.begin(), der.begin() + static_cast<std::ptrdiff_t>(n))));
}

TEST(Der, ReadsWhatItWritesAndNothingElse) {
  EXPECT_EQ(to_hex(oid_content("1.2.840.113741.1.13.1")), "2a864886f84d010d01");
  EXPECT_EQ(to_hex(oid_content("2.5.29.17")), "551d11");
  EXPECT_TRUE(oid_content("1..2").empty() && oid_content("x").empty() && oid_content("3.1").empty());
  EXPECT_EQ(to_hex(write_small(0)), "020100");
  EXPECT_EQ(to_hex(write_small(128)), "02020080");
  EXPECT_EQ(to_hex(item(octet_string, Bytes(200))).substr(0, 6), "0481c8");
  EXPECT_EQ(small_integer(Bytes{0, 0xff, 0xff, 0xff, 0xff}).value_or(0), 0xffffffffu);
  EXPECT_FALSE(small_integer(Bytes{0x80}));
  EXPECT_FALSE(small_integer({}));
  for (const Bytes& bad :
       {Bytes{}, Bytes{0x30}, Bytes{0x30, 1}, Bytes{0x30, 0x80}, Bytes{0x30, 0x81, 1, 0}, Bytes{0x30, 0x82, 0, 1, 0},
        Bytes{0x1f, 0}, Bytes{4, 0x85, 1, 1, 1, 1, 1}, Bytes{4, 0x84, 0xff, 0xff, 0xff, 0xff}}) {
    Reader reader(bad);
    EXPECT_FALSE(reader.next()) << to_hex(bad);
  }
  EXPECT_EQ(as_text(BytesView(write_time(2'524'607'999)).subspan(2)), "491231235959Z");
  EXPECT_EQ(as_text(BytesView(write_time(2'524'608'000)).subspan(2)), "20500101000000Z");
}

}  // namespace
}  // namespace cocoon::tee
