// Writing TL, and measuring what would be written.
#pragma once
#include <bit>
#include <utility>

#include "tl/types.hpp"

namespace cocoon::tl {

// Bytes a TL string of n bytes takes, header and padding included.
constexpr std::size_t string_size(std::size_t n) {
  const std::size_t header = n < 254 ? 1 : n < (std::size_t{1} << 24) ? 4 : 8;
  return (header + n + 3) / 4 * 4;
}

// What the writer and the sizer do alike: walk a value down to its scalars.
template <class Derived>
class OutArchive : public Archive<Derived> {
 public:
  template <class T>
  void value(const T& v) {
    auto& out = static_cast<Derived&>(*this);
    if constexpr (std::is_same_v<T, std::int32_t> || std::is_same_v<T, std::uint32_t>) {
      out.u32(std::bit_cast<std::uint32_t>(v));
    } else if constexpr (std::is_same_v<T, std::int64_t> || std::is_same_v<T, std::uint64_t> ||
                         std::is_same_v<T, double>) {
      out.u64(std::bit_cast<std::uint64_t>(v));
    } else if constexpr (std::is_same_v<T, bool>) {
      out.u32(v ? kTrueId : kFalseId);
    } else if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, std::string_view>) {
      out.bytes(as_bytes(v));
    } else if constexpr (std::is_same_v<T, Bytes> || std::is_same_v<T, BytesView>) {
      out.bytes(v);
    } else if constexpr (FixedSize<T>::value != 0) {
      out.raw(v.view());
    } else if constexpr (IsVariant<T>::value) {
      std::visit([this](const auto& one) { this->boxed(one); }, v);
    } else if constexpr (IsVector<T>::value) {
      out.u32(static_cast<std::uint32_t>(v.size()));
      for (const auto& item : v) value(item);
    } else {
      T::fields(out, v);
    }
  }
  void id(std::uint32_t v) { static_cast<Derived&>(*this).u32(v); }
};

// Appends to bytes it does not own.
class Writer : public OutArchive<Writer> {
 public:
  explicit Writer(Bytes& out) : out_(out) {}

  void u32(std::uint32_t v) { scalar(v); }
  void u64(std::uint64_t v) { scalar(v); }
  void i32(std::int32_t v) { scalar(std::bit_cast<std::uint32_t>(v)); }
  void i64(std::int64_t v) { scalar(std::bit_cast<std::uint64_t>(v)); }
  void f64(double v) { scalar(std::bit_cast<std::uint64_t>(v)); }
  void boolean(bool v) { u32(v ? kTrueId : kFalseId); }
  void raw(BytesView v) { append(out_, v); }
  void bytes(BytesView v);  // a TL string: the shortest header, zero padding
  // The two halves of `bytes`, for a payload of n bytes that comes from elsewhere.
  void bytes_header(std::size_t n);
  void bytes_padding(std::size_t n);

 private:
  template <class T>
  void scalar(T v) {
    const auto le = std::bit_cast<std::array<std::uint8_t, sizeof(T)>>(little_endian(v));
    out_.insert(out_.end(), le.begin(), le.end());
  }

  Bytes& out_;
};

// Counts what a Writer would append.
class Sizer : public OutArchive<Sizer> {
 public:
  std::size_t size() const { return size_; }
  void u32(std::uint32_t) { size_ += 4; }
  void u64(std::uint64_t) { size_ += 8; }
  void raw(BytesView v) { size_ += v.size(); }
  void bytes(BytesView v) { size_ += string_size(v.size()); }

 private:
  std::size_t size_ = 0;
};

}  // namespace cocoon::tl
