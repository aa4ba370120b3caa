#include "ton_client/ton_client.hpp"

#include <map>

#include <boost/asio/experimental/awaitable_operators.hpp>

#include "net/address.hpp"
#include "net/event.hpp"
#include "ton/boc.hpp"

namespace cocoon::ton_client {

namespace asio = boost::asio;
namespace lite = ton::lite;
using namespace boost::asio::experimental::awaitable_operators;

struct TonClient::State {
  struct Waiter {
    explicit Waiter(const net::Executor& e) : event(e) {}
    net::Event event;
    std::optional<Result<Bytes>> answer;
  };

  State(net::Executor e, Options o, crypto::Random random)
      : executor(e),
        options(std::move(o)),
        head(options.key, crypto::Random(random.bits256())),
        jitter(random),
        socket(e),
        output(e),
        pause(e),
        deadline(e) {}

  net::Executor executor;
  Options options;
  lite::LiteClient head;
  crypto::Random jitter;
  net::tcp::socket socket;
  net::Event output;            // the head may have bytes to send
  asio::steady_timer pause;     // between two attempts to connect
  asio::steady_timer deadline;  // the head's next tick
  std::map<lite::LiteClient::Ticket, std::shared_ptr<Waiter>> waiters;
  std::string last_error;
  bool stopped = false;

  void complete() {
    for (auto& done : head.take_completions()) {
      const auto it = waiters.find(done.ticket);
      if (it == waiters.end()) continue;
      it->second->answer = std::move(done.answer);
      it->second->event.notify();
      waiters.erase(it);
    }
  }

  Task<Result<>> connect() {
    CO_TRY_ASSIGN(const auto endpoint, net::parse_endpoint(options.address));
    socket = net::tcp::socket(executor);
    deadline.expires_after(options.connect_time);
    auto outcome = co_await (socket.async_connect(endpoint, net::no_throw) || deadline.async_wait(net::no_throw));
    if (outcome.index() == 1) co_return fail("{}: no connection within the deadline", options.address);
    if (const auto error = std::get<0>(std::get<0>(outcome)); error)
      co_return fail("{}: {}", options.address, error.message());
    boost::system::error_code ignored;
    socket.set_option(net::tcp::no_delay(true), ignored);
    co_return Result<>();
  }

  Task<> read() {
    Bytes buffer(64 * 1024);
    for (;;) {
      auto [error, n] = co_await socket.async_read_some(asio::buffer(buffer), net::no_throw);
      if (error) {
        last_error = options.address + ": " + error.message();
        co_return;
      }
      if (auto taken = head.receive(BytesView(buffer.data(), n), wall_clock()); !taken) {
        last_error = taken.error().what;
        co_return;
      }
      complete();
      output.notify();
    }
  }

  Task<> write() {
    for (;;) {
      const auto bytes = head.take_output();
      if (bytes.empty()) {
        co_await output.wait();
        if (stopped) co_return;
        continue;
      }
      auto [error, n] = co_await asio::async_write(socket, asio::buffer(bytes), net::no_throw);
      if (error) {
        last_error = options.address + ": " + error.message();
        co_return;
      }
    }
  }

  // Requests' deadlines pass with and without a connection.
  Task<> tick() {
    for (;;) {
      const auto now = wall_clock();
      auto alive = head.tick(now);
      complete();
      output.notify();
      if (!alive) {
        last_error = alive.error().what;
        co_return;
      }
      // New requests can only bring deadlines later than a quarter of a second from now.
      const auto next = std::min(head.next_tick().value_or(Time::max()), now + std::chrono::milliseconds(250));
      deadline.expires_after(std::max<Duration>(next - now, std::chrono::milliseconds(1)));
      co_await deadline.async_wait(net::no_throw);
      if (stopped) co_return;
    }
  }

  // Given the state itself: it may first run when nobody else holds that any more.
  Task<> run([[maybe_unused]] std::shared_ptr<State> self) {
    int failures = 0;
    while (!stopped) {
      auto connected = co_await connect();
      if (connected) connected = head.open(wall_clock());
      if (connected) {
        output.notify();
        co_await (read() || write() || tick());
        if (head.state() == lite::LiteClient::State::open) failures = 0;
        head.close();
        boost::system::error_code ignored;
        socket.close(ignored);
      } else {
        last_error = connected.error().what;
      }
      if (stopped) break;
      (void)head.tick(wall_clock());
      complete();
      const auto base = std::min(800, 50 << std::min(failures++, 4));
      pause.expires_after(std::chrono::milliseconds(base + static_cast<int>(jitter.below(100))));
      co_await pause.async_wait(net::no_throw);
    }
  }

