// Proof of work (wire.md 2.1): the listening side challenges, the connecting side searches, before TLS.
#pragma once
#include <functional>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace cocoon::wire::pow {

inline constexpr std::size_t kChallengeSize = 24;
inline constexpr std::size_t kResponseSize = 12;
inline constexpr int kDefaultDifficulty = 20;     // what a server asks for
inline constexpr int kDefaultMaxDifficulty = 28;  // what a client agrees to solve

struct Challenge {
  std::int32_t difficulty = 0;  // <= 0 accepts anything, > 64 nothing
  FixedBytes<16> salt;          // random
};

FixedBytes<kChallengeSize> encode_challenge(const Challenge&);
Result<Challenge> decode_challenge(BytesView);  // exactly 24 bytes
FixedBytes<kResponseSize> encode_response(std::uint64_t nonce);
Result<std::uint64_t> decode_response(BytesView);  // exactly 12 bytes

// Leading zero bits of SHA-256(salt || nonce), its first eight bytes read as a little-endian number.
int zero_bits(const FixedBytes<16>& salt, std::uint64_t nonce);
bool verify(const Challenge&, std::uint64_t nonce);

// The smallest solution, counting up from 0. Difficulties above `max_difficulty` are refused at once; `should_stop` is
// asked every few thousand hashes. Takes about 2^difficulty hashes: not for an event loop's thread.
Result<std::uint64_t> solve(const Challenge&, int max_difficulty, const std::function<bool()>& should_stop = {});

}  // namespace cocoon::wire::pow
