// Certificates as AMD and NVIDIA use them, read by us, against what OpenSSL reads; OCSP answers of responders.
#include "tee/vendor_pki.hpp"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tee/der.hpp"
#include "tee/pki_testing.hpp"
#include "tee/x509.hpp"

namespace cocoon::tee {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr Time kNow = Time(std::chrono::seconds(1'790'000'000));
constexpr auto kDay = std::chrono::hours(24);

Bytes file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return to_bytes(std::string{std::istreambuf_iterator<char>(in), {}});
}

// What we say of a certificate is what OpenSSL says.
void compare(const Certificate& ours, const std::string& which) {
  const auto* at = ours.der().data();
  const OpensslPtr<X509, X509_free> theirs(d2i_X509(nullptr, &at, static_cast<long>(ours.der().size())));
  ASSERT_TRUE(theirs) << which;
  const auto flags = X509_get_extension_flags(theirs.get());
  const auto usage = X509_get_key_usage(theirs.get());
  EXPECT_EQ(flags & EXFLAG_INVALID, 0U) << which;
  EXPECT_EQ(ours.is_ca(), (flags & EXFLAG_CA) != 0 && (usage & KU_KEY_CERT_SIGN) != 0) << which;
  EXPECT_EQ(ours.may_sign_crl(), (usage & KU_CRL_SIGN) != 0) << which;
  EXPECT_EQ(ours.self_issued(), (flags & EXFLAG_SI) != 0) << which;
  EXPECT_EQ(ours.unknown_critical(), (flags & EXFLAG_CRITICAL) != 0) << which;
  if (ours.is_ca()) {
    EXPECT_EQ(ours.path_length() ? static_cast<long>(*ours.path_length()) : -1L, X509_get_pathlen(theirs.get()))
        << which;
  }
  const auto days = [](const ASN1_TIME* time) {
    std::tm parts{};
    EXPECT_EQ(ASN1_TIME_to_tm(time, &parts), 1);
    return from_unix(timegm(&parts));
  };
  EXPECT_EQ(ours.not_before(), days(X509_get0_notBefore(theirs.get()))) << which;
  EXPECT_EQ(ours.not_after(), days(X509_get0_notAfter(theirs.get()))) << which;
  char name[128] = {};
  X509_NAME_get_text_by_NID(X509_get_subject_name(theirs.get()), NID_commonName, name, sizeof name);
  EXPECT_EQ(ours.common_name(), name) << which;
}

TEST(VendorCertificates, AreReadAsOpensslReadsThem) {
  const auto folder = fs::path(COCOON_SOURCE_DIR) / "../shared/attestation/certs";
  if (!fs::exists(folder)) GTEST_SKIP() << folder << " is absent: genuine certificates are not compared";
  int read = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const auto name = entry.path().filename().string();
    auto bytes = file(entry.path());
    if (name.ends_with(".pem")) bytes = read_pem(as_text(bytes), "CERTIFICATE", 8).value().front();
    const auto ours = Certificate::read(bytes);
    ASSERT_TRUE(ours) << name << ": " << ours.error().what;
    compare(*ours, name);
    ++read;
  }
  EXPECT_GE(read, 20);
}

// A chain of one's own: root and leaf, RSA or P-384.
struct Chain {
  explicit Chain(testing::KeyPtr (*make_key)()) : root_key(make_key()), leaf_key(make_key()) {
    root = testing::issue({"Root", "Root", 1, kNow - kDay, kNow + kDay, true, "keyCertSign,cRLSign", {}, {}},
                          root_key.get(), root_key.get());
    leaf = testing::issue(spec, leaf_key.get(), root_key.get());
  }
  testing::KeyPtr root_key, leaf_key;
  testing::Spec spec{"Leaf", "Root", 0x80FF, kNow - kDay, kNow + kDay, std::nullopt, "digitalSignature", {}, {}};
  Bytes root, leaf;
};

class VendorChain : public ::testing::TestWithParam<SignedWith> {
 protected:
  Chain chain{GetParam() == SignedWith::rsa_pss_sha384 ? testing::rsa_key : testing::p384_key};
  SignedWith other = GetParam() == SignedWith::rsa_pss_sha384 ? SignedWith::ecdsa_sha384 : SignedWith::rsa_pss_sha384;
};

TEST_P(VendorChain, SignaturesAreCheckedAsTheProfileMakesThem) {
  const auto root = Certificate::read(chain.root).value(), leaf = Certificate::read(chain.leaf).value();
  compare(root, "root");
  compare(leaf, "leaf");
  EXPECT_EQ(leaf.serial(), (Bytes{0x80, 0xFF}));
  EXPECT_TRUE(leaf.issued_by(root, GetParam()));
  EXPECT_TRUE(root.issued_by(root, GetParam()));
  EXPECT_FALSE(leaf.issued_by(root, other));
  EXPECT_FALSE(root.issued_by(leaf, GetParam()));
  const Chain stranger(GetParam() == SignedWith::rsa_pss_sha384 ? testing::rsa_key : testing::p384_key);
  EXPECT_THAT(leaf.issued_by(Certificate::read(stranger.root).value(), GetParam()).error().what,
              HasSubstr("not signed"));
  EXPECT_TRUE(check_link({leaf, root}, 0, GetParam()));
  EXPECT_TRUE(check_link({leaf, root}, 1, GetParam()));
  EXPECT_FALSE(check_link({root, leaf}, 0, GetParam()));
  // Each bit of the signed part and of the signature counts.
  for (std::size_t at = 4; at < chain.leaf.size(); at += 7) {
    auto changed = chain.leaf;
    changed[at] ^= 1;
    const auto read = Certificate::read(changed);
    EXPECT_FALSE(read && read->issued_by(root, GetParam())) << at;
  }
}

TEST_P(VendorChain, CutAndLengthenedOnesAreMalformed) {
  for (std::size_t n = 0; n < chain.leaf.size(); ++n)
    EXPECT_FALSE(Certificate::read(BytesView(chain.leaf).first(n))) << n;
  auto longer = chain.leaf;
  longer.push_back(0);
  EXPECT_FALSE(Certificate::read(longer));
}

INSTANTIATE_TEST_SUITE_P(Kinds, VendorChain, ::testing::Values(SignedWith::rsa_pss_sha384, SignedWith::ecdsa_sha384));

TEST(VendorCertificates, AnotherPaddingOrRolesToldTwiceAreRefused) {
  Chain chain(testing::rsa_key);
  const auto root = Certificate::read(chain.root).value();
  chain.spec.legacy_padding = true;
  const auto legacy = Certificate::read(testing::issue(chain.spec, chain.leaf_key.get(), chain.root_key.get())).value();
  EXPECT_THAT(legacy.issued_by(root, SignedWith::rsa_pss_sha384).error().what, HasSubstr("another algorithm"));
  chain.spec.legacy_padding = false;
  chain.spec.extensions = {{"2.5.29.15", Bytes{3, 2, 5, 0xa0}, true}};
  EXPECT_THAT(Certificate::read(testing::issue(chain.spec, chain.leaf_key.get(), chain.root_key.get())).error().what,
              HasSubstr("keyUsage twice"));
  chain.spec.extensions = {{"1.2.3.4", Bytes{5, 0}, true}};
  const auto unknown =
      Certificate::read(testing::issue(chain.spec, chain.leaf_key.get(), chain.root_key.get())).value();
  EXPECT_TRUE(unknown.unknown_critical());
  EXPECT_FALSE(check_link({unknown, root}, 0, SignedWith::rsa_pss_sha384));
}

TEST(VendorCertificates, RsaKeysHaveASizeThatAnybodyUses) {
  const auto read = [](unsigned bits) {
    const testing::KeyPtr key(EVP_RSA_gen(bits));
    return Certificate::read(
        testing::issue({"A", "A", 1, kNow - kDay, kNow + kDay, true, "keyCertSign", {}, {}}, key.get(), key.get()));
  };
  EXPECT_TRUE(read(2048));
  EXPECT_THAT(read(2040).error().what, HasSubstr("RSA key of 255 bytes"));
}

// --- OCSP (RFC 6960 4.2.2.2): the issuer answers, or whom it made a responder.

class Responders : public ::testing::Test {
 protected:
  Bytes responder(std::string_view purpose, const std::string& issuer = "Root", EVP_PKEY* issuer_key = nullptr,
                  Time until = kNow + kDay) {
    testing::Spec spec{"Responder", issuer, 7, kNow - 2 * kDay, until, std::nullopt, "digitalSignature", {}, {}};
    if (!purpose.empty()) spec.extensions = {{"2.5.29.37", der::write_sequence({der::write_oid(purpose)}), false}};
    return testing::issue(spec, responder_key.get(), issuer_key != nullptr ? issuer_key : chain.root_key.get());
  }
  Result<Time> answered_by(const Bytes& responder, EVP_PKEY* key) {
    const auto answer =
        testing::ocsp(chain.leaf, chain.root, key, V_OCSP_CERTSTATUS_GOOD, kNow - kDay, kNow + kDay, responder);
    return check_ocsp(answer, Certificate::read(chain.leaf).value(), Certificate::read(chain.root).value(), kNow);
  }
  Result<Time> answered_by(const Bytes& responder) { return answered_by(responder, responder_key.get()); }

