#include "tee/vtpm.hpp"

#include <boost/json.hpp>

#include "tee/cursor.hpp"
#include "tee/p256.hpp"

namespace cocoon::tee {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxKeys = 16;

Result<> expect(std::uint64_t found, std::uint64_t wanted, std::string_view what) {
  if (found != wanted) return fail("{} is {:#x}, expected {:#x}", what, found, wanted);
  return {};
}

Result<BytesView> sized(Cursor& in, std::size_t limit, std::string_view what) {
  TRY_ASSIGN(const auto size, in.big(2));
  if (size > limit) return fail("{} of {} bytes, at most {}", what, size, limit);
  return in.take(size);
}

const json::string* text_of(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value ? value->if_string() : nullptr;
}

}  // namespace

Bytes HclReport::runtime_hash() const {
  switch (hash_type) {
    case 2:
      return to_bytes(sha384(runtime).view());
    case 3:
      return to_bytes(crypto::sha512(runtime).view());
    default:
      return to_bytes(crypto::sha256(runtime).view());
  }
}

Result<HclReport> parse_hcl_report(BytesView bytes) {
  if (bytes.size() > kMaxHclReport) return fail("an HCL report of {} bytes, at most {}", bytes.size(), kMaxHclReport);
  Cursor in(bytes, "HCL report");
  TRY_ASSIGN(const auto signature, in.take(4));
  if (as_text(signature) != "HCLA") return fail("not an HCL report");
  TRY(in.take(28));  // version, size, request, status, reserved: nothing vouches for them
  HclReport out;
  TRY_ASSIGN(out.hardware, in.take(kHclHardware));
  TRY(in.take(8));  // size of what follows, version
  TRY_ASSIGN(const auto kind, in.little(4));
  TRY_ASSIGN(const auto hash_type, in.little(4));
  TRY_ASSIGN(const auto size, in.little(4));
  TRY_ASSIGN(out.runtime, in.take(size));
  if (kind != 2 && kind != 4) return fail("HCL report of type {}, known are 2 (SNP) and 4 (TDX)", kind);
  if (hash_type < 1 || hash_type > 3) return fail("HCL report with hash type {}", hash_type);
  out.kind = kind == 2 ? HclKind::snp : HclKind::tdx;
  out.hash_type = static_cast<std::uint32_t>(hash_type);
  return out;
}

Result<RsaKey> hcl_attestation_key(BytesView runtime) {
  boost::system::error_code error;
  const auto text = as_text(runtime);
  const auto document = json::parse(json::string_view(text.data(), text.size()), error);
  const auto* object = error ? nullptr : document.if_object();
  const auto* keys = object ? object->if_contains("keys") : nullptr;
  const auto* list = keys ? keys->if_array() : nullptr;
  if (!list || list->size() > kMaxKeys) return fail("the HCL report's runtime data is no JSON with a list of keys");
  std::optional<RsaKey> found;
  for (const auto& entry : *list) {
    const auto* key = entry.if_object();
    const auto* kid = key ? text_of(*key, "kid") : nullptr;
    if (!kid || *kid != "HCLAkPub") continue;
    const auto *kind = text_of(*key, "kty"), *n = text_of(*key, "n"), *e = text_of(*key, "e");
    if (!kind || *kind != "RSA" || !n || !e || found) return fail("HCLAkPub is no RSA key, or there twice");
    TRY_ASSIGN(auto modulus, from_base64({n->data(), n->size()}));
    TRY_ASSIGN(auto exponent, from_base64({e->data(), e->size()}));
    found = RsaKey{std::move(modulus), std::move(exponent)};
  }
  if (!found) return fail("the HCL report names no key HCLAkPub");
  return *std::move(found);
}

