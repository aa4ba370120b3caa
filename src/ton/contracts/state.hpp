// Data of the proxy, client, worker and wallet contracts: what addresses commit to (contracts.md 2.1), and the prefixes
// that nodes read back (2.8).
#pragma once
#include "ton/contracts/params.hpp"
#include "ton/state_init.hpp"

namespace cocoon::ton {

// States of contracts (2.7).
enum class ContractState : std::uint8_t { normal = 0, closing = 1, closed = 2, unknown = 3 };

// --- What nodes read. Bits and references behind the prefix are ignored: a contract may append its own.
struct ClientState {
  ContractState state = ContractState::normal;
  std::uint64_t balance = 0, stake = 0;  // nanoTON
  std::uint64_t tokens_used = 0;         // adjusted tokens, cumulative
  std::uint32_t unlock_ts = 0;           // unix seconds
  Bits256 secret_hash;                   // SHA-256 of the client's secret
  friend bool operator==(const ClientState&, const ClientState&) = default;
};
struct WorkerState {
  Address owner, proxy;
  Bits256 proxy_key;
  ContractState state = ContractState::normal;
  std::uint64_t tokens = 0;  // adjusted tokens, cumulative
  friend bool operator==(const WorkerState&, const WorkerState&) = default;
};
struct ProxyState {
  Address owner;
  Bits256 proxy_key;
  Address root;
  ContractState state = ContractState::normal;
  std::uint64_t balance = 0, stake = 0;  // nanoTON: commission, stake
  std::uint32_t unlock_ts = 0;
  friend bool operator==(const ProxyState&, const ProxyState&) = default;
};
struct WalletState {
  std::uint32_t seqno = 0;
  std::uint32_t subwallet = 0;
  Bits256 public_key;
  std::uint32_t status = 0;  // bit 0: externals are blocked
  Address owner;
  bool blocked() const { return (status & 1) != 0; }
  friend bool operator==(const WalletState&, const WalletState&) = default;
};

Result<ClientState> parse_client_state(const Cell& data);
Result<WorkerState> parse_worker_state(const Cell& data);
Result<ProxyState> parse_proxy_state(const Cell& data);
Result<WalletState> parse_wallet_state(const Cell& data);
// The first 32 bits of a wallet of any kind.
Result<std::uint32_t> parse_wallet_seqno(const Cell& data);

// --- What contracts are born with. `client_constants` is the reference in a client's data.
Cell build_client_data(const ClientState&, const Cell& constants, const Cell& leaf_params);
Cell build_client_constants(const Address& owner, const Address& proxy, const Bits256& proxy_key);
Cell build_worker_data(const WorkerState&, const Cell& leaf_params);
Cell build_proxy_data(const ProxyState&, const Cell& proxy_params);
Cell build_wallet_data(const WalletState&);

StateInit wallet_state_init(const Cell& wallet_code, const Bits256& public_key, const Address& owner);

// One proxy contract and the addresses of everybody who deals with it: a proxy owner, a machine key, a root and the
// parameters of the day. Made once, then asked per peer.
class ProxyInstance {
 public:
  // An error if the parameters lack a code, or an address is not in workchain 0 (W-22).
  static Result<ProxyInstance> make(const Params&, const Address& owner, const Bits256& proxy_key, const Address& root);

  const Params& params() const { return params_; }
  const Address& owner() const { return owner_; }
  const Bits256& proxy_key() const { return proxy_key_; }
  const Address& root() const { return root_; }

  const Address& address() const { return address_; }
  const StateInit& state_init() const { return state_init_; }

  StateInit client_state_init(const Address& client_owner) const;
  StateInit worker_state_init(const Address& worker_owner) const;
  Address client_address(const Address& client_owner) const { return address_of(client_state_init(client_owner)); }
  Address worker_address(const Address& worker_owner) const { return address_of(worker_state_init(worker_owner)); }

 private:
  ProxyInstance() = default;

  Params params_;
  Address owner_, root_, address_;
  Bits256 proxy_key_;
  StateInit state_init_;
  Cell leaf_params_;
};

}  // namespace cocoon::ton
