// One tcp.* object, looked at without copying what it carries (wire.md 2.6.3).
#pragma once
#include "base/result.hpp"
#include "wire/messages.hpp"

namespace cocoon::wire {

enum class PacketKind { ping, pong, packet, query, query_answer, query_error, connect, connected };

struct PacketView {
  PacketKind kind = PacketKind::ping;
  std::int64_t id = 0;  // all but `packet`
  BytesView data;       // packet, query, query_answer: a boxed object, inside the input
  int code = 0;         // query_error
  BytesView message;    // query_error: text, inside the input
};

// The payload of one frame. An error is fatal to the connection.
Result<PacketView> view_packet(BytesView payload);

// Payloads around an object that is already encoded: one copy, no intermediate.
Bytes make_packet(BytesView object);
Bytes make_query(std::int64_t id, BytesView object);
Bytes make_query_answer(std::int64_t id, BytesView object);

}  // namespace cocoon::wire
