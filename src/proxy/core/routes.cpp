#include "proxy/core/routes.hpp"

#include "wire/answers.hpp"

namespace cocoon::proxy {
namespace {

// Everything else: old parts, and parts that change the family on their way.
Bytes rebuilt(const wire::AnswerView& part, const OpenRoute& to) {
  if (to.client_ex) {
    wire::client::QueryAnswerPartEx out;
    out.request_id = to.client_request;
    out.answer = to_bytes(part.bytes);
    return wire::encode(out);
  }
  wire::client::QueryAnswerPart out;
  out.request_id = to.client_request;
  out.answer = to_bytes(part.bytes);
  return wire::encode(out);
}

}  // namespace

void RouteTable::open(const OpenRoute& route) { routes_.insert_or_assign(route.worker_request, Route{route, 0}); }

void RouteTable::close(const CloseRoute& route) {
  if (find(route.worker, route.worker_request) != nullptr) routes_.erase(route.worker_request);
}

RouteTable::Route* RouteTable::find(role::LinkId worker, const Bits256& request) {
  const auto it = routes_.find(request);
  return it != routes_.end() && it->second.to.worker == worker ? &it->second : nullptr;
}

RouteTable::Verdict RouteTable::carry(role::LinkId worker, BytesView packet, Bytes& out) {
  if (routes_.empty()) return NotMine{};
  const std::uint32_t id = wire::peek_id(packet);
  if (id != wire::proxy::QueryAnswerPartEx::kId && id != wire::proxy::QueryAnswerPart::kId) return NotMine{};
  const auto part = wire::peek_answer(packet);
  if (!part || part->final || (part->ex && part->flags != 0)) return NotMine{};
  Route* route = find(worker, part->request_id);
  if (route == nullptr) return NotMine{};
  route->bytes += packet.size();
  if (route->bytes > route->to.max_bytes) {
    Overflow over{{worker, part->request_id, "the answer is longer than this proxy carries"}};
    routes_.erase(part->request_id);
    return over;
  }
  bytes_carried_ += packet.size();
  if (part->ex && route->to.client_ex) {
    out.assign(packet.begin(), packet.end());
    wire::readdress(out, wire::client::QueryAnswerPartEx::kId, route->to.client_request);
  } else {
    out = rebuilt(*part, route->to);
  }
  return Carried{route->to.client, part->request_id};
}

}  // namespace cocoon::proxy
