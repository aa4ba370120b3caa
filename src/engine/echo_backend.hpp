// An engine without a model, for benchmarks and end-to-end tests: a real HTTP server whose answers and misbehaviour the
// caller chooses. It costs as little as an engine can, so what is measured in front of it is the network alone.
//
// POST /v1/chat/completions, /v1/completions. The mode is the field "fixture" of the request ({"mode": "stall",
// "chunks": 50, "delay_ms": 0, "status": 500, "content": "..."}), or, for callers that cannot add fields, the model's
// name after its first dash ("fixture-stall"):
//
//   (none)      a short fixed answer; with "stream": true, `chunks` pieces
//   echo        the last user message as the answer
//   slow        `delay_ms` (default 20) between pieces, or before the whole answer
//   stall       nothing at all, until the caller goes away
//   stall-mid   half the pieces, then nothing
//   die         the connection breaks before any answer
//   die-mid     the connection breaks in the middle of the answer, whole or streamed
//   half-json   status 200 and half of a JSON object
//   garbage     status 200 and bytes that are neither JSON nor UTF-8
//   error       `status` (default 500) with OpenAI's error
//   flat-error  `status` (default 400) with SGLang's flat error
//   plain-error `status` (default 502) with a text that is not JSON
//   no-usage    an answer without usage
//   huge-usage  an answer with usage beyond 32 bits
//
// Without a mode, a request with tools gets calls of them with arguments that fit, one with a response_format JSON that
// fits (echo_answers.hpp). POST /v1/embeddings, /v1/audio/transcriptions: vectors of the texts, the size of the file.
//
// GET /v1/models, /health; GET /fixture/stats: {"requests", "running", "cancelled"}; POST /fixture/health
// {"status": 503} sets what /health answers.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "net/asio.hpp"

namespace cocoon::engine {

struct EchoConfig {
  std::string listen = "127.0.0.1:0";
  std::string model = "fixture";     // the name in /v1/models; requests for any name are answered
  std::uint32_t chunks = 50;         // pieces of a streamed answer
  std::uint32_t prompt_tokens = 10;  // what usage says; completion tokens are the pieces, 2 for a whole answer
};

// Lives on one executor that runs one thing at a time.
class EchoBackend {
 public:
  static Result<std::unique_ptr<EchoBackend>> start(net::Executor executor, EchoConfig config = {});
  ~EchoBackend();  // stops
  EchoBackend(const EchoBackend&) = delete;
  EchoBackend& operator=(const EchoBackend&) = delete;

  std::uint16_t port() const;
  void stop();

  std::uint64_t requests() const;   // answers asked for
  std::uint64_t cancelled() const;  // of these, given up by the caller before their end
  std::uint64_t running() const;
  void set_health(int status);

  struct State;

 private:
  explicit EchoBackend(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace cocoon::engine
