#include "market/selection.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <tuple>

#include <fmt/format.h>

namespace cocoon::market {
namespace {

constexpr int kNotReady = 651;  // wire.md 2.7
constexpr int kEncryptionVersion = 3;
constexpr double kWindowSeconds = 600;
constexpr double kLeastRate = 0.1;

// Whoever fails every time looks ten times as slow as it is.
constexpr double kFailurePenalty = 9;

// What does not change by waiting a little.
bool fits(const Candidate& c, const Ask& ask) {
  return c.enabled && (!ask.encrypted || c.proto_version >= kEncryptionVersion) &&
         (ask.policy.kind != Policy::Kind::pinned || c.name == ask.policy.worker);
}
bool affordable(const Candidate& c, const Ask& ask) { return c.coefficient <= std::int64_t{ask.max_coefficient}; }
bool free(const Candidate& c) { return c.running < c.limit && !c.resting; }

using Rank = std::tuple<double, double, std::int64_t, std::int64_t, std::uint64_t>;

Rank rank(const Candidate& c, Policy::Kind policy) {
  const double slower = 1 + kFailurePenalty * c.failing;
  const double work = static_cast<double>(c.running) * c.average_seconds * slower;
  const double load = static_cast<double>(c.running) / static_cast<double>(std::max<std::int64_t>(c.limit, 1));
  switch (policy) {
    case Policy::Kind::cheapest:
      return {static_cast<double>(c.coefficient), work, c.running, c.coefficient, c.connection};
    case Policy::Kind::fastest:
      return {c.first_seconds * slower * (1 + load), work, c.running, c.coefficient, c.connection};
    case Policy::Kind::balanced:
    case Policy::Kind::pinned:
      break;
  }
  return {work, c.failing, c.running, c.coefficient, c.connection};
}

Refusal refuse(std::span<const Candidate> all, const Ask& ask) {
  const auto why = [](bool may_change, std::string text) { return Refusal{{kNotReady, std::move(text)}, may_change}; };
  std::optional<std::int64_t> cheapest;
  bool enabled = false, fitting = false, waits = false;
  for (const auto& c : all) {
    enabled = enabled || c.enabled;
    if (!fits(c, ask)) continue;
    fitting = true;
    waits = waits || affordable(c, ask);
    if (free(c)) cheapest = std::min(cheapest.value_or(c.coefficient), c.coefficient);
  }
  if (all.empty()) return why(false, "no worker of this model is connected");
  if (!enabled) return why(false, "every worker of this model is switched off");
  if (!fitting && ask.policy.kind == Policy::Kind::pinned)
    return why(false, fmt::format("worker {} does not serve this model now", ask.policy.worker));
  if (!fitting) return why(false, "every worker of this model is too old for encryption");
  if (cheapest) {
    return why(waits, fmt::format("every free worker of this model costs more than max_coefficient {}; the cheapest "
                                  "asks {}",
                                  ask.max_coefficient, *cheapest));
  }
  return why(waits, "every worker of this model is busy");
}

}  // namespace

std::optional<Policy> parse_policy(std::string_view text) {
  constexpr std::string_view kPinned = "worker=";
  constexpr std::size_t kLongestName = 64;
  if (text == "balanced") return Policy{Policy::Kind::balanced, {}};
  if (text == "cheapest") return Policy{Policy::Kind::cheapest, {}};
  if (text == "fastest") return Policy{Policy::Kind::fastest, {}};
  if (!text.starts_with(kPinned)) return std::nullopt;
  const auto name = text.substr(kPinned.size());
  if (name.empty() || name.size() > kLongestName) return std::nullopt;
  return Policy{Policy::Kind::pinned, std::string(name)};
}

std::variant<std::size_t, Refusal> select_worker(std::span<const Candidate> all, const Ask& ask) {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!fits(all[i], ask) || !affordable(all[i], ask) || !free(all[i])) continue;
    if (!best || rank(all[i], ask.policy.kind) < rank(all[*best], ask.policy.kind)) best = i;
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

double DecayingAverage::mean() const { return count_ > 0 ? sum_ / count_ : 0; }

double DecayingAverage::seconds(Time now) const {
  const double rate = count_ * decay_to(now) / kWindowSeconds;
  return rate <= kLeastRate ? 0 : sum_ / count_;
}

}  // namespace cocoon::market
