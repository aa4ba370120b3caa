#include "client/service/api_gate.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/log.hpp"
#include "base/text.hpp"
#include "crypto/crypto.hpp"
#include "wire/error_codes.hpp"

namespace cocoon::client {
namespace {

std::string_view secret_in(const net::HttpHeaders& headers) {
  const auto authorization = headers.get("authorization");
  if (constexpr std::string_view kBearer = "Bearer ";
      authorization.size() > kBearer.size() && starts_ignoring_case(authorization, kBearer))
    return authorization.substr(kBearer.size());
  if (const auto key = headers.get("x-api-key"); !key.empty()) return key;
  return headers.get("api-key");
}

std::int64_t sum(std::int64_t a, std::int64_t b) {
  std::int64_t out = 0;
  return __builtin_add_overflow(a, b, &out) ? INT64_MAX : out;
}

}  // namespace

std::expected<std::optional<store::ApiKey>, Failure> ApiGate::admit(const net::HttpHeaders& headers) {
  if (!keys_) return std::nullopt;
  const auto secret = secret_in(headers);
  if (secret.empty())
    return std::unexpected(failure(401, wire::kErrorRequest, "an API key is needed: Authorization: Bearer ck-..."));
  auto found = keys_->find(crypto::sha256(as_bytes(secret)));
  if (!found) {
    log::warn("api", "keys cannot be read: {}", found.error().what);
    auto f = failure(503, wire::kErrorNotReady, "API keys cannot be checked at the moment");
    f.retry_after = 1;
    return std::unexpected(std::move(f));
  }
  if (!*found) return std::unexpected(failure(401, wire::kErrorRequest, "this API key is not valid"));
  return std::move(*found);
}

bool ApiGate::allows(const std::optional<store::ApiKey>& key, std::string_view model) {
  return !key || key->models.empty() || std::ranges::find(key->models, model) != key->models.end();
}

std::optional<Failure> ApiGate::enter(const store::ApiKey& key, std::string_view model, std::int64_t most, Time now) {
  if (!allows(key, model))
    return failure(403, wire::kErrorRequest, fmt::format("this API key may not use the model '{}'", model),
                   "model_not_allowed", "model");
  auto& use = uses_[key.id];
  const auto rate = static_cast<double>(key.per_minute);
  if (use.at == Time{}) use.left = rate;
  use.left = std::min(rate, use.left + std::max(0.0, to_seconds(now - use.at)) * rate / 60);
  use.at = now;
  if (key.per_minute > 0 && use.left < 1) {
    auto f = failure(429, wire::kErrorRequest, fmt::format("this API key may ask {} times a minute", key.per_minute));
    f.retry_after = static_cast<int>(std::ceil((1 - use.left) * 60 / rate));
    return f;
  }
  if (key.budget > 0 && sum(sum(key.spent, use.held), most) > key.budget)
    return failure(402, wire::kErrorRequest,
                   fmt::format("this API key has {} of {} nanoTON left, {} of them held by running requests; this "
                               "request may cost {}: lower max_tokens or max_coefficient",
                               key.budget - key.spent, key.budget, use.held, most));
  if (key.per_minute > 0) use.left -= 1;
  use.held = sum(use.held, most);
  return std::nullopt;
}

void ApiGate::leave(const store::ApiKey& key, std::int64_t most, std::int64_t cost) {
  auto& use = uses_[key.id];
  use.held = std::max<std::int64_t>(0, use.held - most);
  if (const auto charged = keys_->charge(key.id, std::max<std::int64_t>(0, cost)); !charged)
    log::error("api", "what the key {} spent ({} nanoTON) cannot be written: {}", key.name, cost, charged.error().what);
}

}  // namespace cocoon::client
