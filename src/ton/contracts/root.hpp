// State of the root contract (contracts.md 4.1): the public registry of a network.
#pragma once
#include <map>
#include <set>

#include "ton/contracts/params.hpp"

namespace cocoon::ton {

struct RegisteredKey {
  std::uint8_t key_type = 0;    // 1: request encryption
  std::uint32_t expire_at = 0;  // unix seconds
  friend bool operator==(const RegisteredKey&, const RegisteredKey&) = default;
};

struct KeyManagerState {
  std::map<Bits256, RegisteredKey> public_keys;
  Bits256 public_key;  // of the key manager; zero: none
  Bits256 image_hash;
  std::string address;  // "ip:port"; empty: none
  friend bool operator==(const KeyManagerState&, const KeyManagerState&) = default;
};

struct VerifiedKeys {
  std::set<Bits256> proxy, worker, key_manager;
  friend bool operator==(const VerifiedKeys&, const VerifiedKeys&) = default;
};

struct RootState {
  Address owner;
  std::uint32_t version = 0;                                // of the configuration as a whole
  std::set<Bits256> proxy_hashes, worker_hashes;            // image hashes (4.2)
  std::set<Bits256> model_hashes;                           // SHA-256 of the model's full name
  std::map<std::uint32_t, std::string> registered_proxies;  // by seqno: "A" or "A B"
  std::uint32_t last_proxy_seqno = 0;
  Params params;                // with the codes
  KeyManagerState key_manager;  // carried from struct version 4
  VerifiedKeys verified_keys;   // carried from struct version 5

  friend bool operator==(const RootState&, const RootState&) = default;
};

// Total over what the chain may hold; the struct version of the params rules the whole. Entries of registered proxies
// that make no sense are left out (R4); everything else must be exact (R2).
Result<RootState> parse_root_state(const Cell& data);
Result<Cell> build_root_state(const RootState&);

// A registered proxy's text: where workers and where clients connect.
struct Endpoint {
  std::array<std::uint8_t, 4> ip{};
  std::uint16_t port = 0;
  std::string text() const;  // "10.0.0.1:5222"
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};
struct ProxyEndpoints {
  Endpoint for_workers, for_clients;
  friend bool operator==(const ProxyEndpoints&, const ProxyEndpoints&) = default;
};
// "ipv4:port", optionally in brackets; port 1..65535.
Result<Endpoint> parse_endpoint(std::string_view);
Result<ProxyEndpoints> parse_proxy_endpoints(std::string_view);

}  // namespace cocoon::ton
