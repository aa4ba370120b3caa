#include "tee/quote.hpp"

namespace cocoon::tee {
namespace {

std::unexpected<Error> fault(QuoteFault code, std::string what) {
  return fail(static_cast<int>(code), std::move(what));
}

// Little-endian fields in order; out of bytes is an error.
class Cursor {
 public:
  explicit Cursor(BytesView in) : rest_(in) {}
  std::size_t left() const { return rest_.size(); }
  Result<BytesView> take(std::size_t n, std::string_view what) {
    if (n > rest_.size()) return fault(QuoteFault::truncated, fmt::format("the quote ends within its {}", what));
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

TdReport parse_td_report(BytesView body) {
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

// How the signer of the QE's report is certified: the PEM chain (type 5).
Result<> parse_pck(Cursor& in, Quote& out) {
  TRY_ASSIGN(const auto type, in.number(2, "PCK certification type"));
  TRY_ASSIGN(const auto size, in.number(4, "PCK certification size"));
  if (type != 5)
    return fault(QuoteFault::unsupported_certification,
                 fmt::format("PCK certification data of type {}: only a certificate chain (5) is supported", type));
  if (size != in.left())
    return fault(QuoteFault::size_mismatch, fmt::format("the PCK chain says {} bytes, {} are there", size, in.left()));
  TRY_ASSIGN(out.pck_chain, in.take(size, "PCK chain"));
  return {};
}

// What follows the signature and the key. Version 4 and 5 wrap it as certification data of type 6.
Result<> parse_certification(Cursor& in, Quote& out) {
  if (out.header.version >= 4) {
    TRY_ASSIGN(const auto type, in.number(2, "certification type"));
    TRY_ASSIGN(const auto size, in.number(4, "certification size"));
    if (type != 6)
      return fault(QuoteFault::unsupported_certification,
                   fmt::format("certification data of type {}: only QE report certification (6) is supported", type));
    if (size != in.left())
      return fault(QuoteFault::size_mismatch,
                   fmt::format("certification data says {} bytes, {} are there", size, in.left()));
  }
  TRY_ASSIGN(out.qe_report_bytes, in.take(kEnclaveReport, "QE report"));
  out.qe_report = parse_enclave_report(out.qe_report_bytes.first<kEnclaveReport>());
  TRY_ASSIGN(const auto signature, in.take(64, "QE report signature"));
  out.qe_signature = FixedBytes<64>::from(signature);
  TRY_ASSIGN(const auto auth_size, in.number(2, "QE authentication data size"));
  TRY_ASSIGN(out.qe_auth_data, in.take(auth_size, "QE authentication data"));
  return parse_pck(in, out);
}

Result<QuoteHeader> parse_header(BytesView raw) {
  Cursor in(raw);
  QuoteHeader out;
  TRY_ASSIGN(const auto version, in.number(2, "header"));
  TRY_ASSIGN(const auto key_type, in.number(2, "header"));
  TRY_ASSIGN(out.tee_type, in.number(4, "header"));
  TRY_ASSIGN(const auto rest, in.take(kQuoteHeader - 8, "header"));
  out.version = static_cast<std::uint16_t>(version);
  out.attestation_key_type = static_cast<std::uint16_t>(key_type);
  out.qe_vendor = field<16>(rest, 4);
  if (version < 3 || version > 5)
    return fault(QuoteFault::unsupported_version, fmt::format("quote version {}: 3, 4 and 5 are supported", version));
  const bool sgx = out.tee_type == 0, tdx = out.tee_type == 0x81;
  if (!sgx && (!tdx || version == 3))
    return fault(QuoteFault::unsupported_tee,
                 fmt::format("TEE type {:#x} in a quote of version {}", out.tee_type, version));
  if (key_type != 2)
    return fault(QuoteFault::unsupported_key_type,
                 fmt::format("attestation key type {}: only ECDSA P-256 (2) is supported", key_type));
  return out;
}

// The size of the body: by TEE type before version 5, by the type and size fields, which must agree, since.
Result<std::size_t> body_size(Cursor& in, const QuoteHeader& header) {
  const bool sgx = header.tee_type == 0;
  if (header.version < 5) return sgx ? kEnclaveReport : kTdBody10;
  TRY_ASSIGN(const auto type, in.number(2, "body type"));
  TRY_ASSIGN(const auto size, in.number(4, "body size"));
  if (sgx && type == 1 && size == kEnclaveReport) return kEnclaveReport;
  if (!sgx && type == 2 && size == kTdBody10) return kTdBody10;
  if (!sgx && type == 3 && size == kTdBody15) return kTdBody15;
  return fault(QuoteFault::unsupported_body,
               fmt::format("quote body of type {} and {} bytes for TEE type {:#x}", type, size, header.tee_type));
}

}  // namespace

const FixedBytes<16> kIntelQeVendor = [] {
  FixedBytes<16> id;
  constexpr std::array<std::uint8_t, 16> raw{0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
                                             0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};
  std::ranges::copy(raw, id.begin());
  return id;
}();

std::string_view to_string(QuoteFault fault) {
  switch (fault) {
    case QuoteFault::truncated:
      return "TRUNCATED";
    case QuoteFault::too_large:
      return "TOO_LARGE";
    case QuoteFault::unsupported_version:
      return "UNSUPPORTED_VERSION";
    case QuoteFault::unsupported_tee:
      return "UNSUPPORTED_TEE";
    case QuoteFault::unsupported_key_type:
      return "UNSUPPORTED_ATT_KEY_TYPE";
    case QuoteFault::unsupported_body:
      return "UNSUPPORTED_BODY";
    case QuoteFault::unsupported_certification:
      return "UNSUPPORTED_CERT_TYPE";
    case QuoteFault::size_mismatch:
      return "CERT_SIZE_MISMATCH";
  }
  return "MALFORMED";
}

EnclaveReport parse_enclave_report(std::span<const std::uint8_t, kEnclaveReport> body) {
  EnclaveReport out;
  out.cpusvn = field<16>(body, 0);
  out.miscselect = field<4>(body, 16);
  out.attributes = field<16>(body, 48);
  out.measured.mrenclave = field<32>(body, 64);
  out.measured.mrsigner = field<32>(body, 128);
  out.measured.isvprodid = static_cast<std::uint16_t>(body[256] | body[257] << 8);
  out.measured.isvsvn = static_cast<std::uint16_t>(body[258] | body[259] << 8);
  out.report_data = field<64>(body, 320);
  return out;
}

Result<Quote> parse_quote(BytesView raw) {
  if (raw.size() > kMaxQuote)
    return fault(QuoteFault::too_large, fmt::format("a quote of {} bytes is larger than {}", raw.size(), kMaxQuote));
  Quote out;
  Cursor in(raw);
  TRY_ASSIGN(const auto header, in.take(kQuoteHeader, "header"));
  TRY_ASSIGN(out.header, parse_header(header));
  TRY_ASSIGN(const auto size, body_size(in, out.header));
  TRY_ASSIGN(const auto body, in.take(size, "body"));
  if (out.header.tee_type == 0)
    out.enclave = parse_enclave_report(body.first<kEnclaveReport>());
  else
    out.td = parse_td_report(body);
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
