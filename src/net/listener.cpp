#include "net/listener.hpp"

#include "base/log.hpp"
#include "net/address.hpp"

namespace cocoon::net {

struct Listener::State : std::enable_shared_from_this<Listener::State> {
  State(Executor e, LinkConfig c, ListenerOptions o, std::function<void(LinkPtr)> f)
      : executor(std::move(e)),
        config(std::move(c)),
        options(o),
        on_link(std::move(f)),
        gate(o.pow),
        acceptor(executor) {}

  Task<> accept_all();
  Task<> welcome(tcp::socket socket, int difficulty);
  bool has_room(const asio::ip::address& from) const {
    const auto found = by_address.find(from);
    return stats.handshakes < options.max_handshakes && stats.links < options.max_links &&
           (found == by_address.end() || found->second < options.max_handshakes_per_address);
  }
  void close() {
    closed = true;
    boost::system::error_code ec;
    acceptor.close(ec);
    for (auto& signal : unfinished) signal.emit(asio::cancellation_type::terminal);
  }
  // Counts one handshake in, and out again however it ends.
  std::shared_ptr<void> count(const asio::ip::address& from) {
    ++stats.handshakes;
    ++by_address[from];
    return {nullptr, [self = shared_from_this(), from](void*) {
              --self->stats.handshakes;
              if (const auto found = self->by_address.find(from); --found->second == 0) self->by_address.erase(found);
            }};
  }

  Executor executor;
  LinkConfig config;
  ListenerOptions options;
  std::function<void(LinkPtr)> on_link;
  PowGate gate;
  tcp::acceptor acceptor;
  std::uint16_t port = 0;
  ListenerStats stats;
  std::map<asio::ip::address, std::size_t> by_address;  // half-open handshakes
  std::list<asio::cancellation_signal> unfinished;      // one per handshake
  bool closed = false;
};

Task<> Listener::State::welcome(tcp::socket socket, int difficulty) {
  const auto self = shared_from_this();
  boost::system::error_code ec;
  const auto from = socket.remote_endpoint(ec);
  auto counted = count(from.address());
  auto link = co_await accept_link(std::move(socket), config, difficulty);
  counted.reset();
  if (!link) {
    ++stats.failed;
    stats.untrusted += link.error().code == net_untrusted;
    stats.timed_out += link.error().code == net_timeout;
    log::debug("net", "{} did not get in: {}", address_text(from), link.error().what);
    co_return;
  }
  if (closed) {
    (*link)->close({net_closed, "not listening any more"});
    co_return;
  }
  ++stats.opened;
  ++stats.links;
  (*link)->on_closed([self](const Error&) { --self->stats.links; });
  on_link(std::move(*link));
}

Task<> Listener::State::accept_all() {
  const auto self = shared_from_this();
  asio::steady_timer pause(executor);
  while (!closed) {
    auto [ec, socket] = co_await acceptor.async_accept(executor, no_throw);
    if (closed) break;
    if (ec) {  // out of descriptors, mostly: let some close
      pause.expires_after(Millis(50));
      co_await pause.async_wait(no_throw);
      continue;
    }
    ++stats.accepted;
    stats.difficulty = gate.arrival(std::chrono::steady_clock::now());
    const auto from = socket.remote_endpoint(ec);
    if (ec || !has_room(from.address())) {
      ++stats.turned_away;
      continue;
    }
    const auto signal = unfinished.emplace(unfinished.end());
    asio::co_spawn(executor, welcome(std::move(socket), stats.difficulty),
                   asio::bind_cancellation_slot(
                       signal->slot(), [self, signal](std::exception_ptr) { self->unfinished.erase(signal); }));
  }
}

Listener::Listener(Executor executor, LinkConfig config, ListenerOptions options, std::function<void(LinkPtr)> on_link)
    : state_(std::make_shared<State>(std::move(executor), std::move(config), options, std::move(on_link))) {}

Listener::~Listener() { close(); }

Result<> Listener::listen(std::string_view address) {
  TRY_ASSIGN(const auto endpoint, parse_endpoint(address, true));
  TRY(listen_on(state_->acceptor, endpoint));
  boost::system::error_code ec;
  state_->port = state_->acceptor.local_endpoint(ec).port();
  asio::co_spawn(state_->executor, state_->accept_all(), [state = state_](const std::exception_ptr&) {});
  return {};
}

std::uint16_t Listener::port() const { return state_->port; }
const ListenerStats& Listener::stats() const { return state_->stats; }
void Listener::close() { state_->close(); }

}  // namespace cocoon::net
