#include "proxy/core/book.hpp"

#include <algorithm>

#include "base/mutation.hpp"
#include "ledger/costs.hpp"
#include "ton/boc.hpp"

namespace cocoon::proxy {
namespace {

namespace cost = ledger::cost;

constexpr Duration kRetry = std::chrono::seconds(10);  // of what the wallet could not send

// All transactions of a contract that we have never seen before (role::Watch reads 0 as "from now on").
constexpr std::uint64_t kFromTheBeginning = 1;

constexpr std::uint32_t kRecordVersion = 1;
constexpr std::uint32_t kBooksVersion = 2;
constexpr std::size_t kMaxEarlier = 64;

const char* name_of(ledger::SettlementKind kind) {
  switch (kind) {
    case ledger::SettlementKind::charge:
      return "charging client";
    case ledger::SettlementKind::grant_refund:
      return "refunding client";
    case ledger::SettlementKind::payout:
      return "paying worker";
    case ledger::SettlementKind::last_payout:
      break;
  }
  return "paying worker for the last time";
}

}  // namespace

Bytes encode(const BookRecord& r) {
  const auto params = ton::build_params(r.params);
  COCOON_ASSERT(params.has_value());  // they came from a contract
  Bytes out;
  tl::Writer w(out);
  w.u32(kRecordVersion);
  w.bytes(ton::write_boc(*params));
  w.bytes(as_bytes(ton::to_raw_text(r.owner)));
  w.u32(r.retiring ? 1 : 0);
  w.i64(r.closing_since);
  return out;
}

Result<BookRecord> decode_book_record(BytesView bytes) {
  tl::Reader r(bytes);
  if (r.u32() != kRecordVersion) r.error("a version that this program does not know");
  BookRecord out;
  const auto params = to_bytes(r.bytes());
  const auto owner = to_bytes(r.bytes());
  out.retiring = r.u32() != 0;
  out.closing_since = r.i64();
  TRY(r.finish());
  TRY_ASSIGN(const auto cell, ton::read_boc(params));
  TRY_ASSIGN(out.params, ton::parse_params(cell));
  TRY_ASSIGN(out.owner, ton::address_from_text(as_text(owner)));
  return out;
}

Bytes encode(const StoredBooks& books) {
  Bytes out;
  tl::Writer w(out);
  w.u32(kBooksVersion);
  w.u32(books.root_version);
  w.bytes(encode(books.record));
  w.u32(static_cast<std::uint32_t>(books.earlier.size()));
  for (const auto& snapshot : books.earlier) w.bytes(ledger::encode(snapshot));
  return out;
}

Result<StoredBooks> decode_stored_books(BytesView bytes) {
  tl::Reader r(bytes);
  if (r.u32() != kBooksVersion) r.error("a version that this program does not know");
  StoredBooks out;
  out.root_version = r.u32();
  const auto record = to_bytes(r.bytes());
  const std::uint32_t earlier = r.u32();
  if (earlier > kMaxEarlier) r.error("too many earlier contracts");
  for (std::uint32_t n = 0; n < earlier && r.ok(); ++n) {
    TRY_ASSIGN(auto snapshot, ledger::decode(r.bytes()));
    out.earlier.push_back(std::move(snapshot));
  }
  TRY(r.finish());
  TRY_ASSIGN(out.record, decode_book_record(record));
  return out;
}

Book::Book(const Config& config, crypto::Random& random, const ton::Address& wallet, ledger::Ledger ledger,
           BookRecord record)
    : config_(config),
      random_(random),
      wallet_(wallet),
      payment_key_(config.machine_seed),
      ledger_(std::move(ledger)),
      record_(std::move(record)) {
  if (record_.retiring) ledger_.retire();
}

// --- what the chain shows

void Book::watch(Io& io) const {
  const std::uint64_t from = ledger_.anchor().lt;
  const bool all = !mutated("I7-skip-history");
  io.emit(role::Watch{address(), !all ? 0 : from == 0 ? kFromTheBeginning : from});
}

Result<> Book::observed(Io& io, const role::AccountObserved& seen, std::vector<News>& news) {
  if (!seen.complete && !mutated("I7-skip-history"))
    return fail("the history of our proxy contract since the stored snapshot cannot be read");
  for (const auto& transaction : seen.transactions) {
    TRY_ASSIGN(const auto notice, ledger_.apply(transaction));
    answered(io, transaction);
    if (!notice) continue;
    if (const auto* client = std::get_if<ton::ClientNotice>(&*notice)) {
      const auto* nonce = std::get_if<ton::RegisterPayload>(&client->request.payload);
      news.push_back({client->request.owner, nonce != nullptr ? std::optional(nonce->nonce) : std::nullopt});
    } else if (const auto* commit = std::get_if<ton::CommitNotice>(&*notice)) {
      last_commit_seen_ = commit->seqno;
      io.debug("commit {} is on chain", commit->seqno);
    }
  }
  if (seen.more) return {};
  ledger_.caught_up();
  state_observed(io, seen);
  finish_orders(io);
  return {};
}

void Book::state_observed(Io& io, const role::AccountObserved& seen) {
  chain_time_ = std::max(chain_time_, seen.chain_time);
  const bool first = !contract_;
  if (first) contract_.emplace();
  contract_->coins = seen.account ? seen.account->balance.coins : 0;
  const ton::StateInit* active = seen.account ? seen.account->active() : nullptr;
  const auto state = active != nullptr && active->data ? ton::parse_proxy_state(*active->data)
                                                       : Result<ton::ProxyState>(fail("no data"));
  contract_->deployed = state.has_value();
  if (!state) {
    if (first) io.info("our proxy contract is not on chain yet: it will be deployed");
    return;
  }
  contract_->state = *state;
  ledger_.cover(state->stake);
  if (state->state == ton::ContractState::closing && record_.closing_since == 0) {
    record_.closing_since = chain_time_;
    io.info("proxy contract {} is closing", ton::to_raw_text(address()));
  }
}

// --- what is due

void Book::tick(Io& io, std::vector<Outgoing>& out) {
  if (!contract_ || over()) return;
  std::move(ordered_.begin(), ordered_.end(), std::back_inserter(out));
  ordered_.clear();
  deploy(io, out);
  send_commit(io, out);
  settle(io, out);
  care_for_contract(io, out);
  close(io, out);
  for (const auto& o : out)
    if (!std::holds_alternative<Settle>(o.purpose)) in_wallet_[o.purpose.index()] = true;
}

Time Book::wake_at() const {
  if (!contract_ || over()) return Time::max();
  if (!contract_->deployed) return retiring() || waits_in_wallet(Deploy{}) ? Time::max() : next_deploy_;
  Time at = ordered_.empty() ? Time::max() : Time{};
  const bool settles = !retiring() || contract_->state.state != ton::ContractState::normal;
  if (ledger_.ready() && settles) at = std::min(at, ledger_.wake_at());
  if (commit_ready_to_send()) at = std::min(at, next_commit_message_);
  if (retiring() && ledger_.ready() && (contract_->state.state == ton::ContractState::normal || may_complete()) &&
      !waits_in_wallet(Close{}))
    at = std::min(at, next_close_);
  return at;
}

void Book::deploy(Io& io, std::vector<Outgoing>& out) {
  if (contract_->deployed || retiring() || io.now < next_deploy_ || waits_in_wallet(Deploy{})) return;
  next_deploy_ = io.now + config_.settle_retry;
  out.push_back(
      {Deploy{}, {.to = address(), .value = cost::deploy_proxy.attached, .body = {}, .init = instance().state_init()}});
}

bool Book::wants_commit(Time now) const {
  return contract_ && contract_->deployed && uncommitted_ && !ledger_.committing() && now >= next_commit_;
}

Time Book::commit_wake_at() const {
  const bool possible = contract_ && contract_->deployed && uncommitted_ && !ledger_.committing();
  return possible ? next_commit_ : Time::max();
}

ledger::Snapshot Book::snapshot(Time now, bool clean) {
  const bool commit = wants_commit(now);
  writing_commit_ = commit;
  if (commit) {
    uncommitted_ = false;
    next_commit_ = now + config_.commit_every;
  }
  return ledger_.snapshot(commit, clean);
}

void Book::not_durable(std::int32_t seqno, Time now) {
  ledger_.snapshot_failed(seqno);
  uncommitted_ = uncommitted_ || writing_commit_;
  if (writing_commit_) next_commit_ = now + config_.snapshot_every;
}

bool Book::commit_ready_to_send() const {
  const auto commit = ledger_.commit_to_send();
  return commit && commit->seqno != last_commit_sent_;
}

// Once per commit: after the wallet has sent it, it will arrive. Only a failure of the wallet makes it go again.
void Book::send_commit(Io& io, std::vector<Outgoing>& out) {
  if (!contract_->deployed || !commit_ready_to_send() || io.now < next_commit_message_) return;
  const auto commit = *ledger_.commit_to_send();
  last_commit_sent_ = commit.seqno;  // before: a failure to queue it takes it back
  out.push_back({Commit{commit.seqno},
                 {.to = address(), .value = cost::commit.attached, .body = ledger_.commit_body(commit), .init = {}}});
}

void Book::settle(Io& io, std::vector<Outgoing>& out) {
  if (!ledger_.ready() || io.now < ledger_.wake_at()) return;
  // A contract that is being left takes refunds and last payouts once it is seen closing (3.9).
  if (retiring() && contract_->state.state == ton::ContractState::normal) return;
  for (const ledger::Settlement& due : ledger_.due(io.now, random_)) {
    ton::OutgoingMessage message{.to = due.contract, .value = cost::charge.attached, .body = due.body, .init = {}};
    // A worker whose contract was never paid may not have deployed it.
    const bool pays = due.kind == ledger::SettlementKind::payout || due.kind == ledger::SettlementKind::last_payout;
    if (pays && ledger_.worker(due.owner).tokens.charged == 0) message.init = instance().worker_state_init(due.owner);
    io.info("{} {}: {} adjusted tokens in all", name_of(due.kind), ton::to_raw_text(due.owner), due.tokens);
    out.push_back({Settle{due.kind, due.owner}, std::move(message)});
  }
}

void Book::care_for_contract(Io& io, std::vector<Outgoing>& out) {
  if (retiring() || !ledger_.ready() || contract_->state.state != ton::ContractState::normal) return;
  if (config_.withdraw_at > 0 && contract_->state.balance >= config_.withdraw_at && io.now >= next_withdraw_ &&
      !waits_in_wallet(Withdraw{})) {
    next_withdraw_ = io.now + config_.settle_retry;
    withdraw(random_.u64(), out);
  }
  // A production network's contract takes no deposits before the stake that the network demands is in (W-1).
  const auto& params = instance().params();
  const auto wanted = std::max(config_.wanted_stake, params.is_test ? 0 : params.min_proxy_stake);
  if (contract_->state.stake < wanted && io.now >= next_stake_ && !waits_in_wallet(AddStake{})) {
    next_stake_ = io.now + config_.settle_retry;
    add_stake(wanted - contract_->state.stake, random_.u64(), out);
  }
}

void Book::withdraw(std::uint64_t query_id, std::vector<Outgoing>& out) {
  const ton::ProxyPayoutRequest request{query_id, wallet_};
  out.push_back(
      {Withdraw{query_id},
       {.to = address(), .value = cost::withdraw_commission.attached, .body = ton::build_body(request), .init = {}}});
}

void Book::add_stake(std::uint64_t amount, std::uint64_t query_id, std::vector<Outgoing>& out) {
  const ton::ProxyIncreaseStake request{query_id, amount, wallet_};
  out.push_back(
      {AddStake{query_id},
       {.to = address(), .value = amount + cost::add_stake.attached, .body = ton::build_body(request), .init = {}}});
}

void Book::sent(const Purpose& purpose, Time now) {
  in_wallet_[purpose.index()] = false;
  if (const auto* settle = std::get_if<Settle>(&purpose)) ledger_.settlement_sent(settle->kind, settle->owner, now);
  // Whether it had its effect the contract's state says; until then the next one waits from here on.
  if (std::holds_alternative<Close>(purpose)) next_close_ = now + config_.settle_retry;
  if (std::holds_alternative<Deploy>(purpose)) next_deploy_ = now + config_.settle_retry;
  if (std::holds_alternative<Withdraw>(purpose)) next_withdraw_ = now + config_.settle_retry;
  if (std::holds_alternative<AddStake>(purpose)) next_stake_ = now + config_.settle_retry;
}

void Book::not_sent(Io& io, const Purpose& purpose, const std::string& why) {
  in_wallet_[purpose.index()] = false;
  if (const auto* settle = std::get_if<Settle>(&purpose))
    ledger_.settlement_failed(settle->kind, settle->owner, io.now);
  if (const auto* commit = std::get_if<Commit>(&purpose); commit != nullptr && last_commit_sent_ == commit->seqno) {
    last_commit_sent_ = 0;
    next_commit_message_ = io.now + kRetry;
  }
  if (std::holds_alternative<Deploy>(purpose)) next_deploy_ = io.now + kRetry;
  if (std::holds_alternative<Close>(purpose)) next_close_ = io.now + kRetry;
  std::uint64_t query_id = 0;
  if (const auto* w = std::get_if<Withdraw>(&purpose)) query_id = w->query_id;
  if (const auto* s = std::get_if<AddStake>(&purpose)) query_id = s->query_id;
  std::erase_if(orders_, [&](const OpenOrder& o) {
    if (o.query_id == 0 || o.query_id != query_id) return false;
    io.emit(role::OrderDone{o.id, fail("the wallet could not send it: {}", why)});
    return true;
  });
}

}  // namespace cocoon::proxy
