// The little of DER that certificates need: a reader that is total on any bytes, and writers.
#pragma once
#include <initializer_list>
#include <optional>
#include <string_view>

#include "base/bytes.hpp"

namespace cocoon::tee::der {

enum Tag : std::uint8_t {
  boolean = 0x01,
  integer = 0x02,
  bit_string = 0x03,
  octet_string = 0x04,
  oid = 0x06,
  utf8 = 0x0c,
  printable = 0x13,
  utc_time = 0x17,
  generalized_time = 0x18,
  sequence = 0x30,
  set = 0x31,
};

struct Item {
  std::uint8_t tag = 0;
  BytesView content;
  BytesView whole;  // with tag and length: what signatures cover and names are compared by
};

// Walks the items that lie side by side in `in`. Definite lengths in shortest form only.
class Reader {
 public:
  explicit Reader(BytesView in) : rest_(in) {}
  bool empty() const { return rest_.empty(); }
  bool at(std::uint8_t tag) const { return !rest_.empty() && rest_[0] == tag; }
  Result<Item> next();
  Result<Item> next_item(std::uint8_t tag);  // the next item, which must have that tag
  Result<BytesView> next(std::uint8_t tag);  // the content of the next item, which must have that tag

 private:
  BytesView rest_;
};

// "1.2.840.113741.1.13.1" as the content of an OID; arcs up to 2^32-1, at most 32 of them. The text is ours: a
// malformed one gives an empty result, which matches no OID.
Bytes oid_content(std::string_view dotted);
// A non-negative INTEGER below 2^32.
Result<std::uint32_t> small_integer(BytesView content);

Bytes item(std::uint8_t tag, BytesView content);
Bytes join(std::initializer_list<Bytes> parts);
inline Bytes write_sequence(std::initializer_list<Bytes> parts) { return item(sequence, join(parts)); }
inline Bytes write_oid(std::string_view dotted) { return item(oid, oid_content(dotted)); }
Bytes write_integer(BytesView big_endian);  // unsigned
Bytes write_small(std::uint32_t value);
Bytes write_bits(BytesView bits, std::uint8_t unused = 0);
Bytes write_time(std::int64_t unix_seconds);  // UTCTime until 2049, GeneralizedTime after
Bytes write_name(std::string_view common_name);

// Extension ::= SEQUENCE { OID, critical TRUE (only when it is), OCTET STRING value }
Bytes write_extension(std::string_view dotted, bool critical, BytesView value);

}  // namespace cocoon::tee::der
