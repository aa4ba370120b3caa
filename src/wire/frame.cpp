#include "wire/frame.hpp"

#include <algorithm>

namespace cocoon::wire {

namespace {

std::size_t word_at(BytesView b) {
  return std::size_t{b[0]} | std::size_t{b[1]} << 8 | std::size_t{b[2]} << 16 | std::size_t{b[3]} << 24;
}

// How large a buffer an empty reader keeps that is about to read `n` bytes: whoever reads little keeps little.
std::size_t kept_after(std::size_t n) { return n < 16 * 1024 ? 4 * n : std::max(n, std::size_t{256} << 10); }

}  // namespace

std::span<std::uint8_t> FrameReader::prepare(std::size_t n) {
  if (begin_ == end_) {
    begin_ = end_ = 0;
    if (buffer_.size() > kept_after(n)) Bytes(n).swap(buffer_);
  }
  if (buffer_.size() - end_ < n && begin_ != 0) {
    std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_),
              buffer_.begin() + static_cast<std::ptrdiff_t>(end_), buffer_.begin());
    end_ -= begin_;
    begin_ = 0;
  }
  // Doubling keeps the copying linear while a large frame trickles in.
  if (buffer_.size() - end_ < n) buffer_.resize(std::max(end_ + n, buffer_.size() * 2));
  return std::span(buffer_).subspan(end_, n);
}

void FrameReader::commit(std::size_t n) { end_ += std::min(n, buffer_.size() - end_); }

void FrameReader::push(BytesView more) {
  const auto room = prepare(more.size());
  if (!more.empty()) std::memcpy(room.data(), more.data(), more.size());
  commit(more.size());
}

std::uint32_t FrameReader::word(std::size_t offset) const {
  return static_cast<std::uint32_t>(word_at(BytesView(buffer_).subspan(begin_ + offset, 4)));
}

Result<> FrameReader::check_header() const {
  if (const auto size = word(0); size < kMinPayload || size > max_payload_)
    return fail("frame of {} bytes, allowed are {} to {}", size, kMinPayload, max_payload_);
  if (word(4) != seqno_) return fail("frame number {} where {} was expected", word(4), seqno_);
  return {};
}

Result<std::optional<std::span<std::uint8_t>>> FrameReader::next() {
  if (buffered() < kFrameHeader) return std::nullopt;
  TRY(check_header());
  const std::size_t size = word(0);
  if (buffered() - kFrameHeader < size) return std::nullopt;
  const auto payload = std::span(buffer_).subspan(begin_ + kFrameHeader, size);
  begin_ += kFrameHeader + size;
  ++seqno_;
  return payload;
}

std::size_t FrameReader::wanted() const {
  if (buffered() < kFrameHeader) return kFrameHeader - buffered();
  const std::size_t whole = kFrameHeader + std::min(word(0), max_payload_);
  return whole > buffered() ? whole - buffered() : 0;
}

FixedBytes<kFrameHeader> frame_header(std::uint32_t seqno, std::uint32_t payload_size) {
  FixedBytes<kFrameHeader> out;
  for (unsigned i = 0; i < 4; ++i) {
    out[i] = static_cast<std::uint8_t>(payload_size >> (8 * i));
    out[4 + i] = static_cast<std::uint8_t>(seqno >> (8 * i));
  }
  return out;
}

Bytes encode_frame(std::uint32_t seqno, BytesView payload) {
  Bytes out;
  out.reserve(kFrameHeader + payload.size());
  append(out, frame_header(seqno, static_cast<std::uint32_t>(payload.size())).view());
  append(out, payload);
  return out;
}

Result<FixedBytes<kFrameHeader>> FrameWriter::header(std::size_t payload_size) {
  if (payload_size < kMinPayload || payload_size > max_payload_)
    return fail("payload of {} bytes, allowed are {} to {}", payload_size, kMinPayload, max_payload_);
  return frame_header(seqno_++, static_cast<std::uint32_t>(payload_size));
}

Result<> FrameWriter::append_frame(Bytes& out, BytesView payload) {
  TRY_ASSIGN(const auto head, header(payload.size()));
  append(out, head.view());
  append(out, payload);
  return {};
}

}  // namespace cocoon::wire
