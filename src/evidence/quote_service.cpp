#include "evidence/quote_service.hpp"

namespace cocoon::evidence {
namespace {

constexpr std::size_t kHeader = 16;
constexpr std::uint32_t kGetQuoteRequest = 0, kGetQuoteResponse = 1;

void put(Bytes& out, std::uint32_t value, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

std::uint32_t u32(BytesView in, std::size_t at) {
  std::uint32_t out = 0;
  for (std::size_t i = 4; i-- > 0;) out = out << 8 | in[at + i];
  return out;
}

}  // namespace

Bytes quote_request(BytesView td_report) {
  Bytes out;
  put(out, 1, 2);  // major version
  put(out, 0, 2);  // minor version
  put(out, kGetQuoteRequest, 4);
  put(out, static_cast<std::uint32_t>(kHeader + 8 + td_report.size()), 4);
  put(out, 0, 4);  // no error
  put(out, static_cast<std::uint32_t>(td_report.size()), 4);
  put(out, 0, 4);  // no list of enclave ids
  append(out, td_report);
  return out;
}

Result<Bytes> quote_of_answer(BytesView in) {
  if (in.size() < kHeader) return fail("the quote service's answer has {} bytes", in.size());
  const unsigned major = in[0] | static_cast<unsigned>(in[1]) << 8;
  if (major != 1 || u32(in, 4) != kGetQuoteResponse)
    return fail("the quote service's answer is of version {}, type {}", major, u32(in, 4));
  if (const auto error = u32(in, 12); error != 0) return fail("the quote service answers error {:#x}", error);
  if (u32(in, 8) != in.size() || in.size() < kHeader + 8)
    return fail("the quote service's answer says {} bytes, has {}", u32(in, 8), in.size());
  const std::size_t id = u32(in, 16), quote = u32(in, 20), rest = in.size() - kHeader - 8;
  if (id > rest || quote != rest - id || quote == 0)
    return fail("the quote service's answer holds a quote of {} bytes in {}", quote, rest);
  return to_bytes(in.subspan(kHeader + 8 + id));
}

}  // namespace cocoon::evidence
