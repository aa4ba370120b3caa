// A request as a client made it, whichever of the two forms it used (wire.md 4.7.2).
#pragma once
#include <string>
#include <utility>

#include "market/selection.hpp"
#include "proxy/core/replies.hpp"

namespace cocoon::proxy {

// Headers of the HTTP request and answer that are ours: what the client prefers among workers (market::parse_policy),
// and which worker answered, by the name that "worker=NAME" pins.
inline constexpr std::string_view kWorkerHeader = "X-Cocoon-Worker";

struct Ask {
  std::string model;
  Bytes query;
  std::int32_t max_coefficient = 0;
  std::int32_t max_tokens = 0;
  double timeout = 0;
  std::int32_t min_config_version = 0;
  Bits256 public_key;
  Addressee to;
  market::Policy policy;

  template <class Form>
  static Ask from(Form&& form, std::int32_t version) {
    Ask ask;
    ask.model = std::move(form.model_name);
    ask.query = std::move(form.query);
    ask.max_coefficient = form.max_coefficient;
    ask.max_tokens = form.max_tokens;
    ask.timeout = form.timeout;
    ask.min_config_version = form.min_config_version;
    ask.to.request = form.request_id;
    ask.to.version = version;
    if constexpr (requires { form.enable_debug; }) {
      ask.to.debug = form.enable_debug;
      ask.public_key = form.public_key;
    }
    return ask;
  }
  bool encrypted() const { return !public_key.is_zero(); }
  market::Ask wish() const {
    return {.max_coefficient = static_cast<std::uint32_t>(max_coefficient), .encrypted = encrypted(), .policy = policy};
  }
};

}  // namespace cocoon::proxy
