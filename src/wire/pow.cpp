#include "wire/pow.hpp"

#include <bit>

#include "crypto/crypto.hpp"
#include "tl/tl.hpp"

namespace cocoon::wire::pow {
namespace {

constexpr std::uint32_t kChallengeId = 0x418e1291;
constexpr std::uint32_t kResponseId = 0x01827319;
constexpr std::uint64_t kStopInterval = 1 << 13;

using Input = FixedBytes<24>;  // salt, then the nonce as eight little-endian bytes

void set_nonce(Input& input, std::uint64_t nonce) {
  for (unsigned i = 0; i < 8; ++i) input[16 + i] = static_cast<std::uint8_t>(nonce >> (8 * i));
}

Input input_of(const FixedBytes<16>& salt) {
  Input out;
  std::copy(salt.begin(), salt.end(), out.begin());
  return out;
}

int zero_bits_of(const Input& input) {
  const Bits256 hash = crypto::sha256(input.view());
  std::uint64_t word = 0;
  for (unsigned i = 0; i < 8; ++i) word |= std::uint64_t{hash[i]} << (8 * i);
  return std::countl_zero(word);
}

}  // namespace

FixedBytes<kChallengeSize> encode_challenge(const Challenge& c) {
  Bytes out;
  tl::Writer w(out);
  w.u32(kChallengeId);
  w.i32(c.difficulty);
  w.raw(c.salt.view());
  return FixedBytes<kChallengeSize>::from(out);
}

Result<Challenge> decode_challenge(BytesView in) {
  tl::Reader r(in);
  r.id(kChallengeId);
  Challenge out{.difficulty = r.i32(), .salt = r.fixed<16>()};
  TRY(r.finish());
  return out;
}

FixedBytes<kResponseSize> encode_response(std::uint64_t nonce) {
  Bytes out;
  tl::Writer w(out);
  w.u32(kResponseId);
  w.u64(nonce);
  return FixedBytes<kResponseSize>::from(out);
}

Result<std::uint64_t> decode_response(BytesView in) {
  tl::Reader r(in);
  r.id(kResponseId);
  const std::uint64_t nonce = r.u64();
  TRY(r.finish());
  return nonce;
}

int zero_bits(const FixedBytes<16>& salt, std::uint64_t nonce) {
  Input input = input_of(salt);
  set_nonce(input, nonce);
  return zero_bits_of(input);
}

bool verify(const Challenge& c, std::uint64_t nonce) {
  return c.difficulty <= 0 || (c.difficulty <= 64 && zero_bits(c.salt, nonce) >= c.difficulty);
}

Result<std::uint64_t> solve(const Challenge& c, int max_difficulty, const std::function<bool()>& should_stop) {
  if (c.difficulty > max_difficulty || c.difficulty > 64)
    return fail("proof of work of difficulty {} asked for, at most {} is done", c.difficulty, max_difficulty);
  Input input = input_of(c.salt);
  for (std::uint64_t nonce = 0;; ++nonce) {
    if (nonce % kStopInterval == kStopInterval - 1 && should_stop && should_stop())
      return fail("proof of work stopped");
    set_nonce(input, nonce);
    if (c.difficulty <= 0 || zero_bits_of(input) >= c.difficulty) return nonce;
  }
}

}  // namespace cocoon::wire::pow
