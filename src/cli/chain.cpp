#include "cli/chain.hpp"

#include <algorithm>
#include <optional>

namespace cocoon::cli {

struct Chain::State {
  net::asio::io_context io{1};
  std::optional<ton_client::TonClient> client;

  // Runs one question to its end. The client's own coroutines live on between questions.
  template <class T>
  Result<T> run(net::Task<Result<T>> task) {
    std::optional<Result<T>> out;
    net::asio::co_spawn(io, std::move(task), [&](std::exception_ptr error, Result<T> r) {
      out = error ? Result<T>(fail("the question ended abnormally")) : std::move(r);
      io.stop();
    });
    io.restart();
    io.run();
    return out ? std::move(*out) : Result<T>(fail("the question was given up"));
  }
};

Chain::Chain(std::unique_ptr<State> state) : state_(std::move(state)) {}
Chain::Chain(Chain&&) noexcept = default;
Chain& Chain::operator=(Chain&&) noexcept = default;
Chain::~Chain() {
  if (!state_) return;
  state_->client.reset();
  state_->io.restart();
  state_->io.poll();  // lets the connection's coroutines end
}

Result<Chain> Chain::connect(const std::string& liteserver, const crypto::PublicKey& key) {
  auto state = std::make_unique<State>();
  ton_client::Options options;
  options.address = liteserver;
  options.key = key;
  state->client.emplace(state->io.get_executor(), options, crypto::Random::from_os());
  Chain chain(std::move(state));
  auto info = chain.state_->run(chain.state_->client->masterchain_info());
  if (!info) return std::unexpected(std::move(info).error().within("liteserver " + liteserver));
  return chain;
}

Result<ton_client::AccountView> Chain::account(const ton::Address& address) {
  return state_->run(state_->client->account(address));
}

Result<std::uint64_t> Chain::balance(const ton::Address& address) {
  TRY_ASSIGN(const auto view, account(address));
  return view.account ? view.account->balance.coins : 0;
}

Result<std::vector<ton::Transaction>> Chain::history(const ton::Address& address, std::uint64_t since_lt,
                                                     std::size_t limit) {
  TRY_ASSIGN(const auto view, account(address));
  std::vector<ton::Transaction> out;
  auto lt = view.last_lt;
  auto hash = view.last_hash;
  while (lt > since_lt && out.size() < limit) {
    TRY_ASSIGN(auto page, state_->run(state_->client->transactions(address, lt, hash, 16)));
    if (page.empty()) break;
    for (auto& t : page) {
      if (t.lt <= since_lt || out.size() >= limit) {
        lt = 0;
        break;
      }
      lt = t.prev_lt;
      hash = t.prev_hash;
      out.push_back(std::move(t));
    }
  }
  std::reverse(out.begin(), out.end());
  return out;
}

Result<ton::RootState> Chain::root(const ton::Address& address) {
  TRY_ASSIGN(const auto view, account(address));
  if (!view.account || view.account->active() == nullptr || !view.account->active()->data)
    return fail("there is no root contract at {}", ton::to_raw_text(address));
  return ton::parse_root_state(*view.account->active()->data);
}

Result<> Chain::send_external(Bytes boc) { return state_->run(state_->client->send_message(std::move(boc))); }

Result<> Chain::wait_until(const std::function<Result<bool>()>& done, Duration patience, const std::string& what) {
  const auto until = wall_clock() + patience;
  for (;;) {
    TRY_ASSIGN(const auto finished, done());
    if (finished) return {};
    if (wall_clock() >= until) return fail("{} did not happen within {:.0f} s", what, to_seconds(patience));
    TRY_ASSIGN(const auto info, state_->run(state_->client->masterchain_info()));
    TRY(state_->run(state_->client->wait_for(info.last.seqno + 1, std::chrono::seconds(10))));
  }
}

Result<> Chain::send_from_wallet(ledger::WalletQueue::Config wallet, std::vector<ton::OutgoingMessage> messages,
                                 Duration patience) {
  ledger::WalletQueue queue(std::move(wallet));
  std::size_t left = messages.size();
  for (auto& m : messages)
    if (!queue.send(std::move(m))) return fail("too many messages for one wallet");
  TRY_ASSIGN(const auto start, account(queue.address()));
  auto known_lt = start.last_lt;
  std::string refusal;
  const auto step = [&]() -> Result<bool> {
    TRY_ASSIGN(const auto view, account(queue.address()));
    std::vector<ton::Transaction> news;
    if (view.last_lt > known_lt) {
      TRY_ASSIGN(news, history(queue.address(), known_lt));
      if (!news.empty()) known_lt = news.back().lt;
    }
    queue.observe(view.account, news, view.time);
    for (const auto& d : queue.take_done()) {
      if (!d.sent) return fail("the wallet could not send a message: {}", d.why_not);
      --left;
    }
    if (left == 0) return true;
    if (const auto why = queue.waiting_for(); !why.empty() && queue.spendable() == 0) return fail("{}", why);
    if (auto external = queue.poll(wall_clock())) {
      auto sent = state_->run(state_->client->send_message(std::move(external->boc)));
      if (!sent) refusal = sent.error().what;
    }
    return false;
  };
  auto result = wait_until(step, patience, "sending from the wallet");
  if (!result && !refusal.empty()) return fail("{} (last refusal: {})", result.error().what, refusal);
  return result;
}

}  // namespace cocoon::cli
