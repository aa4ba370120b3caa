// Who may use the HTTP API where it asks for keys: which models, how fast, for how much (store/api_keys.hpp).
#pragma once
#include <expected>
#include <optional>
#include <unordered_map>

#include "base/time.hpp"
#include "client/service/api_failure.hpp"
#include "net/http_types.hpp"
#include "store/api_keys.hpp"

namespace cocoon::client {

class ApiGate {
 public:
  // `prefix` of every secret, so that people and scanners of leaked secrets know one when they see it.
  static constexpr std::string_view kPrefix = "ck-";

  // No keys: everybody is let in, and nothing is counted.
  explicit ApiGate(std::optional<store::ApiKeys> keys) : keys_(std::move(keys)) {}

  bool asks() const { return keys_.has_value(); }
  // The key that a request shows: `Authorization: Bearer`, `x-api-key` or `api-key`. 401 when there is none or it is
  // not valid. Nothing when no keys are asked for.
  std::expected<std::optional<store::ApiKey>, Failure> admit(const net::HttpHeaders&);

  static bool allows(const std::optional<store::ApiKey>&, std::string_view model);
  // Before a request runs: 403 for another model, 429 above the rate, 402 when what is left of the budget cannot cover
  // `most`, the nanoTON it can cost at most. On success `most` is held until leave().
  std::optional<Failure> enter(const store::ApiKey&, std::string_view model, std::int64_t most, Time now);
  void leave(const store::ApiKey&, std::int64_t most, std::int64_t cost);

 private:
  struct Use {
    double left = 0;  // requests that may come at once
    Time at{};
    std::int64_t held = 0;
  };

  std::optional<store::ApiKeys> keys_;
  std::unordered_map<std::int64_t, Use> uses_;
};

}  // namespace cocoon::client
