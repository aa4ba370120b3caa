// The packet layer (wire.md 2.6, 3): what a frame carries.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "tl/types.hpp"

namespace cocoon::wire {

namespace tcp {

struct Ping {
  static constexpr std::uint32_t kId = 0xbbe9627c;
  static constexpr std::string_view kName = "tcp.ping";
  std::int64_t id = 0;
  static void fields(auto& a, auto& m) { a(m.id); }
  friend bool operator==(const Ping&, const Ping&) = default;
};

struct Pong {
  static constexpr std::uint32_t kId = 0x0bd4302c;
  static constexpr std::string_view kName = "tcp.pong";
  std::int64_t id = 0;
  static void fields(auto& a, auto& m) { a(m.id); }
  friend bool operator==(const Pong&, const Pong&) = default;
};

struct Packet {
  static constexpr std::uint32_t kId = 0x9c17baf8;
  static constexpr std::string_view kName = "tcp.packet";
  Bytes data;
  static void fields(auto& a, auto& m) { a(m.data); }
  friend bool operator==(const Packet&, const Packet&) = default;
};

struct QueryAnswer {
  static constexpr std::uint32_t kId = 0xc048c311;
  static constexpr std::string_view kName = "tcp.queryAnswer";
  std::int64_t id = 0;
  Bytes data;
  static void fields(auto& a, auto& m) { a(m.id, m.data); }
  friend bool operator==(const QueryAnswer&, const QueryAnswer&) = default;
};

struct QueryError {
  static constexpr std::uint32_t kId = 0x4cd2f602;
  static constexpr std::string_view kName = "tcp.queryError";
  std::int64_t id = 0;
  std::int32_t code = 0;
  std::string message;
  static void fields(auto& a, auto& m) { a(m.id, m.code, m.message); }
  friend bool operator==(const QueryError&, const QueryError&) = default;
};

struct Query {
  static constexpr std::uint32_t kId = 0x3af51908;
  static constexpr std::string_view kName = "tcp.query";
  std::int64_t id = 0;
  Bytes data;
  static void fields(auto& a, auto& m) { a(m.id, m.data); }
  friend bool operator==(const Query&, const Query&) = default;
};

struct Connected {
  static constexpr std::uint32_t kId = 0x636d41d6;
  static constexpr std::string_view kName = "tcp.connected";
  std::int64_t id = 0;
  static void fields(auto& a, auto& m) { a(m.id); }
  friend bool operator==(const Connected&, const Connected&) = default;
};

struct Connect {
  static constexpr std::uint32_t kId = 0xa57c4261;
  static constexpr std::string_view kName = "tcp.connect";
  std::int64_t id = 0;
  static void fields(auto& a, auto& m) { a(m.id); }
  friend bool operator==(const Connect&, const Connect&) = default;
};

using AnyPacket = std::variant<Ping, Pong, Packet, QueryAnswer, QueryError, Query, Connected, Connect>;

}  // namespace tcp

}  // namespace cocoon::wire
