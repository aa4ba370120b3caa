#include "ton/contracts/signed.hpp"

#include <algorithm>

#include "ton/boc.hpp"

namespace cocoon::ton {

namespace {

// A payment is two cells; what is longer is none.
constexpr BocLimits kPaymentLimits{.bytes = 4096, .cells = 16, .roots = 1, .depth = 8};

}  // namespace

Cell build_signed_payload(const PaymentPayload& p) {
  return CellBuilder()
      .store_uint(p.opcode, 32)
      .store_uint(p.query_id, 64)
      .store_uint(p.tokens, 64)
      .store_address(p.contract)
      .must_finish();
}

Cell build_signed_payload(const ClosePayload& p) {
  return CellBuilder().store_uint(p.opcode, 32).store_uint(p.query_id, 64).store_address(p.contract).must_finish();
}

Cell build_signed_payload(const RootAddPublicKey& p) {
  return CellBuilder()
      .store_uint(op::root_add_public_key_signed, 32)
      .store_uint(p.query_id, 64)
      .store_bytes(p.public_key)
      .store_uint(p.key_type, 8)
      .store_uint(p.expire_at, 32)
      .must_finish();
}

Result<PaymentPayload> parse_payment_payload(const Cell& c) {
  CellSlice s(c);
  PaymentPayload out;
  out.opcode = s.load_u32();
  out.query_id = s.load_u64();
  out.tokens = s.load_u64();
  out.contract = s.load_address();
  TRY(s.end());
  return out;
}

Result<ClosePayload> parse_close_payload(const Cell& c) {
  CellSlice s(c);
  ClosePayload out;
  out.opcode = s.load_u32();
  out.query_id = s.load_u64();
  out.contract = s.load_address();
  TRY(s.end());
  return out;
}

Result<RootAddPublicKey> parse_add_key_payload(const Cell& c) {
  CellSlice s(c);
  RootAddPublicKey out;
  if (s.load_u32() != op::root_add_public_key_signed) s.reject("a signed key registration was expected");
  out.query_id = s.load_u64();
  out.public_key = s.load_bits256();
  out.key_type = s.load_u8();
  out.expire_at = s.load_u32();
  TRY(s.end());
  return out;
}

Cell build_signed_message(const SignedMessage& m) {
  return CellBuilder()
      .store_uint(m.opcode, 32)
      .store_uint(m.query_id, 64)
      .store_address(m.excesses_to)
      .store_bytes(m.signature)
      .store_ref(m.payload)
      .must_finish();
}

Result<SignedMessage> parse_signed_message(const Cell& c) {
  CellSlice s(c);
  SignedMessage out;
  out.opcode = s.load_u32();
  out.query_id = s.load_u64();
  out.excesses_to = s.load_address();
  out.signature = s.load_fixed<64>();
  out.payload = s.load_ref();
  TRY(s.end());
  return out;
}

SignedMessage sign_payload(const Cell& payload, const Address& excesses_to, const crypto::KeyPair& key) {
  const auto header = read_body_header(payload);
  COCOON_ASSERT(header.has_value());
  return {header->opcode, header->query_id, excesses_to, key.sign(payload.hash().view()), payload};
}

bool signature_is_valid(const SignedMessage& m, const crypto::PublicKey& key) {
  return crypto::verify(key, m.payload.hash().view(), m.signature);
}

Result<VerifiedPayment> verify_payment(const Cell& body, std::uint32_t expected, const Address& contract,
                                       const crypto::PublicKey& key) {
  auto message = parse_signed_message(body);
  if (!message) return fail(exit_code::cell_underflow, "malformed signed payment: " + message.error().what);
  if (message->opcode != expected)
    return fail(exit_code::header_mismatch, "a signed payment of kind {:#010x}, {} was expected", message->opcode,
                op::name(expected));
  if (!signature_is_valid(*message, key)) return fail(exit_code::bad_signature, "the signature of a payment is wrong");
  auto payload = parse_payment_payload(message->payload);
  if (!payload) return fail(exit_code::cell_underflow, "malformed signed payment: " + payload.error().what);
  if (payload->opcode != message->opcode || payload->query_id != message->query_id)
    return fail(exit_code::header_mismatch, "a signed payment and its wrapper disagree");
  if (payload->contract != contract)
    return fail(exit_code::another_contract, "a signed payment for another contract: {}",
                to_raw_text(payload->contract));
  return VerifiedPayment{*std::move(message), *std::move(payload)};
}

Result<VerifiedPayment> verify_payment(BytesView boc, std::uint32_t expected, const Address& contract,
                                       const crypto::PublicKey& key) {
  auto body = read_boc(boc, kPaymentLimits);
  if (!body) return fail(exit_code::cell_underflow, "malformed signed payment: " + body.error().what);
  return verify_payment(*body, expected, contract, key);
}

const Result<VerifiedPayment>& PaymentVerifier::verify(BytesView boc) {
  if (!outcome_ || !std::ranges::equal(boc, last_)) {
    outcome_ = verify_payment(boc, expected_, contract_, key_);
    // What is longer than any payment is refused for its length: of that one byte more than the limit is enough.
    const auto kept = boc.first(std::min(boc.size(), kPaymentLimits.bytes + 1));
    last_.assign(kept.begin(), kept.end());
  }
  return *outcome_;
}

}  // namespace cocoon::ton
