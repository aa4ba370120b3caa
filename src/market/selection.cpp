#include "market/selection.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <tuple>

namespace cocoon::market {
namespace {

constexpr int kNotReady = 651;  // wire.md 2.7
constexpr int kEncryptionVersion = 3;
constexpr double kWindowSeconds = 600;
constexpr double kLeastRate = 0.1;

bool usable(const Candidate& c, const Ask& ask) {
  return c.enabled && c.running < c.limit && (!ask.encrypted || c.proto_version >= kEncryptionVersion);
}

auto rank(const Candidate& c) {
  return std::tuple(static_cast<double>(c.running) * c.average_seconds, c.running, c.coefficient, c.connection);
}

std::unexpected<Error> refuse(std::span<const Candidate> all, const Ask& ask) {
  std::optional<std::int64_t> cheapest;
  bool enabled = false;
  for (const auto& c : all) {
    enabled = enabled || c.enabled;
    if (usable(c, ask)) cheapest = std::min(cheapest.value_or(c.coefficient), c.coefficient);
  }
  if (all.empty()) return fail(kNotReady, "no worker of this model is connected");
  if (cheapest) {
    return fail(kNotReady, "every free worker of this model costs more than max_coefficient {}; the cheapest asks {}",
                ask.max_coefficient, *cheapest);
  }
  if (!enabled) return fail(kNotReady, "every worker of this model is switched off");
  return fail(kNotReady, "every worker of this model is busy{}", ask.encrypted ? " or too old for encryption" : "");
}

}  // namespace

Result<std::size_t> select_worker(std::span<const Candidate> all, const Ask& ask) {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!usable(all[i], ask) || all[i].coefficient > std::int64_t{ask.max_coefficient}) continue;
    if (!best || rank(all[i]) < rank(all[*best])) best = i;
  }
  if (!best) return refuse(all, ask);
  return *best;
}

double DecayingAverage::decay_to(Time now) const {
  return now <= at_ ? 1 : std::exp(-to_seconds(now - at_) / kWindowSeconds);
}

void DecayingAverage::add(Time now, Duration took) {
  const double keep = decay_to(now);
  count_ = count_ * keep + 1;
  sum_ = sum_ * keep + std::max(0.0, to_seconds(took));
  at_ = std::max(at_, now);
}

double DecayingAverage::seconds(Time now) const {
  const double rate = count_ * decay_to(now) / kWindowSeconds;
  return rate <= kLeastRate ? 0 : sum_ / count_;
}

}  // namespace cocoon::market
