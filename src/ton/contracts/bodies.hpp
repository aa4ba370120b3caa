// Bodies of all messages between nodes, users and contracts (contracts.md 2.3 to 2.6, 4.3), one type each.
//
//   Cell body = build_body(ClientTopUp{.query_id = q, .amount = 5 * kTon, .excesses_to = wallet});
//   Result<ClientTopUp> back = parse_body<ClientTopUp>(body);
//
// Every layout is written once: opcode, query id, then the fields in the order in which `layout` shows them to a
// visitor.
#pragma once
#include <variant>

#include "ton/contracts/opcodes.hpp"
#include "ton/contracts/state.hpp"

namespace cocoon::ton {

// Text of up to 127 bytes (type `net`): "ipv4:port", or two of them.
struct NetText {
  std::string text;
  friend bool operator==(const NetText&, const NetText&) = default;
};
void store_net(CellBuilder&, const NetText&);
NetText load_net(CellSlice&);

namespace detail {

struct BodyWriter {
  CellBuilder& b;
  void u8(std::uint8_t v) { b.store_uint(v, 8); }
  void u32(std::uint32_t v) { b.store_uint(v, 32); }
  void i32(std::int32_t v) { b.store_int(v, 32); }
  void u64(std::uint64_t v) { b.store_uint(v, 64); }
  void bits256(const Bits256& v) { b.store_bytes(v); }
  void coins(std::uint64_t v) { b.store_coins(v); }
  void address(const Address& v) { b.store_address(v); }
  void net(const NetText& v) { store_net(b, v); }
  void ref(const Cell& v) { b.store_ref(v); }
  void constant(std::uint32_t v) { u32(v); }
};

struct BodyReader {
  CellSlice& s;
  void u8(std::uint8_t& v) { v = s.load_u8(); }
  void u32(std::uint32_t& v) { v = s.load_u32(); }
  void i32(std::int32_t& v) { v = static_cast<std::int32_t>(s.load_int(32)); }
  void u64(std::uint64_t& v) { v = s.load_u64(); }
  void bits256(Bits256& v) { v = s.load_bits256(); }
  void coins(std::uint64_t& v) { v = s.load_coins(); }
  void address(Address& v) { v = s.load_address(); }
  void net(NetText& v) { v = load_net(s); }
  void ref(Cell& v) { v = s.load_ref(); }
  void constant(std::uint32_t v) {
    if (s.load_u32() != v) s.reject("a message of another kind");
  }
};

}  // namespace detail

template <class B>
concept HasNetText = requires { B::has_net_text; };

template <class B>
Result<Cell> try_build_body(const B& body) {
  CellBuilder b;
  detail::BodyWriter w{b};
  w.u32(B::opcode);
  w.u64(body.query_id);
  B::layout(w, body);
  return b.finish();
}
// Bodies that carry text of a user may not fit: those come as a Result.
template <HasNetText B>
Result<Cell> build_body(const B& body) {
  return try_build_body(body);
}
template <class B>
  requires(!HasNetText<B>)
Cell build_body(const B& body) {
  auto made = try_build_body(body);
  COCOON_ASSERT(made.has_value());
  return *made;
}
template <class B>
Result<B> parse_body(const Cell& c) {
  CellSlice s(c);
  detail::BodyReader r{s};
  B out;
  r.constant(B::opcode);
  r.u64(out.query_id);
  B::layout(r, out);
  TRY(s.end());
  return out;
}

struct BodyHeader {
  std::uint32_t opcode = 0;
  std::uint64_t query_id = 0;
};
// The first 96 bits of any body; nothing if there are fewer.
std::optional<BodyHeader> read_body_header(const Cell&);

// --- to users and wallets
struct Excesses {
  static constexpr std::uint32_t opcode = op::excesses;
  std::uint64_t query_id = 0;
  static void layout(auto&, auto&) {}
};
struct Payout {
  static constexpr std::uint32_t opcode = op::payout;
  std::uint64_t query_id = 0;
  static void layout(auto&, auto&) {}
};
struct WalletSendMessage {
  static constexpr std::uint32_t opcode = op::wallet_send_message;
  std::uint64_t query_id = 0;
  std::uint8_t mode = 0;
  Cell message;
  static void layout(auto& v, auto& m) { v.u8(m.mode), v.ref(m.message); }
};
// Opcode 0 and one character, for wallets (w, b, u) and proxies (c, w).
Cell build_text_command(char command);
Result<char> parse_text_command(const Cell&);

// --- to client contracts. Bodies with nothing but the address for excesses share a shape.
template <std::uint32_t Op>
struct ExcessesOnly {
  static constexpr std::uint32_t opcode = Op;
  std::uint64_t query_id = 0;
  Address excesses_to;
  static void layout(auto& v, auto& m) { v.address(m.excesses_to); }
};
template <std::uint32_t Op>
struct AmountAndExcesses {
  static constexpr std::uint32_t opcode = Op;
  std::uint64_t query_id = 0;
  std::uint64_t amount = 0;  // nanoTON
  Address excesses_to;
  static void layout(auto& v, auto& m) { v.coins(m.amount), v.address(m.excesses_to); }
};
using ClientTopUp = AmountAndExcesses<op::client_top_up>;
using ClientIncreaseStake = AmountAndExcesses<op::client_increase_stake>;  // amount: the new stake, absolute
using ClientWithdraw = ExcessesOnly<op::client_withdraw>;
using ClientRequestRefund = ExcessesOnly<op::client_request_refund>;
struct ClientRegister {
  static constexpr std::uint32_t opcode = op::client_register;
  std::uint64_t query_id = 0;
  std::uint64_t nonce = 0;
  Address excesses_to;
  static void layout(auto& v, auto& m) { v.u64(m.nonce), v.address(m.excesses_to); }
};
struct ClientChangeSecret {
  static constexpr std::uint32_t opcode = op::client_change_secret;
  std::uint64_t query_id = 0;
  Bits256 secret_hash;
  Address excesses_to;
  static void layout(auto& v, auto& m) { v.bits256(m.secret_hash), v.address(m.excesses_to); }
};
struct ClientChangeSecretAndTopUp {
  static constexpr std::uint32_t opcode = op::client_change_secret_and_top_up;
  std::uint64_t query_id = 0;
  std::uint64_t amount = 0;  // nanoTON
  Bits256 secret_hash;
  Address excesses_to;
  static void layout(auto& v, auto& m) { v.coins(m.amount), v.bits256(m.secret_hash), v.address(m.excesses_to); }
};

// --- to worker contracts
using WorkerRegister = ExcessesOnly<op::worker_register>;

// --- to proxy contracts
using ProxyPayoutRequest = ExcessesOnly<op::proxy_payout_request>;
using ProxyClose = ExcessesOnly<op::proxy_close>;
using ProxyIncreaseStake = AmountAndExcesses<op::proxy_increase_stake>;  // amount: to add
// A state commit (3.6): the contract ignores it, the proxy node reads it back.
struct ProxySaveState {
  static constexpr std::uint32_t opcode = op::do_not_process;
  std::uint64_t query_id = 0;
  std::int32_t seqno = 0;
  Bits256 hash;
  static void layout(auto& v, auto& m) { v.constant(op::proxy_save_state), v.i32(m.seqno), v.bits256(m.hash); }
};

// --- requests of client and worker contracts to proxy contracts (2.6)
struct TopUpPayload {
  std::uint64_t amount = 0;  // nanoTON
  Address excesses_to;
  friend bool operator==(const TopUpPayload&, const TopUpPayload&) = default;
};
struct RegisterPayload {
  std::uint64_t nonce = 0;
  friend bool operator==(const RegisterPayload&, const RegisterPayload&) = default;
};
struct RefundPayload {
  bool forced = false;
  std::uint64_t amount = 0;  // nanoTON
  Address excesses_to;
  friend bool operator==(const RefundPayload&, const RefundPayload&) = default;
};
struct ClientRequest {
  std::uint64_t query_id = 0;
  Address owner;
  ClientState state;  // without unlock_ts, which is not sent
  std::variant<std::monostate, TopUpPayload, RegisterPayload, RefundPayload> payload;
  friend bool operator==(const ClientRequest&, const ClientRequest&) = default;
};
Cell build_client_request(const ClientRequest&);
Result<ClientRequest> parse_client_request(const Cell&);

struct PayoutPayload {
  std::uint64_t worker_part = 0, proxy_part = 0;  // nanoTON
  Address excesses_to;
  friend bool operator==(const PayoutPayload&, const PayoutPayload&) = default;
};
struct WorkerRequest {
  std::uint64_t query_id = 0;
  Address owner;
  ContractState state = ContractState::normal;
  std::uint64_t tokens = 0;  // adjusted tokens, cumulative
  std::optional<PayoutPayload> payload;
  friend bool operator==(const WorkerRequest&, const WorkerRequest&) = default;
};
Cell build_worker_request(const WorkerRequest&);
Result<WorkerRequest> parse_worker_request(const Cell&);

// --- to the root contract (4.3)
template <std::uint32_t Op>
struct RootHashBody {
  static constexpr std::uint32_t opcode = Op;
  std::uint64_t query_id = 0;
  Bits256 hash;
  static void layout(auto& v, auto& m) { v.bits256(m.hash); }
};
using RootAddWorkerHash = RootHashBody<op::root_add_worker_hash>;
using RootDeleteWorkerHash = RootHashBody<op::root_delete_worker_hash>;
using RootAddModelHash = RootHashBody<op::root_add_model_hash>;
using RootDeleteModelHash = RootHashBody<op::root_delete_model_hash>;
using RootAddProxyHash = RootHashBody<op::root_add_proxy_hash>;
using RootDeleteProxyHash = RootHashBody<op::root_delete_proxy_hash>;
struct RootRegisterProxy {
  static constexpr std::uint32_t opcode = op::root_register_proxy;
  static constexpr bool has_net_text = true;
  std::uint64_t query_id = 0;
  NetText endpoints;
  static void layout(auto& v, auto& m) { v.net(m.endpoints); }
};
struct RootUnregisterProxy {
  static constexpr std::uint32_t opcode = op::root_unregister_proxy;
  std::uint64_t query_id = 0;
  std::uint32_t seqno = 0;
  static void layout(auto& v, auto& m) { v.u32(m.seqno); }
};
struct RootUpdateProxy {
  static constexpr std::uint32_t opcode = op::root_update_proxy;
  static constexpr bool has_net_text = true;
  std::uint64_t query_id = 0;
  std::uint32_t seqno = 0;
  NetText endpoints;
  static void layout(auto& v, auto& m) { v.u32(m.seqno), v.net(m.endpoints); }
};
struct RootChangePrice {
  static constexpr std::uint32_t opcode = op::root_change_price;
  std::uint64_t query_id = 0;
  std::uint64_t price_per_token = 0, worker_fee_per_token = 0;  // nanoTON
  static void layout(auto& v, auto& m) { v.coins(m.price_per_token), v.coins(m.worker_fee_per_token); }
};
struct RootChangeParams {
  static constexpr std::uint32_t opcode = op::root_change_params;
  std::uint64_t query_id = 0;
  std::uint64_t price_per_token = 0, worker_fee_per_token = 0;                // nanoTON
  std::uint32_t proxy_delay_before_close = 0, client_delay_before_close = 0;  // seconds
  std::uint64_t min_proxy_stake = 0, min_client_stake = 0;                    // nanoTON
  static void layout(auto& v, auto& m) {
    v.coins(m.price_per_token), v.coins(m.worker_fee_per_token);
    v.u32(m.proxy_delay_before_close), v.u32(m.client_delay_before_close);
    v.coins(m.min_proxy_stake), v.coins(m.min_client_stake);
  }
};
struct RootUpgradeContracts {
  static constexpr std::uint32_t opcode = op::root_upgrade_contracts;
  std::uint64_t query_id = 0;
  Cell proxy_code, worker_code, client_code;
  static void layout(auto& v, auto& m) { v.ref(m.proxy_code), v.ref(m.worker_code), v.ref(m.client_code); }
};
struct RootUpgradeCode {
  static constexpr std::uint32_t opcode = op::root_upgrade_code;
  std::uint64_t query_id = 0;
  Cell code;
  static void layout(auto& v, auto& m) { v.ref(m.code); }
};
struct RootReset {
  static constexpr std::uint32_t opcode = op::root_reset;
  std::uint64_t query_id = 0;
  static void layout(auto&, auto&) {}
};
struct RootUpgradeFull {
  static constexpr std::uint32_t opcode = op::root_upgrade_full;
  std::uint64_t query_id = 0;
  Cell data, code;
  static void layout(auto& v, auto& m) { v.ref(m.data), v.ref(m.code); }
};
struct RootChangeOwner {
  static constexpr std::uint32_t opcode = op::root_change_owner;
  std::uint64_t query_id = 0;
  Address owner;
  static void layout(auto& v, auto& m) { v.address(m.owner); }
};
struct RootChangeKeyManager {
  static constexpr std::uint32_t opcode = op::root_change_key_manager;
  static constexpr bool has_net_text = true;
  std::uint64_t query_id = 0;
  Bits256 public_key, image_hash;
  NetText address;
  static void layout(auto& v, auto& m) { v.bits256(m.public_key), v.bits256(m.image_hash), v.net(m.address); }
};
struct RootAddPublicKey {
  static constexpr std::uint32_t opcode = op::root_add_public_key;
  std::uint64_t query_id = 0;
  Bits256 public_key;
  std::uint8_t key_type = 0;    // 1: request encryption
  std::uint32_t expire_at = 0;  // unix seconds
  static void layout(auto& v, auto& m) { v.bits256(m.public_key), v.u8(m.key_type), v.u32(m.expire_at); }
};

}  // namespace cocoon::ton
