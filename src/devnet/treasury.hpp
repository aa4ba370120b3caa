// The account that holds everything on a new chain, and how its owner pays out of it (treasury.tolk).
#pragma once
#include "base/result.hpp"
#include "crypto/crypto.hpp"
#include "ton/account.hpp"
#include "ton/message.hpp"

namespace cocoon::devnet {

ton::StateInit treasury_state_init(const crypto::PublicKey& owner);

// How many payments the treasury has made.
Result<std::uint32_t> treasury_seqno(const ton::Account& treasury);

// An external message that makes the treasury send `nano` to `to`, without bounce. Its transfer fee is paid on top.
Result<ton::Cell> treasury_payment(const crypto::KeyPair& owner, const ton::Address& treasury, std::uint32_t seqno,
                                   const ton::Address& to, std::uint64_t nano);

}  // namespace cocoon::devnet
