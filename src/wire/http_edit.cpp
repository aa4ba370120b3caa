#include "wire/http_edit.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include "base/text.hpp"

namespace cocoon::wire {
namespace {

void skip_headers(tl::Reader& in) {
  for (std::size_t n = in.count(); n > 0 && in.ok(); --n) {
    in.bytes();
    in.bytes();
  }
}

Result<> finished(const tl::Reader& in, std::string_view name) {
  auto end = in.finish();
  if (!end) return std::unexpected(std::move(end).error().within(name));
  return {};
}

}  // namespace

Result<std::string_view> request_header(BytesView object, std::string_view name) {
  tl::Reader in(object);
  in.id(http::Request::kId);
  for (int text = 0; text < 3; ++text) in.bytes();  // method, url, version
  std::optional<std::string_view> found;
  for (std::size_t n = in.count(); n > 0 && in.ok(); --n) {
    const auto own = as_text(in.bytes());
    const auto value = as_text(in.bytes());
    if (!found && equal_ignoring_case(own, name)) found = value;
  }
  in.bytes();  // payload
  TRY(finished(in, http::Request::kName));
  return found.value_or(std::string_view{});
}

Result<int> response_status(BytesView object) {
  tl::Reader in(object);
  in.id(http::Response::kId);
  in.bytes();  // version
  const int status = in.i32();
  auto end = in.status();
  if (!end) return std::unexpected(std::move(end).error().within(http::Response::kName));
  return status;
}

Result<Bytes> with_headers(BytesView object, std::span<const http::Header> more) {
  tl::Reader in(object);
  in.id(http::Response::kId);
  in.bytes();  // version
  in.i32();    // status
  in.bytes();  // reason
  const std::size_t count_at = in.at();
  const std::size_t count = tl::Reader(object.subspan(count_at)).count();
  skip_headers(in);
  const std::size_t headers_end = in.at();
  in.bytes();  // payload
  TRY(finished(in, http::Response::kName));

  std::size_t size = object.size();
  for (const auto& h : more) size += tl::size_of(h);
  Bytes out;
  out.reserve(size);
  tl::Writer w(out);
  w.raw(object.first(count_at));
  w.u32(static_cast<std::uint32_t>(count + more.size()));
  w.raw(object.subspan(count_at + 4, headers_end - count_at - 4));
  for (const auto& h : more) w.value(h);
  w.raw(object.subspan(headers_end));
  return out;
}

std::string seconds_text(double unix_seconds) {
  // The digits of the microseconds, at least seven, with a point before the last six. Faster than a format by far, and
  // each node writes two of these into every answer.
  std::array<char, 32> text{};
  const std::int64_t micros = std::llround(unix_seconds * 1e6);
  auto* const digits = text.data() + 7;
  auto* end = std::to_chars(digits, text.data() + text.size(), micros).ptr;
  auto* begin = digits;
  while (end - begin < 7) *--begin = '0';
  std::copy_backward(end - 6, end, end + 1);
  end[-6] = '.';
  return {begin, end + 1};
}

}  // namespace cocoon::wire
