#include "devnet/server.hpp"

#include <algorithm>
#include <set>

#include "base/log.hpp"
#include "devnet/chain_store.hpp"
#include "devnet/liteserver.hpp"
#include "net/address.hpp"
#include "net/event.hpp"
#include "tl/tl.hpp"

namespace cocoon::devnet {
namespace {

namespace asio = boost::asio;
using net::SteadyTime;
using net::Task;
using Steady = std::chrono::steady_clock;

net::Millis millis(Duration d) { return std::chrono::duration_cast<net::Millis>(d); }

// One client. Lives as long as one of its two coroutines.
struct Connection {
  Connection(net::tcp::socket s, const crypto::KeyPair& key, std::size_t max_request)
      : socket(std::move(s)),
        adnl(lite::AdnlConnection::server(key, max_request)),
        output_ready(socket.get_executor()),
        output_sent(socket.get_executor()),
        watchdog(socket.get_executor(), [this] { close(); }) {}

  void close() {
    if (closed) return;
    closed = true;
    boost::system::error_code ignored;
    socket.close(ignored);
    output_ready.notify();
    output_sent.notify();
    watchdog.clear();
  }

  net::tcp::socket socket;
  lite::AdnlConnection adnl;
  Bytes unsent;
  net::Event output_ready, output_sent;
  net::Watchdog watchdog;
  bool closed = false;
};

using ConnectionPtr = std::shared_ptr<Connection>;

}  // namespace

struct DevnetServer::State {
  // A request behind waitMasterchainSeqno.
  struct Waiting {
    std::weak_ptr<Connection> connection;
    Bits256 query_id;
    std::int32_t seqno = 0;
    SteadyTime deadline;
    std::variant<lite::Function, FaucetRequest> function;
  };

  State(net::Executor e, DevnetSettings s, Chain c, std::optional<ChainStore> file)
      : executor(e),
        settings(std::move(s)),
        chain(std::move(c)),
        store(std::move(file)),
        key(settings.key),
        random(crypto::Random::from_os()),
        acceptor(e),
        clock(e) {}

  Result<> listen();
  Result<> make_block();
  // Coroutines. Each is given the state itself: it may first run when nobody else holds that any more.
  Task<> run_clock(std::shared_ptr<State> self);
  Task<> run_acceptor(std::shared_ptr<State> self);
  Task<> run_reader(std::shared_ptr<State> self, ConnectionPtr connection);
  Task<> run_writer(std::shared_ptr<State> self, ConnectionPtr connection);
  void take(const ConnectionPtr& connection, BytesView payload);
  void take_query(const ConnectionPtr& connection, const lite::Query& query);
  void reply(const ConnectionPtr& connection, const lite::Payload& payload);
  void answer_waiting();
  void stop();

