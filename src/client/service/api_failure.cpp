#include "client/service/api_failure.hpp"

#include "wire/error_codes.hpp"

namespace cocoon::client {
namespace {

Failure with_status(const ApiFailed& f, int (*status_of)(int)) {
  auto out = failure(status_of(f.code), f.code, f.message.empty() ? std::string(wire::error_name(f.code)) : f.message);
  if (f.why == ApiFailed::Why::no_funds) {
    out.status = 402;
  } else if (f.why == ApiFailed::Why::not_connected) {
    out.status = 503;
    out.retry_after = 1;
  } else if (f.code == wire::kErrorNotReady || f.code == wire::kErrorRequest) {
    out.retry_after = 1;  // busy, or no worker at the moment
  }
  return out;
}

}  // namespace

Failure failure(int status, int error_code, std::string message, std::string code, std::string param) {
  Failure out;
  out.status = status;
  out.error_code = error_code;
  out.message = std::move(message);
  out.code = std::move(code);
  out.param = std::move(param);
  return out;
}

Failure failure_of(const ApiFailed& f) { return with_status(f, openai::http_status_of); }
Failure failure_of_models(const ApiFailed& f) { return with_status(f, openai::http_status_of_models); }

}  // namespace cocoon::client
