// A GPU made for tests: NVIDIA's profile without NVIDIA. Tests only.
#pragma once
#include <algorithm>
#include <map>
#include <string>

#include "tee/der.hpp"
#include "tee/nvidia_verify.hpp"
#include "tee/pki_testing.hpp"
#include "tee/x509.hpp"

namespace cocoon::tee::testing {

inline constexpr Time kNow = Time(std::chrono::seconds(1'790'000'000));
inline constexpr auto kYear = std::chrono::hours(24 * 365);

inline FixedBytes<48> hash_of(std::string_view text) {
  FixedBytes<48> out;
  std::ranges::copy(crypto::sha512(as_bytes(text)).view().first(48), out.begin());
  return out;
}

inline void put16(Bytes& out, std::size_t value) {
  out.push_back(static_cast<std::uint8_t>(value));
  out.push_back(static_cast<std::uint8_t>(value >> 8));
}
inline void put_field(Bytes& out, int type, BytesView value) {
  put16(out, static_cast<std::size_t>(type));
  put16(out, value.size());
  append(out, value);
}

// A GPU under keys of our own. Each test spoils one thing.
struct Gpu {
  struct Keys {
    KeyPtr root = p384_key(), ca = p384_key(), chip = p384_key(), leaf = p384_key(), signer = p384_key();
  };
  static const Keys& keys() {
    static const Keys all;
    return all;
  }
  static Spec ca_spec(const std::string& name, const std::string& issuer, std::uint32_t serial) {
    return {name, issuer, serial, kNow - kYear, kNow + 20 * kYear, true, "keyCertSign,cRLSign", {}, {}};
  }
  static Bytes ca(const std::string& name, const std::string& issuer, std::uint32_t serial, EVP_PKEY* key,
                  EVP_PKEY* issuer_key) {
    return issue(ca_spec(name, issuer, serial), key, issuer_key);
  }

  Gpu() {
    root = ca("Device Root", "Device Root", 1, keys().root.get(), keys().root.get());
    provisioner = ca("Provisioner", "Device Root", 2, keys().ca.get(), keys().root.get());
    brom = ca("GH100 A01 GSP BROM", "Provisioner", 0x4143, keys().chip.get(), keys().ca.get());
    leaf_spec.subject = "GH100 A01 GSP FMC LF";
    leaf_spec.issuer = "GH100 A01 GSP BROM";
    leaf_spec.serial = 99;
    leaf_spec.not_before = kNow - kYear;
    leaf_spec.not_after = kNow + kYear;
    leaf_spec.key_usage = "digitalSignature";
    leaf_spec.extensions = {fwid_extension(fwid)};
    for (unsigned i = 1; i <= 40; ++i) measured[i] = hash_of(fmt::format("measurement {}", i));
    nonce = crypto::sha256(as_bytes("nonce"));
    roots.device = {{crypto::sha256(root), "test device root", true}};
  }

  static Extension fwid_extension(const FixedBytes<48>& fwid) {
    return {"2.23.133.5.4.1",
            der::write_sequence({der::write_small(1), der::write_sequence({der::write_small(7)}),
                                 der::write_sequence({der::write_oid("2.16.840.1.101.3.4.2.2"),
                                                      der::item(der::octet_string, fwid.view())})}),
            false};
  }

  // Evidence over this nonce, as a machine shows it.
  GpuEvidence show(const Bits256& over) {
    nonce = over;
    return {sign(unsigned_evidence()), chain()};
  }

  Bytes leaf() const { return issue(leaf_spec, keys().leaf.get(), keys().chip.get()); }
  std::string chain() const {
    std::string out;
    for (const auto& der : {leaf(), brom, provisioner, root}) out += write_pem(der, "CERTIFICATE");
    return out;
  }

  Bytes opaque() const {
    Bytes out;
    const auto text = [&out](int type, std::string_view value) { put_field(out, type, as_bytes(value)); };
    put_field(out, 6, Bytes{0x00, 0x9f, 0x00, 0x96, 0x01, 0, 0, 0});
    text(3, driver + '\0');
    text(15, std::string_view("882\0\0", 5));
    text(17, std::string_view("1010\0", 5));
    text(18, std::string_view("0200\0", 5));
    put_field(out, 11, Bytes{nvdec0});
    put_field(out, 20, told_fwid.view());
    return out;
  }
  Bytes unsigned_evidence() const {
    Bytes out{0x11, 0xE0, 0x01, 0xFF};
    append(out, nonce.view());
    out.push_back(0);
    Bytes record;
    for (const auto& [index, value] : measured) {
      append(record, Bytes{static_cast<std::uint8_t>(index), 1, 51, 0, 1, 48, 0});
      append(record, value.view());
    }
    append(out, Bytes{0x11, 0x60, 0, 0, static_cast<std::uint8_t>(measured.size())});
    put16(out, record.size());
    out.push_back(0);
    append(out, record);
    append(out, crypto::sha256(as_bytes("device")).view());
    const auto fields = opaque();
    put16(out, fields.size());
    append(out, fields);
    return out;
  }
  static Bytes sign(Bytes evidence) {
    append(evidence, sign_p384(keys().leaf.get(), evidence).view());
    return evidence;
  }

  Verdict judge(BytesView evidence, Time now = kNow) { return judge(evidence, chain(), now); }
  Verdict judge(BytesView evidence, std::string_view pem, Time now = kNow) {
    Verdict v;
    facts = verify_nvidia(v, evidence, pem, collateral, demands, roots, now);
    v.settle();
    return v;
  }

  FixedBytes<48> fwid = hash_of("firmware"), told_fwid = fwid;
  std::uint8_t nvdec0 = 0xAA;
  std::string driver = "550.90.07";
  Bytes root, provisioner, brom;
  Spec leaf_spec;
  std::map<unsigned, FixedBytes<48>> measured;
  Bits256 nonce;
  NvidiaCollateral collateral;
  NvidiaDemands demands{crypto::sha256(as_bytes("nonce")), false, true, false, false};
  NvidiaRoots roots;
  NvidiaFacts facts;
};

}  // namespace cocoon::tee::testing
