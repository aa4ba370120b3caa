#include "tee/x509_parts.hpp"

namespace cocoon::tee::x509 {
namespace {

Result<int> digits(BytesView text, std::size_t at, std::size_t n) {
  int value = 0;
  for (const auto c : text.subspan(at, n)) {
    if (c < '0' || c > '9') return fail("a time of the certificate is not a number");
    value = value * 10 + (c - '0');
  }
  return value;
}

}  // namespace

BytesView without_zeros(BytesView number) {
  while (!number.empty() && number[0] == 0) number = number.subspan(1);
  return number;
}

Result<Time> read_time(der::Reader& in) {
  TRY_ASSIGN(const auto item, in.next());
  const auto& text = item.content;
  const bool utc = item.tag == der::utc_time;
  const std::size_t year_digits = utc ? 2 : 4;
  if ((!utc && item.tag != der::generalized_time) || text.size() != year_digits + 11 || text.back() != 'Z')
    return fail("a certificate or list has a time that is not readable");
  TRY_ASSIGN(auto year, digits(text, 0, year_digits));
  if (utc) year += year < 50 ? 2000 : 1900;
  std::array<int, 5> parts{};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    TRY_ASSIGN(parts[i], digits(text, year_digits + 2 * i, 2));
  }
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(parts[0])),
                                         std::chrono::day(static_cast<unsigned>(parts[1]))};
  if (!date.ok() || parts[2] > 23 || parts[3] > 59 || parts[4] > 59)
    return fail("a certificate or list has no real time");
  return Time(std::chrono::sys_days(date)) + std::chrono::hours(parts[2]) + std::chrono::minutes(parts[3]) +
         std::chrono::seconds(parts[4]);
}

Result<Extension> read_extension(der::Reader& in) {
  TRY_ASSIGN(const auto one, in.next(der::sequence));
  der::Reader fields(one);
  Extension extension;
  TRY_ASSIGN(extension.id, fields.next(der::oid));
  if (fields.at(der::boolean)) {
    TRY_ASSIGN(const auto critical, fields.next(der::boolean));
    extension.critical = critical.size() == 1 && critical[0] != 0;
  }
  TRY_ASSIGN(extension.value, fields.next(der::octet_string));
  if (!fields.empty()) return fail("an extension is malformed");
  return extension;
}

Result<BasicConstraints> read_basic_constraints(BytesView value) {
  BasicConstraints out;
  der::Reader whole(value);
  TRY_ASSIGN(const auto content, whole.next(der::sequence));
  der::Reader in(content);
  if (in.at(der::boolean)) {
    TRY_ASSIGN(const auto ca, in.next(der::boolean));
    out.ca = ca.size() == 1 && ca[0] != 0;
  }
  if (in.at(der::integer)) {
    TRY_ASSIGN(const auto raw, in.next(der::integer));
    TRY_ASSIGN(out.path_len, der::small_integer(raw));
  }
  if (!in.empty() || !whole.empty()) return fail("basicConstraints are malformed");
  return out;
}

Result<KeyUsage> read_key_usage(BytesView value) {
  der::Reader whole(value);
  TRY_ASSIGN(const auto bits, whole.next(der::bit_string));
  if (!whole.empty() || bits.size() < 2 || bits.size() > 3) return fail("keyUsage is malformed");
  KeyUsage out;
  out.data = bits[1] & 0x80;          // bit 0
  out.certificates = bits[1] & 0x04;  // bit 5
  out.lists = bits[1] & 0x02;         // bit 6
  return out;
}

}  // namespace cocoon::tee::x509
