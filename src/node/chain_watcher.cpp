#include "node/chain_watcher.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "net/event.hpp"
#include "ton/boc.hpp"

namespace cocoon::node {
namespace {

namespace lite = ton::lite;

constexpr std::uint32_t kPage = 16;
// An unchanged account is told again that often, so that its watcher knows how far the chain's clock has come.
constexpr std::int64_t kRepeatSeconds = 3;

}  // namespace

struct ChainWatcher::State {
  struct Watched {
    std::uint64_t known_lt = 0;
    bool seen = false;
    bool from_start_of_watch = true;  // no earlier transactions wanted
    std::int64_t told_at = 0;
  };

  // The name of a transaction, for the liteserver.
  struct Place {
    std::uint64_t lt = 0;
    Bits256 hash;
  };

  State(net::Executor e, ton_client::Options liteserver, Duration p, crypto::Random random, Sink s, std::size_t w)
      : executor(e), client(e, std::move(liteserver), random), poll(p), sink(std::move(s)), window(w), timer(e) {}

  net::Executor executor;
  ton_client::TonClient client;
  Duration poll;
  Sink sink;
  std::size_t window;
  net::asio::steady_timer timer;
  std::map<ton::Address, Watched> accounts;
  std::int32_t last_seqno = -1;
  std::int64_t synced_at = 0;
  std::string last_error;
  bool changed = true;  // an account was added: do not wait for the next block
  bool stopped = false;

  // Goes back from `place` to the transaction after `known_lt`, or until `window` transactions are held: then `place`
  // names the next older one. Its lt is 0 when there is none that is wanted.
  net::Task<Result<>> fetch_window(const ton::Address& address, std::uint64_t known_lt, Place& place,
                                   std::vector<ton::Transaction>& out) {
    out.clear();
    while (place.lt > known_lt && out.size() < window) {
      const auto count = static_cast<std::uint32_t>(std::min<std::size_t>(kPage, window - out.size()));
      CO_TRY_ASSIGN(auto page, co_await client.transactions(address, place.lt, place.hash, count));
      if (page.empty()) co_return fail("the liteserver does not have transaction {} of a watched account", place.lt);
      for (auto& t : page) {
        if (t.lt <= known_lt) break;
        place = {t.prev_lt, t.prev_hash};
        out.push_back(std::move(t));
      }
      if (page.back().lt <= known_lt) break;
    }
    if (place.lt <= known_lt) place.lt = 0;
    std::reverse(out.begin(), out.end());
    co_return Result<>();
  }

  // The chain can be read backwards only, and cores want it forwards: the first walk keeps the place where each window
  // begins, and the windows are then read again, oldest first. The newest is left in `last`.
  net::Task<Result<>> tell_since(const ton::Address& address, Place newest, std::uint64_t known_lt,
                                 std::int64_t chain_time, std::vector<ton::Transaction>& last) {
    std::vector<Place> windows;
    for (auto place = newest; place.lt > known_lt;) {
      windows.push_back(place);
      CO_TRY(co_await fetch_window(address, known_lt, place, last));
    }
    while (windows.size() > 1) {
      role::AccountObserved part;
      part.address = address;
      part.more = true;
      part.chain_time = chain_time;
      part.transactions = std::move(last);
      const auto told = part.transactions.back().lt;
      windows.pop_back();
      const auto it = accounts.find(address);
      if (it == accounts.end() || stopped) co_return Result<>();
      it->second.known_lt = told;  // not told again, should the next page fail
      sink.observed(std::move(part));
      auto place = windows.back();
      CO_TRY(co_await fetch_window(address, told, place, last));
    }
    co_return Result<>();
  }

  net::Task<Result<>> look(ton::Address address, const lite::BlockIdExt& block) {
    CO_TRY_ASSIGN(auto view, co_await client.account(address, block));
    synced_at = std::max(synced_at, view.time);
    auto it = accounts.find(address);
    if (it == accounts.end()) co_return Result<>();  // unwatched meanwhile
    const auto before = it->second;
    if (before.seen && view.last_lt == before.known_lt && view.time < before.told_at + kRepeatSeconds)
      co_return Result<>();
    const Place newest{view.last_lt, view.last_hash};
    role::AccountObserved out;
    out.address = address;
    out.account = std::move(view.account);
    out.chain_time = view.time;
    if (!before.seen && before.from_start_of_watch)
      out.complete = view.last_lt == 0;
    else
      CO_TRY(co_await tell_since(address, newest, before.known_lt, view.time, out.transactions));
    it = accounts.find(address);
    if (it == accounts.end() || stopped) co_return Result<>();
    it->second.seen = true;
    it->second.known_lt = std::max(view.last_lt, before.known_lt);
    it->second.told_at = view.time;
    sink.observed(std::move(out));
    co_return Result<>();
  }

  net::Task<Result<>> round() {
    CO_TRY_ASSIGN(const auto info, co_await client.masterchain_info());
    // A liteserver that goes back is not believed; one that stands still has nothing new.
    if (info.last.seqno < last_seqno || (info.last.seqno == last_seqno && !changed)) co_return Result<>();
    last_seqno = info.last.seqno;
    changed = false;
    std::vector<ton::Address> all;
    all.reserve(accounts.size());
    for (const auto& [address, w] : accounts) all.push_back(address);
    for (const auto& address : all) CO_TRY(co_await look(address, info.last));
    co_return Result<>();
  }

  // Coroutines hold what they run on from before they first run.
  net::Task<> run(std::shared_ptr<State>) {
    while (!stopped) {
      if (auto done = co_await round(); !done) {
        if (last_error != done.error().what) log::warn("chain", "{}", done.error().what);
        last_error = done.error().what;
        changed = true;  // an account may not have been reached
      } else {
        last_error.clear();
      }
      if (stopped) break;
      timer.expires_after(changed ? std::min<Duration>(poll, std::chrono::milliseconds(200)) : poll);
      co_await timer.async_wait(net::no_throw);
    }
  }

  net::Task<> deliver(std::shared_ptr<State>, role::SendExternal external) {
    auto result = co_await client.send_message(std::move(external.boc));
    if (!stopped) sink.external({external.body_hash, std::move(result)});
  }
};

ChainWatcher::ChainWatcher(net::Executor executor, ton_client::Options liteserver, Duration poll, crypto::Random random,
                           Sink sink, std::size_t window)
    : state_(std::make_shared<State>(executor, std::move(liteserver), poll, random, std::move(sink),
                                     std::max<std::size_t>(window, 1))) {
  net::asio::co_spawn(executor, state_->run(state_), net::asio::detached);
}

ChainWatcher::~ChainWatcher() {
  state_->stopped = true;
  state_->timer.cancel();
}

void ChainWatcher::watch(const role::Watch& w) {
  auto [it, added] = state_->accounts.try_emplace(w.address);
  if (!added) return;
  it->second.known_lt = w.from_lt;
  it->second.from_start_of_watch = w.from_lt == 0;
  state_->changed = true;
  state_->timer.cancel();
}

void ChainWatcher::unwatch(const role::Unwatch& w) { state_->accounts.erase(w.address); }

void ChainWatcher::send(role::SendExternal external) {
  net::asio::co_spawn(state_->executor, state_->deliver(state_, std::move(external)), net::asio::detached);
}

ton_client::TonClient& ChainWatcher::client() { return state_->client; }
std::int64_t ChainWatcher::synced_at() const { return state_->synced_at; }
const std::string& ChainWatcher::last_error() const { return state_->last_error; }

}  // namespace cocoon::node
