// What the reader, the writer and the sizer share: which C++ type stands for which TL type (wire.md 1.1 - 1.3).
//
//   std::int32_t  int            std::int64_t, std::uint64_t  long        double  double
//   std::uint32_t # (flags word) FixedBytes<N>  int128, int256, ...      bool    Bool
//   std::string   string         Bytes          bytes (copied)           BytesView  bytes (a view into the input)
//   std::string_view  string (a view)
//   std::vector<T>  list: count, then inline items (what the liteserver's schema writes `vector T`)
//   std::variant<A, B...>  boxed value: the id of one alternative, then its fields
//   a struct with `static void fields(auto& archive, auto& self)`  inline value; with kId it can also be boxed
#pragma once
#include <bit>
#include <concepts>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "base/bytes.hpp"

namespace cocoon::tl {

inline constexpr std::uint32_t kTrueId = 0x997275b5;
inline constexpr std::uint32_t kFalseId = 0xbc799737;
inline constexpr std::uint32_t kVectorId = 0x1cb5c415;

// Between a number of this machine and one of the wire.
template <std::unsigned_integral T>
constexpr T little_endian(T v) {
  if constexpr (std::endian::native == std::endian::big) return std::byteswap(v);
  return v;
}

// A value that has a constructor id of its own.
template <class T>
concept Boxed = requires {
  { T::kId } -> std::convertible_to<std::uint32_t>;
};

template <class T>
struct IsVariant : std::false_type {};
template <class... T>
struct IsVariant<std::variant<T...>> : std::true_type {};

template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};

template <class T>
struct FixedSize : std::integral_constant<std::size_t, 0> {};
template <std::size_t N>
struct FixedSize<FixedBytes<N>> : std::integral_constant<std::size_t, N> {};

inline constexpr bool has_bit(std::uint32_t flags, unsigned bit) { return ((flags >> bit) & 1u) != 0; }

// The vocabulary in which a struct lists its fields. `Derived` has `value(x)` for one inline value of any type above
// and `id(x)` for the constructor id of a boxed one.
template <class Derived>
class Archive {
 public:
  // Fields in wire order.
  template <class... T>
  Derived& operator()(T&... field) {
    (self().value(field), ...);
    return self();
  }
  // Fields present iff `bit` of the flags word that has already been read or written is set.
  template <class... T>
  Derived& when(std::uint32_t flags, unsigned bit, T&... field) {
    if (has_bit(flags, bit)) (self().value(field), ...);
    return self();
  }
  // A field whose type has one constructor, written with its id.
  template <class T>
    requires Boxed<std::remove_const_t<T>>
  Derived& boxed(T& field) {
    self().id(std::remove_const_t<T>::kId);
    self().value(field);
    return self();
  }
  // A list with the generic vector id in front (liteserver functions that return `Vector T`; never on Cocoon's wire).
  template <class T>
  Derived& boxed_vector(T& field) {
    self().id(kVectorId);
    self().value(field);
    return self();
  }

 private:
  Derived& self() { return static_cast<Derived&>(*this); }
};

}  // namespace cocoon::tl
