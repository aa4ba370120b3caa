#include "net/buffers.hpp"

#include <gtest/gtest.h>

namespace cocoon::net {
namespace {

TEST(Buffers, ABusyOneKeepsItsRoomAndASilentOneGivesItBack) {
  Bytes buffer(64 * 1024);
  clear_slowly(buffer);
  EXPECT_TRUE(buffer.empty());
  EXPECT_GE(buffer.capacity(), 64u * 1024);
  buffer.resize(1024);  // a sixty-fourth
  clear_slowly(buffer);
  EXPECT_GE(buffer.capacity(), 64u * 1024);
  buffer.resize(1023);
  clear_slowly(buffer);
  EXPECT_LT(buffer.capacity(), 4096u);
}

TEST(Buffers, ASmallOneStays) {
  Bytes buffer(4096);
  buffer.resize(1);
  clear_slowly(buffer);
  EXPECT_GE(buffer.capacity(), 4096u);
}

}  // namespace
}  // namespace cocoon::net
