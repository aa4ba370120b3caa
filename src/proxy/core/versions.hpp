// Choice of a protocol version (wire.md 4.2).
#pragma once
#include <algorithm>
#include <cstdint>
#include <optional>

namespace cocoon::proxy {

inline constexpr std::int32_t kMinVersion = 0;
inline constexpr std::int32_t kMaxVersion = 4;

// The highest version both sides speak. An inverted range of the peer (2..1) is accepted where it overlaps ours, as
// existing proxies do.
inline std::optional<std::int32_t> choose_version(std::int32_t peer_min, std::int32_t peer_max) {
  if (peer_max < kMinVersion || peer_min > kMaxVersion) return std::nullopt;
  return std::min(peer_max, kMaxVersion);
}

}  // namespace cocoon::proxy
