#include "proxy/service/snapshots.hpp"

namespace cocoon::proxy {

SnapshotWriter::SnapshotWriter(net::Executor executor, store::Store store, std::function<void(Event)> done)
    : executor_(std::move(executor)),
      done_(std::make_shared<std::function<void(Event)>>(std::move(done))),
      store_(std::move(store)) {}

SnapshotWriter::~SnapshotWriter() {
  stop();
  thread_.join();
}

void SnapshotWriter::stop() { *done_ = nullptr; }

void SnapshotWriter::write(WriteSnapshot snapshot) {
  net::asio::post(thread_, [this, snapshot = std::move(snapshot), done = done_] {
    const auto written = store_.write_bytes(snapshot.data);
    Event result = written ? Event(SnapshotDurable{snapshot.number})
                           : Event(SnapshotFailed{snapshot.number, written.error().what});
    net::asio::post(executor_, [done, result = std::move(result)]() mutable {
      if (*done) (*done)(std::move(result));
    });
  });
}

}  // namespace cocoon::proxy
