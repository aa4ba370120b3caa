#include "tl/writer.hpp"

namespace cocoon::tl {

void Writer::bytes_header(std::size_t n) {
  if (n < 254) {
    out_.push_back(static_cast<std::uint8_t>(n));
    return;
  }
  const bool wide = n >= (std::size_t{1} << 24);
  out_.push_back(wide ? 0xff : 0xfe);
  for (unsigned i = 0; i < (wide ? 7u : 3u); ++i)
    out_.push_back(static_cast<std::uint8_t>(std::uint64_t{n} >> (8 * i)));
}

void Writer::bytes_padding(std::size_t n) {
  const std::size_t header = n < 254 ? 1 : n < (std::size_t{1} << 24) ? 4 : 8;
  out_.resize(out_.size() + (4 - (header + n) % 4) % 4, 0);
}

void Writer::bytes(BytesView v) {
  bytes_header(v.size());
  raw(v);
  bytes_padding(v.size());
}

}  // namespace cocoon::tl
