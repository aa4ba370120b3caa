// The little of CBOR (RFC 8949) that attestation evidence in certificates needs: definite lengths, no floats.
#pragma once
#include <initializer_list>
#include <string_view>

#include "base/bytes.hpp"

namespace cocoon::tee::cbor {

enum class Major : std::uint8_t { number = 0, negative = 1, bytes = 2, text = 3, array = 4, map = 5, tag = 6 };

struct Head {
  Major major = Major::number;
  std::uint64_t value = 0;  // the number, the size in bytes, the items, the tag
};

// Walks items that lie side by side. Total on any bytes; lengths in shortest form only.
class Reader {
 public:
  explicit Reader(BytesView in) : rest_(in) {}
  bool empty() const { return rest_.empty(); }
  Result<Head> head();
  Result<std::uint64_t> expect(Major major);  // the value of the next head, which must be of that kind
  Result<BytesView> string(Major major);      // the content of a byte or text string
  // Passes over one whole item, nested at most 16 deep.
  Result<> skip(int depth = 0);

 private:
  BytesView rest_;
};

Bytes write_head(Major major, std::uint64_t value);
Bytes write_bytes(BytesView content);
Bytes write_text(std::string_view content);

}  // namespace cocoon::tee::cbor
