#include "proxy/core/money.hpp"

#include <algorithm>

#include "ton/boc.hpp"

namespace cocoon::proxy {
namespace {

constexpr std::size_t kMaxZeroPayments = 4096;

}  // namespace

Money::Money(const Config& config, const Instance& instance, crypto::Random& random)
    : config_(config),
      instance_(instance),
      random_(random),
      keys_(ledger::machine_keys(config.machine_seed)),
      session_(random.bits256()),
      wallet_({.seed = config.wallet_seed, .owner = config.wallet_owner, .code = config.wallet_code}) {}

// --- the disk

Result<> Money::restore(BytesView stored) {
  TRY_ASSIGN(auto snapshot, ledger::decode(stored));
  if (!crypto::equal_constant_time(ledger::seal(snapshot, keys_.seal).view(), snapshot.seal.view()))
    return cocoon::fail(ledger::fault::damaged, "the stored snapshot was not sealed by this machine key");
  if (snapshot.root != config_.root)
    return cocoon::fail(ledger::fault::another_instance, "the stored snapshot is of a network with root contract {}",
                        ton::to_raw_text(snapshot.root));
  TRY_ASSIGN(auto books, decode_stored_books(snapshot.extra));
  for (const auto& earlier : books.earlier) {
    TRY_ASSIGN(auto record, decode_book_record(earlier.extra));
    TRY_ASSIGN(auto book, open_earlier(earlier, std::move(record)));
    earlier_.push_back(std::move(book));
  }
  stored_root_version_ = books.root_version;
  stored_ = {.snapshot = std::move(snapshot), .record = std::move(books.record)};
  return {};
}

void Money::start(Io& io) {
  io.emit(role::Watch{wallet_.address(), 0});
  for (const auto& book : earlier_) watch(io, *book);
}

void Money::watch(Io& io, Book& book) {
  if (book.ledger().start_up() == ledger::StartUp::crashed)
    io.warn("the session before did not end in order: what it had not written to the database is lost");
  book.watch(io);
}

// --- the contract of the day

Result<std::unique_ptr<Book>> Money::open_book(const ton::ProxyInstance& instance, BookRecord record,
                                               const std::optional<ledger::Snapshot>& stored,
                                               std::int32_t first_seqno) {
  ledger::Config config;
  config.wallet = wallet_.address();
  config.charge_client_at = config_.charge_client_at;
  config.pay_worker_at = config_.pay_worker_at;
  config.settle_retry = config_.settle_retry;
  TRY_ASSIGN(auto opened,
             ledger::Ledger::open(config, instance, keys_.payment, session_, keys_.seal, stored, first_seqno));
  return std::make_unique<Book>(config_, random_, wallet_.address(), std::move(opened), std::move(record));
}

// A contract that the root contract has moved on from: what its record says leads to its address again.
Result<std::unique_ptr<Book>> Money::open_earlier(const ledger::Snapshot& snapshot, BookRecord record) {
  TRY_ASSIGN(const auto instance,
             ton::ProxyInstance::make(record.params, record.owner, keys_.payment.public_key(), config_.root));
  record.retiring = true;
  return open_book(instance, std::move(record), snapshot, 0);
}

// Every contract counts its commits from where the one before stopped.
void Money::move_on(Io& io) {
  if (current_) {
    current_->retire(io);
    earlier_.push_back(std::move(current_));
  } else if (stored_ && stored_->snapshot.proxy != instance_.contract().address()) {
    io.warn("the stored accounts belong to an earlier proxy contract, {}: they are settled and it is closed",
            ton::to_raw_text(stored_->snapshot.proxy));
    auto book = open_earlier(stored_->snapshot, stored_->record);
    if (!book) return fail(io, book.error());
    watch(io, **book);
    earlier_.push_back(*std::move(book));
  }
}

void Money::new_contract(Io& io) {
  std::int32_t first_seqno = 0;
  if (current_) first_seqno = current_->ledger().seqno();
  if (stored_) first_seqno = stored_->snapshot.seqno;
  move_on(io);
  BookRecord record{.params = instance_.root().params, .owner = config_.owner, .retiring = false, .closing_since = 0};
  std::optional<ledger::Snapshot> own;
  if (stored_ && stored_->snapshot.proxy == instance_.contract().address()) {
    own = std::move(stored_->snapshot);
    record.retiring = stored_->record.retiring;
    record.closing_since = stored_->record.closing_since;
  }
  stored_.reset();
  leave_ = false;
  zero_payments_.clear();
  auto book = open_book(instance_.contract(), std::move(record), own, first_seqno);
  if (!book) return fail(io, book.error());
  current_ = *std::move(book);
  started_ = current_->ledger().start_up();
  extra_changed_ = true;
  next_snapshot_ = Time{};
  watch(io, *current_);
}

Book* Money::book_at(const ton::Address& address) {
  if (current_ && current_->address() == address) return current_.get();
  for (const auto& book : earlier_)
    if (book->address() == address) return book.get();
  return nullptr;
}

// The contract is left when the operator says so, or when somebody has closed it; what runs has been ended by then.
void Money::retire_when_idle(Io& io) {
  if (!current_ || current_->retiring() || !current_->contract() || !current_->contract()->deployed) return;
  if (!leave_ && current_->contract()->state.state == ton::ContractState::normal) return;
  for (const auto& owner : current_->ledger().clients())
    if (current_->ledger().client(owner)->reserved > 0) return;
  current_->retire(io);
  extra_changed_ = true;
}

void Money::drop_settled(Io& io) {
  std::erase_if(earlier_, [&](const std::unique_ptr<Book>& book) {
    if (!book->over() || book->ledger().writing()) return false;
    io.info("proxy contract {} is settled and closed", ton::to_raw_text(book->address()));
    io.emit(role::Unwatch{book->address()});
    extra_changed_ = true;
    return true;
  });
}

void Money::fail(Io& io, const Error& why) {
  const std::string advice = ledger::fault::advice(why.code);
  fault_ = advice.empty() ? why.what : why.what + "; " + advice;
  io.error("this proxy stops serving: {}", fault_);
}

std::string Money::why_not_ready() const {
  const auto with_wallet = [this](std::string why) {
    const std::string wallet = wallet_.waiting_for();
    return wallet.empty() ? why : why + "; " + wallet;
  };
  if (!fault_.empty()) return fault_;
  if (!current_) return "no proxy contract yet";
  const auto& contract = current_->contract();
  if (leave_ || current_->retiring())
    return "our proxy contract is being left: this proxy serves again when the network has new parameters";
  if (!contract) return "the chain has not shown our proxy contract yet";
  if (!contract->deployed) return with_wallet("our proxy contract is not deployed yet");
  if (contract->state.state != ton::ContractState::normal) return "our proxy contract is closing";
  if (!current_->ledger().ready()) return with_wallet("our first commit has not been seen on chain yet");
  return {};
}

// --- accounts

std::optional<ledger::ClientView> Money::client(const ton::Address& owner) const {
  return current_ ? current_->ledger().client(owner) : std::nullopt;
}

bool Money::accepts_worker(const ton::Address& owner) const {
  return current_ && current_->ledger().accepts_worker(owner);
}

ledger::Counters Money::worker_counters(const ton::Address& owner) const {
  return current_ ? current_->ledger().worker(owner).tokens : ledger::Counters{};
}

Result<> Money::reserve(const ton::Address& client, std::uint64_t tokens) {
  if (!current_) return cocoon::fail("no proxy contract yet");
  return current_->ledger().reserve(client, tokens);
}

std::uint64_t Money::finish(const ton::Address& client, const ton::Address& worker, std::uint64_t reserved,
                            std::uint64_t tokens, Time now) {
  COCOON_ASSERT(current_ != nullptr);
  const std::uint64_t charged = current_->ledger().finish(client, worker, reserved, tokens, now);
  if (charged > 0) current_->used();
  return charged;
}

// Before anything of an account is committed its counter on chain is 0, and a signature for 0 can be given without
// risk: receivers expect one, not Empty (wire.md 4.6, 4.8).
wire::proxy::AnySignedPayment Money::sign(const ton::Address& contract, std::uint32_t opcode,
                                          std::optional<Bytes> boc) {
  if (boc) return wire::proxy::SignedPayment{*std::move(boc)};
  if (!current_->ledger().ready()) return wire::proxy::SignedPaymentEmpty{};
  if (const auto it = zero_payments_.find(contract); it != zero_payments_.end())
    return wire::proxy::SignedPayment{it->second};
  const ton::PaymentPayload payload{opcode, random_.u64(), 0, contract};
  const auto message = ton::sign_payload(ton::build_signed_payload(payload), wallet_.address(), keys_.payment);
  Bytes zero = ton::write_boc(ton::build_signed_message(message));
  if (zero_payments_.size() >= kMaxZeroPayments) zero_payments_.clear();
  zero_payments_.emplace(contract, zero);
  return wire::proxy::SignedPayment{std::move(zero)};
}

PaymentState Money::client_payment(const ton::Address& owner) {
  if (!current_) return {};
  auto boc = current_->ledger().sign_for_client(owner, random_);
  const auto view = current_->ledger().client(owner);
  const ledger::Counters tokens = view ? view->tokens : ledger::Counters{};
  // The address follows from the owner by way of a dozen hashes: taken from the account, which knows it.
  const ton::Address contract = view ? view->contract : instance_.client_contract(owner);
  return {sign(contract, ton::op::client_charge_signed, std::move(boc)), wire_tokens(tokens.db),
          wire_tokens(tokens.max)};
}

PaymentState Money::worker_payment(const ton::Address& owner) {
  if (!current_) return {};
  auto boc = current_->ledger().sign_for_worker(owner, random_);
  const auto view = current_->ledger().worker(owner);
  return {sign(view.contract, ton::op::worker_payout_signed, std::move(boc)), wire_tokens(view.tokens.db),
          wire_tokens(view.tokens.max)};
}

wire::proxy::AnySignedPayment Money::cached_for_client(const ton::Address& owner) const {
  auto boc = current_ ? current_->ledger().cached_for_client(owner) : std::nullopt;
  if (!boc) return wire::proxy::SignedPaymentEmpty{};
  return wire::proxy::SignedPayment{*std::move(boc)};
}

wire::proxy::AnySignedPayment Money::cached_for_worker(const ton::Address& owner) const {
  auto boc = current_ ? current_->ledger().cached_for_worker(owner) : std::nullopt;
  if (!boc) return wire::proxy::SignedPaymentEmpty{};
  return wire::proxy::SignedPayment{*std::move(boc)};
}

// --- what the chain shows

std::vector<Money::News> Money::observed(Io& io, const role::AccountObserved& seen) {
  std::vector<News> news;
  if (seen.address == wallet_.address()) {
    if (seen.more)
      wallet_.observe(seen.transactions);
    else
      wallet_.observe(seen.account, seen.transactions, seen.chain_time);
  } else if (Book* book = book_at(seen.address); book != nullptr && fault_.empty()) {
    observe_book(io, *book, seen, news);
  }
  return news;
}

// A book that the chain contradicts means that the whole database is not what it should be.
void Money::observe_book(Io& io, Book& book, const role::AccountObserved& seen, std::vector<News>& news) {
  std::vector<News> of_book;
  if (const auto taken = book.observed(io, seen, of_book); !taken) return fail(io, taken.error());
  if (&book == current_.get()) news = std::move(of_book);
}

// --- what is due

void Money::tick(Io& io) {
  if (fault_.empty()) {
    retire_when_idle(io);
    each_book([&](Book& book) { send(io, book); });
    drop_settled(io);
    write_snapshot(io);
  }
  wallet_results(io);
  if (auto external = wallet_.poll(io.now)) io.emit(role::SendExternal{std::move(external->boc), external->body_hash});
}

bool Money::snapshot_wanted() const {
  if (extra_changed_ || (ending_ && !clean_on_disk_) || current_->ledger().dirty()) return true;
  return std::any_of(earlier_.begin(), earlier_.end(), [](const auto& book) { return book->ledger().dirty(); });
}

bool Money::commit_wanted(Time now) const {
  if (current_->wants_commit(now)) return true;
  return std::any_of(earlier_.begin(), earlier_.end(), [&](const auto& book) { return book->wants_commit(now); });
}

// In a hurry at once, but a disk that refuses is not asked without pause.
Time Money::snapshot_due() const { return hurry_ && !write_failed_ ? Time{} : next_snapshot_; }

bool Money::settled() const {
  if (!current_ || !current_->contract() || !fault_.empty()) return true;
  return clean_on_disk_ && writing_.empty() && !snapshot_wanted();
}

Time Money::wake_at() const {
  Time at = wallet_.wake_at();
  if (!fault_.empty()) return at;
  const auto book_wakes = [&](const Book& book) {
    at = std::min(at, book.wake_at());
    if (writing_.empty() && current_ && current_->contract()) at = std::min(at, book.commit_wake_at());
  };
  if (current_) book_wakes(*current_);
  for (const auto& book : earlier_) book_wakes(*book);
  if (current_ && current_->contract() && writing_.empty() && snapshot_wanted()) at = std::min(at, snapshot_due());
  return at;
}

// All books in one value: those of earlier contracts travel in the current one's, each sealed and committed by itself.
// Nothing is written before the chain has shown the current contract: what it says of it decides whether this database
// may be used at all.
void Money::write_snapshot(Io& io) {
  if (!current_ || !current_->contract() || !writing_.empty()) return;
  if (!commit_wanted(io.now) && !(snapshot_wanted() && io.now >= snapshot_due())) return;
  StoredBooks books{.root_version = instance_.config_version(), .record = current_->record(), .earlier = {}};
  for (const auto& book : earlier_) {
    book->ledger().set_extra(encode(book->record()));
    books.earlier.push_back(book->snapshot(io.now, ending_));
    writing_[book->address()] = books.earlier.back().seqno;
  }
  current_->ledger().set_extra(encode(books));
  const auto snapshot = current_->snapshot(io.now, ending_);
  writing_[current_->address()] = snapshot.seqno;
  writing_number_ = static_cast<std::uint64_t>(snapshot.seqno);
  writing_clean_ = ending_;
  extra_changed_ = false;
  next_snapshot_ = io.now + config_.snapshot_every;
  io.emit(WriteSnapshot{writing_number_, ledger::encode(snapshot)});
}

void Money::durable(Io&, std::uint64_t number) {
  if (writing_.empty() || number != writing_number_) return;
  for (const auto& [address, seqno] : std::exchange(writing_, {}))
    if (Book* book = book_at(address)) book->durable(seqno);
  ++snapshots_;
  write_failed_ = false;
  clean_on_disk_ = writing_clean_;
}

void Money::not_durable(Io& io, std::uint64_t number) {
  if (writing_.empty() || number != writing_number_) return;
  for (const auto& [address, seqno] : std::exchange(writing_, {}))
    if (Book* book = book_at(address)) book->not_durable(seqno, io.now);
  write_failed_ = true;
  next_snapshot_ = io.now + config_.snapshot_every;
}

void Money::send(Io& io, Book& book) {
  std::vector<Book::Outgoing> out;
  book.tick(io, out);
  for (auto& [purpose, message] : out) {
    const Queued queued{book.address(), purpose};
    if (const auto id = wallet_.send(std::move(message)))
      messages_.emplace(*id, queued);
    else
      not_sent(io, queued, "the queue of the wallet is full");
  }
}

void Money::wallet_results(Io& io) {
  for (const auto& done : wallet_.take_done()) {
    const auto node = messages_.extract(done.id);
    if (node.empty()) continue;
    if (!done.sent)
      not_sent(io, node.mapped(), done.why_not);
    else if (Book* book = book_at(node.mapped().book))
      book->sent(node.mapped().purpose, io.now);
  }
}

void Money::not_sent(Io& io, const Queued& queued, const std::string& why) {
  io.warn("the wallet could not send a message: {}", why);
  if (Book* book = book_at(queued.book)) book->not_sent(io, queued.purpose, why);
}

// --- orders

Result<> Money::can_pay(const role::Plan& plan) const {
  // They leave one after the other, and most of each comes back: the dearest is what must be there.
  std::uint64_t most = 0;
  for (const auto& m : plan.messages) most = std::max(most, m.attached);
  if (wallet_.spendable() >= most + ton::kTon / 10) return {};
  if (const auto why = wallet_.waiting_for(); !why.empty()) return cocoon::fail("{}", why);
  return cocoon::fail("{:.3f} TON and fees are needed, the wallet holds {:.3f}", static_cast<double>(most) / 1e9,
                      static_cast<double>(wallet_.spendable()) / 1e9);
}

void Money::order(Io& io, const role::Order& o) {
  auto plan = [&]() -> Result<role::Plan> {
    if (!fault_.empty()) return cocoon::fail("{}", fault_);
    if (!current_) return cocoon::fail("no proxy contract yet");
    if (leave_) return cocoon::fail("our proxy contract is being left already");
    TRY_ASSIGN(auto made, current_->plan(o));
    TRY(can_pay(made));
    return made;
  }();
  const bool go = plan && !o.dry_run;
  io.emit(role::OrderAnswer{o.id, std::move(plan)});
  if (!go) return;
  current_->order(io, o);
  if (o.kind == role::OrderKind::proxy_retire) leave_ = true;
}

// --- status

void Money::fill(Status& out) const {
  out.wallet.address = wallet_.address();
  out.wallet.balance = wallet_.balance();
  out.wallet.seqno = wallet_.seqno();
  out.wallet.pending = wallet_.pending();
  out.wallet.waiting_for = wallet_.waiting_for();
  out.retired_contracts = earlier_.size();
  for (const auto& book : earlier_) out.retiring.emplace_back(book->address(), book->stage());
  out.commits.snapshots = snapshots_;
  if (!current_) return;
  out.commits.last_sent = current_->last_commit_sent();
  out.commits.last_seen = current_->last_commit_seen();
  if (current_->retiring()) out.retiring.emplace_back(current_->address(), current_->stage());
  const ledger::Ledger& ledger = current_->ledger();
  const auto& contract_seen = current_->contract();
  constexpr std::array kStarts = {"fresh", "clean", "crashed"};
  out.start_up = kStarts[static_cast<std::size_t>(started_)];
  Status::Contract contract{.address = current_->address(), .state = "unknown"};
  if (contract_seen) {
    constexpr std::array kNames = {"normal", "closing", "closed", "unknown"};
    contract.state = contract_seen->deployed
                         ? kNames[std::min<std::size_t>(static_cast<std::size_t>(contract_seen->state.state), 3)]
                         : "not deployed";
    contract.coins = contract_seen->coins;
    contract.commission = contract_seen->state.balance;
    contract.stake = contract_seen->state.stake;
  }
  out.contract = contract;
  for (const ton::Address& owner : ledger.clients()) {
    const auto c = *ledger.client(owner);
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
  for (const ton::Address& owner : ledger.workers()) {
    const auto w = ledger.worker(owner);
    Status::WorkerAccount account{.owner = owner, .contract = w.contract};
    account.max = w.tokens.max;
    account.db = w.tokens.db;
    account.chain = w.tokens.chain;
    account.paid = w.tokens.charged;
    out.worker_accounts.push_back(account);
  }
}

}  // namespace cocoon::proxy
