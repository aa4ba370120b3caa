// Walks binary structures in order; every read says whether the bytes were there. Inside this room only.
#pragma once
#include "base/bytes.hpp"

namespace cocoon::tee {

inline std::uint64_t load_little(BytesView in) {
  std::uint64_t out = 0;
  for (std::size_t i = in.size(); i-- > 0;) out = out << 8 | in[i];
  return out;
}
inline std::uint64_t load_big(BytesView in) {
  std::uint64_t out = 0;
  for (const auto b : in) out = out << 8 | b;
  return out;
}

class Cursor {
 public:
  explicit Cursor(BytesView in, std::string_view what) : rest_(in), what_(what) {}
  std::size_t left() const { return rest_.size(); }
  bool empty() const { return rest_.empty(); }
  BytesView rest() const { return rest_; }

  Result<BytesView> take(std::size_t n) {
    if (n > rest_.size()) return fail("{} ends {} bytes short", what_, n - rest_.size());
    const auto out = rest_.first(n);
    rest_ = rest_.subspan(n);
    return out;
  }
  // Unsigned integers of 1 to 8 bytes.
  Result<std::uint64_t> little(std::size_t bytes) {
    TRY_ASSIGN(const auto raw, take(bytes));
    return load_little(raw);
  }
  Result<std::uint64_t> big(std::size_t bytes) {
    TRY_ASSIGN(const auto raw, take(bytes));
    return load_big(raw);
  }
  template <std::size_t N>
  Result<FixedBytes<N>> fixed() {
    TRY_ASSIGN(const auto raw, take(N));
    return FixedBytes<N>::from(raw);
  }

 private:
  BytesView rest_;
  std::string_view what_;  // a literal: what is being read, for errors
};

}  // namespace cocoon::tee
