// What the HTTP API answers when a request cannot be served: statuses of wire.md 5.2 and 5.3, and those that say more.
#pragma once
#include <string>

#include "client/core/events.hpp"
#include "openai/error.hpp"

namespace cocoon::client {

struct Failure : openai::ApiError {
  int retry_after = 0;  // seconds after which it may be worth trying again; 0: nothing is said
};

// (g++ 12 cannot hold a braced list across a co_await.)
Failure failure(int status, int error_code, std::string message, std::string code = {}, std::string param = {});

// Of an API request: 402 when the money is missing, 503 while no proxy is connected, else wire.md 5.3. What may go away
// by itself has a Retry-After.
Failure failure_of(const ApiFailed&);
// Of /v1/models, wire.md 5.2.
Failure failure_of_models(const ApiFailed&);

}  // namespace cocoon::client
