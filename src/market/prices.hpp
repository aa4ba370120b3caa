// Adjusted tokens, usage, costs, reservation and balance (wire.md 5.5, 5.6; contracts.md 1.3).
// Everything is total: results that do not fit saturate instead of wrapping.
#pragma once
#include <cstdint>

namespace cocoon::market {

// floor toward zero of tokens * coefficient/1000 * multiplier/10000, exact.
std::int64_t adjust_tokens(std::int64_t tokens, std::int64_t coefficient, std::int64_t multiplier);

// The same as the reference evaluates it in doubles, left to right: about one in 2400 results is one less than exact.
// For display and comparison with other nodes only; money is counted with adjust_tokens.
std::int64_t adjust_tokens_in_doubles(std::int64_t tokens, std::int64_t coefficient, std::int64_t multiplier);

struct Multipliers {  // in 1/10000, from the root contract
  std::int64_t prompt = 10000;
  std::int64_t cached = 10000;
  std::int64_t completion = 10000;
  std::int64_t reasoning = 10000;
  friend bool operator==(const Multipliers&, const Multipliers&) = default;
};

struct RawUsage {  // an engine's counts; `cached` is part of `prompt`, `reasoning` part of `completion`
  std::int64_t prompt = 0;
  std::int64_t cached = 0;
  std::int64_t completion = 0;
  std::int64_t reasoning = 0;
  friend bool operator==(const RawUsage&, const RawUsage&) = default;
};

struct AdjustedUsage {  // disjoint classes; what tokensUsed carries
  std::int64_t prompt = 0;
  std::int64_t cached = 0;
  std::int64_t completion = 0;
  std::int64_t reasoning = 0;
  std::int64_t total = 0;
  friend bool operator==(const AdjustedUsage&, const AdjustedUsage&) = default;
};

// Each class truncates on its own. Counts an engine got wrong are pulled into their ranges first: nothing negative,
// cached <= prompt, reasoning <= completion.
AdjustedUsage adjust_usage(const RawUsage&, std::int64_t coefficient, const Multipliers&);

struct Costs {                  // nanotons
  std::int64_t prompt = 0;      // with cached
  std::int64_t completion = 0;  // with reasoning
  std::int64_t total = 0;
  friend bool operator==(const Costs&, const Costs&) = default;
};
Costs costs_of(const AdjustedUsage&, std::int64_t price_per_token);

// Adjusted tokens a proxy sets aside for a request; query_bytes is the whole boxed http.request. Negative inputs count
// as zero (wire.md D10).
std::int64_t tokens_to_reserve(std::int64_t max_tokens, std::int64_t query_bytes, std::int64_t max_coefficient);

struct ClientFunds {
  std::uint64_t balance = 0;  // nanotons on the client contract
  std::uint64_t stake = 0;    // nanotons
  std::int64_t charged = 0;   // adjusted tokens charged on chain
  std::int64_t used = 0;      // adjusted tokens accounted so far (the `max` counter)
  std::int64_t reserved = 0;  // adjusted tokens set aside for running requests
};
// Adjusted tokens the client may still use; negative when it has overdrawn. A price of 0 counts as 10^12 paid.
std::int64_t tokens_available(const ClientFunds&, std::uint64_t price_per_token);

// How many requests of a worker one of its proxies may run at a time: max_active / proxies, rounded up; at least 1.
std::int64_t per_proxy_limit(std::int64_t max_active_requests, std::int64_t proxy_count);

}  // namespace cocoon::market
