// Somebody with the key of a Cocoon wallet: an operator, or a cheat. Brings messages to the chain, one external at a
// time, as anybody can write it from the specification (contracts.md 5).
#pragma once
#include <deque>

#include "sim_chain.hpp"
#include "ton/contracts/wallet.hpp"

namespace cocoon::sim {

class WalletUser {
 public:
  WalletUser(SimChain& chain, const ton::Cell& code, const crypto::Seed& seed, const ton::Address& owner);

  const ton::Address& address() const { return address_; }
  std::uint64_t balance() const;
  void send(ton::OutgoingMessage message) { waiting_.push_back(std::move(message)); }
  bool idle() const { return waiting_.empty(); }
  // After each block: what is due.
  void chain_moved();

 private:
  SimChain& chain_;
  crypto::KeyPair key_;
  ton::StateInit init_;
  ton::Address address_;
  std::deque<ton::OutgoingMessage> waiting_;
  std::size_t flying_ = 0;  // of the first of them
  std::uint32_t flying_seqno_ = 0;
  std::int64_t valid_until_ = 0;
};

}  // namespace cocoon::sim
