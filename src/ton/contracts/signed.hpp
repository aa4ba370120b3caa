// Signed payment messages (contracts.md 3): what a proxy signs for clients and workers, who may resend it, and how the
// receiver convinces itself.
#pragma once
#include "crypto/crypto.hpp"
#include "ton/contracts/bodies.hpp"

namespace cocoon::ton {

// The signed cell of charge, grant refund, payout and last payout.
struct PaymentPayload {
  std::uint32_t opcode = 0;
  std::uint64_t query_id = 0;
  std::uint64_t tokens = 0;  // adjusted tokens, cumulative
  Address contract;          // the client or worker contract itself
  friend bool operator==(const PaymentPayload&, const PaymentPayload&) = default;
};
// The signed cell of close request and close complete.
struct ClosePayload {
  std::uint32_t opcode = 0;
  std::uint64_t query_id = 0;
  Address contract;  // the proxy contract itself
  friend bool operator==(const ClosePayload&, const ClosePayload&) = default;
};

Cell build_signed_payload(const PaymentPayload&);
Cell build_signed_payload(const ClosePayload&);
Cell build_signed_payload(const RootAddPublicKey&);  // opcode root_add_public_key_signed
// The three parsers refuse trailing bits and references.
Result<PaymentPayload> parse_payment_payload(const Cell&);
Result<ClosePayload> parse_close_payload(const Cell&);
Result<RootAddPublicKey> parse_add_key_payload(const Cell&);

// The message body around it. Only the payload is signed: anybody may put another address for excesses.
struct SignedMessage {
  std::uint32_t opcode = 0;
  std::uint64_t query_id = 0;
  Address excesses_to;
  crypto::Signature signature;
  Cell payload;

  friend bool operator==(const SignedMessage&, const SignedMessage&) = default;
};

Cell build_signed_message(const SignedMessage&);
// Exactly one reference, no trailing bits.
Result<SignedMessage> parse_signed_message(const Cell&);

// Signs the representation hash of `payload`, whose first 96 bits are opcode and query id.
SignedMessage sign_payload(const Cell& payload, const Address& excesses_to, const crypto::KeyPair&);
bool signature_is_valid(const SignedMessage&, const crypto::PublicKey&);

struct VerifiedPayment {
  SignedMessage message;
  PaymentPayload payload;
};

// What a client or worker checks before it believes a payment (3.4), and what the contract will check: signature,
// header, shape, address. The error's code is the exit code that the contract would end with (1007, 1005, 9, 1015); for
// an opcode other than `expected`, 1005. Whether the tokens are news is the caller's question.
Result<VerifiedPayment> verify_payment(const Cell& body, std::uint32_t expected, const Address& contract,
                                       const crypto::PublicKey&);
// The same for the bytes that came over the wire.
Result<VerifiedPayment> verify_payment(BytesView boc, std::uint32_t expected, const Address& contract,
                                       const crypto::PublicKey&);

// One receiver's check of what one proxy signs for it. The same payment comes with every request until the proxy has
// committed more, and a signature costs more to check than all the rest of a request: the last bytes are remembered
// together with what was found about them, so that the same bytes again cost a comparison.
class PaymentVerifier {
 public:
  PaymentVerifier(std::uint32_t expected, const Address& contract, const crypto::PublicKey& key)
      : expected_(expected), contract_(contract), key_(key) {}

  // As verify_payment; valid until the next call.
  const Result<VerifiedPayment>& verify(BytesView boc);

 private:
  std::uint32_t expected_;
  Address contract_;
  crypto::PublicKey key_;
  Bytes last_;
  std::optional<Result<VerifiedPayment>> outcome_;  // of last_
};

}  // namespace cocoon::ton
