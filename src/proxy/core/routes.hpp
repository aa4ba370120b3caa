// The data path of the proxy: parts of an answer go from a worker's link to a client's link by an exchange of the
// request id, without visiting the core (docs/design-notes.md). The shell keeps this table, shows it every packet of a
// worker before the core sees it, and applies the core's OpenRoute and CloseRoute to it.
#pragma once
#include <cstdint>
#include <string>
#include <unordered_map>
#include <variant>

#include "base/bytes.hpp"
#include "role/events.hpp"

namespace cocoon::proxy {

// --- effects of the core

struct OpenRoute {
  role::LinkId worker = 0;
  Bits256 worker_request;  // the id the worker answers under
  role::LinkId client = 0;
  Bits256 client_request;       // the id the client asked under
  bool client_ex = true;        // client.queryAnswerPartEx; otherwise the old client.queryAnswerPart
  std::uint64_t max_bytes = 0;  // of packets carried; one more and the route fails
};

struct CloseRoute {
  role::LinkId worker = 0;
  Bits256 worker_request;
};

// --- event to the core: the shell could not go on carrying (limit reached, the client reads too slowly)
struct RouteFailed {
  role::LinkId worker = 0;
  Bits256 worker_request;
  std::string reason;
};

class RouteTable {
 public:
  struct NotMine {};  // for the core
  struct Carried {    // `out` is what the client is to get
    role::LinkId client = 0;
    Bits256 worker_request;
  };
  struct Overflow {  // the route is closed: tell the core, and drop the packet
    RouteFailed event;
  };
  using Verdict = std::variant<NotMine, Carried, Overflow>;

  void open(const OpenRoute&);
  void close(const CloseRoute&);
  // A one-way message of a worker. Only non-final parts of open routes are carried; whatever is odd is the core's.
  // One copy of the packet, into `out`, which the caller keeps for the next one.
  Verdict carry(role::LinkId worker, BytesView packet, Bytes& out);

  std::size_t size() const { return routes_.size(); }
  std::uint64_t bytes_carried() const { return bytes_carried_; }

 private:
  struct Route {
    OpenRoute to;
    std::uint64_t bytes = 0;
  };
  Route* find(role::LinkId worker, const Bits256& request);

  std::unordered_map<Bits256, Route> routes_;  // by the worker's request id: random and ours, so unique
  std::uint64_t bytes_carried_ = 0;
};

}  // namespace cocoon::proxy
