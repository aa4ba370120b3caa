#include "market/prices.hpp"

#include <algorithm>
#include <limits>

namespace cocoon::market {
namespace {

__extension__ using Wide = __int128;

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kPaidWhenFree = 1'000'000'000'000;

std::int64_t saturate(Wide v) { return static_cast<std::int64_t>(std::clamp<Wide>(v, kMin, kMax)); }

std::int64_t add(std::int64_t a, std::int64_t b) { return saturate(Wide{a} + b); }
std::int64_t multiply(std::int64_t a, std::int64_t b) { return saturate(Wide{a} * b); }

}  // namespace

std::int64_t adjust_tokens(std::int64_t tokens, std::int64_t coefficient, std::int64_t multiplier) {
  // Two 64-bit factors fit 127 bits; the third may not.
  Wide product = Wide{tokens} * coefficient;
  Wide out = 0;
  if (__builtin_mul_overflow(product, Wide{multiplier}, &out)) {
    const bool negative = (product < 0) != (multiplier < 0);
    return negative ? kMin : kMax;
  }
  return saturate(out / 10'000'000);
}

std::int64_t adjust_tokens_in_doubles(std::int64_t tokens, std::int64_t coefficient, std::int64_t multiplier) {
  const double value =
      ((static_cast<double>(tokens) * (static_cast<double>(coefficient) * 0.001)) * static_cast<double>(multiplier)) *
      0.0001;
  if (value >= 9223372036854775807.0) return kMax;
  if (value <= -9223372036854775808.0) return kMin;
  return static_cast<std::int64_t>(value);
}

AdjustedUsage adjust_usage(const RawUsage& raw, std::int64_t coefficient, const Multipliers& m) {
  const std::int64_t prompt = std::max<std::int64_t>(raw.prompt, 0);
  const std::int64_t cached = std::clamp<std::int64_t>(raw.cached, 0, prompt);
  const std::int64_t completion = std::max<std::int64_t>(raw.completion, 0);
  const std::int64_t reasoning = std::clamp<std::int64_t>(raw.reasoning, 0, completion);
  AdjustedUsage out;
  out.prompt = adjust_tokens(prompt - cached, coefficient, m.prompt);
  out.cached = adjust_tokens(cached, coefficient, m.cached);
  out.completion = adjust_tokens(completion - reasoning, coefficient, m.completion);
  out.reasoning = adjust_tokens(reasoning, coefficient, m.reasoning);
  out.total = add(add(out.prompt, out.cached), add(out.completion, out.reasoning));
  return out;
}

Costs costs_of(const AdjustedUsage& usage, std::int64_t price_per_token) {
  return {multiply(add(usage.prompt, usage.cached), price_per_token),
          multiply(add(usage.completion, usage.reasoning), price_per_token), multiply(usage.total, price_per_token)};
}

std::int64_t tokens_to_reserve(std::int64_t max_tokens, std::int64_t query_bytes, std::int64_t max_coefficient) {
  const std::int64_t tokens = add(std::max<std::int64_t>(max_tokens, 0), std::max<std::int64_t>(query_bytes, 0));
  return adjust_tokens(tokens, std::max<std::int64_t>(max_coefficient, 0), 10000);
}

std::int64_t tokens_available(const ClientFunds& funds, std::uint64_t price_per_token) {
  const auto worth = [&](std::uint64_t nano) {
    return price_per_token == 0 ? Wide{kPaidWhenFree} : Wide{nano / price_per_token};
  };
  const Wide paid = worth(funds.balance) + funds.charged;
  const Wide staked = worth(funds.stake) + funds.charged;
  return saturate(std::min(paid, staked) - funds.reserved - funds.used);
}

std::int64_t per_proxy_limit(std::int64_t max_active_requests, std::int64_t proxy_count) {
  const std::int64_t active = std::max<std::int64_t>(max_active_requests, 1);
  const std::int64_t proxies = std::max<std::int64_t>(proxy_count, 1);
  return (active - 1) / proxies + 1;
}

}  // namespace cocoon::market
