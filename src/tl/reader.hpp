// Reading TL: total, bounded, without exceptions.
#pragma once
#include <bit>
#include <cstring>
#include <utility>

#include "base/result.hpp"
#include "tl/types.hpp"

namespace cocoon::tl {

// A cursor over bytes it does not own. The first failure sticks: every later read gives zero or empty, `ok()` is false
// and `finish()` says what went wrong and where. Views it hands out live as long as the input.
class Reader : public Archive<Reader> {
 public:
  explicit Reader(BytesView in) : in_(in) {}

  bool ok() const { return why_ == nullptr; }
  std::size_t at() const { return at_; }
  std::size_t left() const { return in_.size() - at_; }
  BytesView rest() const { return in_.subspan(at_); }

  std::uint32_t u32() { return scalar<std::uint32_t>(); }
  std::int32_t i32() { return std::bit_cast<std::int32_t>(u32()); }
  std::uint64_t u64() { return scalar<std::uint64_t>(); }
  std::int64_t i64() { return std::bit_cast<std::int64_t>(u64()); }
  double f64() { return std::bit_cast<double>(u64()); }
  std::uint32_t flags();           // negative is an error
  bool boolean();                  // anything but the two ids is an error
  BytesView take(std::size_t n) {  // raw bytes
    if (!ok() || n > left()) return nothing();
    const BytesView out = in_.subspan(at_, n);
    at_ += n;
    return out;
  }
  BytesView bytes();  // a TL string: padding may hold anything, the header need not be the shortest
  template <std::size_t N>
  FixedBytes<N> fixed() {
    const BytesView raw = take(N);
    return raw.size() == N ? FixedBytes<N>::from(raw) : FixedBytes<N>{};
  }
  // A list's count: never more than the bytes left.
  std::size_t count();

  // Requires the next word to be this constructor id.
  void id(std::uint32_t expected);

  template <class T>
  void value(T& to);

  void error(const char* why) {
    if (why_ != nullptr) return;
    why_ = why;
    where_ = at_;
  }
  // An error if anything failed; for a whole object also if bytes are left over (wire.md 1.3).
  Result<> status() const;
  Result<> finish() const;

 private:
  BytesView nothing() {
    error("input ends inside a value");
    return {};
  }
  template <class T>
  T scalar() {
    const BytesView raw = take(sizeof(T));
    if (raw.size() != sizeof(T)) return 0;
    T v = 0;
    std::memcpy(&v, raw.data(), sizeof(T));
    return little_endian(v);
  }
  template <class V, std::size_t... I>
  void variant(V& to, std::index_sequence<I...>) {
    const std::uint32_t got = u32();
    const bool known =
        ok() &&
        ((got == std::variant_alternative_t<I, V>::kId ? (value(to.template emplace<I>()), true) : false) || ...);
    if (!known) error("unknown constructor");
  }
  template <class T>
  void list(T& to) {
    const std::size_t n = count();
    to.clear();
    for (std::size_t i = 0; i < n && ok(); ++i) value(to.emplace_back());
    if (!ok()) to.clear();
  }

  BytesView in_;
  std::size_t at_ = 0;
  const char* why_ = nullptr;
  std::size_t where_ = 0;
};

template <class T>
void Reader::value(T& to) {
  if constexpr (std::is_same_v<T, std::int32_t>) {
    to = i32();
  } else if constexpr (std::is_same_v<T, std::uint32_t>) {
    to = flags();
  } else if constexpr (std::is_same_v<T, std::int64_t>) {
    to = i64();
  } else if constexpr (std::is_same_v<T, std::uint64_t>) {
    to = u64();
  } else if constexpr (std::is_same_v<T, double>) {
    to = f64();
  } else if constexpr (std::is_same_v<T, bool>) {
    to = boolean();
  } else if constexpr (std::is_same_v<T, std::string>) {
    to.assign(as_text(bytes()));
  } else if constexpr (std::is_same_v<T, std::string_view>) {
    to = as_text(bytes());
  } else if constexpr (std::is_same_v<T, Bytes>) {
    const BytesView raw = bytes();
    to.assign(raw.begin(), raw.end());
  } else if constexpr (std::is_same_v<T, BytesView>) {
    to = bytes();
  } else if constexpr (FixedSize<T>::value != 0) {
    to = fixed<FixedSize<T>::value>();
  } else if constexpr (IsVariant<T>::value) {
    variant(to, std::make_index_sequence<std::variant_size_v<T>>{});
  } else if constexpr (IsVector<T>::value) {
    list(to);
  } else {
    T::fields(*this, to);
  }
}

}  // namespace cocoon::tl
