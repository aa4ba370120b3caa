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
    default:
      return http_status >= 400 && http_status < 500 ? "invalid_request_error" : "server_error";
  }
}

std::string_view default_code(int http_status) {
  switch (http_status) {
    case 401:
      return "invalid_api_key";
    case 402:
      return "insufficient_quota";
    case 403:
      return "forbidden";
    case 404:
      return "not_found";
    case 405:
      return "method_not_allowed";
    case 408:
      return "request_timeout";
    case 413:
      return "request_too_large";
    case 429:
      return "rate_limit_exceeded";
    case 502:
      return "bad_gateway";
    case 503:
      return "unavailable";
    case 504:
      return "timeout";
    default:
      return http_status >= 400 && http_status < 500 ? "invalid_request" : "server_error";
  }
}

std::string error_body(const ApiError& e) {
  return fmt::format(R"({{"error":{{"message":{},"type":"{}","param":{},"code":{}}},"error_code":{}}})",
                     json_quote(e.message), error_type(e.status), e.param.empty() ? "null" : json_quote(e.param),
                     json_quote(e.code.empty() ? default_code(e.status) : e.code), e.error_code);
}

std::string error_body(int http_status, int error_code, std::string_view message) {
  return error_body({http_status, error_code, std::string(message)});
}

std::string error_event(const ApiError& e) { return sse_data(error_body(e)); }

}  // namespace cocoon::openai
