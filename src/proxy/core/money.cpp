#include "proxy/core/money.hpp"

#include <algorithm>

#include "ton/boc.hpp"

namespace cocoon::proxy {
namespace {

// Attached to messages; what is not used comes back to the wallet (contracts.md 1.5).
constexpr std::uint64_t kDeployValue = ton::kTon * 3 / 10;
constexpr std::uint64_t kCommitValue = 1;
constexpr std::uint64_t kSettleValue = ton::kTon * 7 / 10;
constexpr std::uint64_t kWithdrawValue = ton::kTon * 2 / 10;
constexpr std::uint64_t kStakeValue = ton::kTon * 2 / 10;  // on top of the stake itself

constexpr Duration kRetry = std::chrono::seconds(10);  // of what the wallet could not send

// All transactions of a contract that we have never seen before (role::Watch reads 0 as "from now on").
constexpr std::uint64_t kFromTheBeginning = 1;

constexpr std::uint32_t kExtraVersion = 1;

constexpr std::size_t kMaxZeroPayments = 4096;

const char* name_of(ledger::SettlementKind kind) {
  switch (kind) {
    case ledger::SettlementKind::charge:
      return "charging client";
    case ledger::SettlementKind::grant_refund:
      return "refunding client";
    case ledger::SettlementKind::payout:
      break;
  }
  return "paying worker";
}

}  // namespace

Money::Money(const Config& config, const Instance& instance, crypto::Random& random)
    : config_(config),
      instance_(instance),
      random_(random),
      payment_key_(config.machine_seed),
      seal_key_(crypto::derive_seed(config.machine_seed, "proxy snapshot seal")),
      session_(random.bits256()),
      wallet_({.seed = config.wallet_seed, .owner = config.wallet_owner, .code = config.wallet_code}) {}

Result<> Money::restore(BytesView stored) {
  TRY_ASSIGN(auto snapshot, ledger::decode(stored));
  if (!crypto::equal_constant_time(ledger::seal(snapshot, seal_key_).view(), snapshot.seal.view()))
    return cocoon::fail(ledger::fault::damaged, "the stored snapshot was not sealed by this machine key");
  if (snapshot.root != config_.root)
    return cocoon::fail(ledger::fault::another_instance, "the stored snapshot is of a network with root contract {}",
                        ton::to_raw_text(snapshot.root));
  TRY(read_extra(snapshot.extra));
  stored_ = std::move(snapshot);
  return {};
}

void Money::start(Io& io) { io.emit(role::Watch{wallet_.address(), 0}); }

Bytes Money::extra() const {
  Bytes out;
  tl::Writer w(out);
  w.u32(kExtraVersion);
  w.u32(instance_.config_version());
  w.u32(static_cast<std::uint32_t>(retired_.size()));
  for (const Bytes& one : retired_) w.bytes(one);
  return out;
}

Result<> Money::read_extra(BytesView extra) {
  tl::Reader r(extra);
  if (r.u32() != kExtraVersion) r.error("a version that this program does not know");
  stored_root_version_ = r.u32();
  for (std::size_t n = r.count(); n > 0 && r.ok(); --n) retired_.push_back(to_bytes(r.bytes()));
  return r.finish();
}

// --- the contract of the day

void Money::new_contract(Io& io) {
  std::int32_t first_seqno = 0;
  if (ledger_) {
    io.emit(role::Unwatch{ledger_->instance().address()});
    first_seqno = ledger_->seqno();
    retire();
  }
  std::optional<ledger::Snapshot> own;
  if (stored_ && stored_->proxy == instance_.contract().address()) {
    own = std::move(stored_);
  } else if (stored_) {
    first_seqno = stored_->seqno;
    stored_->extra.clear();
    stored_->seal = ledger::seal(*stored_, seal_key_);
    retired_.push_back(ledger::encode(*stored_));
    io.warn("the stored accounts belong to an earlier proxy contract, {}: they are kept for settlement",
            ton::to_raw_text(stored_->proxy));
  }
  stored_.reset();
  if (const auto opened = open_ledger(own, first_seqno); !opened) return fail(io, opened.error());
  const std::uint64_t from = ledger_->anchor().lt;
  io.emit(role::Watch{instance_.contract().address(), from == 0 ? kFromTheBeginning : from});
}

Result<> Money::open_ledger(const std::optional<ledger::Snapshot>& stored, std::int32_t first_seqno) {
  ledger::Config config;
  config.wallet = wallet_.address();
  config.charge_client_at = config_.charge_client_at;
  config.pay_worker_at = config_.pay_worker_at;
  config.settle_retry = config_.settle_retry;
  TRY_ASSIGN(auto opened, ledger::Ledger::open(config, instance_.contract(), payment_key_, session_, seal_key_, stored,
                                               first_seqno));
  ledger_ = std::move(opened);
  ledger_->set_extra(extra());
  contract_.reset();
  zero_payments_.clear();
  uncommitted_ = true;
  next_snapshot_ = next_commit_ = next_commit_message_ = next_deploy_ = next_withdraw_ = next_stake_ = Time{};
  return {};
}

// What the old contract's clients and workers have is final (I10). It stays in every snapshot of the next one.
void Money::retire() {
  if (ledger_->writing()) ledger_->snapshot_failed(writing_);
  ledger_->set_extra({});
  retired_.push_back(ledger::encode(ledger_->snapshot(false)));
  ledger_.reset();
}

void Money::fail(Io& io, const Error& why) {
  fault_ = why.what;
  io.error("this proxy stops serving: {}", fault_);
}

std::string Money::why_not_ready() const {
  const auto with_wallet = [this](std::string why) {
    const std::string wallet = wallet_.waiting_for();
    return wallet.empty() ? why : why + "; " + wallet;
  };
  if (!fault_.empty()) return fault_;
  if (!ledger_) return "no proxy contract yet";
  if (!contract_) return "the chain has not shown our proxy contract yet";
  if (!contract_->deployed) return with_wallet("our proxy contract is not deployed yet");
  if (contract_->state.state != ton::ContractState::normal) return "our proxy contract is closing";
  if (!ledger_->ready()) return with_wallet("our first commit has not been seen on chain yet");
  return {};
}

// --- accounts

std::optional<ledger::ClientView> Money::client(const ton::Address& owner) const {
  return ledger_ ? ledger_->client(owner) : std::nullopt;
}

bool Money::accepts_worker(const ton::Address& owner) const { return ledger_ && ledger_->accepts_worker(owner); }

ledger::Counters Money::worker_counters(const ton::Address& owner) const {
  return ledger_ ? ledger_->worker(owner).tokens : ledger::Counters{};
}

Result<> Money::reserve(const ton::Address& client, std::uint64_t tokens) {
  if (!ledger_) return cocoon::fail("no proxy contract yet");
  return ledger_->reserve(client, tokens);
}

std::uint64_t Money::finish(const ton::Address& client, const ton::Address& worker, std::uint64_t reserved,
                            std::uint64_t tokens, Time now) {
  COCOON_ASSERT(ledger_.has_value());
  const std::uint64_t charged = ledger_->finish(client, worker, reserved, tokens, now);
  uncommitted_ = uncommitted_ || charged > 0;
  return charged;
}

// Before anything of an account is committed its counter on chain is 0, and a signature for 0 can be given without
// risk: receivers expect one, not Empty (wire.md 4.6, 4.8).
wire::proxy::AnySignedPayment Money::sign(const ton::Address& contract, std::uint32_t opcode,
                                          std::optional<Bytes> boc) {
  if (boc) return wire::proxy::SignedPayment{*std::move(boc)};
  if (!ledger_->ready()) return wire::proxy::SignedPaymentEmpty{};
  if (const auto it = zero_payments_.find(contract); it != zero_payments_.end())
    return wire::proxy::SignedPayment{it->second};
  const ton::PaymentPayload payload{opcode, random_.u64(), 0, contract};
  const auto message = ton::sign_payload(ton::build_signed_payload(payload), wallet_.address(), payment_key_);
  Bytes zero = ton::write_boc(ton::build_signed_message(message));
  if (zero_payments_.size() >= kMaxZeroPayments) zero_payments_.clear();
  zero_payments_.emplace(contract, zero);
  return wire::proxy::SignedPayment{std::move(zero)};
}

PaymentState Money::client_payment(const ton::Address& owner) {
  if (!ledger_) return {};
  auto boc = ledger_->sign_for_client(owner, random_);
  const auto view = ledger_->client(owner);
  const ledger::Counters tokens = view ? view->tokens : ledger::Counters{};
  // The address follows from the owner by way of a dozen hashes: taken from the account, which knows it.
  const ton::Address contract = view ? view->contract : instance_.client_contract(owner);
  return {sign(contract, ton::op::client_charge_signed, std::move(boc)), wire_tokens(tokens.db),
          wire_tokens(tokens.max)};
}

PaymentState Money::worker_payment(const ton::Address& owner) {
  if (!ledger_) return {};
  auto boc = ledger_->sign_for_worker(owner, random_);
  const auto view = ledger_->worker(owner);
  return {sign(view.contract, ton::op::worker_payout_signed, std::move(boc)), wire_tokens(view.tokens.db),
          wire_tokens(view.tokens.max)};
}

wire::proxy::AnySignedPayment Money::cached_for_client(const ton::Address& owner) const {
  auto boc = ledger_ ? ledger_->cached_for_client(owner) : std::nullopt;
  if (!boc) return wire::proxy::SignedPaymentEmpty{};
  return wire::proxy::SignedPayment{*std::move(boc)};
}

wire::proxy::AnySignedPayment Money::cached_for_worker(const ton::Address& owner) const {
  auto boc = ledger_ ? ledger_->cached_for_worker(owner) : std::nullopt;
  if (!boc) return wire::proxy::SignedPaymentEmpty{};
  return wire::proxy::SignedPayment{*std::move(boc)};
}

// --- what the chain shows

std::vector<Money::News> Money::observed(Io& io, const role::AccountObserved& seen) {
  std::vector<News> news;
  if (seen.address == wallet_.address()) {
    wallet_.observe(seen.account, seen.transactions, seen.chain_time);
  } else if (ledger_ && seen.address == ledger_->instance().address() && fault_.empty()) {
    contract_observed(io, seen, news);
  }
  return news;
}

void Money::contract_observed(Io& io, const role::AccountObserved& seen, std::vector<News>& news) {
  if (!seen.complete)
    return fail(io, {0, "the history of our proxy contract since the stored snapshot cannot be read"});
  for (const auto& transaction : seen.transactions) {
    const auto notice = ledger_->apply(transaction);
    if (!notice) return fail(io, notice.error());
    if (!*notice) continue;
    if (const auto* client = std::get_if<ton::ClientNotice>(&**notice)) {
      const auto* nonce = std::get_if<ton::RegisterPayload>(&client->request.payload);
      news.push_back({client->request.owner, nonce != nullptr ? std::optional(nonce->nonce) : std::nullopt});
    } else if (const auto* commit = std::get_if<ton::CommitNotice>(&**notice)) {
      last_commit_seen_ = commit->seqno;
      io.debug("commit {} is on chain", commit->seqno);
    }
  }
  const bool first = !contract_;
  if (first) contract_.emplace();
  contract_->coins = seen.account ? seen.account->balance.coins : 0;
  const ton::StateInit* active = seen.account ? seen.account->active() : nullptr;
  const auto state = active != nullptr && active->data ? ton::parse_proxy_state(*active->data)
                                                       : Result<ton::ProxyState>(cocoon::fail("no data"));
  contract_->deployed = state.has_value();
  if (state) contract_->state = *state;
  if (first && !contract_->deployed) io.info("our proxy contract is not on chain yet: it will be deployed");
}

// --- what is due

void Money::tick(Io& io) {
  if (ledger_ && fault_.empty()) {
    if (contract_) {
      deploy(io);
      write_snapshot(io);
      settle(io);
      care_for_contract(io);
    }
  }
  wallet_results(io);
  if (auto external = wallet_.poll(io.now)) io.emit(role::SendExternal{std::move(external->boc), external->body_hash});
}

Time Money::wake_at() const {
  Time at = wallet_.wake_at();
  if (!ledger_ || !fault_.empty() || !contract_) return at;
  if (!contract_->deployed) return std::min(at, next_deploy_);
  if (ledger_->ready()) at = std::min(at, ledger_->wake_at());
  if (!ledger_->writing()) {
    if (ledger_->dirty()) at = std::min(at, hurry_ ? Time{} : next_snapshot_);
    if (uncommitted_ && !ledger_->committing()) at = std::min(at, next_commit_);
  }
  if (commit_ready_to_send()) at = std::min(at, next_commit_message_);
  return at;
}

void Money::deploy(Io& io) {
  if (contract_->deployed || io.now < next_deploy_) return;
  next_deploy_ = io.now + config_.settle_retry;
  send(io, Deploy{},
       {.to = instance_.contract().address(), .value = kDeployValue, .init = instance_.contract().state_init()});
}

void Money::write_snapshot(Io& io) {
  send_commit(io);
  if (!contract_->deployed || ledger_->writing()) return;
  const bool commit = uncommitted_ && !ledger_->committing() && io.now >= next_commit_;
  if (!commit && !(ledger_->dirty() && (hurry_ || io.now >= next_snapshot_))) return;
  const ledger::Snapshot snapshot = ledger_->snapshot(commit);
  writing_ = snapshot.seqno;
  writing_commit_ = commit;
  next_snapshot_ = io.now + config_.snapshot_every;
  if (commit) {
    uncommitted_ = false;
    next_commit_ = io.now + config_.commit_every;
  }
  io.emit(WriteSnapshot{static_cast<std::uint64_t>(writing_), ledger::encode(snapshot)});
}

void Money::durable(Io& io, std::uint64_t number) {
  if (!ledger_ || !ledger_->writing() || number != static_cast<std::uint64_t>(writing_)) return;
  ledger_->snapshot_durable(writing_);
  ++snapshots_;
  if (fault_.empty()) send_commit(io);
}

void Money::not_durable(Io& io, std::uint64_t number) {
  if (!ledger_ || !ledger_->writing() || number != static_cast<std::uint64_t>(writing_)) return;
  ledger_->snapshot_failed(writing_);
  uncommitted_ = uncommitted_ || writing_commit_;
  next_snapshot_ = next_commit_ = io.now + config_.snapshot_every;
}

bool Money::commit_ready_to_send() const {
  const auto commit = ledger_->commit_to_send();
  return commit && commit->seqno != last_commit_sent_;
}

// Once per commit: after the wallet has sent it, it will arrive. Only a failure of the wallet makes it go again.
void Money::send_commit(Io& io) {
  if (!contract_ || !contract_->deployed || !commit_ready_to_send() || io.now < next_commit_message_) return;
  const auto commit = *ledger_->commit_to_send();
  last_commit_sent_ = commit.seqno;  // before: a failure to queue it takes it back
  send(io, Commit{commit.seqno},
       {.to = instance_.contract().address(), .value = kCommitValue, .body = ledger_->commit_body(commit, random_)});
}

void Money::settle(Io& io) {
  if (!ledger_->ready() || io.now < ledger_->wake_at()) return;
  for (const ledger::Settlement& due : ledger_->due(io.now, random_)) {
    ton::OutgoingMessage message{.to = due.contract, .value = kSettleValue, .body = due.body};
    // A worker whose contract was never paid may not have deployed it.
    if (due.kind == ledger::SettlementKind::payout && ledger_->worker(due.owner).tokens.charged == 0)
      message.init = instance_.contract().worker_state_init(due.owner);
    io.info("{} {}: {} adjusted tokens in all", name_of(due.kind), ton::to_raw_text(due.owner), due.tokens);
    send(io, Settle{due.kind, due.owner}, std::move(message));
  }
}

void Money::care_for_contract(Io& io) {
  if (!ledger_->ready() || contract_->state.state != ton::ContractState::normal) return;
  if (config_.withdraw_at > 0 && contract_->state.balance >= config_.withdraw_at && io.now >= next_withdraw_) {
    next_withdraw_ = io.now + config_.settle_retry;
    const ton::ProxyPayoutRequest request{random_.u64(), wallet_.address()};
    send(io, Withdraw{},
         {.to = instance_.contract().address(), .value = kWithdrawValue, .body = ton::build_body(request)});
  }
  if (contract_->state.stake < config_.wanted_stake && io.now >= next_stake_) {
    next_stake_ = io.now + config_.settle_retry;
    const std::uint64_t missing = config_.wanted_stake - contract_->state.stake;
    const ton::ProxyIncreaseStake request{random_.u64(), missing, wallet_.address()};
    send(io, AddStake{},
         {.to = instance_.contract().address(), .value = missing + kStakeValue, .body = ton::build_body(request)});
  }
}

void Money::send(Io& io, Purpose purpose, ton::OutgoingMessage message) {
  if (const auto id = wallet_.send(std::move(message)))
    messages_.emplace(*id, std::move(purpose));
  else
    not_sent(io, purpose, "the queue of the wallet is full");
}

void Money::wallet_results(Io& io) {
  for (const auto& done : wallet_.take_done()) {
    const auto node = messages_.extract(done.id);
    if (!node.empty() && !done.sent) not_sent(io, node.mapped(), done.why_not);
  }
}

void Money::not_sent(Io& io, const Purpose& purpose, const std::string& why) {
  io.warn("the wallet could not send a message: {}", why);
  if (const auto* settle = std::get_if<Settle>(&purpose); settle != nullptr && ledger_)
    ledger_->settlement_failed(settle->kind, settle->owner, io.now);
  if (const auto* commit = std::get_if<Commit>(&purpose); commit != nullptr && last_commit_sent_ == commit->seqno) {
    last_commit_sent_ = 0;
    next_commit_message_ = io.now + kRetry;
  }
  if (std::holds_alternative<Deploy>(purpose)) next_deploy_ = io.now + kRetry;
}

// --- status

void Money::fill(Status& out) const {
  out.wallet.address = wallet_.address();
  out.wallet.balance = wallet_.balance();
  out.wallet.seqno = wallet_.seqno();
  out.wallet.pending = wallet_.pending();
  out.wallet.waiting_for = wallet_.waiting_for();
  out.retired_contracts = retired_.size();
  out.commits.snapshots = snapshots_;
  out.commits.last_sent = last_commit_sent_;
  out.commits.last_seen = last_commit_seen_;
  if (!ledger_) return;
  Status::Contract contract{.address = instance_.contract().address(), .state = "unknown"};
  if (contract_) {
    constexpr std::array kNames = {"normal", "closing", "closed", "unknown"};
    contract.state = contract_->deployed
                         ? kNames[std::min<std::size_t>(static_cast<std::size_t>(contract_->state.state), 3)]
                         : "not deployed";
    contract.coins = contract_->coins;
    contract.commission = contract_->state.balance;
    contract.stake = contract_->state.stake;
  }
  out.contract = contract;
  for (const ton::Address& owner : ledger_->clients()) {
    const auto c = *ledger_->client(owner);
    Status::ClientAccount account{.owner = owner, .contract = c.contract};
    account.max = c.tokens.max;
    account.db = c.tokens.db;
    account.chain = c.tokens.chain;
    account.charged = c.tokens.charged;
    account.available = c.available;
    account.reserved = c.reserved;
    account.balance = c.chain.balance;
    account.stake = c.chain.stake;
    account.closing = c.chain.state == ton::ContractState::closing;
    account.closed = c.chain.state == ton::ContractState::closed;
    out.client_accounts.push_back(account);
  }
  for (const ton::Address& owner : ledger_->workers()) {
    const auto w = ledger_->worker(owner);
    Status::WorkerAccount account{.owner = owner, .contract = w.contract};
    account.max = w.tokens.max;
    account.db = w.tokens.db;
    account.chain = w.tokens.chain;
    account.paid = w.tokens.charged;
    out.worker_accounts.push_back(account);
  }
}

}  // namespace cocoon::proxy
