// The embedded engine as an HTTP server that speaks OpenAI's API over one model.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "engine/sampler.hpp"
#include "engine/scheduler.hpp"
#include "net/asio.hpp"

namespace cocoon::engine {

struct EngineConfig {
  std::string model;                   // path of a GGUF file
  std::string model_name;              // what the API calls it; empty: what the file calls itself
  std::string listen = "127.0.0.1:0";  // loopback only: the API has no authentication; port 0 takes a free one
  std::string llama_dir;               // folder of the llama.cpp libraries; empty: beside the executable
  SchedulerConfig scheduler;
  Sampling defaults;  // for requests that do not say; the seed is drawn anew each time
  // Called once on the executor: the model is loaded, or why it is not. Not called after stop().
  std::function<void(Result<>)> on_loaded;
};

// Lives on one executor that runs one thing at a time; computes on a thread of its own. Answers from the moment it
// starts, 503 until the model is loaded.
class EngineServer {
 public:
  // Fails when the address cannot be listened on; what is wrong with the model comes to on_loaded and to /health.
  static Result<std::unique_ptr<EngineServer>> start(net::Executor executor, EngineConfig config);
  ~EngineServer();  // stops
  EngineServer(const EngineServer&) = delete;
  EngineServer& operator=(const EngineServer&) = delete;

  std::uint16_t port() const;
  bool ready() const;
  // Closes every connection, gives up every answer and waits for the computing thread (milliseconds). Must be called,
  // on the executor or after it has ended, before the executor's context is destroyed.
  void stop();

  struct State;

 private:
  explicit EngineServer(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace cocoon::engine
