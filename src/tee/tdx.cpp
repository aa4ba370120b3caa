#include "tee/tdx.hpp"

namespace cocoon::tee {
namespace {

// Little-endian fields in order; out of bytes is an error.
class Cursor {
 public:
  explicit Cursor(BytesView in) : rest_(in) {}
  std::size_t left() const { return rest_.size(); }
  Result<BytesView> take(std::size_t n, std::string_view what) {
    if (n > rest_.size()) return fail("the quote ends within its {}", what);
    const auto out = rest_.first(n);
    rest_ = rest_.subspan(n);
    return out;
  }
  Result<std::uint32_t> number(std::size_t bytes, std::string_view what) {
    TRY_ASSIGN(const auto raw, take(bytes, what));
    std::uint32_t out = 0;
    for (std::size_t i = 0; i < bytes; ++i) out |= std::uint32_t{raw[i]} << (8 * i);
    return out;
  }

 private:
  BytesView rest_;
};

template <std::size_t N>
FixedBytes<N> field(BytesView body, std::size_t offset) {
  return FixedBytes<N>::from(body.subspan(offset, N));
}

TdReport parse_report(BytesView body) {
  TdReport out;
  out.tee_tcb_svn = field<16>(body, 0);
  out.mrseam = field<48>(body, 16);
  out.mrsignerseam = field<48>(body, 64);
  out.seam_attributes = field<8>(body, 112);
  out.td_attributes = field<8>(body, 120);
  out.xfam = field<8>(body, 128);
  out.measured.mrtd = field<48>(body, 136);
  out.measured.mrconfigid = field<48>(body, 184);
  out.measured.mrowner = field<48>(body, 232);
  out.measured.mrownerconfig = field<48>(body, 280);
  for (std::size_t i = 0; i < 4; ++i) out.measured.rtmr[i] = field<48>(body, 328 + 48 * i);
  out.report_data = field<64>(body, 520);
  if (body.size() == kTdBody15) {
    out.tee_tcb_svn2 = field<16>(body, 584);
    out.mrservicetd = field<48>(body, 600);
  }
  return out;
}

// What follows the signature and the key: the QE's report and how its signer is certified.
Result<> parse_certification(Cursor signature_data, TdxQuote& out) {
  TRY_ASSIGN(const auto outer, signature_data.number(2, "certification type"));
  TRY_ASSIGN(const auto outer_size, signature_data.number(4, "certification size"));
  if (outer != 6) return fail("certification data of type {}: only QE report certification (6) is supported", outer);
  if (outer_size != signature_data.left())
    return fail("certification data says {} bytes, {} are there", outer_size, signature_data.left());
  TRY_ASSIGN(out.qe_report, signature_data.take(kQeReport, "QE report"));
  TRY_ASSIGN(const auto signature, signature_data.take(64, "QE report signature"));
  out.qe_signature = FixedBytes<64>::from(signature);
  TRY_ASSIGN(const auto auth_size, signature_data.number(2, "QE authentication data size"));
  TRY_ASSIGN(out.qe_auth_data, signature_data.take(auth_size, "QE authentication data"));
  TRY_ASSIGN(const auto inner, signature_data.number(2, "PCK certification type"));
  TRY_ASSIGN(const auto inner_size, signature_data.number(4, "PCK certification size"));
  if (inner != 5) return fail("PCK certification data of type {}: only a certificate chain (5) is supported", inner);
  if (inner_size != signature_data.left())
    return fail("the PCK chain says {} bytes, {} are there", inner_size, signature_data.left());
  TRY_ASSIGN(out.pck_chain, signature_data.take(inner_size, "PCK chain"));
  return {};
}

Result<QuoteHeader> parse_header(BytesView raw) {
  Cursor in(raw);
  QuoteHeader out;
  TRY_ASSIGN(const auto version, in.number(2, "header"));
  TRY_ASSIGN(const auto key_type, in.number(2, "header"));
  TRY_ASSIGN(out.tee_type, in.number(4, "header"));
  TRY_ASSIGN(const auto rest, in.take(kTdHeader - 8, "header"));
  out.version = static_cast<std::uint16_t>(version);
  out.attestation_key_type = static_cast<std::uint16_t>(key_type);
  out.qe_vendor = field<16>(rest, 4);
  if (version != 4 && version != 5) return fail("quote version {}: TDX quotes are version 4 or 5", version);
  if (out.tee_type != 0x81) return fail("TEE type {:#x} is not TDX (0x81)", out.tee_type);
  if (key_type != 2) return fail("attestation key type {}: only ECDSA P-256 (2) is supported", key_type);
  return out;
}

// Size of the body of a version 5 quote from its type and size fields.
Result<std::size_t> body_size(std::uint32_t type, std::uint32_t size) {
  if (type == 2 && size == kTdBody10) return kTdBody10;
  if (type == 3 && size == kTdBody15) return kTdBody15;
  return fail("quote body of type {} and {} bytes is not a TD report", type, size);
}

}  // namespace

const FixedBytes<16> kIntelQeVendor = [] {
  FixedBytes<16> id;
  constexpr std::array<std::uint8_t, 16> raw{0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
                                             0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};
  std::ranges::copy(raw, id.begin());
  return id;
}();

Result<TdxQuote> parse_tdx_quote(BytesView raw) {
  if (raw.size() > kMaxQuote) return fail("a quote of {} bytes is larger than {}", raw.size(), kMaxQuote);
  TdxQuote out;
  Cursor in(raw);
  TRY_ASSIGN(const auto header, in.take(kTdHeader, "header"));
  TRY_ASSIGN(out.header, parse_header(header));
  std::size_t size = kTdBody10;
  if (out.header.version == 5) {
    TRY_ASSIGN(const auto type, in.number(2, "body type"));
    TRY_ASSIGN(const auto said, in.number(4, "body size"));
    TRY_ASSIGN(size, body_size(type, said));
  }
  TRY_ASSIGN(const auto body, in.take(size, "TD report"));
  out.report = parse_report(body);
  out.signed_part = raw.first(raw.size() - in.left());
  TRY_ASSIGN(const auto signature_size, in.number(4, "signature size"));
  TRY_ASSIGN(const auto signature_data, in.take(signature_size, "signature data"));
  Cursor signature(signature_data);
  TRY_ASSIGN(const auto sig, signature.take(64, "signature"));
  TRY_ASSIGN(const auto key, signature.take(64, "attestation key"));
  out.signature = FixedBytes<64>::from(sig);
  out.attestation_key = FixedBytes<64>::from(key);
  TRY(parse_certification(signature, out));
  return out;
}

}  // namespace cocoon::tee
