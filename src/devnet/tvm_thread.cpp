#include "devnet/tvm_thread.hpp"

namespace cocoon::devnet {

BigStackThread::BigStackThread(std::size_t stack_bytes) {
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return;
  if (pthread_attr_setstacksize(&attributes, stack_bytes) == 0)
    started_ = pthread_create(&thread_, &attributes, &BigStackThread::main, this) == 0;
  pthread_attr_destroy(&attributes);
}

BigStackThread::~BigStackThread() {
  if (!started_) return;
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  pthread_join(thread_, nullptr);
}

void BigStackThread::run(const std::function<void()>& job) {
  std::lock_guard turn(turn_);
  std::unique_lock lock(mutex_);
  job_ = &job;
  changed_.notify_all();
  changed_.wait(lock, [this] { return job_ == nullptr; });
}

void* BigStackThread::main(void* self) {
  static_cast<BigStackThread*>(self)->loop();
  return nullptr;
}

void BigStackThread::loop() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stop_ || job_; });
    if (stop_) return;
    lock.unlock();
    (*job_)();
    lock.lock();
    job_ = nullptr;
    changed_.notify_all();
  }
}

}  // namespace cocoon::devnet
