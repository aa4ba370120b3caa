#include "tee/der.hpp"

#include <charconv>
#include <ctime>

namespace cocoon::tee::der {

Result<Item> Reader::next() {
  if (rest_.size() < 2) return fail("DER ends within an item");
  Item out;
  out.tag = rest_[0];
  if ((out.tag & 0x1f) == 0x1f) return fail("DER tag of several bytes");
  std::size_t length = rest_[1], head = 2;
  if (length >= 0x80) {
    const std::size_t bytes = length & 0x7f;
    if (bytes == 0 || bytes > 4 || rest_.size() < 2 + bytes) return fail("DER length is not valid");
    length = 0;
    for (std::size_t i = 0; i < bytes; ++i) length = length << 8 | rest_[2 + i];
    if (length < 0x80 || rest_[2] == 0) return fail("DER length is not in shortest form");
    head += bytes;
  }
  if (length > rest_.size() - head) return fail("DER item of {} bytes, {} left", length, rest_.size() - head);
  out.content = rest_.subspan(head, length);
  out.whole = rest_.first(head + length);
  rest_ = rest_.subspan(head + length);
  return out;
}

Result<Item> Reader::next_item(std::uint8_t tag) {
  TRY_ASSIGN(const auto found, next());
  if (found.tag != tag) return fail("DER tag {:#x}, expected {:#x}", found.tag, tag);
  return found;
}

Result<BytesView> Reader::next(std::uint8_t tag) {
  TRY_ASSIGN(const auto found, next_item(tag));
  return found.content;
}

Bytes oid_content(std::string_view dotted) {
  std::vector<std::uint32_t> arcs;
  const char* at = dotted.data();
  const char* const end = at + dotted.size();
  while (at < end && arcs.size() < 32) {
    std::uint32_t arc = 0;
    const auto [stop, ec] = std::from_chars(at, end, arc);
    if (ec != std::errc{}) return {};
    arcs.push_back(arc);
    at = stop + (stop < end && *stop == '.' ? 1 : 0);
    if (at == stop && at < end) return {};
  }
  if (arcs.size() < 2 || arcs[0] > 2 || arcs[1] > 39) return {};
  Bytes out{static_cast<std::uint8_t>(arcs[0] * 40 + arcs[1])};
  for (std::size_t i = 2; i < arcs.size(); ++i)
    for (int shift = 28; shift >= 0; shift -= 7)
      if (shift == 0 || arcs[i] >> shift != 0)
        out.push_back(static_cast<std::uint8_t>((arcs[i] >> shift & 0x7f) | (shift ? 0x80u : 0u)));
  return out;
}

Result<std::uint32_t> small_integer(BytesView content) {
  if (content.empty() || content.size() > 5 || (content[0] & 0x80) || (content.size() == 5 && content[0] != 0))
    return fail("DER integer out of range");
  std::uint32_t value = 0;
  for (const auto b : content) value = value << 8 | b;
  return value;
}

Bytes item(std::uint8_t tag, BytesView content) {
  Bytes out{tag};
  const auto n = content.size();
  if (n < 0x80) {
    out.push_back(static_cast<std::uint8_t>(n));
  } else {
    const int bytes = n < 0x100 ? 1 : n < 0x10000 ? 2 : n < 0x1000000 ? 3 : 4;
    out.push_back(static_cast<std::uint8_t>(0x80 + bytes));
    for (int i = bytes - 1; i >= 0; --i) out.push_back(static_cast<std::uint8_t>(n >> (8 * i)));
  }
  append(out, content);
  return out;
}

Bytes join(std::initializer_list<Bytes> parts) {
  Bytes out;
  for (const auto& part : parts) append(out, part);
  return out;
}

Bytes write_integer(BytesView big_endian) {
  while (big_endian.size() > 1 && big_endian[0] == 0) big_endian = big_endian.subspan(1);
  Bytes content;
  if (big_endian.empty() || (big_endian[0] & 0x80)) content.push_back(0);
  append(content, big_endian);
  return item(integer, content);
}

Bytes write_small(std::uint32_t value) {
  const std::array<std::uint8_t, 4> raw{static_cast<std::uint8_t>(value >> 24), static_cast<std::uint8_t>(value >> 16),
                                        static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)};
  return write_integer(raw);
}

Bytes write_bits(BytesView bits, std::uint8_t unused) {
  Bytes content{unused};
  append(content, bits);
  return item(bit_string, content);
}

Bytes write_time(std::int64_t unix_seconds) {
  const auto seconds = static_cast<std::time_t>(unix_seconds);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  const auto rest = fmt::format("{:02}{:02}{:02}{:02}{:02}Z", parts.tm_mon + 1, parts.tm_mday, parts.tm_hour,
                                parts.tm_min, parts.tm_sec);
  const int year = parts.tm_year + 1900;
  if (year >= 1950 && year < 2050) return item(utc_time, as_bytes(fmt::format("{:02}{}", year % 100, rest)));
  return item(generalized_time, as_bytes(fmt::format("{:04}{}", year, rest)));
}

Bytes write_name(std::string_view common_name) {
  return write_sequence({item(set, write_sequence({write_oid("2.5.4.3"), item(utf8, as_bytes(common_name))}))});
}

Bytes write_extension(std::string_view dotted, bool critical, BytesView value) {
  const Bytes flag = critical ? Bytes{boolean, 1, 0xff} : Bytes{};
  return write_sequence({write_oid(dotted), flag, item(octet_string, value)});
}

}  // namespace cocoon::tee::der
