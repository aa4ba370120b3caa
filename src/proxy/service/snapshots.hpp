// Snapshots to disk on a thread of their own: the database blocks, the event loop must not.
#pragma once
#include <functional>
#include <memory>

#include "net/asio.hpp"
#include "proxy/core/events.hpp"
#include "store/store.hpp"

namespace cocoon::proxy {

class SnapshotWriter {
 public:
  // `done` is called on `executor`, in the order of write().
  SnapshotWriter(net::Executor executor, store::Store store, std::function<void(Event)> done);
  // Waits for what is being written.
  ~SnapshotWriter();

  void write(WriteSnapshot snapshot);
  void stop();  // `done` is not called any more; what was asked for is still written

 private:
  net::Executor executor_;
  std::shared_ptr<std::function<void(Event)>> done_;
  store::Store store_;  // used by the thread only
  net::asio::thread_pool thread_{1};
};

}  // namespace cocoon::proxy
