// Configuration of a network without a chain (contracts.md 7): a file in place of the root contract's state.
#pragma once
#include <vector>

#include "ton/contracts/root.hpp"

namespace cocoon::ton {

// The members of the file as they are written there: 256-bit values in base64, codes as hex bags of cells. Whoever
// reads the file fills this in; members that it lacks stay zero or empty.
struct FakeConfig {
  std::vector<std::string> proxy_hashes, worker_hashes, model_hashes;
  std::vector<std::string> model_types;  // names of models; what follows '@' does not count
  struct Proxy {
    std::uint32_t seqno = 0;
    std::string address;
  };
  std::vector<Proxy> registered_proxies;
  std::uint32_t price_per_token = 0, worker_fee_per_token = 0;
  std::uint32_t last_proxy_seqno = 0, version = 0, params_version = 0;
  struct Key {
    std::string public_key;
    std::uint8_t key_type = 0;
    std::uint32_t expire_at = 0;
  };
  std::vector<Key> registered_public_keys;
  std::string key_manager_address;
  std::string proxy_sc_code, worker_sc_code, client_sc_code;  // empty: the empty cell
  std::string root_owner_address;                             // friendly; must be there
};

// The root state that the file stands for, with the implied values of section 7. Errors name the member.
Result<RootState> fake_root_state(const FakeConfig&);

}  // namespace cocoon::ton
