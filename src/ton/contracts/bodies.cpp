#include "ton/contracts/bodies.hpp"

namespace cocoon::ton {

namespace {

// The state of a client as its requests tell it: without unlock_ts.
Cell build_told_state(const ClientState& c) {
  return CellBuilder()
      .store_uint(static_cast<unsigned>(c.state), 2)
      .store_coins(c.balance)
      .store_coins(c.stake)
      .store_uint(c.tokens_used, 64)
      .store_bytes(c.secret_hash)
      .must_finish();
}

Result<ClientState> parse_told_state(CellSlice s) {
  ClientState out;
  out.state = static_cast<ContractState>(s.load_uint(2));
  out.balance = s.load_coins();
  out.stake = s.load_coins();
  out.tokens_used = s.load_u64();
  out.secret_hash = s.load_bits256();
  TRY(s.end());
  return out;
}

Cell build_payload(const TopUpPayload& p) {
  return CellBuilder()
      .store_uint(op::payload_top_up, 32)
      .store_coins(p.amount)
      .store_address(p.excesses_to)
      .must_finish();
}
Cell build_payload(const RegisterPayload& p) {
  return CellBuilder().store_uint(op::payload_register, 32).store_uint(p.nonce, 64).must_finish();
}
Cell build_payload(const RefundPayload& p) {
  return CellBuilder()
      .store_uint(p.forced ? op::payload_refund_force : op::payload_refund_granted, 32)
      .store_coins(p.amount)
      .store_address(p.excesses_to)
      .must_finish();
}

Result<> parse_client_payload(CellSlice s, ClientRequest& out) {
  const auto opcode = s.load_u32();
  switch (opcode) {
    case op::payload_top_up: {
      TopUpPayload p;
      p.amount = s.load_coins();
      p.excesses_to = s.load_address();
      out.payload = p;
      break;
    }
    case op::payload_register:
      out.payload = RegisterPayload{s.load_u64()};
      break;
    case op::payload_refund_granted:
    case op::payload_refund_force: {
      RefundPayload p{.forced = opcode == op::payload_refund_force};
      p.amount = s.load_coins();
      p.excesses_to = s.load_address();
      out.payload = p;
      break;
    }
    default:
      return fail("a client's request with an unknown payload {:#010x}", opcode);
  }
  return s.end();
}

Result<PayoutPayload> parse_payout_payload(CellSlice s) {
  if (s.load_u32() != op::payload_payout) s.reject("a worker's request with an unknown payload");
  PayoutPayload out;
  out.worker_part = s.load_coins();
  out.proxy_part = s.load_coins();
  out.excesses_to = s.load_address();
  TRY(s.end());
  return out;
}

}  // namespace

void store_net(CellBuilder& b, const NetText& net) {
  b.store_bit(false).store_uint(net.text.size(), 7).store_bytes(as_bytes(net.text));
}

NetText load_net(CellSlice& s) {
  if (s.load_bit()) s.reject("an unknown kind of network address");
  const auto length = static_cast<unsigned>(s.load_uint(7));
  const Bytes text = s.load_bytes(length);
  return {s.ok() ? to_text(text) : std::string()};
}

std::optional<BodyHeader> read_body_header(const Cell& c) {
  CellSlice s(c);
  BodyHeader out{s.load_u32(), 0};
  out.query_id = s.load_u64();
  if (!s.ok()) return std::nullopt;
  return out;
}

Cell build_text_command(char command) {
  return CellBuilder().store_uint(0, 32).store_uint(static_cast<unsigned char>(command), 8).must_finish();
}

Result<char> parse_text_command(const Cell& c) {
  CellSlice s(c);
  if (s.load_u32() != 0) s.reject("a text command was expected");
  const auto command = static_cast<char>(s.load_u8());
  TRY(s.end());
  return command;
}

Cell build_client_request(const ClientRequest& r) {
  CellBuilder b;
  b.store_uint(op::client_proxy_request, 32).store_uint(r.query_id, 64).store_address(r.owner);
  b.store_ref(build_told_state(r.state));
  std::visit(
      [&](const auto& payload) {
        if constexpr (std::is_same_v<std::decay_t<decltype(payload)>, std::monostate>)
          b.store_bit(false);
        else
          b.store_maybe_ref(build_payload(payload));
      },
      r.payload);
  return b.must_finish();
}

Result<ClientRequest> parse_client_request(const Cell& c) {
  CellSlice s(c);
  if (s.load_u32() != op::client_proxy_request) s.reject("a client's request was expected");
  ClientRequest out;
  out.query_id = s.load_u64();
  out.owner = s.load_address();
  CellSlice state = s.load_ref_slice();
  const auto payload = s.load_maybe_ref();
  TRY(s.end());
  TRY_ASSIGN(out.state, parse_told_state(state));
  if (payload) TRY(parse_client_payload(CellSlice(*payload), out));
  return out;
}

Cell build_worker_request(const WorkerRequest& r) {
  CellBuilder b;
  b.store_uint(op::worker_proxy_request, 32).store_uint(r.query_id, 64).store_address(r.owner);
  b.store_uint(static_cast<unsigned>(r.state), 2).store_uint(r.tokens, 64).store_bit(r.payload.has_value());
  if (r.payload) {
    b.store_ref(CellBuilder()
                    .store_uint(op::payload_payout, 32)
                    .store_coins(r.payload->worker_part)
                    .store_coins(r.payload->proxy_part)
                    .store_address(r.payload->excesses_to)
                    .must_finish());
  }
  return b.must_finish();
}

Result<WorkerRequest> parse_worker_request(const Cell& c) {
  CellSlice s(c);
  if (s.load_u32() != op::worker_proxy_request) s.reject("a worker's request was expected");
  WorkerRequest out;
  out.query_id = s.load_u64();
  out.owner = s.load_address();
  out.state = static_cast<ContractState>(s.load_uint(2));
  out.tokens = s.load_u64();
  const auto payload = s.load_maybe_ref();
  TRY(s.end());
  if (payload) {
    TRY_ASSIGN(out.payload, parse_payout_payload(CellSlice(*payload)));
  }
  return out;
}

}  // namespace cocoon::ton
