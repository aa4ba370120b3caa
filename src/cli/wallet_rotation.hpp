// A new key for a node's wallet. The key is part of the wallet's address, so a new key is a new wallet: it is deployed
// with everything that the old one holds, and takes its place in the node's configuration.
//
// Each step can be interrupted and done again: the new key is on disk before anything is sent, and takes the old one's
// name only after the chain shows the coins in the new wallet.
#pragma once
#include <string>

#include "cli/node_address.hpp"

namespace cocoon::cli {

class WalletRotation {
 public:
  // Looks only. Refused while client contracts that hold money belong to the old wallet: nobody else could ever close
  // them. Proxies and workers own no contracts through their wallets.
  static Result<WalletRotation> prepare(Chain&, const NodeAddress&);
  Result<> carry_out(Chain&);

  const ton::Address& old_address() const { return old_address_; }
  const ton::Address& new_address() const { return new_address_; }  // after carry_out()
  const std::string& old_key_file() const { return old_key_file_; }
  std::uint64_t moved() const { return moved_; }  // nanoTON; before carry_out() what the old wallet holds

 private:
  WalletRotation() = default;
  Result<> send_everything(Chain&, const ton::StateInit& new_wallet);

  ledger::WalletQueue::Config config_;  // of the old wallet
  ton::Address old_address_, new_address_;
  std::string key_file_, new_key_file_, old_key_file_;
  std::uint64_t moved_ = 0;
};

}  // namespace cocoon::cli
