// The money of the proxy: the book of the proxy contract of the day, those of earlier ones that are being settled, the
// node's wallet that all messages go through, and one snapshot of everything (contracts.md 6.3, 6.4; wire.md 4.8).
#pragma once
#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ledger/keys.hpp"
#include "ledger/ledger.hpp"
#include "ledger/wallet_queue.hpp"
#include "proxy/core/book.hpp"
#include "proxy/core/config.hpp"
#include "proxy/core/instance.hpp"
#include "proxy/core/io.hpp"
#include "proxy/core/status.hpp"

namespace cocoon::proxy {

// Tokens as the wire carries them.
inline std::int64_t wire_tokens(std::uint64_t tokens) {
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return static_cast<std::int64_t>(std::min(tokens, kMost));
}

// What an account's owner is told: the newest signature for the chain counter, db and max (wire.md 4.8).
struct PaymentState {
  wire::proxy::AnySignedPayment payment;
  std::int64_t db = 0;
  std::int64_t max = 0;
};

class Money {
 public:
  Money(const Config& config, const Instance& instance, crypto::Random& random);

  // Data of the newest durable WriteSnapshot. Before start().
  Result<> restore(BytesView stored);
  void start(Io&);
  // The root contract names another proxy contract, or the first. No request may be running.
  void new_contract(Io&);
  // Of the root contract, at the last snapshot of the run before: older ones are not believed (contracts.md V5).
  std::uint32_t stored_root_version() const { return stored_root_version_; }
  // Empty when clients and workers may be served; otherwise why not, in words.
  std::string why_not_ready() const;

  // --- accounts. Before a contract is known nobody has one.
  std::optional<ledger::ClientView> client(const ton::Address& owner) const;
  bool accepts_worker(const ton::Address& owner) const;  // false: too many accounts
  ledger::Counters worker_counters(const ton::Address& owner) const;
  Result<> reserve(const ton::Address& client, std::uint64_t tokens);
  // Tokens charged to the client and credited to the worker: at most what was reserved.
  std::uint64_t finish(const ton::Address& client, const ton::Address& worker, std::uint64_t reserved,
                       std::uint64_t tokens, Time now);

  PaymentState client_payment(const ton::Address& owner);  // freshly signed
  PaymentState worker_payment(const ton::Address& owner);
  wire::proxy::AnySignedPayment cached_for_client(const ton::Address& owner) const;
  wire::proxy::AnySignedPayment cached_for_worker(const ton::Address& owner) const;

  // --- events
  using News = Book::News;
  std::vector<News> observed(Io&, const role::AccountObserved&);  // wallet and proxy contracts; others are ignored
  void durable(Io&, std::uint64_t number);
  void not_durable(Io&, std::uint64_t number);
  void tick(Io&);
  Time wake_at() const;
  // Before a stop: nothing waits for its interval any more.
  void hurry() { hurry_ = true; }
  // Nothing will be added to the accounts any more: the snapshot on disk is to say that this session ended in order.
  void end() { ending_ = true; }
  bool settled() const;  // it does

  // Answers at once (OrderAnswer); OrderDone follows when the chain shows what came of it.
  void order(Io&, const role::Order&);

  void fill(Status&) const;

 private:
  // A message in the wallet's queue: whose, and what for.
  struct Queued {
    ton::Address book;
    Book::Purpose purpose;
  };

  Book* book_at(const ton::Address&);
  Result<std::unique_ptr<Book>> open_book(const ton::ProxyInstance&, BookRecord, const std::optional<ledger::Snapshot>&,
                                          std::int32_t first_seqno);
  Result<std::unique_ptr<Book>> open_earlier(const ledger::Snapshot&, BookRecord);
  void move_on(Io&);
  void watch(Io&, Book&);
  void retire_when_idle(Io&);
  void drop_settled(Io&);
  void fail(Io&, const Error&);
  void observe_book(Io&, Book&, const role::AccountObserved&, std::vector<News>&);
  void wallet_results(Io&);
  void not_sent(Io&, const Queued&, const std::string& why);
  void send(Io&, Book&);
  void write_snapshot(Io&);
  bool snapshot_wanted() const;
  bool commit_wanted(Time now) const;
  Time snapshot_due() const;
  Result<> can_pay(const role::Plan&) const;
  template <class Do>
  void each_book(Do&& act) {
    if (current_) act(*current_);
    for (const auto& book : earlier_) act(*book);
  }
  wire::proxy::AnySignedPayment sign(const ton::Address& contract, std::uint32_t opcode, std::optional<Bytes> boc);

  const Config& config_;
  const Instance& instance_;
  crypto::Random& random_;
  ledger::MachineKeys keys_;
  Bits256 session_;
  ledger::WalletQueue wallet_;
  // Of the run before, until the root contract has said whether its proxy contract is still the one.
  struct Stored {
    ledger::Snapshot snapshot;
    BookRecord record;
  };
  std::optional<Stored> stored_;
  std::uint32_t stored_root_version_ = 0;
  std::unique_ptr<Book> current_;
  std::vector<std::unique_ptr<Book>> earlier_;  // of earlier proxy contracts: settled and closed one by one
  std::string fault_;                           // why this database must not be used any more
  std::map<ledger::WalletQueue::MessageId, Queued> messages_;
  std::map<ton::Address, Bytes> zero_payments_;   // by contract, of accounts without a committed token
  std::map<ton::Address, std::int32_t> writing_;  // the snapshot on its way to the disk: each book's number
  std::uint64_t writing_number_ = 0;              // and its own
  bool hurry_ = false;
  bool ending_ = false, writing_clean_ = false, clean_on_disk_ = false;
  bool write_failed_ = false;
  bool extra_changed_ = false;  // a book has come or gone
  bool leave_ = false;          // the current contract is to be retired as soon as nothing runs
  ledger::StartUp started_ = ledger::StartUp::fresh;
  Time next_snapshot_{};
  std::uint64_t snapshots_ = 0;
};

}  // namespace cocoon::proxy
