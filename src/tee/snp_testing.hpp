// A machine with AMD's hierarchy above it, for tests: reports, endorsements and chains under keys of our own.
#pragma once
#include <algorithm>

#include "tee/der.hpp"
#include "tee/pki_testing.hpp"
#include "tee/snp_verify.hpp"

namespace cocoon::tee::testing {

inline constexpr Time kNow = Time(std::chrono::seconds(1'790'000'000));
inline constexpr auto kYear = std::chrono::hours(24 * 365);

inline Extension amd(std::string_view arc, Bytes value) {
  return {fmt::format("1.3.6.1.4.1.3704.1.{}", arc), std::move(value), false};
}
inline Bytes ia5(std::string_view text) { return der::item(0x16, as_bytes(text)); }

// AMD's hierarchy for one product, and a machine in it, under keys of our own. Each test spoils one thing.
struct Machine {
  explicit Machine(std::string product_name = "Genoa") : product(std::move(product_name)) {
    ark = ca("ARK-" + product, "ARK-" + product, 0x10000, keys().ark.get(), keys().ark.get());
    ask = ca("SEV-" + product, "ARK-" + product, 0x10001, keys().ask.get(), keys().ark.get());
    asvk = ca("SEV-VLEK-" + product, "ARK-" + product, 0x10101, keys().ask.get(), keys().ark.get());
    turin = product == "Turin";
    if (turin)
      tcb = FixedBytes<8>::from(Bytes{1, 2, 3, 4, 0, 0, 0, 72});
    else
      tcb = FixedBytes<8>::from(Bytes{10, 0, 0, 0, 0, 0, 23, 84});
    for (std::size_t i = 0; i < (turin ? 8 : 64); ++i) chip_id[i] = static_cast<std::uint8_t>(i + 1);
    family = product == "Turin" ? 0x1A : 0x19;
    model = product == "Milan" ? 0x01 : 0x11;
  }

  struct Keys {
    KeyPtr ark = rsa_key(), ask = rsa_key(), chip = p384_key();
  };
  static const Keys& keys() {  // making RSA keys takes a while
    static const Keys all;
    return all;
  }
  static Bytes ca(const std::string& name, const std::string& issuer, std::uint32_t serial, EVP_PKEY* key,
                  EVP_PKEY* issuer_key) {
    return issue({name, issuer, serial, kNow - kYear, kNow + 20 * kYear, true, "keyCertSign,cRLSign", {}, {}}, key,
                 issuer_key);
  }

  Spec endorsement_spec(bool vlek = false) const {
    Spec spec;
    spec.subject = vlek ? "SEV-VLEK" : "SEV-VCEK";
    spec.issuer = (vlek ? "SEV-VLEK-" : "SEV-") + product;
    spec.serial = 0;
    spec.not_before = kNow - kYear;
    spec.not_after = kNow + 6 * kYear;
    const std::size_t at[4] = {turin ? 1u : 0u, turin ? 2u : 1u, turin ? 3u : 6u, 7u};
    spec.extensions = {amd("2", ia5(product)), amd("3.1", der::write_small(tcb[at[0]])),
                       amd("3.2", der::write_small(tcb[at[1]])), amd("3.3", der::write_small(tcb[at[2]])),
                       amd("3.8", der::write_small(tcb[at[3]]))};
    if (turin) spec.extensions.push_back(amd("3.9", der::write_small(tcb[0])));
    if (vlek)
      spec.extensions.push_back(amd("5", ia5("CN=cloud.example")));
    else
      spec.extensions.push_back(amd("4", to_bytes(chip_id.view().first(turin ? 8 : 64))));
    return spec;
  }
  static Bytes endorse(const Spec& spec) { return issue(spec, keys().chip.get(), keys().ask.get()); }

  Bytes unsigned_report() const {
    Bytes out(kSnpReport, 0);
    const auto put = [&out](std::size_t at, BytesView value) {
      std::ranges::copy(value, out.begin() + static_cast<std::ptrdiff_t>(at));
    };
    out[0] = version;
    out[0xA] = 3;  // SMT allowed, and the bit that is always set
    out[0x34] = 1;
    for (const std::size_t at : {0x38u, 0x180u, 0x1E0u, 0x1F0u}) put(at, tcb.view());
    if (version >= 3) {
      out[0x188] = family;
      out[0x189] = model;
      out[0x18A] = 1;
    }
    put(0x50, Bits512::from(Bytes(64, 0xDA)).view());
    put(0x90, Bits384::from(Bytes(48, 0x3E)).view());
    put(0x1A0, chip_id.view());
    return out;
  }
  static Bytes sign(Bytes report) {
    const auto signature = sign_p384(keys().chip.get(), BytesView(report).first(kSnpSigned));
    std::reverse_copy(signature.begin(), signature.begin() + 48, report.begin() + kSnpSigned);
    std::reverse_copy(signature.begin() + 48, signature.end(), report.begin() + kSnpSigned + 72);
    return report;
  }
  // A report with one byte changed before it is signed.
  Bytes report_with(std::size_t at, int value) const {
    auto out = unsigned_report();
    out[at] = static_cast<std::uint8_t>(value);
    return sign(std::move(out));
  }

  Verdict judge(BytesView report, BytesView endorsement, bool vlek = false, Time now = kNow) const {
    Verdict v;
    verify_snp(v, report, endorsement, AmdCollateral{vlek ? asvk : ask, ark, crl}, roots(), now);
    v.settle();
    return v;
  }
  std::vector<TrustedRoot> roots() const { return {{crypto::sha256(ark), "test root", true}}; }

  std::string product;
  bool turin = false;
  std::uint8_t version = 3, family = 0x19, model = 0x11;
  FixedBytes<8> tcb;
  Bits512 chip_id;
  Bytes ark, ask, asvk, crl;
};

}  // namespace cocoon::tee::testing
