#include "node/chain_watcher.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "net/event.hpp"
#include "ton/boc.hpp"

namespace cocoon::node {
namespace {

namespace lite = ton::lite;

constexpr std::uint32_t kPage = 16;
// Between two looks at one account. A stranger can write that many only at his own cost, and what is over the limit is
// fetched at the next look.
constexpr std::size_t kMaxTransactions = 4096;
// An unchanged account is told again that often, so that its watcher knows how far the chain's clock has come.
constexpr std::int64_t kRepeatSeconds = 3;

}  // namespace

struct ChainWatcher::State : std::enable_shared_from_this<State> {
  struct Watched {
    std::uint64_t known_lt = 0;
    bool seen = false;
    bool from_start_of_watch = true;  // no earlier transactions wanted
    std::int64_t told_at = 0;
  };

  State(net::Executor e, ton_client::Options liteserver, Duration p, crypto::Random random, Sink s)
      : executor(e), client(e, std::move(liteserver), std::move(random)), poll(p), sink(std::move(s)), timer(e) {}

  net::Executor executor;
  ton_client::TonClient client;
  Duration poll;
  Sink sink;
  net::asio::steady_timer timer;
  std::map<ton::Address, Watched> accounts;
  std::int32_t last_seqno = -1;
  std::int64_t synced_at = 0;
  std::string last_error;
  bool changed = true;  // an account was added: do not wait for the next block
  bool stopped = false;

  net::Task<Result<>> fetch_since(const ton::Address& address, const ton_client::AccountView& view,
                                  std::uint64_t known_lt, role::AccountObserved& out) {
    auto lt = view.last_lt;
    auto hash = view.last_hash;
    while (lt > known_lt) {
      if (out.transactions.size() >= kMaxTransactions) {
        out.complete = false;
        break;
      }
      CO_TRY_ASSIGN(auto page, co_await client.transactions(address, lt, hash, kPage));
      if (page.empty()) co_return fail("the liteserver does not have transaction {} of a watched account", lt);
      for (auto& t : page) {
        if (t.lt <= known_lt) {
          lt = 0;
          break;
        }
        lt = t.prev_lt;
        hash = t.prev_hash;
        out.transactions.push_back(std::move(t));
      }
    }
    std::reverse(out.transactions.begin(), out.transactions.end());
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
    role::AccountObserved out;
    out.address = address;
    out.account = std::move(view.account);
    out.chain_time = view.time;
    if (!before.seen && before.from_start_of_watch)
      out.complete = view.last_lt == 0;
    else
      CO_TRY(co_await fetch_since(address, view, before.known_lt, out));
    it = accounts.find(address);
    if (it == accounts.end()) co_return Result<>();
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
    for (const auto& [address, w] : accounts) all.push_back(address);
    for (const auto& address : all) CO_TRY(co_await look(address, info.last));
    co_return Result<>();
  }

  net::Task<> run() {
    const auto self = shared_from_this();
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

  net::Task<> deliver(role::SendExternal external) {
    const auto self = shared_from_this();
    auto result = co_await client.send_message(std::move(external.boc));
    if (!stopped) sink.external({external.body_hash, std::move(result)});
  }
};

ChainWatcher::ChainWatcher(net::Executor executor, ton_client::Options liteserver, Duration poll, crypto::Random random,
                           Sink sink)
    : state_(std::make_shared<State>(executor, std::move(liteserver), poll, std::move(random), std::move(sink))) {
  net::asio::co_spawn(executor, state_->run(), net::asio::detached);
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
  net::asio::co_spawn(state_->executor, state_->deliver(std::move(external)), net::asio::detached);
}

ton_client::TonClient& ChainWatcher::client() { return state_->client; }
std::int64_t ChainWatcher::synced_at() const { return state_->synced_at; }
const std::string& ChainWatcher::last_error() const { return state_->last_error; }

}  // namespace cocoon::node
