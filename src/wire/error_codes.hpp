// Numeric error codes of the protocol (wire.md 2.7). Only the numbers mean anything to a peer; texts are for people.
#pragma once
#include <string_view>

namespace cocoon::wire {

enum ErrorCode : int {
  kErrorGeneric = 0,              // raised without a code: decoding failures, secret mismatch, unhandled query
  kErrorFailure = 601,            // internal
  kErrorRequest = 602,            // request cannot be served (balance, config version, busy, unknown key, closing)
  kErrorWarning = 603,            // never on the wire
  kErrorProtocolViolation = 621,  // malformed or illegal request
  kErrorNotReady = 651,           // temporarily impossible (disabled, no workers, no connection)
  kErrorTimeout = 652,            // deadline passed
  kErrorCancelled = 653,          // torn down
};

constexpr std::string_view error_name(int code) {
  switch (code) {
    case kErrorGeneric:
      return "generic";
    case kErrorFailure:
      return "failure";
    case kErrorRequest:
      return "error";
    case kErrorWarning:
      return "warning";
    case kErrorProtocolViolation:
      return "protoviolation";
    case kErrorNotReady:
      return "notready";
    case kErrorTimeout:
      return "timeout";
    case kErrorCancelled:
      return "cancelled";
    default:
      return "unknown";
  }
}

}  // namespace cocoon::wire
