// Errors as an application sees them: OpenAI's shape, with Cocoon's code beside it (wire.md 5.2, 5.3).
#pragma once
#include <string>
#include <string_view>

namespace cocoon::openai {

// HTTP status for an error of the API routes: 652 -> 504, 651 -> 502, 621 -> 400, anything else 500.
int http_status_of(int error_code);
// The same for /v1/models: 651, 653 -> 502; 652 -> 504; 602, 603, 621 -> 400; others 500.
int http_status_of_models(int error_code);
// OpenAI's error type for an HTTP status.
std::string_view error_type(int http_status);

// {"error":{"message":...,"type":...,"param":null,"code":...},"error_code":652}
std::string error_body(int http_status, int error_code, std::string_view message);
// The same as the last event of a stream that has already begun.
std::string error_event(int http_status, int error_code, std::string_view message);

}  // namespace cocoon::openai
