#include "ton/contracts/state.hpp"

namespace cocoon::ton {

namespace {

ContractState load_state(CellSlice& s) { return static_cast<ContractState>(s.load_uint(2)); }
std::uint64_t state_bits(ContractState s) { return static_cast<std::uint64_t>(s); }

}  // namespace

Result<ClientState> parse_client_state(const Cell& data) {
  CellSlice s(data);
  ClientState out;
  out.state = load_state(s);
  out.balance = s.load_coins();
  out.stake = s.load_coins();
  out.tokens_used = s.load_u64();
  out.unlock_ts = s.load_u32();
  out.secret_hash = s.load_bits256();
  TRY(s.status());
  return out;
}

Result<WorkerState> parse_worker_state(const Cell& data) {
  CellSlice s(data);
  WorkerState out;
  out.owner = s.load_address();
  out.proxy = s.load_address();
  out.proxy_key = s.load_bits256();
  out.state = load_state(s);
  out.tokens = s.load_u64();
  TRY(s.status());
  return out;
}

Result<ProxyState> parse_proxy_state(const Cell& data) {
  CellSlice s(data);
  ProxyState out;
  out.owner = s.load_address();
  out.proxy_key = s.load_bits256();
  out.root = s.load_address();
  out.state = load_state(s);
  out.balance = s.load_coins();
  out.stake = s.load_coins();
  out.unlock_ts = s.load_u32();
  s.load_ref();
  TRY(s.status());
  return out;
}

Result<WalletState> parse_wallet_state(const Cell& data) {
  CellSlice s(data);
  WalletState out;
  out.seqno = s.load_u32();
  out.subwallet = s.load_u32();
  out.public_key = s.load_bits256();
  out.status = s.load_u32();
  out.owner = s.load_address();
  TRY(s.status());
  return out;
}

Result<std::uint32_t> parse_wallet_seqno(const Cell& data) {
  CellSlice s(data);
  const std::uint32_t seqno = s.load_u32();
  TRY(s.status());
  return seqno;
}

Cell build_client_constants(const Address& owner, const Address& proxy, const Bits256& proxy_key) {
  return CellBuilder().store_address(owner).store_address(proxy).store_bytes(proxy_key).must_finish();
}

Cell build_client_data(const ClientState& c, const Cell& constants, const Cell& leaf_params) {
  return CellBuilder()
      .store_uint(state_bits(c.state), 2)
      .store_coins(c.balance)
      .store_coins(c.stake)
      .store_uint(c.tokens_used, 64)
      .store_uint(c.unlock_ts, 32)
      .store_bytes(c.secret_hash)
      .store_ref(constants)
      .store_ref(leaf_params)
      .must_finish();
}

Cell build_worker_data(const WorkerState& w, const Cell& leaf_params) {
  return CellBuilder()
      .store_address(w.owner)
      .store_address(w.proxy)
      .store_bytes(w.proxy_key)
      .store_uint(state_bits(w.state), 2)
      .store_uint(w.tokens, 64)
      .store_ref(leaf_params)
      .must_finish();
}

Cell build_proxy_data(const ProxyState& p, const Cell& proxy_params) {
  return CellBuilder()
      .store_address(p.owner)
      .store_bytes(p.proxy_key)
      .store_address(p.root)
      .store_uint(state_bits(p.state), 2)
      .store_coins(p.balance)
      .store_coins(p.stake)
      .store_uint(p.unlock_ts, 32)
      .store_ref(proxy_params)
      .must_finish();
}

Cell build_wallet_data(const WalletState& w) {
  return CellBuilder()
      .store_uint(w.seqno, 32)
      .store_uint(w.subwallet, 32)
      .store_bytes(w.public_key)
      .store_uint(w.status, 32)
      .store_address(w.owner)
      .must_finish();
}

StateInit wallet_state_init(const Cell& wallet_code, const Bits256& public_key, const Address& owner) {
  StateInit out;
  out.code = wallet_code;
  out.data = build_wallet_data({.public_key = public_key, .owner = owner});
  return out;
}

Result<ProxyInstance> ProxyInstance::make(const Params& params, const Address& owner, const Bits256& proxy_key,
                                          const Address& root) {
  if (owner.workchain != 0 || root.workchain != 0) return fail("Cocoon's contracts live in workchain 0 only");
  if (!params.proxy_code) return fail("the network's parameters lack the code of the proxy contract");
  ProxyInstance out;
  out.params_ = params;
  out.owner_ = owner;
  out.root_ = root;
  out.proxy_key_ = proxy_key;
  TRY_ASSIGN(const Cell proxy_params, build_params(params, Flavour::proxy));
  TRY_ASSIGN(out.leaf_params_, build_params(params, Flavour::leaf));
  out.state_init_.code = params.proxy_code;
  out.state_init_.data = build_proxy_data({.owner = owner, .proxy_key = proxy_key, .root = root}, proxy_params);
  out.address_ = address_of(out.state_init_);
  return out;
}

StateInit ProxyInstance::client_state_init(const Address& client_owner) const {
  StateInit out;
  out.code = params_.client_code;
  const ClientState born{.stake = params_.min_client_stake};
  out.data = build_client_data(born, build_client_constants(client_owner, address_, proxy_key_), leaf_params_);
  return out;
}

StateInit ProxyInstance::worker_state_init(const Address& worker_owner) const {
  StateInit out;
  out.code = params_.worker_code;
  out.data = build_worker_data({.owner = worker_owner, .proxy = address_, .proxy_key = proxy_key_}, leaf_params_);
  return out;
}

}  // namespace cocoon::ton
