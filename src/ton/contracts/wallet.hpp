// The Cocoon wallet (contracts.md 5): messages that a node sends, and the external message that makes its wallet send
// them.
#pragma once
#include "crypto/crypto.hpp"
#include "ton/contracts/state.hpp"
#include "ton/message.hpp"

namespace cocoon::ton {

inline constexpr std::uint64_t kWalletMinimum = 2 * kTon;  // nanoTON a wallet must hold to accept an external message
inline constexpr std::size_t kMaxWalletMessages = 4;       // one per reference

// An internal message as nodes build it: bounces unless it deploys, init and body in references.
struct OutgoingMessage {
  Address to;
  std::uint64_t value = 0;  // nanoTON
  std::optional<Cell> body;
  std::optional<StateInit> init;
};
Cell build_outgoing(const OutgoingMessage&);

// Mode of a message in the wallet: plain (0), or fees apart from the value (1) for mere notices of 1 nanoTON.
inline std::uint8_t send_mode(const OutgoingMessage& m) { return m.value > 1 ? 0 : 1; }

struct WalletOrder {
  std::uint8_t mode = 0;
  Cell message;
  friend bool operator==(const WalletOrder&, const WalletOrder&) = default;
};

// What the node's key signs. At most 4 orders.
struct WalletRequest {
  std::uint32_t subwallet = 0;
  std::uint32_t valid_until = 0;  // unix seconds; the wallet wants it to be later than the block
  std::uint32_t seqno = 0;
  std::vector<WalletOrder> orders;
  friend bool operator==(const WalletRequest&, const WalletRequest&) = default;
};

Cell build_wallet_unsigned(const WalletRequest&);
Cell build_wallet_body(const WalletRequest&, const crypto::KeyPair&);

struct ParsedWalletBody {
  crypto::Signature signature;
  WalletRequest request;
  Bits256 signed_hash;
};
Result<ParsedWalletBody> parse_wallet_body(const Cell&);

// The external message around a wallet's body. With `init` for the wallet's first one.
Cell build_wallet_external(const Address& wallet, const Cell& body, const std::optional<StateInit>& init);

}  // namespace cocoon::ton
