// Jobs on an engine over HTTP: each is one POST whose answer goes, piece by piece, to the link of the proxy that asked.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "net/http_client.hpp"
#include "worker/core/events.hpp"

namespace cocoon::worker {

class EngineRunner {
 public:
  struct Options {
    std::string url;          // "http://127.0.0.1:8000", without a path
    std::string model;        // by the name that requests have
    bool ask_context = true;  // learn from the engine how long a context it serves
    // A complete answer of at most so many bytes travels as one message.
    std::size_t whole_answer = 64 * 1024;
    // While more than so many bytes wait on the link, no more is read from the engine.
    std::size_t high_water = 1u << 20;
    Duration health_every = std::chrono::milliseconds(1000);
    Duration health_timeout = std::chrono::seconds(30);
    Duration context_timeout = std::chrono::seconds(5);  // for each page that may say it
  };
  struct Hooks {
    std::function<void(Event)> event;                          // EngineHealth, EngineAnswer, ...
    std::function<bool(role::LinkId, BytesView object)> send;  // false: the link is gone
    std::function<std::size_t(role::LinkId)> queued;           // bytes that wait on the link
  };

  EngineRunner(net::Executor executor, Options options, Hooks hooks);
  ~EngineRunner();  // stops
  EngineRunner(const EngineRunner&) = delete;
  EngineRunner& operator=(const EngineRunner&) = delete;

  // Begins to ask the engine whether it is up: EngineHealth after each answer; and EngineContext each time it has come
  // up.
  void watch_health();
  void start(StartJob);
  void cancel(JobId);
  // Leaves the engine; the job ends with EngineFailed::How::stopped.
  void stop(JobId);
  // Whoever waits for room on a link looks again.
  void look_again();
  // Cancels everything; no hook is called any more.
  void stop();

  std::size_t running() const;

  struct State;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace cocoon::worker
