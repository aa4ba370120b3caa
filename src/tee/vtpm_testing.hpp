// A confidential VM with a vTPM as Azure builds them, under keys of our own. Tests only.
#pragma once
#include <string>

#include <openssl/core_names.h>

#include "tee/p256.hpp"
#include "tee/pki_testing.hpp"
#include "tee/vtpm_verify.hpp"

namespace cocoon::tee::testing {

inline Bytes rsa_number(EVP_PKEY* key, const char* name) {
  BIGNUM* raw = nullptr;
  must(EVP_PKEY_get_bn_param(key, name, &raw) == 1);
  const OpensslPtr<BIGNUM, BN_free> number(raw);
  Bytes out(static_cast<std::size_t>(BN_num_bytes(number.get())));
  BN_bn2bin(number.get(), out.data());
  return out;
}

inline std::string runtime_json(EVP_PKEY* key) {
  return fmt::format(
      "{{\"keys\":[{{\"kid\":\"HCLAkPub\",\"key_ops\":[\"sign\"],\"kty\":\"RSA\",\"e\":\"{}\",\"n\":\"{}\"}}],"
      "\"vm-configuration\":{{}}}}",
      to_base64url(rsa_number(key, OSSL_PKEY_PARAM_RSA_E)), to_base64url(rsa_number(key, OSSL_PKEY_PARAM_RSA_N)));
}

inline void put_little(Bytes& out, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}
inline void put_big(Bytes& out, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = bytes; i-- > 0;) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

// The hardware's report over `report_data`, unsigned: vtpm_verify.hpp leaves that signature to others.
inline Bytes hardware_report(HclKind kind, const Bits512& report_data) {
  Bytes out(kHclHardware, 0);
  if (kind == HclKind::snp) {
    out[0] = 3;
    std::ranges::copy(report_data, out.begin() + 0x50);
    return out;
  }
  out[0] = 0x81;
  std::ranges::copy(report_data, out.begin() + 128);
  for (std::size_t i = 512; i < 912; ++i) out[i] = static_cast<std::uint8_t>(i);
  const auto hash = sha384(BytesView(out).subspan(512, 512));
  std::ranges::copy(hash, out.begin() + 80);
  return out;
}

inline Bytes hcl_report(HclKind kind, BytesView hardware, std::string_view runtime) {
  Bytes out = to_bytes("HCLA");
  out.resize(0x20, 0);
  append(out, hardware);
  put_little(out, 20 + runtime.size(), 4);
  put_little(out, 1, 4);
  put_little(out, kind == HclKind::snp ? 2 : 4, 4);
  put_little(out, 1, 4);  // SHA-256
  put_little(out, runtime.size(), 4);
  append(out, as_bytes(runtime));
  out.resize(std::max<std::size_t>(out.size(), 2600), 0);
  return out;
}

// Making RSA keys takes a while: there are two of them.
inline EVP_PKEY* attestation_key(int which) {
  static const KeyPtr keys[] = {rsa_key(), rsa_key()};
  return keys[which].get();
}

struct Vm {
  explicit Vm(HclKind which, EVP_PKEY* signer = attestation_key(0)) : kind(which), key(signer) {
    for (std::size_t i = 0; i < kPcrs; ++i) pcrs[i] = crypto::sha256(Bytes{static_cast<std::uint8_t>(i)});
    set_runtime(runtime_json(key));
  }
  void set_runtime(std::string text) {
    runtime = std::move(text);
    report_data = {};
    std::ranges::copy(crypto::sha256(as_bytes(runtime)), report_data.begin());
  }

  Bytes message() const {
    Bytes out;
    put_big(out, magic, 4);
    put_big(out, type, 2);
    put_big(out, 0, 2);  // qualified signer
    put_big(out, nonce.size(), 2);
    append(out, as_bytes(nonce));
    put_big(out, 1234567, 8);
    put_big(out, 1, 4);
    put_big(out, 0, 4);
    put_big(out, 1, 1);
    put_big(out, 0x20120003, 8);
    put_big(out, 1, 4);
    put_big(out, 0x0b, 2);
    put_big(out, 3, 1);
    put_little(out, selected.to_ulong(), 3);
    put_big(out, 32, 2);
    append(out, pcr_digest(pcrs, selected).view());
    return out;
  }
  // Message and signature anew.
  void quote(VtpmEvidence& to) const {
    to.message = message();
    OpensslPtr<EVP_MD_CTX, EVP_MD_CTX_free> ctx(EVP_MD_CTX_new());
    std::size_t n = 512;
    to.signature.resize(n);
    must(EVP_DigestSignInit(ctx.get(), nullptr, EVP_sha256(), nullptr, key) == 1 &&
         EVP_DigestSign(ctx.get(), to.signature.data(), &n, to.message.data(), to.message.size()) == 1);
    to.signature.resize(n);
  }
  VtpmEvidence evidence() const {
    VtpmEvidence out;
    const auto hardware = hardware_report(kind, report_data);
    out.hcl = hcl_report(kind, hardware, runtime);
    for (const auto& pcr : pcrs) append(out.pcrs, pcr.view());
    if (kind == HclKind::tdx) {
      put_little(out.td_quote, 4, 2);
      put_little(out.td_quote, 2, 2);
      put_little(out.td_quote, 0x81, 4);
      out.td_quote.resize(48 + 120, 0);
      append(out.td_quote, BytesView(hardware).subspan(512, 400));
      append(out.td_quote, report_data.view());
    }
    quote(out);
    return out;
  }

  HclKind kind;
  EVP_PKEY* key;
  std::string runtime, nonce = "challenge";
  Bits512 report_data;
  PcrBank pcrs;
  std::bitset<kPcrs> selected = std::bitset<kPcrs>().set();
  std::uint32_t magic = 0xff544347;
  std::uint16_t type = 0x8018;
};

}  // namespace cocoon::tee::testing
