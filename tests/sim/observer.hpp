// What an auditor may see of the processes: what they say, write and send, at the moment they do.
#pragma once
#include <cstdint>

#include "base/bytes.hpp"
#include "ton/address.hpp"

namespace cocoon::sim {

using ProcessId = std::uint64_t;  // one incarnation of one proxy; never reused

class Observer {
 public:
  virtual ~Observer() = default;
  // A proxy process starts from the image with this number (0: an empty disk).
  virtual ProcessId proxy_started(std::size_t proxy, std::uint64_t image) = 0;
  virtual void proxy_ended(ProcessId) = 0;
  // It hands a snapshot to the disk, which becomes image `image`.
  virtual void proxy_writes(ProcessId, std::uint64_t image, BytesView data) = 0;
  virtual void image_is_durable(ProcessId, std::uint64_t image) = 0;
  // A packet or an answer leaves it.
  virtual void proxy_says(ProcessId, BytesView object) = 0;
  // A part of an answer, as its worker sent it, goes to its client.
  virtual void proxy_carries(BytesView object) = 0;
  virtual void proxy_sends(ProcessId, BytesView external) = 0;
  // A packet leaves a worker, as the proxy will get it.
  virtual void worker_says(BytesView object) = 0;
  // A client or a worker hears something of a proxy.
  virtual void worker_hears(std::size_t worker, BytesView object) = 0;
  virtual void client_hears(std::size_t client, BytesView object) = 0;
  virtual void worker_forgets(std::size_t worker) = 0;  // it has died
  virtual void client_forgets(std::size_t client) = 0;
};

}  // namespace cocoon::sim
