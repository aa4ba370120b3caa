// A thread with a stack of a chosen size that runs one job at a time for whoever asks. Internal to this room.
#pragma once
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>

#include <pthread.h>

namespace cocoon::devnet {

class BigStackThread {
 public:
  explicit BigStackThread(std::size_t stack_bytes);
  ~BigStackThread();
  BigStackThread(const BigStackThread&) = delete;
  BigStackThread& operator=(const BigStackThread&) = delete;

  bool running() const { return started_; }
  // Runs `job` on the thread and waits for its end. The job must not throw. Callers from several threads take turns.
  void run(const std::function<void()>& job);

 private:
  static void* main(void* self);
  void loop();

  std::mutex turn_;  // one caller at a time
  std::mutex mutex_;
  std::condition_variable changed_;
  const std::function<void()>* job_ = nullptr;
  bool stop_ = false;
  bool started_ = false;
  pthread_t thread_{};
};

}  // namespace cocoon::devnet
