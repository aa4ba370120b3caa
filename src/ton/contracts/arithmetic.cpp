#include "ton/contracts/arithmetic.hpp"

#include <algorithm>

namespace cocoon::ton {

std::uint64_t balance_after_charge(std::uint64_t balance, std::uint64_t used, std::uint64_t now, std::uint64_t price) {
  if (now <= used) return balance;
  const std::uint64_t cost = saturating_mul(now - used, price);
  return balance - std::min(balance, cost);
}

PayoutParts payout_parts(std::uint64_t delta, std::uint64_t price, std::uint64_t fee) {
  return {saturating_mul(delta, fee), fee > price ? 0 : saturating_mul(delta, price - fee)};
}

}  // namespace cocoon::ton