  static constexpr std::string_view kOcspSigning = "1.3.6.1.5.5.7.3.9", kServer = "1.3.6.1.5.5.7.3.1";
  Chain chain{testing::p384_key};
  testing::KeyPtr responder_key = testing::p384_key();
};

TEST_F(Responders, TheIssuersOwnOneIsBelieved) {
  EXPECT_EQ(answered_by(responder(kOcspSigning)).value(), kNow + kDay);
  EXPECT_TRUE(answered_by({}, chain.root_key.get())) << "and the issuer itself";
}

TEST_F(Responders, WithoutThatPurposeIsRefused) {
  EXPECT_FALSE(answered_by(responder("")));
  EXPECT_FALSE(answered_by(responder(kServer)));
}

TEST_F(Responders, OfAnotherIssuerIsRefused) {
  const auto stranger = testing::p384_key();
  EXPECT_FALSE(answered_by(responder(kOcspSigning, "Root", stranger.get()))) << "the name alone";
  EXPECT_FALSE(answered_by(responder(kOcspSigning, "Another", stranger.get())));
}

TEST_F(Responders, ThatHasExpiredIsRefused) {
  EXPECT_FALSE(answered_by(responder(kOcspSigning, "Root", nullptr, kNow - kDay)));
}

TEST_F(Responders, WhoseAnswerWasChangedIsRefused) {
  auto answer = testing::ocsp(chain.leaf, chain.root, responder_key.get(), V_OCSP_CERTSTATUS_GOOD, kNow - kDay,
                              kNow + kDay, responder(kOcspSigning));
  const auto leaf = Certificate::read(chain.leaf).value(), root = Certificate::read(chain.root).value();
  ASSERT_TRUE(check_ocsp(answer, leaf, root, kNow));
  for (std::size_t at = 40; at < answer.size(); at += 11) {
    auto changed = answer;
    changed[at] ^= 1;
    const auto until = check_ocsp(changed, leaf, root, kNow);
    EXPECT_FALSE(until.has_value()) << at;
  }
}

}  // namespace
}  // namespace cocoon::tee
