// Errors in OpenAI's shape: {"error": {"message", "type", "param", "code"}}.
#pragma once
#include <expected>
#include <string>
#include <string_view>

namespace cocoon::engine {

struct ApiError {
  int status = 500;  // HTTP
  std::string message;
  std::string type = "server_error";
  std::string param;  // the field at fault; empty: null
  std::string code;   // for programs; empty: null

  std::string to_json() const;
};

// 400 for a field, in the words OpenAI's clients know.
ApiError invalid(std::string_view param, std::string message, std::string_view code = {});

template <class T>
using ApiResult = std::expected<T, ApiError>;

}  // namespace cocoon::engine
