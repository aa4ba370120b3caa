// Errors as an application sees them: OpenAI's shape, with Cocoon's code beside it (wire.md 5.2, 5.3).
#pragma once
#include <string>
#include <string_view>

namespace cocoon::openai {

struct ApiError {
  int status = 500;    // HTTP
  int error_code = 0;  // wire.md 2.7
  std::string message;
  std::string code{};   // for programs ("model_not_found"); empty: what the status says
  std::string param{};  // the member of the request at fault; empty: null
};

// HTTP status for an error of the API routes: 652 -> 504, 651 -> 502, 621 -> 400, anything else 500.
int http_status_of(int error_code);
// The same for /v1/models: 651, 653 -> 502; 652 -> 504; 602, 603, 621 -> 400; others 500.
int http_status_of_models(int error_code);
// OpenAI's error type for an HTTP status.
std::string_view error_type(int http_status);
// What programs may look at where the error says nothing more: "rate_limit_exceeded" of 429.
std::string_view default_code(int http_status);

// {"error":{"message":...,"type":...,"param":null,"code":...},"error_code":652}
std::string error_body(const ApiError&);
std::string error_body(int http_status, int error_code, std::string_view message);
// The same as the last event of a stream that has already begun.
std::string error_event(const ApiError&);

}  // namespace cocoon::openai
