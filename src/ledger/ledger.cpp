#include "ledger/ledger.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "base/mutation.hpp"
#include "market/prices.hpp"
#include "ton/contracts/arithmetic.hpp"

namespace cocoon::ledger {

namespace {

// Far more than all Toncoin buys, and small enough that no sum of ours can overflow.
constexpr std::uint64_t kMostTokens = static_cast<std::uint64_t>(INT64_MAX);

std::int64_t clamp_signed(std::uint64_t v) { return static_cast<std::int64_t>(std::min(v, kMostTokens)); }

}  // namespace

Ledger::Ledger(const Config& config, const ton::ProxyInstance& instance, const crypto::KeyPair& key)
    : config_(config), instance_(instance), key_(key) {}

Result<Ledger> Ledger::open(const Config& config, const ton::ProxyInstance& instance,
                            const crypto::KeyPair& payment_key, const Bits256& session, const Bits256& seal_key,
                            const std::optional<Snapshot>& stored, std::int32_t first_seqno) {
  COCOON_ASSERT(payment_key.public_key() == instance.proxy_key());
  Ledger out(config, instance, payment_key);
  out.session_ = session;
  out.seal_key_ = seal_key;
  out.seqno_ = first_seqno;
  if (stored) TRY(out.load(*stored));
  out.session_first_seqno_ = out.seqno_ + 1;
  out.dirty_ = true;
  return out;
}

Result<> Ledger::load(const Snapshot& s) {
  if (!crypto::equal_constant_time(seal(s, seal_key_).view(), s.seal.view()))
    return fail(fault::damaged, "the stored accounts are damaged, were changed, or belong to another machine key");
  if (s.proxy != instance_.address())
    return fail(fault::another_instance, "the stored accounts are those of proxy contract {}, not of {}",
                ton::to_raw_text(s.proxy), ton::to_raw_text(instance_.address()));
  std::uint64_t clients = 0, workers = 0;
  for (const auto& r : s.clients) {
    Client c;
    c.contract = r.contract;
    c.chain = r.chain;
    c.last_request = r.last_request;
    // S: any signature handed out was for a commit of a snapshot before this one, so for no more than this.
    c.tokens = {r.tokens, r.tokens, r.tokens, r.tokens, r.chain.tokens_used};
    c.committed = r.committed;
    c.expected = r.chain.tokens_used;
    if (r.chain.tokens_used > r.tokens) return fail(fault::damaged, "a stored client was charged more than it used");
    if (mutated("I2-forget-counters")) c.tokens.max = c.tokens.db = c.tokens.chain = r.chain.tokens_used;
    if (r.tokens > kMostTokens - clients) return fail(fault::damaged, "the stored accounts are impossibly large");
    clients += r.tokens;
    clients_.emplace(r.owner, std::move(c));
    look_at(false, r.owner);
  }
  for (const auto& r : s.workers) {
    Worker w;
    w.contract = r.contract;
    w.state = r.state;
    w.last_request = r.last_request;
    w.tokens = {r.tokens, r.tokens, r.tokens, r.tokens, r.paid};
    w.committed = r.committed;
    w.expected = r.paid;
    if (r.paid > r.tokens) return fail(fault::damaged, "a stored worker was paid for more than it did");
    if (mutated("I2-forget-counters")) w.tokens.max = w.tokens.db = w.tokens.chain = r.paid;
    workers += r.tokens;
    workers_.emplace(r.owner, std::move(w));
    look_at(true, r.owner);
  }
  promised_ = clients;
  if (clients != workers) return fail(fault::damaged, "the stored accounts do not balance");
  for (const auto& p : s.pending) pending_.emplace(p.seqno, p.hash);
  anchor_ = s.anchor;
  seqno_ = s.seqno;
  extra_ = s.extra;
  proof_ = s.proof;
  start_up_ = s.clean ? StartUp::clean : StartUp::crashed;
  return {};
}

// --- chain in

Result<std::optional<ton::Notice>> Ledger::apply(const ton::Transaction& tx) {
  if (tx.account != instance_.address().hash) return fail("a transaction of another contract");
  if (tx.lt <= anchor_.lt) return std::nullopt;
  if (mutated("I7-skip-history")) anchor_ = {tx.prev_lt, tx.prev_hash};
  if (tx.prev_lt != anchor_.lt || (anchor_.lt != 0 && tx.prev_hash != anchor_.hash))
    return fail(fault::gap, "the proxy contract's history between {} and {} is missing", anchor_.lt, tx.lt);
  auto notice = ton::read_notice(instance_, config_.wallet, tx);
  if (!notice) notice = own_commit_of_another_wallet(tx);
  if (notice) TRY(take_notice(*notice, tx.lt));
  anchor_ = {tx.lt, tx.hash};
  dirty_ = true;
  return notice;
}

// A commit that this machine's key marked, sent by another wallet than ours: a copy of this machine that was given
// another wallet. Strangers cannot make the mark, and the wallet's address in it keeps ours from being sent again by
// them.
std::optional<ton::CommitNotice> Ledger::own_commit_of_another_wallet(const ton::Transaction& tx) const {
  const auto* info = tx.in_msg && tx.in_msg->message ? tx.in_msg->message->internal() : nullptr;
  if (info == nullptr || !info->src || *info->src == config_.wallet || info->bounced) return std::nullopt;
  const auto commit = ton::parse_body<ton::ProxySaveState>(tx.in_msg->message->body);
  if (!commit || commit->query_id != commit_mark(commit->seqno, commit->hash, *info->src)) return std::nullopt;
  return ton::CommitNotice{commit->seqno, commit->hash};
}

Result<> Ledger::take_notice(const ton::Notice& notice, std::uint64_t lt) {
  if (const auto* client = std::get_if<ton::ClientNotice>(&notice))
    return client_state(client->request.owner, client->request.state);
  if (const auto* worker = std::get_if<ton::WorkerNotice>(&notice)) {
    ton::WorkerState state;
    state.state = worker->request.state;
    state.tokens = worker->request.tokens;
    return worker_state(worker->request.owner, state);
  }
  return take_commit(std::get<ton::CommitNotice>(notice), lt);
}

Result<> Ledger::client_state(const ton::Address& owner, const ton::ClientState& state) {
  auto it = clients_.find(owner);
  if (it == clients_.end()) {
    if (state.tokens_used > 0)
      return fail(foreign(), "client {} was charged for tokens that this database never saw", ton::to_raw_text(owner));
    if (clients_.size() >= config_.max_clients) return {};
    it = clients_.emplace(owner, Client{}).first;
    it->second.contract = instance_.client_address(owner);
  }
  Client& c = it->second;
  if (state.tokens_used < c.tokens.charged) return {};  // older than what we know
  // A refund on its way is done when the contract is closed, not when it counts the tokens (W-12).
  const bool refunding = c.refund_sent && state.state != ton::ContractState::closed;
  const auto retry_at = c.retry_at;
  const int failures = c.failures, delivered = c.delivered;
  TRY(charged(c, state.tokens_used));
  c.chain = state;
  c.refund_sent = refunding;
  if (refunding) {
    c.retry_at = retry_at;
    c.failures = failures;
    c.delivered = delivered;
  }
  look_at(false, owner);
  dirty_ = true;
  return {};
}

Result<> Ledger::worker_state(const ton::Address& owner, const ton::WorkerState& state) {
  const auto it = workers_.find(owner);
  if (it == workers_.end()) {
    if (state.tokens == 0) return {};
    return fail(foreign(), "worker {} was paid for tokens that this database never saw", ton::to_raw_text(owner));
  }
  if (state.tokens < it->second.tokens.charged) return {};
  TRY(charged(it->second, state.tokens));
  it->second.state = state.state;
  look_at(true, owner);
  dirty_ = true;
  return {};
}

// Contracts count only what we signed, and we sign only what is committed.
Result<> Ledger::charged(Account& a, std::uint64_t tokens) {
  if (tokens > a.tokens.chain)
    return fail(foreign(), "contract {} counts {} tokens, this database has committed {}", ton::to_raw_text(a.contract),
                tokens, a.tokens.chain);
  a.tokens.charged = tokens;
  a.tokens.sent = std::max(a.tokens.sent, tokens);
  if (tokens >= a.expected) {
    a.expected = tokens;
    a.now = false;
    a.failures = a.delivered = 0;
    a.retry_at.reset();
  }
  check(a);
  return {};
}

// What a commit or counter that is not of this database means, and what to do about it in words, see fault::advice().
int Ledger::foreign() const {
  if (caught_up_) return fault::cloned;
  return start_up_ == StartUp::fresh ? fault::fresh_database : fault::rolled_back;
}

Result<> Ledger::take_commit(const ton::CommitNotice& commit, std::uint64_t lt) {
  const auto it = pending_.find(commit.seqno);
  const bool being_written = in_flight_ && in_flight_->seqno == commit.seqno;
  if (mutated("I6-ignore-foreign-commits") && (it == pending_.end() || it->second != commit.hash)) return {};
  const bool another = it == pending_.end() || (it->second != commit.hash && !mutated("I8-any-session"));
  if (another || being_written)
    return fail(foreign(), "the chain holds commit {} that this database did not make", commit.seqno);
  pending_.erase(pending_.begin(), std::next(it));
  dirty_ = true;
  if (outstanding_ && outstanding_->seqno <= commit.seqno) {
    const auto committed = [](auto& accounts, const auto& values) {
      for (const auto& [owner, tokens] : values) {
        auto& a = accounts.at(owner);
        if (tokens <= a.tokens.chain) continue;
        a.tokens.chain = tokens;
        a.signature.reset();
        a.signature_boc.clear();
      }
    };
    committed(clients_, outstanding_->clients);
    committed(workers_, outstanding_->workers);
    if (outstanding_->seqno == commit.seqno) {
      proof_ = outstanding_->proof;
      proof_->lt = lt;
      for (auto& [owner, c] : clients_) c.committed = c.tokens.chain;
      for (auto& [owner, w] : workers_) w.committed = w.tokens.chain;
    }
    outstanding_.reset();
    owing_ = static_cast<std::size_t>(std::count_if(
        clients_.begin(), clients_.end(), [](const auto& c) { return c.second.tokens.chain > c.second.expected; }));
    check_conservation();
  }
  if (commit.seqno >= session_first_seqno_) ready_ = true;
  look_at_all();
  return {};
}

// --- requests

std::int64_t Ledger::available(const Client& c) const {
  return market::tokens_available({.balance = c.chain.balance,
                                   .stake = c.chain.stake,
                                   .charged = clamp_signed(c.tokens.charged),
                                   .used = clamp_signed(c.tokens.max),
                                   .reserved = clamp_signed(c.reserved)},
                                  instance_.params().price_per_token);
}

std::optional<ClientView> Ledger::client(const ton::Address& owner) const {
  const auto it = clients_.find(owner);
  if (it == clients_.end()) return std::nullopt;
  const Client& c = it->second;
  return ClientView{c.contract, c.chain, c.tokens, c.expected, c.reserved, available(c), c.last_request};
}

WorkerView Ledger::worker(const ton::Address& owner) const {
  const auto it = workers_.find(owner);
  if (it == workers_.end()) return {.contract = instance_.worker_address(owner)};
  const Worker& w = it->second;
  return {w.contract, w.state, w.tokens, w.expected, w.last_request};
}

bool Ledger::accepts_worker(const ton::Address& owner) const {
  return workers_.contains(owner) || workers_.size() < config_.max_workers;
}

std::vector<ton::Address> Ledger::clients() const {
  std::vector<ton::Address> out;
  out.reserve(clients_.size());
  for (const auto& [owner, account] : clients_) out.push_back(owner);
  return out;
}

std::vector<ton::Address> Ledger::workers() const {
  std::vector<ton::Address> out;
  out.reserve(workers_.size());
  for (const auto& [owner, account] : workers_) out.push_back(owner);
  return out;
}

Result<> Ledger::reserve(const ton::Address& owner, std::uint64_t tokens) {
  const auto it = clients_.find(owner);
  if (it == clients_.end()) return fail("the client's contract has never told this proxy anything");
  Client& c = it->second;
  if (retired_) return fail("this proxy contract is being closed");
  if (c.chain.state != ton::ContractState::normal) return fail("the client's contract is closing or closed");
  const std::int64_t left = available(c);
  if (!mutated("I4-overbook") && (left < 0 || tokens > static_cast<std::uint64_t>(left)))
    return fail("the request may cost {} tokens, the client has {} left", tokens, std::max<std::int64_t>(left, 0));
  if (tokens > kMostTokens - promised_) return fail("this proxy's counters are full");
  promised_ += tokens;
  c.reserved += tokens;
  return {};
}

std::uint64_t Ledger::finish(const ton::Address& client, const ton::Address& worker, std::uint64_t reserved,
                             std::uint64_t tokens, Time now) {
  const auto it = clients_.find(client);
  COCOON_ASSERT(it != clients_.end());
  Client& c = it->second;
  COCOON_ASSERT(c.reserved >= reserved);
  c.reserved -= reserved;
  // What it had when the request began may have left its contract since: a forced refund takes all.
  const std::int64_t left = available(c);
  const std::uint64_t affordable = left > 0 ? static_cast<std::uint64_t>(left) : 0;
  const std::uint64_t most = mutated("I4-overbook") ? reserved : std::min(reserved, affordable);
  const std::uint64_t counted = mutated("I9-uncapped") ? tokens : std::min(tokens, most);
  promised_ -= reserved - counted;
  if (counted > 0) {
    auto w = workers_.find(worker);
    if (w == workers_.end()) {
      w = workers_.emplace(worker, Worker{}).first;
      w->second.contract = instance_.worker_address(worker);
    }
    c.tokens.max += counted;
    w->second.tokens.max += mutated("I3-credit-only-workers") ? 2 * counted : counted;
    c.last_request = w->second.last_request = unix_time(now);
    check(c);
    check(w->second);
    dirty_ = true;
  }
  if (c.chain.state == ton::ContractState::closing) look_at(false, client);
  return counted;
}

// --- invariants

void Ledger::check(const Account& a) const {
  if (mutated()) return;  // what is broken on purpose is to be found from outside
  const Counters& t = a.tokens;
  COCOON_ASSERT(t.charged <= t.sent && t.sent <= t.chain && t.chain <= t.db && t.db <= t.max);  // I1
}

// I3, for all three counters. Sums may wrap: equal numbers have equal sums all the same.
void Ledger::check_conservation() const {
  if (mutated()) return;
  Counters sum;
  for (const auto& [owner, c] : clients_) {
    check(c);
    sum.max += c.tokens.max, sum.db += c.tokens.db, sum.chain += c.tokens.chain;
  }
  for (const auto& [owner, w] : workers_) {
    check(w);
    sum.max -= w.tokens.max, sum.db -= w.tokens.db, sum.chain -= w.tokens.chain;
  }
  COCOON_ASSERT(sum == Counters{});
}

}  // namespace cocoon::ledger
