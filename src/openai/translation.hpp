// Routes that applications know and engines mostly do not, answered through chat completions: OpenAI's /v1/responses
// and Anthropic's /v1/messages. Requests become chat requests, answers and event streams are told in the words of the
// route. What a request needs and chat cannot give (state kept on a server, tools that a server runs) is refused, not
// dropped.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "openai/error.hpp"

namespace cocoon::openai {

struct TranslationContext {
  std::string id;            // of the answer, without prefix: [A-Za-z0-9_-]
  std::int64_t created = 0;  // unix seconds
};

class Translation {
 public:
  virtual ~Translation() = default;

  // What /v1/chat/completions is asked instead; members that the route does not know are passed on.
  virtual const std::string& chat_body() const = 0;
  virtual bool stream() const = 0;

  // A whole chat answer as this route's. Error: it is none, or it is an error object.
  virtual Result<std::string> whole(std::string_view chat_answer) = 0;
  // The bytes of a chat event stream, cut anywhere; events of this route are appended to `out`.
  virtual void push(std::string_view chat_events, std::string& out) = 0;
  // No more comes; a stream that was cut off ends as one that failed.
  virtual void finish(std::string& out) = 0;

  // In the route's shape: a whole body, and the last event of a stream that has begun.
  virtual std::string error_body(const ApiError&) const = 0;
  virtual std::string error_event(const ApiError&) = 0;
};

// By path: "/v1/responses", "/v1/messages".
bool is_translated(std::string_view path);
// The path must be translated. Error 621 says what is wrong or cannot be served.
Result<std::unique_ptr<Translation>> translate(std::string_view path, std::string_view body, TranslationContext);
// Errors of a request that could not be translated, in the route's shape.
std::string translated_error_body(std::string_view path, const ApiError&);

}  // namespace cocoon::openai
