// What contracts compute and nodes must foresee (contracts.md 1.3). Exact, never overflowing: what does not fit 64
// bits is the largest number that does.
#pragma once
#include "ton/contracts/params.hpp"

namespace cocoon::ton {

inline std::uint64_t saturating_add(std::uint64_t a, std::uint64_t b) {
  return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}
inline std::uint64_t saturating_mul(std::uint64_t a, std::uint64_t b) {
  return b != 0 && a > UINT64_MAX / b ? UINT64_MAX : a * b;
}

// What a client contract's balance is after a charge from `used` to `now` tokens (now >= used).
std::uint64_t balance_after_charge(std::uint64_t balance, std::uint64_t used, std::uint64_t now, std::uint64_t price);

// What a payout of `delta` tokens gives the worker's owner and the proxy, in nanoTON.
struct PayoutParts {
  std::uint64_t worker = 0, proxy = 0;
};
PayoutParts payout_parts(std::uint64_t delta, std::uint64_t price, std::uint64_t fee);  // fee <= price, else proxy 0

}  // namespace cocoon::ton
