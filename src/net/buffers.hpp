// The buffers of connections.
#pragma once
#include "base/bytes.hpp"

namespace cocoon::net {

// Empties a buffer. One that was far too large for what it held is given back, so that a connection that falls silent
// becomes small; a busy one keeps its own instead of asking for it again and again.
inline void clear_slowly(Bytes& buffer) {
  constexpr std::size_t kSmall = 4096, kMany = 64;
  const bool roomy = buffer.capacity() > kSmall && buffer.size() < buffer.capacity() / kMany;
  buffer.clear();
  if (roomy) buffer.shrink_to_fit();
}

}  // namespace cocoon::net
