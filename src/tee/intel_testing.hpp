// A platform, its PKI and its collateral, made for tests: every part can be changed before it is signed, so that
// exactly one check fails. Tests only.
#pragma once
#include <algorithm>
#include <functional>

#include "base/assert.hpp"
#include "tee/der.hpp"
#include "tee/intel.hpp"
#include "tee/simulated.hpp"
#include "tee/x509_write.hpp"

namespace cocoon::tee::testing {

// `text` with the one occurrence of `from` replaced.
inline std::string with(std::string text, std::string_view from, std::string_view to) {
  const auto at = text.find(from);
  COCOON_ASSERT(at != text.npos);
  return text.replace(at, from.size(), to);
}

struct CrlSpec {
  std::string issuer;
  Time this_update, next_update;
  std::vector<Bytes> revoked;  // serials, big-endian
};

inline Bytes issue_crl(const CrlSpec& spec, const P256Key& issuer) {
  const auto algorithm = der::write_sequence({der::write_oid("1.2.840.10045.4.3.2")});
  Bytes entries;
  for (const auto& serial : spec.revoked)
    append(entries, der::write_sequence({der::write_integer(serial), der::write_time(unix_time(spec.this_update))}));
  auto body = der::join({der::write_small(1), algorithm, der::write_name(spec.issuer),
                         der::write_time(unix_time(spec.this_update)), der::write_time(unix_time(spec.next_update))});
  if (!entries.empty()) append(body, der::item(der::sequence, entries));
  append(body, der::item(0xa0, der::write_sequence({der::write_extension("2.5.29.20", false, der::write_small(1))})));
  const auto whole = der::item(der::sequence, body);
  return der::write_sequence({whole, algorithm, der::write_bits(p256_signature_der(issuer.sign(whole)))});
}

inline Bytes sign_json(std::string_view name, std::string_view body, const P256Key& signer) {
  return to_bytes(
      fmt::format(R"({{"{}":{},"signature":"{}"}})", name, body, to_hex(signer.sign(as_bytes(body)).view())));
}

// Everything is good as it is made; build() signs what the members say then.
struct IntelWorld {
  crypto::Random random{Bits256{}};
  Time now = from_unix(1'793'491'200);  // 2026-11-01
  P256Key root_key = P256Key::generate(random), ca_key = P256Key::generate(random), pck_key = P256Key::generate(random),
          signer_key = P256Key::generate(random), attestation_key = P256Key::generate(random);
  FixedBytes<6> fmspc = fixed_from_hex<6>("5a5a00000001").value();

  CertificateSpec signer{"signer", "root", signer_key.point(), serial(0x31), before(), after(), -1, {}};
  CrlSpec root_crl{"root", before(), after(), {}}, pck_crl{"ca", before(), after(), {}};
  P256Key root_crl_key = root_key, pck_crl_key = ca_key, signer_issuer_key = root_key;
  Bytes header_and_body = simulated_header_and_body(simulated_measurements("test"), Bits512{});
  std::function<void(Bytes&)> edit_qe = [](Bytes&) {};
  // Made once: a signature made again is another one, and the root is known by its hash.
  Bytes root_certificate =
      issue_certificate({"root", "root", root_key.point(), serial(0x11), before(), after(), 1, {}}, root_key);
  std::string tcb_info = good_tcb_info(), qe_identity = good_qe_identity();
  bool break_tcb_signature = false, break_qe_signature = false;

  static FixedBytes<16> serial(std::uint8_t last) {
    FixedBytes<16> out;
    out[15] = last;
    return out;
  }
  Time before() const { return now - std::chrono::hours(24 * 10); }
  Time after() const { return now + std::chrono::hours(24 * 20); }

  static std::string good_tcb_info() {
    const auto svns = [](std::string_view first) {
      std::string out = "[" + std::string(first);
      const auto given = static_cast<std::size_t>(std::ranges::count(first, '{'));
      for (std::size_t i = given; i < 16; ++i) out += R"(,{"svn":0})";
      return out + "]";
    };
    const auto zeros = std::string(96, '0');
    return R"({"id":"TDX","version":3,"issueDate":"2026-10-20T00:00:00Z","nextUpdate":"2026-11-20T00:00:00Z",)"
           R"("fmspc":"5A5A00000001","pceId":"0000","tcbType":0,"tcbEvaluationDataNumber":20,)"
           R"("tdxModule":{"mrsigner":")" +
           zeros +
           R"(","attributes":"0000000000000000","attributesMask":"FFFFFFFFFFFFFFFF"},)"
           R"("tdxModuleIdentities":[{"id":"TDX_01","mrsigner":")" +
           zeros +
           R"(","attributes":"0000000000000000","attributesMask":"FFFFFFFFFFFFFFFF","tcbLevels":[)"
           R"({"tcb":{"isvsvn":6},"tcbDate":"2025-05-14T00:00:00Z","tcbStatus":"UpToDate"},)"
           R"({"tcb":{"isvsvn":4},"tcbDate":"2024-03-13T00:00:00Z","tcbStatus":"OutOfDate","advisoryIDs":["INTEL-SA-2"]}]}],)"
           R"("tcbLevels":[{"tcb":{"sgxtcbcomponents":)" +
           svns(R"({"svn":3},{"svn":3},{"svn":3})") + R"(,"pcesvn":13,"tdxtcbcomponents":)" +
           svns(R"({"svn":6},{"svn":0},{"svn":2})") +
           R"(},"tcbDate":"2025-05-14T00:00:00Z","tcbStatus":"UpToDate"},)"
           R"({"tcb":{"sgxtcbcomponents":)" +
           svns(R"({"svn":2},{"svn":2},{"svn":2})") + R"(,"pcesvn":11,"tdxtcbcomponents":)" +
           svns(R"({"svn":3},{"svn":0},{"svn":1})") +
           R"(},"tcbDate":"2024-03-13T00:00:00Z","tcbStatus":"OutOfDateConfigurationNeeded","advisoryIDs":["INTEL-SA-1"]}]})";
  }
  static std::string good_qe_identity() {
    return R"({"id":"TD_QE","version":2,"issueDate":"2026-10-21T00:00:00Z","nextUpdate":"2026-11-21T00:00:00Z",)"
           R"("tcbEvaluationDataNumber":19,"miscselect":"00000000","miscselectMask":"FFFFFFFF",)"
           R"("attributes":"11000000000000000000000000000000","attributesMask":"FBFFFFFFFFFFFFFF0000000000000000",)"
           R"("mrsigner":")" +
           to_hex(crypto::sha256(as_bytes("cocoon simulated quoting enclave")).view()) +
           R"(","isvprodid":2,"tcbLevels":[{"tcb":{"isvsvn":4},"tcbDate":"2025-05-14T00:00:00Z","tcbStatus":"UpToDate"},)"
           R"({"tcb":{"isvsvn":2},"tcbDate":"2024-05-14T00:00:00Z","tcbStatus":"OutOfDate","advisoryIDs":["INTEL-SA-3"]}]})";
  }

  Bytes quote() const {
    const auto sgx = der::write_extension(kSgxExtensionsOid, false, sgx_extensions_value({}, fmspc));
    const auto ca = issue_certificate({"ca", "root", ca_key.point(), serial(0x21), before(), after(), 0, {}}, root_key);
    const auto leaf =
        issue_certificate({"pck", "ca", pck_key.point(), serial(0x22), before(), after(), -1, {sgx}}, ca_key);
    const auto chain =
        write_pem(leaf, "CERTIFICATE") + write_pem(ca, "CERTIFICATE") + write_pem(root_certificate, "CERTIFICATE");
    auto qe = simulated_qe_report(crypto::sha256(attestation_key.point().view()));
    edit_qe(qe);
    return assemble_quote(header_and_body, attestation_key.sign(header_and_body), attestation_key.point(), qe,
                          pck_key.sign(qe), {}, as_bytes(chain));
  }
  IntelCollateralFiles files() const {
    IntelCollateralFiles out;
    out.tcb_info = sign_json("tcbInfo", tcb_info, break_tcb_signature ? ca_key : signer_key);
    out.qe_identity = sign_json("enclaveIdentity", qe_identity, break_qe_signature ? ca_key : signer_key);
    out.tcb_signer = out.qe_signer = issue_certificate(signer, signer_issuer_key);
    out.pck_crl = issue_crl(pck_crl, pck_crl_key);
    out.root_crl = issue_crl(root_crl, root_crl_key);
    return out;
  }
  Trust trust() const { return {{{crypto::sha256(root_certificate), "test root", false}}}; }

  Verdict judge() const { return judge(files()); }
  Verdict judge(const IntelCollateralFiles& given, Duration grace = Duration(0)) const {
    const auto collateral = IntelCollateral::read(given);
    const auto raw = quote();
    const auto roots = trust();
    IntelContext context{roots, now};
    context.collateral = collateral.get();
    context.grace = grace;
    Verdict out;
    verify_intel_quote(out, parse_quote(raw).value(), context);
    return out;
  }
};

}  // namespace cocoon::tee::testing
