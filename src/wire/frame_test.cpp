#include "wire/frame.hpp"

#include <gtest/gtest.h>

namespace cocoon::wire {
namespace {

TEST(Frame, LengthIsJudgedAsSoonAsTheHeaderIsThere) {
  for (const std::uint32_t size : {0u, 1u, 3u, kMaxPayload + 1, 0xffffffffu}) {
    FrameReader reader;
    reader.push(frame_header(0, size).view());
    EXPECT_FALSE(reader.next()) << size;
    EXPECT_FALSE(reader.next()) << "the error stays";
  }
  for (const std::uint32_t size : {4u, 5u, kMaxPayload}) {
    FrameReader reader;
    reader.push(frame_header(0, size).view());
    const auto next = reader.next();
    ASSERT_TRUE(next) << size;
    EXPECT_FALSE(*next);
    EXPECT_EQ(reader.wanted(), size);
  }
}

TEST(Frame, NumbersCountUpFromZero) {
  FrameReader reader;
  reader.push(encode_frame(0, Bytes(4)));
  reader.push(encode_frame(2, Bytes(4)));
  EXPECT_TRUE(reader.next().value());
  EXPECT_FALSE(reader.next());
}

TEST(Frame, LimitIsConfigurable) {
  FrameReader reader(100);
  reader.push(frame_header(0, 101).view());
  EXPECT_FALSE(reader.next());
  FrameWriter writer(100);
  Bytes out;
  EXPECT_FALSE(writer.append_frame(out, Bytes(101)));
  EXPECT_FALSE(writer.append_frame(out, Bytes(3)));
  EXPECT_TRUE(writer.append_frame(out, Bytes(100)));
  EXPECT_EQ(out[4], 0) << "a refused payload takes no number";
}

TEST(Frame, MemoryFollowsWhatArrivedNotWhatWasPromised) {
  FrameReader reader;
  reader.push(frame_header(0, kMaxPayload).view());
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.buffered(), kFrameHeader);
  const auto room = reader.prepare(16384);
  EXPECT_EQ(room.size(), 16384u);
}

TEST(Frame, ALargeFrameInSmallPiecesArrivesWhole) {
  Bytes payload(3 << 20);
  for (std::size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<std::uint8_t>(i * 7);
  FrameWriter writer;
  Bytes stream;
  ASSERT_TRUE(writer.append_frame(stream, payload));
  ASSERT_TRUE(writer.append_frame(stream, Bytes(8, 1)));
  FrameReader reader;
  std::size_t found = 0;
  for (std::size_t at = 0; at < stream.size();) {
    const auto room = reader.prepare(1000);
    const std::size_t n = std::min(room.size(), stream.size() - at);
    std::copy_n(stream.begin() + static_cast<std::ptrdiff_t>(at), n, room.begin());
    reader.commit(n);
    at += n;
    for (;;) {
      const auto next = reader.next();
      ASSERT_TRUE(next);
      if (!*next) break;
      EXPECT_EQ((*next)->size(), found == 0 ? payload.size() : 8u);
      if (found == 0) {
        EXPECT_TRUE(std::ranges::equal(**next, payload));
      }
      ++found;
    }
  }
  EXPECT_EQ(found, 2u);
  EXPECT_EQ(reader.buffered(), 0u);
}

}  // namespace
}  // namespace cocoon::wire
