// The frame reader finds the same payloads whether a stream comes whole or in pieces.
#include <algorithm>

#include "wire/frame.hpp"

using namespace cocoon;

namespace {

struct Seen {
  Bytes payloads;
  bool failed = false;
  friend bool operator==(const Seen&, const Seen&) = default;
};

Seen read(BytesView in, std::size_t piece) {
  wire::FrameReader reader(1 << 16);
  Seen out;
  for (std::size_t at = 0; at < in.size() && !out.failed; at += piece) {
    reader.push(in.subspan(at, std::min(piece, in.size() - at)));
    for (;;) {
      const auto next = reader.next();
      out.failed = !next;
      if (!next || !*next) break;
      append(out.payloads, **next);
      out.payloads.push_back(0xff);
    }
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const BytesView in(data + 1, size - 1);
  if (!(read(in, in.size() + 1) == read(in, 1 + data[0] % 32))) __builtin_trap();
  // The same bytes as payloads of frames of our own come back.
  wire::FrameWriter writer(1 << 16);
  Bytes stream, expected;
  for (std::size_t at = 0; at + 4 <= in.size(); at += 4 + data[0] % 64) {
    const BytesView payload = in.subspan(at, std::min<std::size_t>(in.size() - at, 4 + data[0] % 64));
    if (!writer.append_frame(stream, payload)) continue;
    append(expected, payload);
    expected.push_back(0xff);
  }
  const Seen own = read(stream, 1 + data[0] % 7);
  if (own.failed || own.payloads != expected) __builtin_trap();
  return 0;
}
