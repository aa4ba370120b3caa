#include "tee/x509.hpp"

#include <algorithm>

#include "tee/x509_parts.hpp"

namespace cocoon::tee {
namespace {

using x509::Extension;
using x509::read_time;
using x509::without_zeros;

// Contents of object identifiers.
constexpr std::array<std::uint8_t, 8> kEcdsaSha256{0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
constexpr std::array<std::uint8_t, 7> kEcPublicKey{0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};
constexpr std::array<std::uint8_t, 8> kPrime256v1{0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
constexpr std::array<std::uint8_t, 9> kSgx{0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01};
constexpr std::array<std::uint8_t, 3> kCommonName{0x55, 0x04, 0x03};

bool same(BytesView a, BytesView b) { return std::ranges::equal(a, b); }

Result<> read_algorithm(der::Reader& in) {
  TRY_ASSIGN(const auto algorithm, in.next(der::sequence));
  der::Reader inner(algorithm);
  TRY_ASSIGN(const auto id, inner.next(der::oid));
  if (!same(id, kEcdsaSha256) || !inner.empty()) return fail("the signature algorithm is not ecdsa-with-SHA256");
  return {};
}

Result<> put_number(der::Reader& in, std::span<std::uint8_t> to) {
  TRY_ASSIGN(const auto raw, in.next(der::integer));
  if (raw.empty() || (raw[0] & 0x80)) return fail("the signature is not two positive numbers");
  const auto number = without_zeros(raw);
  if (number.size() > to.size()) return fail("the signature is not one of P-256");
  std::ranges::copy(number, to.end() - static_cast<std::ptrdiff_t>(number.size()));
  return {};
}

Result<P256Signature> read_signature(BytesView bits) {
  if (bits.empty() || bits[0] != 0) return fail("the signature is not whole bytes");
  der::Reader whole(bits.subspan(1));
  TRY_ASSIGN(const auto pair, whole.next(der::sequence));
  if (!whole.empty()) return fail("bytes after the signature");
  der::Reader in(pair);
  P256Signature out;
  TRY(put_number(in, std::span(out).first(32)));
  TRY(put_number(in, std::span(out).subspan(32)));
  if (!in.empty()) return fail("the signature is not two numbers");
  return out;
}

// SEQUENCE { body, algorithm, signature } and nothing else: the body's content.
Result<BytesView> open_signed(BytesView der, Signed& out) {
  der::Reader outer(der);
  TRY_ASSIGN(const auto whole, outer.next(der::sequence));
  if (!outer.empty()) return fail("bytes after the end");
  der::Reader in(whole);
  TRY_ASSIGN(const auto body, in.next_item(der::sequence));
  TRY(read_algorithm(in));
  TRY_ASSIGN(const auto bits, in.next(der::bit_string));
  if (!in.empty()) return fail("more than body, algorithm and signature");
  TRY_ASSIGN(out.signature, read_signature(bits));
  out.digest = crypto::sha256(body.whole);
  return body.content;
}

Result<P256Point> read_key(der::Reader& in) {
  TRY_ASSIGN(const auto info, in.next(der::sequence));
  der::Reader inner(info);
  TRY_ASSIGN(const auto algorithm, inner.next(der::sequence));
  der::Reader ids(algorithm);
  TRY_ASSIGN(const auto kind, ids.next(der::oid));
  TRY_ASSIGN(const auto curve, ids.next(der::oid));
  TRY_ASSIGN(const auto bits, inner.next(der::bit_string));
  if (!same(kind, kEcPublicKey) || !same(curve, kPrime256v1) || bits.size() != 66 || bits[0] != 0 || bits[1] != 4)
    return fail("the certificate has no uncompressed P-256 key");
  return P256Point::from(bits.subspan(2));
}

// Calls `take` for every extension of SEQUENCE OF Extension.
template <class Take>
Result<> for_each_extension(BytesView sequence, Take take) {
  der::Reader in(sequence);
  std::vector<BytesView> seen;
  while (!in.empty()) {
    TRY_ASSIGN(const auto extension, x509::read_extension(in));
    if (seen.size() >= 32) return fail("more than 32 extensions");
    if (std::ranges::any_of(seen, [&](BytesView id) { return same(id, extension.id); }))
      return fail("an extension is repeated");
    seen.push_back(extension.id);
    TRY(take(extension));
  }
  return {};
}

Result<> take_extension(const Extension& extension, X509Certificate& out) {
  switch (extension.standard()) {
    case x509::basic_constraints: {
      TRY_ASSIGN(const auto constraints, x509::read_basic_constraints(extension.value));
      out.is_ca = constraints.ca;
      out.path_len = constraints.path_len;
      return {};
    }
    case x509::key_usage: {
      TRY_ASSIGN(const auto usage, x509::read_key_usage(extension.value));
      out.signs_data = usage.data;
      out.signs_certificates = usage.certificates;
      out.signs_crls = usage.lists;
      return {};
    }
    case x509::key_identifier:
    case x509::authority_key_identifier:
    case x509::distribution_points:
    case x509::extended_key_usage:
      return {};
    default:
      break;
  }
  if (same(extension.id, kSgx)) {
    out.sgx_extensions = extension.value;
    return {};
  }
  if (extension.critical) return fail("an unknown critical extension");
  return {};
}

Result<> read_certificate_body(BytesView body, X509Certificate& out) {
  der::Reader in(body);
  TRY_ASSIGN(const auto version, in.next(x509::kExplicit0));
  constexpr std::array<std::uint8_t, 3> kVersion3{der::integer, 1, 2};
  if (!same(version, kVersion3)) return fail("the certificate is not of version 3");
  TRY_ASSIGN(const auto serial, in.next(der::integer));
  out.serial = without_zeros(serial);
  TRY(read_algorithm(in));
  TRY_ASSIGN(const auto issuer, in.next_item(der::sequence));
  out.issuer = issuer.whole;
  TRY_ASSIGN(const auto validity, in.next(der::sequence));
  der::Reader times(validity);
  TRY_ASSIGN(out.not_before, read_time(times));
  TRY_ASSIGN(out.not_after, read_time(times));
  if (!times.empty()) return fail("the validity is malformed");
  TRY_ASSIGN(const auto subject, in.next_item(der::sequence));
  out.subject = subject.whole;
  TRY_ASSIGN(out.key, read_key(in));
  out.signs_certificates = out.signs_crls = out.signs_data = true;
  if (in.empty()) return {};
  TRY_ASSIGN(const auto tagged, in.next(x509::kExplicit3));
  der::Reader wrapped(tagged);
  TRY_ASSIGN(const auto extensions, wrapped.next(der::sequence));
  if (!wrapped.empty() || !in.empty()) return fail("bytes after the extensions");
  return for_each_extension(extensions, [&out](const Extension& e) { return take_extension(e, out); });
}

Result<> read_revoked(BytesView list, Crl& out) {
  der::Reader in(list);
  while (!in.empty()) {
    TRY_ASSIGN(const auto entry, in.next(der::sequence));
    der::Reader fields(entry);
    TRY_ASSIGN(const auto serial, fields.next(der::integer));
    TRY(read_time(fields));
    if (!fields.empty()) {
      TRY_ASSIGN(const auto extensions, fields.next(der::sequence));
      TRY(for_each_extension(extensions, [](const Extension& e) -> Result<> {
        return e.critical ? fail("an entry has a critical extension") : Result<>{};
      }));
    }
    if (!fields.empty()) return fail("an entry is malformed");
    out.revoked.push_back(without_zeros(serial));
  }
  std::ranges::sort(out.revoked, std::ranges::lexicographical_compare);
  return {};
}

Result<> read_crl_body(BytesView body, Crl& out) {
  der::Reader in(body);
  TRY_ASSIGN(const auto version, in.next(der::integer));
  if (version.size() != 1 || version[0] != 1) return fail("the list is not of version 2");
  TRY(read_algorithm(in));
  TRY_ASSIGN(const auto issuer, in.next_item(der::sequence));
  out.issuer = issuer.whole;
  TRY_ASSIGN(out.this_update, read_time(in));
  TRY_ASSIGN(out.next_update, read_time(in));
  if (in.at(der::sequence)) {
    TRY_ASSIGN(const auto list, in.next(der::sequence));
    TRY(read_revoked(list, out));
  }
  if (in.empty()) return {};
  TRY_ASSIGN(const auto tagged, in.next(x509::kExplicit0));
  der::Reader wrapped(tagged);
  TRY_ASSIGN(const auto extensions, wrapped.next(der::sequence));
  if (!wrapped.empty() || !in.empty()) return fail("bytes after the extensions");
  return for_each_extension(extensions, [](const Extension& e) -> Result<> {
    const bool known = e.standard() == x509::crl_number || e.standard() == x509::authority_key_identifier;
    return e.critical && !known ? fail("an unknown critical extension") : Result<>{};
  });
}

}  // namespace

Result<X509Certificate> read_x509(BytesView der) {
  if (der.size() > kMaxX509) return fail("a certificate of {} bytes", der.size());
  X509Certificate out;
  TRY_ASSIGN(const auto body, open_signed(der, out.is_signed));
  TRY(read_certificate_body(body, out));
  return out;
}

Result<Crl> read_crl(BytesView der) {
  if (der.size() > kMaxCrl) return fail("a revocation list of {} bytes", der.size());
  Crl out;
  TRY_ASSIGN(const auto body, open_signed(der, out.is_signed));
  TRY(read_crl_body(body, out));
  return out;
}

bool Crl::lists(BytesView serial) const {
  return std::ranges::binary_search(revoked, without_zeros(serial), std::ranges::lexicographical_compare);
}

std::string X509Certificate::common_name() const {
  std::string out;
  der::Reader outer(subject);
  const auto name = outer.next(der::sequence);
  if (!name) return out;
  der::Reader sets(*name);
  while (!sets.empty()) {
    const auto one = sets.next(der::set);
    if (!one) return out;
    der::Reader pairs(*one);
    const auto pair = pairs.next(der::sequence);
    if (!pair) return out;
    der::Reader fields(*pair);
    const auto id = fields.next(der::oid);
    const auto value = fields.next();
    if (!id || !value || !same(*id, kCommonName)) continue;
    for (const auto c : value->content.first(std::min<std::size_t>(value->content.size(), 64)))
      out.push_back(c < 0x20 || c > 0x7e ? '?' : static_cast<char>(c));
    return out;
  }
  return out;
}

Result<std::vector<Bytes>> read_pem(std::string_view text, std::string_view label, std::size_t limit) {
  const auto begin = fmt::format("-----BEGIN {}-----", label), end = fmt::format("-----END {}-----", label);
  std::vector<Bytes> out;
  for (auto at = text.find(begin); at != text.npos; at = text.find(begin)) {
    text.remove_prefix(at + begin.size());
    const auto stop = text.find(end);
    if (stop == text.npos) return fail("PEM block '{}' does not end", label);
    std::string body;
    body.reserve(stop);
    for (const char c : text.substr(0, stop))
      if (c != '\n' && c != '\r' && c != ' ' && c != '\t') body.push_back(c);
    TRY_ASSIGN(auto der, from_base64(body));
    if (out.size() >= limit) return fail("more than {} PEM blocks", limit);
    out.push_back(std::move(der));
    text.remove_prefix(stop + end.size());
  }
  if (out.empty()) return fail("no PEM block '{}'", label);
  return out;
}

std::string common_name_of(std::string_view pem) {
  const auto ders = read_pem(pem, "CERTIFICATE", 3);
  if (!ders) return {};
  const auto certificate = read_x509(ders->front());
  return certificate ? certificate->common_name() : std::string();
}

std::string write_pem(BytesView der, std::string_view label) {
  const auto body = to_base64(der);
  auto out = fmt::format("-----BEGIN {}-----\n", label);
  for (std::size_t i = 0; i < body.size(); i += 64) out.append(body, i, 64).push_back('\n');
  return out + fmt::format("-----END {}-----\n", label);
}

}  // namespace cocoon::tee
