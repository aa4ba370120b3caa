// The keys of a machine, derived from its one seed, each for one purpose (contracts.md 6.5, W-20): what one of them
// signs says nothing under another.
#pragma once
#include "crypto/crypto.hpp"

namespace cocoon::ledger {

struct MachineKeys {
  // Signs payments and the closing of the proxy contract; its public key is in the proxy contract's state. It is the
  // machine seed's own, so that a node that moves here from another implementation keeps its contract.
  crypto::KeyPair payment;
  Bits256 seal;               // of snapshots (HMAC-SHA-256), and of the marks in commits
  crypto::Seed key_messages;  // of a key manager: signs the keys that it registers with the root contract
};

inline MachineKeys machine_keys(const crypto::Seed& machine) {
  return {.payment = crypto::KeyPair(machine),
          .seal = crypto::derive_seed(machine, "proxy snapshot seal"),
          .key_messages = crypto::derive_seed(machine, "key manager messages")};
}

}  // namespace cocoon::ledger
