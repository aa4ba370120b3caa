// Frames (wire.md 2.6.1): length, sequence number, payload.
#pragma once
#include <optional>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace cocoon::wire {

inline constexpr std::size_t kFrameHeader = 8;
inline constexpr std::uint32_t kMinPayload = 4;
inline constexpr std::uint32_t kMaxPayload = 1u << 24;  // inclusive

// Cuts a byte stream into payloads. Memory is what has arrived and was not yet taken, never what a length promises.
//
//   auto room = reader.prepare(16384);  n = read(room);  reader.commit(n);
//   while (auto frame = reader.next()) { if (!*frame) break; use(**frame); }   // error: close the connection
class FrameReader {
 public:
  explicit FrameReader(std::uint32_t max_payload = kMaxPayload) : max_payload_(max_payload) {}

  // Room for `n` more bytes; valid until the next call. Invalidates payloads handed out before.
  std::span<std::uint8_t> prepare(std::size_t n);
  void commit(std::size_t n);  // the first n bytes of prepared room are filled
  void push(BytesView);        // prepare + copy + commit

  // The next whole payload, nothing if more bytes are needed, or an error (wrong length or sequence number) that stays.
  // The span points into the reader and is valid until the next prepare or push; it may be changed in place.
  Result<std::optional<std::span<std::uint8_t>>> next();

  std::size_t buffered() const { return end_ - begin_; }
  // Bytes still missing from the frame that has begun; at least the missing part of the header.
  std::size_t wanted() const;

 private:
  std::uint32_t word(std::size_t offset) const;
  Result<> check_header() const;

  Bytes buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::uint32_t seqno_ = 0;
  std::uint32_t max_payload_;
};

// The sending direction's sequence number, and the two ways to make a frame.
class FrameWriter {
 public:
  explicit FrameWriter(std::uint32_t max_payload = kMaxPayload) : max_payload_(max_payload) {}

  // The eight bytes before a payload that is sent from where it lies (in pieces, perhaps). Too large or too small a
  // payload is an error and takes no number.
  Result<FixedBytes<kFrameHeader>> header(std::size_t payload_size);
  // Header and payload appended to `out`.
  Result<> append_frame(Bytes& out, BytesView payload);

 private:
  std::uint32_t seqno_ = 0;
  std::uint32_t max_payload_;
};

FixedBytes<kFrameHeader> frame_header(std::uint32_t seqno, std::uint32_t payload_size);
Bytes encode_frame(std::uint32_t seqno, BytesView payload);

}  // namespace cocoon::wire
