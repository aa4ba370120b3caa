// One thread that computes for everybody: continuous batching over a fixed number of slots.
//
// Every step decodes one batch: the next token of each request that is answering, and as much of the waiting prompts as
// fits. A request joins between two steps and leaves the same way, so a long answer never makes a short one wait for
// its end. Requests beyond the slots wait in a bounded queue.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "engine/model.hpp"
#include "engine/sampler.hpp"

namespace cocoon::engine {

struct SchedulerConfig {
  std::uint32_t slots = 4;  // requests that compute at once
  std::uint32_t context_length =
      0;  // tokens of prompt and answer together in one slot; 0: what the model was trained for
  std::uint32_t batch_tokens = 512;  // tokens of one step
  std::uint32_t queue_limit = 256;   // requests that wait for a slot
  std::int32_t threads = 1;          // two threads that share busy cores are slower than one
};

struct Usage {
  std::uint32_t prompt_tokens = 0;
  std::uint32_t cached_tokens = 0;      // of the prompt, taken from an earlier request of the same cache salt
  std::uint32_t completion_tokens = 0;  // every token chosen, the one that ends the answer included
};

enum class FinishReason { stop, length };

struct Outcome {
  Result<FinishReason> reason;
  Usage usage;
};

struct Generation {
  std::vector<Token> prompt;  // 1 .. context_length() - 1 tokens
  Sampling sampling;
  std::vector<std::string> stops;
  std::uint32_t max_tokens = 0;  // 0: as many as the context holds
  // Requests with the same salt may share what was computed for a common beginning; those without share nothing, since
  // the time a prompt takes tells what was asked before.
  std::string cache_salt;
};

// Called on the scheduler's thread: hand over and return. No call comes after ended(), nor after a cancel has been
// noticed (a call that is under way then may still arrive).
class Listener {
 public:
  virtual ~Listener() = default;
  virtual void text(std::string text, const Usage& so_far) = 0;  // never empty
  virtual void token(ChosenToken) {}  // where Sampling::logprobs asks for it; before the text that it completes
  virtual void ended(const Outcome& outcome) = 0;
};

// Codes of Error made by this room's scheduler.
enum SchedulerError : int {
  engine_busy = 1101,      // the queue is full
  engine_stopped = 1102,   // the scheduler is ending
  engine_too_long = 1103,  // does not fit into the context
  engine_failed = 1104,    // llama.cpp could not compute it
};

struct SchedulerCounters {
  std::atomic<std::uint64_t> prompt_tokens = 0, cached_tokens = 0, completion_tokens = 0, embedded_tokens = 0;
  std::atomic<std::uint64_t> finished = 0, cancelled = 0, failed = 0;
  std::atomic<std::uint64_t> steps = 0, busy_microseconds = 0;
  std::atomic<std::uint32_t> running = 0, queued = 0;
};

class Scheduler {
 public:
  struct Work;
  // A request's hold on the scheduler: gives it up when it goes.
  class Ticket {
   public:
    Ticket() = default;
    explicit Ticket(std::shared_ptr<Work> work) : work_(std::move(work)) {}
    Ticket(Ticket&&) = default;
    Ticket& operator=(Ticket&& other) noexcept;
    ~Ticket() { cancel(); }
    void cancel();

   private:
    std::shared_ptr<Work> work_;
  };

  // `model` must outlive the scheduler.
  static Result<std::unique_ptr<Scheduler>> start(const Model& model, const SchedulerConfig& config);
  ~Scheduler();  // ends every request with engine_stopped
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // Thread-safe. Errors: engine_too_long, engine_busy, engine_stopped.
  Result<Ticket> submit(Generation generation, std::shared_ptr<Listener> listener);
  // The pooled, normalised vector of `tokens`, given to `done` on the scheduler's thread; the same errors, and
  // engine_failed for models that make no embeddings.
  using EmbeddingDone = std::function<void(Result<std::vector<float>>)>;
  Result<> embed(std::vector<Token> tokens, EmbeddingDone done);

  std::uint32_t context_length() const;   // of one slot
  std::uint32_t embedding_limit() const;  // tokens of one embedded text
  std::uint32_t slots() const;
  const SchedulerCounters& counters() const;

 private:
  class Engine;
  explicit Scheduler(std::unique_ptr<Engine> engine);
  std::unique_ptr<Engine> engine_;
};

}  // namespace cocoon::engine