  net::Executor executor;
  DevnetSettings settings;
  Chain chain;
  std::optional<ChainStore> store;
  crypto::KeyPair key;
  crypto::Random random;
  net::tcp::acceptor acceptor;
  asio::steady_timer clock;
  std::set<ConnectionPtr> connections;
  std::vector<Waiting> waiting;
  std::optional<BlockDelta> unkept;  // the newest block, until it is on disk
  std::string failure;
  bool stopped = false;
};

// --- the chain's clock and file

// A block that is not on disk yet is kept again before there is another: nobody may build on what the next start will
// not know. A full disk makes the chain stand still until there is room.
Result<> DevnetServer::State::make_block() {
  if (!unkept) {
    unkept = chain.make_block(wall_clock());
    for (const auto& note : unkept->notes) log::warn("devnet", "block {}: {}", unkept->block.step.seqno, note);
  }
  const auto& delta = *unkept;
  auto kept = store ? store->append(delta, settings.chain) : Result<>();
  if (!kept) {
    if (failure.empty())
      log::error("devnet", "the chain stands still, block {} is not on disk: {}", delta.block.step.seqno,
                 kept.error().what);
    failure = kept.error().what;
    return kept;
  }
  if (!failure.empty()) log::info("devnet", "the chain goes on, block {} is on disk", delta.block.step.seqno);
  failure.clear();
  if (!delta.transactions.empty())
    log::debug("devnet", "block {}: {} transactions", delta.block.step.seqno, delta.transactions.size());
  unkept.reset();
  return {};
}

Task<> DevnetServer::State::run_clock([[maybe_unused]] std::shared_ptr<State> self) {
  auto next = Steady::now() + settings.block_interval;
  while (!stopped) {
    clock.expires_at(next);
    co_await clock.async_wait(net::no_throw);
    if (stopped) break;
    if (make_block()) answer_waiting();
    next += settings.block_interval;
    // After a pause of the machine the clock goes on from now, instead of catching up.
    if (next < Steady::now()) next = Steady::now() + settings.block_interval;
  }
}

// --- connections

Result<> DevnetServer::State::listen() {
  TRY_ASSIGN(const auto endpoint, net::parse_endpoint(settings.listen, true));
  boost::system::error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(net::tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error)
    return fail("the devnet cannot listen on {}: {} (choose another with --port-base or in the configuration)",
                settings.listen, error.message());
  return {};
}

Task<> DevnetServer::State::run_acceptor(std::shared_ptr<State> self) {
  while (!stopped) {
    auto [error, socket] = co_await acceptor.async_accept(net::no_throw);
    if (stopped) break;
    if (error) {  // out of descriptors, perhaps: try again a little later
      asio::steady_timer pause(executor, net::Millis(100));
      co_await pause.async_wait(net::no_throw);
      continue;
    }
    if (connections.size() >= settings.connections) continue;  // closes it
    boost::system::error_code ignored;
    socket.set_option(net::tcp::no_delay(true), ignored);
    auto connection = std::make_shared<Connection>(std::move(socket), key, settings.max_request);
    connection->watchdog.set(millis(settings.handshake));
    connections.insert(connection);
    asio::co_spawn(executor, run_reader(self, connection), asio::detached);
    asio::co_spawn(executor, run_writer(self, connection), asio::detached);
  }
}

Task<> DevnetServer::State::run_reader([[maybe_unused]] std::shared_ptr<State> self, ConnectionPtr connection) {
  Bytes buffer(16 * 1024);
  while (!connection->closed) {
    auto [error, n] = co_await connection->socket.async_read_some(asio::buffer(buffer), net::no_throw);
    if (error || connection->closed) break;
    auto payloads = connection->adnl.receive(BytesView(buffer.data(), n), random);
    if (!payloads) {
      log::debug("devnet", "connection closed: {}", payloads.error().what);
      break;
    }
    if (connection->adnl.ready()) connection->watchdog.set(millis(settings.idle));
    for (const auto& payload : *payloads) take(connection, payload);
    append(connection->unsent, connection->adnl.take_output());
    connection->output_ready.notify();
    while (!connection->closed && connection->unsent.size() > settings.max_unsent)
      co_await connection->output_sent.wait();
  }
  connection->close();
  connections.erase(connection);
}

Task<> DevnetServer::State::run_writer([[maybe_unused]] std::shared_ptr<State> self, ConnectionPtr connection) {
  while (!connection->closed) {
    const auto bytes = std::exchange(connection->unsent, {});
    if (bytes.empty()) {
      co_await connection->output_ready.wait();
      continue;
    }
    auto [error, n] = co_await asio::async_write(connection->socket, asio::buffer(bytes), net::no_throw);
    if (error) break;
    connection->output_sent.notify();
  }
  connection->close();
}

void DevnetServer::State::reply(const ConnectionPtr& connection, const lite::Payload& payload) {
  if (connection->closed) return;
  const auto bytes = lite::encode_payload(payload);
  if (!connection->adnl.send(bytes, random)) return connection->close();
  append(connection->unsent, connection->adnl.take_output());
  connection->output_ready.notify();
}

void DevnetServer::State::take(const ConnectionPtr& connection, BytesView bytes) {
  auto payload = lite::decode_payload(bytes);
  if (!payload) {
    log::debug("devnet", "connection closed: {}", payload.error().what);
    return connection->close();
  }
  if (const auto* ping = std::get_if<lite::Ping>(&*payload)) return reply(connection, lite::Pong{ping->random_id});
  if (const auto* query = std::get_if<lite::Query>(&*payload)) take_query(connection, *query);
}

void DevnetServer::State::take_query(const ConnectionPtr& connection, const lite::Query& query) {
  const auto answer = [&](Bytes bytes) { reply(connection, lite::QueryAnswer{query.id, std::move(bytes)}); };
  auto request = decode_devnet_request(query.data);
  if (!request) return answer(lite_error(lite_bad_request, request.error().what));
  const auto& wait = request->wait;
  if (wait && wait->seqno > chain.head().step.seqno) {
    if (waiting.size() >= settings.waiting_requests)
      return answer(lite_error(lite_not_ready, "too many requests are waiting for a block"));
    const auto patience =
        std::clamp(std::chrono::milliseconds(wait->timeout_ms), net::Millis(0), millis(settings.longest_wait));
    waiting.push_back({connection, query.id, wait->seqno, Steady::now() + patience, std::move(request->function)});
    return;
  }
  answer(answer_request(chain, request->function, wall_clock()));
}

// Called after each block: also what ends waits whose time is over, so late by one block at most.
void DevnetServer::State::answer_waiting() {
  const auto now = Steady::now();
  const auto head = chain.head().step.seqno;
  auto due = std::exchange(waiting, {});
  for (auto& w : due) {
    const auto connection = w.connection.lock();
    if (!connection || connection->closed) continue;
    if (w.seqno <= head) {
      reply(connection, lite::QueryAnswer{w.query_id, answer_request(chain, w.function, wall_clock())});
    } else if (w.deadline <= now) {
      reply(connection, lite::QueryAnswer{w.query_id, lite_error(lite_timeout, "timeout waiting for a block")});
    } else {
      waiting.push_back(std::move(w));
    }
  }
}

void DevnetServer::State::stop() {
  if (stopped) return;
  stopped = true;
  boost::system::error_code ignored;
  acceptor.close(ignored);
  clock.cancel();
  for (const auto& connection : connections) connection->close();
  waiting.clear();
}

// --- the class

namespace {

struct Opened {
  std::optional<ChainStore> store;
  std::optional<Chain> chain;
};

Result<Opened> open_chain(const DevnetSettings& settings) {
  Opened out;
  BlockDelta first;
  if (settings.data.empty()) {
    TRY_ASSIGN(out.chain, Chain::create(settings.chain, wall_clock(), first));
    return out;
  }
  TRY_ASSIGN(out.store, ChainStore::open(settings.data));
  TRY_ASSIGN(const auto image, out.store->load(settings.chain));
  if (image) {
    TRY_ASSIGN(out.chain, Chain::restore(settings.chain, *image));
    TRY_ASSIGN(const auto treasury, out.chain->account(out.chain->treasury().hash));
    if (!treasury) return fail("the chain in {} has another treasury key", settings.data);
  } else {
    TRY_ASSIGN(out.chain, Chain::create(settings.chain, wall_clock(), first));
    TRY(out.store->begin(*out.chain, first));
  }
  return out;
}

}  // namespace

DevnetServer::DevnetServer(std::shared_ptr<State> state) : state_(std::move(state)) {}
DevnetServer::~DevnetServer() { stop(); }

Result<std::unique_ptr<DevnetServer>> DevnetServer::start(net::Executor executor, DevnetSettings settings) {
  if (settings.block_interval <= Duration::zero()) return fail("the devnet's block interval must be positive");
  TRY_ASSIGN(auto opened, open_chain(settings));
  auto state =
      std::make_shared<State>(executor, std::move(settings), std::move(*opened.chain), std::move(opened.store));
  TRY(state->listen());
  asio::co_spawn(executor, state->run_acceptor(state), asio::detached);
  asio::co_spawn(executor, state->run_clock(state), asio::detached);
  return std::unique_ptr<DevnetServer>(new DevnetServer(std::move(state)));
}

std::string DevnetServer::address() const {
  boost::system::error_code error;
  const auto endpoint = state_->acceptor.local_endpoint(error);
  return error ? state_->settings.listen : net::address_text(endpoint);
}

crypto::PublicKey DevnetServer::public_key() const { return state_->key.public_key(); }
const Chain& DevnetServer::chain() const { return state_->chain; }
Result<> DevnetServer::faucet(const ton::Address& to, std::uint64_t nano) { return state_->chain.faucet(to, nano); }
const std::string& DevnetServer::failure() const { return state_->failure; }
void DevnetServer::stop() { state_->stop(); }

Result<> DevnetServer::make_block() {
  TRY(state_->make_block());
  state_->answer_waiting();
  return {};
}

}  // namespace cocoon::devnet
