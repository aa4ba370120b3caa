#include "tee/cbor.hpp"

namespace cocoon::tee::cbor {

Result<Head> Reader::head() {
  if (rest_.empty()) return fail("CBOR ends where an item is expected");
  Head out;
  out.major = static_cast<Major>(rest_[0] >> 5);
  const unsigned info = rest_[0] & 0x1f;
  std::size_t more = 0;
  if (rest_[0] >> 5 == 7) return fail("CBOR simple values are not expected here");
  if (info < 24)
    out.value = info;
  else if (info <= 27)
    more = std::size_t{1} << (info - 24);
  else
    return fail("CBOR of indefinite length is not taken");
  if (rest_.size() < 1 + more) return fail("CBOR ends within an item's head");
  for (std::size_t i = 0; i < more; ++i) out.value = out.value << 8 | rest_[1 + i];
  const bool shortest = more == 0 || (more == 1 && out.value >= 24) || (more > 1 && out.value >> (4 * more) != 0);
  if (!shortest) return fail("a CBOR length is not in shortest form");
  rest_ = rest_.subspan(1 + more);
  return out;
}

Result<std::uint64_t> Reader::expect(Major major) {
  TRY_ASSIGN(const auto found, head());
  if (found.major != major)
    return fail("CBOR item of major type {}, expected {}", static_cast<int>(found.major), static_cast<int>(major));
  return found.value;
}

Result<BytesView> Reader::string(Major major) {
  TRY_ASSIGN(const auto size, expect(major));
  if (size > rest_.size()) return fail("a CBOR string of {} bytes, {} left", size, rest_.size());
  const auto out = rest_.first(static_cast<std::size_t>(size));
  rest_ = rest_.subspan(out.size());
  return out;
}

Result<> Reader::skip(int depth) {
  if (depth > 16) return fail("CBOR nests too deep");
  TRY_ASSIGN(const auto found, head());
  switch (found.major) {
    case Major::number:
    case Major::negative:
      return {};
    case Major::bytes:
    case Major::text:
      if (found.value > rest_.size()) return fail("a CBOR string is longer than its input");
      rest_ = rest_.subspan(static_cast<std::size_t>(found.value));
      return {};
    case Major::tag:
      return skip(depth + 1);
    case Major::array:
    case Major::map:
      break;
  }
  // Each item takes a byte at least: a count beyond that is a lie.
  if (found.value > rest_.size()) return fail("a CBOR container is longer than its input");
  const auto items = found.major == Major::map ? found.value * 2 : found.value;
  for (std::uint64_t i = 0; i < items; ++i) TRY(skip(depth + 1));
  return {};
}

Bytes write_head(Major major, std::uint64_t value) {
  const auto kind = static_cast<std::uint8_t>(static_cast<unsigned>(major) << 5);
  if (value < 24) return {static_cast<std::uint8_t>(kind | value)};
  const unsigned log = value < 0x100 ? 0 : value < 0x10000 ? 1 : value < 0x1'0000'0000 ? 2 : 3;
  Bytes out{static_cast<std::uint8_t>(kind | (24 + log))};
  for (int shift = (8 << log) - 8; shift >= 0; shift -= 8)
    out.push_back(static_cast<std::uint8_t>(value >> shift & 0xff));
  return out;
}

Bytes write_bytes(BytesView content) {
  auto out = write_head(Major::bytes, content.size());
  append(out, content);
  return out;
}

Bytes write_text(std::string_view content) {
  auto out = write_head(Major::text, content.size());
  append(out, as_bytes(content));
  return out;
}

}  // namespace cocoon::tee::cbor
