// Whole objects: encode and decode, boxed and inline. Errors say what was wrong and at which byte.
#pragma once
#include "tl/reader.hpp"
#include "tl/writer.hpp"

namespace cocoon::tl {

template <class T>
std::size_t size_of(const T& inline_value) {
  Sizer s;
  s.value(inline_value);
  return s.size();
}

// Fields only. A std::variant writes the id of what it holds, here as everywhere.
template <class T>
Bytes encode_inline(const T& v) {
  Bytes out;
  out.reserve(size_of(v));
  Writer(out).value(v);
  return out;
}

// Id, then fields.
template <Boxed T>
Bytes encode_boxed(const T& v) {
  Bytes out;
  out.reserve(4 + size_of(v));
  Writer(out).boxed(v);
  return out;
}
template <class... T>
Bytes encode_boxed(const std::variant<T...>& v) {
  return encode_inline(v);
}

// The whole input must be consumed.
template <class T>
Result<T> decode_inline(BytesView in) {
  Reader r(in);
  T out{};
  r.value(out);
  TRY(r.finish());
  return out;
}

// One given constructor, or (for a std::variant) any of its alternatives.
template <class T>
Result<T> decode_boxed(BytesView in) {
  Reader r(in);
  T out{};
  if constexpr (Boxed<T>) {
    r.boxed(out);
  } else {
    static_assert(IsVariant<T>::value);
    r.value(out);
  }
  TRY(r.finish());
  return out;
}

// The constructor id at the start of a boxed value; 0 (no constructor has it) when there are fewer than four bytes.
inline std::uint32_t peek_id(BytesView in) {
  Reader r(in);
  return r.u32();
}

}  // namespace cocoon::tl
