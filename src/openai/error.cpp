#include "openai/error.hpp"

#include <fmt/format.h>

#include "openai/json_object.hpp"
#include "openai/sse.hpp"

namespace cocoon::openai {

int http_status_of(int error_code) {
  switch (error_code) {
    case 652:
      return 504;
    case 651:
      return 502;
    case 621:
      return 400;
    default:
      return 500;
  }
}

int http_status_of_models(int error_code) {
  switch (error_code) {
    case 653:
      return 502;
    case 602:
    case 603:
      return 400;
    default:
      return http_status_of(error_code);
  }
}

std::string_view error_type(int http_status) {
  switch (http_status) {
    case 401:
      return "authentication_error";
    case 402:
      return "insufficient_quota";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    case 429:
      return "rate_limit_error";
    case 504:
      return "timeout_error";
    default:
      return http_status >= 400 && http_status < 500 ? "invalid_request_error" : "server_error";
  }
}

std::string error_body(int http_status, int error_code, std::string_view message) {
  return fmt::format(R"({{"error":{{"message":{},"type":"{}","param":null,"code":{}}},"error_code":{}}})",
                     json_quote(message), error_type(http_status), http_status, error_code);
}

std::string error_event(int http_status, int error_code, std::string_view message) {
  return sse_data(error_body(http_status, error_code, message));
}

}  // namespace cocoon::openai
