// A byte stream cut into frames: pieces of any size give the same frames as the whole, and what is buffered is never
// more than what came. The first byte chooses the pieces.
#include <cstdlib>
#include <vector>

#include "wire/frame.hpp"
#include "wire/peer_record.hpp"
#include "wire/pow.hpp"

namespace {

using namespace cocoon;

constexpr std::uint32_t max_payload = 4096;

std::vector<Bytes> frames_of(BytesView stream, std::size_t piece) {
  std::vector<Bytes> frames;
  wire::FrameReader reader(max_payload);
  for (std::size_t at = 0; at < stream.size(); at += piece) {
    reader.push(stream.subspan(at, std::min(piece, stream.size() - at)));
    if (reader.buffered() > stream.size()) std::abort();
    while (true) {
      const auto frame = reader.next();
      if (!frame) return frames;
      if (!*frame) break;
      frames.push_back(to_bytes(**frame));
    }
  }
  return frames;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView input(data, size);
  if (size > 0) {
    const BytesView stream = input.subspan(1);
    const auto whole = frames_of(stream, stream.size() + 1);
    if (frames_of(stream, 1U + data[0] % 64U) != whole) std::abort();
    // Frames written back are the bytes they came from.
    wire::FrameWriter writer(max_payload);
    Bytes again;
    for (const Bytes& payload : whole) {
      if (!writer.append_frame(again, payload)) std::abort();
    }
    if (!std::equal(again.begin(), again.end(), stream.begin())) std::abort();
  }
  if (const auto record = wire::decode_peer_record(input); !record && record.error().what.empty()) std::abort();
  if (const auto challenge = wire::pow::decode_challenge(input); challenge && size != 24) std::abort();
  if (const auto response = wire::pow::decode_response(input); response && size != 12) std::abort();
  return 0;
}