Result<TdReportView> parse_td_report(BytesView bytes) {
  constexpr std::size_t size = 1024;
  if (bytes.size() < size) return fail("a TDREPORT of {} bytes, expected {}", bytes.size(), size);
  TRY(expect(bytes[0], 0x81, "TDREPORT type"));
  // The MAC'd part holds the hash of TDINFO: a report that does not fit itself was put together by somebody.
  const auto info = bytes.subspan(512, 512);
  if (!std::ranges::equal(sha384(info), bytes.subspan(80, 48)))
    return fail("the TDREPORT does not hold its own TDINFO");
  return TdReportView{info.first(400), Bits512::from(bytes.subspan(128))};
}

Result<TdReportView> td_report_of_quote(BytesView quote) {
  constexpr std::size_t body10 = 584;
  Cursor in(quote, "TDX quote");
  TRY_ASSIGN(const auto version, in.little(2));
  TRY(in.take(2));
  TRY_ASSIGN(const auto tee, in.little(4));
  TRY(expect(tee, 0x81, "TEE type"));
  TRY(in.take(40));
  if (version == 5) {
    TRY_ASSIGN(const auto type, in.little(2));
    if (type != 2 && type != 3) return fail("quote body of type {}", type);
    TRY(in.take(4));
  } else if (version != 4) {
    return fail("TDX quote of version {}", version);
  }
  TRY_ASSIGN(const auto body, in.take(body10));
  return TdReportView{body.subspan(120, 400), Bits512::from(body.subspan(520))};
}

Result<TpmQuote> parse_tpm_quote(BytesView bytes) {
  if (bytes.size() > kMaxTpmAttest)
    return fail("a TPM attestation of {} bytes, at most {}", bytes.size(), kMaxTpmAttest);
  Cursor in(bytes, "TPM attestation");
  TpmQuote out;
  TRY_ASSIGN(const auto magic, in.big(4));
  TRY(expect(magic, 0xff544347, "TPM attestation magic"));  // made inside a TPM, not by whoever used its key
  TRY_ASSIGN(const auto type, in.big(2));
  TRY(expect(type, 0x8018, "TPM attestation type"));
  TRY(sized(in, 68, "qualified signer"));
  TRY_ASSIGN(out.extra_data, sized(in, 64, "extra data"));
  TRY_ASSIGN(out.clock, in.big(8));
  TRY_ASSIGN(const auto resets, in.big(4));
  TRY_ASSIGN(const auto restarts, in.big(4));
  out.reset_count = static_cast<std::uint32_t>(resets);
  out.restart_count = static_cast<std::uint32_t>(restarts);
  TRY(in.take(1 + 8));  // safe, firmware version
  TRY_ASSIGN(const auto banks, in.big(4));
  TRY(expect(banks, 1, "number of PCR banks"));
  TRY_ASSIGN(const auto algorithm, in.big(2));
  TRY(expect(algorithm, 0x000b, "PCR bank (SHA-256)"));
  TRY_ASSIGN(const auto select_size, in.big(1));
  TRY(expect(select_size, kPcrs / 8, "size of the PCR selection"));
  TRY_ASSIGN(const auto select, in.take(select_size));
  out.selected = std::bitset<kPcrs>(load_little(select));
  TRY_ASSIGN(out.pcr_digest, sized(in, 64, "PCR digest"));
  if (!in.empty()) return fail("{} bytes behind the TPM attestation", in.left());
  return out;
}

Result<PcrBank> parse_pcrs(BytesView bytes) {
  if (bytes.size() != kPcrs * 32) return fail("{} bytes of PCRs, expected {}", bytes.size(), kPcrs * 32);
  PcrBank out;
  for (std::size_t i = 0; i < kPcrs; ++i) out[i] = Bits256::from(bytes.subspan(i * 32));
  return out;
}

Bits256 pcr_digest(const PcrBank& bank, const std::bitset<kPcrs>& selected) {
  crypto::Sha256 hash;
  for (std::size_t i = 0; i < kPcrs; ++i)
    if (selected[i]) hash.update(bank[i].view());
  return hash.finish();
}

}  // namespace cocoon::tee
