#include "wire/packet.hpp"

namespace cocoon::wire {
namespace {

// The ids of tcp.* with the same fields as the structs, the bytes as views.
Result<PacketView> with_data(PacketKind kind, tl::Reader& in) {
  PacketView out{.kind = kind};
  if (kind != PacketKind::packet) out.id = in.i64();
  out.data = in.bytes();
  TRY(in.finish());
  return out;
}

Result<PacketView> with_id(PacketKind kind, tl::Reader& in) {
  PacketView out{.kind = kind, .id = in.i64()};
  TRY(in.finish());
  return out;
}

Result<PacketView> query_error(tl::Reader& in) {
  PacketView out{.kind = PacketKind::query_error, .id = in.i64(), .code = in.i32()};
  out.message = in.bytes();
  TRY(in.finish());
  return out;
}

Bytes wrap(std::uint32_t constructor, const std::int64_t* id, BytesView object) {
  Bytes out;
  out.reserve(12 + tl::string_size(object.size()));
  tl::Writer w(out);
  w.u32(constructor);
  if (id != nullptr) w.i64(*id);
  w.bytes(object);
  return out;
}

}  // namespace

Result<PacketView> view_packet(BytesView payload) {
  tl::Reader in(payload);
  switch (in.u32()) {
    case tcp::Packet::kId:
      return with_data(PacketKind::packet, in);
    case tcp::Query::kId:
      return with_data(PacketKind::query, in);
    case tcp::QueryAnswer::kId:
      return with_data(PacketKind::query_answer, in);
    case tcp::QueryError::kId:
      return query_error(in);
    case tcp::Ping::kId:
      return with_id(PacketKind::ping, in);
    case tcp::Pong::kId:
      return with_id(PacketKind::pong, in);
    case tcp::Connect::kId:
      return with_id(PacketKind::connect, in);
    case tcp::Connected::kId:
      return with_id(PacketKind::connected, in);
    default:
      return fail("unknown packet {:08x}", peek_id(payload));
  }
}

Bytes make_packet(BytesView object) { return wrap(tcp::Packet::kId, nullptr, object); }
Bytes make_query(std::int64_t id, BytesView object) { return wrap(tcp::Query::kId, &id, object); }
Bytes make_query_answer(std::int64_t id, BytesView object) { return wrap(tcp::QueryAnswer::kId, &id, object); }

}  // namespace cocoon::wire
