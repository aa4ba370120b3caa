// The devnet as a server: the chain, its clock, its file and its liteserver. The only part of this room with sockets.
//
// One executor that runs one thing at a time drives everything; a transaction takes about a millisecond of it. What a
// client may hold is bounded: connections, bytes per request, requests that wait for a block, bytes not yet read.
#pragma once
#include <memory>
#include <string>

#include "devnet/chain.hpp"
#include "net/asio.hpp"

namespace cocoon::devnet {

struct DevnetSettings {
  std::string listen = "127.0.0.1:14000";  // "ip:port"; port 0: any free one
  crypto::Seed key;                        // of the liteserver; its public key is what clients pin
  std::string data;                        // SQLite file; empty: the chain lives in memory only
  Duration block_interval = std::chrono::milliseconds(500);
  ChainSettings chain;

  std::size_t connections = 256;
  std::size_t max_request = 128 * 1024;      // bytes of one packet
  std::size_t max_unsent = 8 * 1024 * 1024;  // bytes per connection before we stop reading from it
  std::size_t waiting_requests = 1024;       // that wait for a block, in all
  Duration longest_wait = std::chrono::minutes(2);
  Duration handshake = std::chrono::seconds(5);
  Duration idle = std::chrono::minutes(5);  // a silent connection is closed
};

class DevnetServer {
 public:
  // Opens or creates the chain, listens, and starts the clock.
  static Result<std::unique_ptr<DevnetServer>> start(net::Executor executor, DevnetSettings settings);
  ~DevnetServer();  // as stop()
  DevnetServer(const DevnetServer&) = delete;
  DevnetServer& operator=(const DevnetServer&) = delete;

  std::string address() const;  // "ip:port"
  crypto::PublicKey public_key() const;
  const Chain& chain() const;
  // A payment from the treasury, in the next block.
  Result<> faucet(const ton::Address& to, std::uint64_t nano);
  // Makes the next block at once, beside the clock.
  Result<> make_block();
  // Why the chain stands still: the newest block could not be written yet. Empty as long as all is well.
  const std::string& failure() const;
  // No more blocks, connections closed. What was made is on disk.
  void stop();

 private:
  struct State;
  explicit DevnetServer(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace cocoon::devnet