  void stop() {
    stopped = true;
    pause.cancel();
    deadline.cancel();
    output.notify();
    boost::system::error_code ignored;
    socket.close(ignored);
    for (auto& [ticket, waiter] : waiters) {
      waiter->answer = fail("the connection to the liteserver was given up");
      waiter->event.notify();
    }
    waiters.clear();
  }
};

TonClient::TonClient(net::Executor executor, Options options, crypto::Random random)
    : state_(std::make_shared<State>(executor, std::move(options), random)) {
  asio::co_spawn(executor, state_->run(state_), asio::detached);
}

TonClient::~TonClient() { state_->stop(); }

bool TonClient::connected() const { return state_->head.state() == lite::LiteClient::State::open; }
const std::string& TonClient::last_error() const { return state_->last_error; }

Duration TonClient::wait_time(const std::optional<lite::WaitMasterchainSeqno>& wait) const {
  return state_->options.request_time + (wait ? std::chrono::milliseconds(wait->timeout_ms) : Duration{});
}

Task<Result<Bytes>> TonClient::exchange(Bytes request, Duration patience) {
  const auto state = state_;
  if (state->stopped) co_return fail("the connection to the liteserver was given up");
  auto waiter = std::make_shared<State::Waiter>(state->executor);
  const auto ticket = state->head.ask(std::move(request), wall_clock() + patience);
  state->waiters.emplace(ticket, waiter);
  state->output.notify();
  while (!waiter->answer) co_await waiter->event.wait();
  co_return std::move(*waiter->answer);
}

Task<Result<lite::MasterchainInfo>> TonClient::masterchain_info() { return ask(lite::GetMasterchainInfo{}); }

Task<Result<lite::MasterchainInfo>> TonClient::wait_for(std::int32_t seqno, Duration timeout) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count();
  return ask(lite::GetMasterchainInfo{}, lite::WaitMasterchainSeqno{seqno, static_cast<std::int32_t>(ms)});
}

Task<Result<AccountView>> TonClient::account(const ton::Address& address, std::optional<lite::BlockIdExt> at) {
  if (!at) {
    CO_TRY_ASSIGN(const auto info, co_await masterchain_info());
    at = info.last;
  }
  lite::GetAccountState query;
  query.id = *at;
  query.account = {address.workchain, address.hash};
  CO_TRY_ASSIGN(const auto answer, co_await ask(query));
  CO_TRY_ASSIGN(auto proved, lite::check_account_state(query, answer));
  AccountView view;
  view.block = proved.block;
  view.time = proved.time;
  view.last_lt = proved.last_transaction_lt;
  view.last_hash = proved.last_transaction_hash;
  if (proved.account) {
    CO_TRY_ASSIGN(view.account, ton::parse_account(*proved.account));
  }
  co_return view;
}

Task<Result<std::vector<ton::Transaction>>> TonClient::transactions(const ton::Address& address, std::uint64_t lt,
                                                                    const Bits256& hash, std::uint32_t count) {
  lite::GetTransactions query;
  query.count = count;
  query.account = {address.workchain, address.hash};
  query.lt = lt;
  query.hash = hash;
  CO_TRY_ASSIGN(const auto answer, co_await ask(query));
  std::vector<ton::Transaction> out;
  if (answer.transactions.empty()) co_return out;
  CO_TRY_ASSIGN(const auto roots, ton::read_boc_roots(answer.transactions));
  auto expected_lt = lt;
  auto expected_hash = hash;
  for (const auto& root : roots) {
    // The chain of hashes is what makes the list believable: each names the one before.
    if (root.hash() != expected_hash) co_return fail("the liteserver's transactions do not follow from one another");
    CO_TRY_ASSIGN(auto t, ton::parse_transaction(root));
    if (t.lt != expected_lt || t.account != address.hash) co_return fail("the liteserver sent another transaction");
    expected_lt = t.prev_lt;
    expected_hash = t.prev_hash;
    out.push_back(std::move(t));
  }
  co_return out;
}

Task<Result<>> TonClient::send_message(Bytes external_boc) {
  lite::SendMessage query;
  query.body = std::move(external_boc);
  CO_TRY(co_await ask(std::move(query)));
  co_return Result<>();
}

Task<Result<lite::RunMethodResult>> TonClient::run_method(const ton::Address& address, std::string_view name,
                                                          Bytes stack_boc) {
  CO_TRY_ASSIGN(const auto info, co_await masterchain_info());
  lite::RunSmcMethod query;
  query.mode = lite::RunSmcMethod::kWithResult;
  query.id = info.last;
  query.account = {address.workchain, address.hash};
  query.method_id = crc16_xmodem(as_bytes(name)) | 0x10000;
  query.params = std::move(stack_boc);
  co_return co_await ask(std::move(query));
}

}  // namespace cocoon::ton_client
