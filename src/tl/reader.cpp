#include "tl/reader.hpp"

namespace cocoon::tl {

std::uint32_t Reader::flags() {
  const std::uint32_t v = u32();
  if ((v >> 31) != 0) error("negative flags word");
  return ok() ? v : 0;
}

bool Reader::boolean() {
  const std::uint32_t v = u32();
  if (ok() && v != kTrueId && v != kFalseId) error("neither true nor false");
  return ok() && v == kTrueId;
}

BytesView Reader::bytes() {
  // Most strings are short.
  if (ok() && left() > 0 && in_[at_] < 254) {
    const std::size_t n = in_[at_], whole = (1 + n + 3) / 4 * 4;
    if (whole <= left()) {
      const BytesView out = in_.subspan(at_ + 1, n);
      at_ += whole;
      return out;
    }
  }
  const BytesView first = take(1);
  if (first.empty()) return {};
  std::size_t header = 1;
  std::uint64_t n = first[0];
  if (n >= 254) {
    const std::size_t more = n == 254 ? 3 : 7;
    header += more;
    n = 0;
    const BytesView raw = take(more);
    for (std::size_t i = 0; i < raw.size(); ++i) n |= static_cast<std::uint64_t>(raw[i]) << (8 * i);
  }
  if (!ok() || n > left()) {
    error("string longer than the input");
    return {};
  }
  const std::size_t size = static_cast<std::size_t>(n);
  const BytesView out = take(size);
  take((4 - (header + size) % 4) % 4);
  return ok() ? out : BytesView{};
}

std::size_t Reader::count() {
  const std::uint32_t n = u32();
  if (n > left()) error("list longer than the input");
  return ok() ? n : 0;
}

void Reader::id(std::uint32_t expected) {
  if (u32() != expected) error("another constructor than expected");
}

Result<> Reader::status() const {
  if (!ok()) return fail("{} at byte {} of {}", why_, where_, in_.size());
  return {};
}

Result<> Reader::finish() const {
  TRY(status());
  if (left() != 0) return fail("{} bytes after the object of {}", left(), at_);
  return {};
}

}  // namespace cocoon::tl
