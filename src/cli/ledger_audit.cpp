#include "cli/ledger_audit.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "ledger/keys.hpp"
#include "proxy/core/book.hpp"

namespace cocoon::cli {
namespace {

// Sums of amounts and of their products with prices.
__extension__ using Wide = __int128;

constexpr std::uint64_t kFloor = ton::kTon / 100;  // what stays on a proxy contract (contracts.md 1.4)
// A client contract changes a block before the proxy contract hears of it, and a node that runs goes on while we read:
// what was found once is looked at again so often, a block apart, before it counts.
constexpr int kLooks = 8;
constexpr std::size_t kHistory = 100'000;

struct CommitSeen {
  ton::CommitNotice notice;
  std::uint64_t lt = 0;
};

// What the chain shows at one look.
struct Look {
  std::optional<ton::ProxyState> proxy;
  std::uint64_t coins = 0;
  std::vector<ton::Transaction> since;  // of the proxy contract, after the anchor
  std::vector<CommitSeen> commits;      // in them, oldest first
  std::optional<CommitSeen> proven;     // the commit that the snapshot's proof names
};

const ton::Cell* data_of(const ton_client::AccountView& view) {
  const auto* init = view.account ? view.account->active() : nullptr;
  return init != nullptr && init->data ? &*init->data : nullptr;
}

// Whoever sent it: what is proved by its hash may come from the wallet that the node had before a rotation.
std::optional<CommitSeen> commit_in(const ton::Transaction& t) {
  if (!t.in_msg || !t.in_msg->message) return std::nullopt;
  const auto commit = ton::parse_body<ton::ProxySaveState>(t.in_msg->message->body);
  if (!commit) return std::nullopt;
  return CommitSeen{{commit->seqno, commit->hash}, t.lt};
}

Result<Look> look_at(Chain& chain, const ton::ProxyInstance& instance, const ledger::Snapshot& s) {
  Look out;
  TRY_ASSIGN(const auto view, chain.account(s.proxy));
  out.coins = view.account ? view.account->balance.coins : 0;
  if (const auto* data = data_of(view)) {
    TRY_ASSIGN(out.proxy, ton::parse_proxy_state(*data));
  }
  const auto from = s.proof ? std::min(s.anchor.lt, s.proof->lt - 1) : s.anchor.lt;
  TRY_ASSIGN(auto history, chain.history(s.proxy, from, kHistory));
  for (auto& t : history) {
    const auto notice = ton::read_notice(instance, s.wallet, t);
    if (const auto* commit = notice ? std::get_if<ton::CommitNotice>(&*notice) : nullptr) {
      if (t.lt > s.anchor.lt) out.commits.push_back({*commit, t.lt});
    }
    if (s.proof && t.lt == s.proof->lt) out.proven = commit_in(t);
    if (t.lt > s.anchor.lt) out.since.push_back(std::move(t));
  }
  return out;
}

// A client or worker contract as it is now, into the account's columns.
Result<> read_contract(Chain& chain, AuditedAccount& a) {
  TRY_ASSIGN(const auto view, chain.account(a.contract));
  const auto* data = data_of(view);
  if (data == nullptr) return {};
  if (a.worker) {
    TRY_ASSIGN(const auto state, ton::parse_worker_state(*data));
    a.settled_chain = state.tokens;
    a.state = state.state;
  } else {
    TRY_ASSIGN(const auto state, ton::parse_client_state(*data));
    a.settled_chain = state.tokens_used;
    a.balance_chain = state.balance;
    a.stake_chain = state.stake;
    a.state = state.state;
  }
  return {};
}

bool agrees(const AuditedAccount& a, const ledger::ClientRecord& c) {
  return c.chain.tokens_used == a.settled_chain && c.chain.balance == a.balance_chain && c.chain.state == a.state;
}
bool agrees(const AuditedAccount& a, const ledger::WorkerRecord& w) {
  return w.paid == a.settled_chain && w.state == a.state;
}

// What one record says against its contract. `now` is the record after the history since the snapshot.
template <class Record>
void judge(AuditedAccount& a, const Record& then, const Record& now, const Look& look) {
  if (a.settled_chain > a.tokens)
    a.problem = fmt::format(
        "{} tokens are settled on chain, the books know {}: they are an older copy, or somebody "
        "else signs with this machine's key",
        a.settled_chain, a.tokens);
  else if (!agrees(a, now))
    a.problem = "the contract's state does not follow from the books and the proxy contract's history since";
  else if (a.settled_chain > a.committed && look.commits.empty())
    a.problem = fmt::format("{} tokens are settled on chain, {} are committed", a.settled_chain, a.committed);
  else if (!agrees(a, then))
    a.explanation = "transactions since the snapshot";
}

AuditedAccount begin(const ledger::ClientRecord& c) {
  AuditedAccount a;
  a.owner = c.owner;
  a.contract = c.contract;
  a.tokens = c.tokens;
  a.committed = c.committed;
  a.settled_books = c.chain.tokens_used;
  a.balance_books = c.chain.balance;
  a.stake_chain = c.chain.stake;
  return a;
}

AuditedAccount begin(const ledger::WorkerRecord& w) {
  AuditedAccount a;
  a.worker = true;
  a.owner = w.owner;
  a.contract = w.contract;
  a.tokens = w.tokens;
  a.committed = w.committed;
  a.settled_books = w.paid;
  return a;
}

template <class Record>
Result<> audit_accounts(Chain& chain, const Look& look, const std::vector<Record>& then, const std::vector<Record>& now,
                        Audit& out) {
  for (std::size_t i = 0; i < then.size(); ++i) {
    auto a = begin(then[i]);
    TRY(read_contract(chain, a));
    judge(a, then[i], now[i], look);
    out.accounts.push_back(std::move(a));
  }
  return {};
}

Audit::Check check_commit(const ledger::Snapshot& s, const Look& look) {
  Audit::Check out{"commit", false, ""};
  // Every commit since the snapshot must be one that it was about to send (I6).
  for (const auto& seen : look.commits) {
    const auto known =
        std::find_if(s.pending.begin(), s.pending.end(), [&](const auto& p) { return p.seqno == seen.notice.seqno; });
    const bool proven = s.proof && s.proof->lt == seen.lt;
    if (seen.notice.seqno > s.seqno) {
      // A node that runs has gone on since the books were read; a stopped one has not.
      out.finding = fmt::format("commit {} is on chain, the newest snapshot is {}: a newer one exists, read it",
                                seen.notice.seqno, s.seqno);
      return out;
    }
    if (!proven && (known == s.pending.end() || known->hash != seen.notice.hash)) {
      out.finding = fmt::format(
          "commit {} on chain is not one of these books: an older copy, or a second machine with "
          "the same key",
          seen.notice.seqno);
      return out;
    }
  }
  if (!s.proof) {
    out.ok = true;
    out.finding = "none was seen on chain by this snapshot yet";
    return out;
  }
  if (!look.proven) {
    out.finding =
        fmt::format("commit {} is not in the proxy contract's history at logical time {}", s.proof->seqno, s.proof->lt);
    return out;
  }
  if (const auto proof = ledger::verify_proof(s, look.proven->notice.hash); !proof) {
    out.finding = proof.error().what;
    return out;
  }
  out.ok = true;
  out.finding = fmt::format("the committed tokens of all accounts are those of commit {}, whose hash {} is on chain",
                            s.proof->seqno, to_hex(look.proven->notice.hash).substr(0, 16) + "...");
  return out;
}

Audit::Check check_conservation(const ledger::Snapshot& s) {
  const auto sum = [](const auto& list, auto member) {
    Wide total = 0;
    for (const auto& r : list) total += r.*member;
    return total;
  };
  const auto used = sum(s.clients, &ledger::ClientRecord::tokens);
  const auto earned = sum(s.workers, &ledger::WorkerRecord::tokens);
  const auto used_k = sum(s.clients, &ledger::ClientRecord::committed);
  const auto earned_k = sum(s.workers, &ledger::WorkerRecord::committed);
  Audit::Check out{"conservation", used == earned && used_k == earned_k, ""};
  out.finding = fmt::format("clients used {} tokens ({} committed), workers earned {} ({} committed)",
                            static_cast<std::uint64_t>(used), static_cast<std::uint64_t>(used_k),
                            static_cast<std::uint64_t>(earned), static_cast<std::uint64_t>(earned_k));
  return out;
}

// I9: what the proxy contract holds covers what it owes.
Audit::Check check_solvency(const Audit& audit, const Look& look, std::uint64_t price) {
  Audit::Check out{"solvency", false, ""};
  if (!look.proxy) {
    out.ok = audit.accounts.empty();
    out.finding = "the proxy contract is not on chain";
    return out;
  }
  Wide owed = static_cast<Wide>(look.proxy->stake) + look.proxy->balance;
  for (const auto& a : audit.accounts) {
    const auto settled = static_cast<Wide>(price) * a.settled_chain;
    owed += a.worker ? -settled : settled + a.balance_chain;
  }
  const auto left = static_cast<Wide>(look.coins) - owed;
  out.ok = left >= static_cast<Wide>(kFloor);
  const auto magnitude = static_cast<std::uint64_t>(left < 0 ? -left : left);
  out.finding =
      left < 0
          ? fmt::format("the contract holds {}, {} less than it owes", ton_text(look.coins), ton_text(magnitude))
          : fmt::format(
                "the contract holds {}: what it owes (stake {}, commission {}, clients' and "
                "workers' money) and {} of its own",
                ton_text(look.coins), ton_text(look.proxy->stake), ton_text(look.proxy->balance), ton_text(magnitude));
  return out;
}

}  // namespace

bool Audit::proved() const {
  return std::all_of(checks.begin(), checks.end(), [](const auto& c) { return c.ok; }) &&
         std::all_of(accounts.begin(), accounts.end(), [](const auto& a) { return a.problem.empty(); });
}

void apply_notice(ledger::Snapshot& s, const ton::Notice& notice) {
  if (const auto* client = std::get_if<ton::ClientNotice>(&notice)) {
    const auto& told = client->request.state;
    for (auto& c : s.clients)
      if (c.contract == client->contract && told.tokens_used >= c.chain.tokens_used) c.chain = told;
  } else if (const auto* worker = std::get_if<ton::WorkerNotice>(&notice)) {
    for (auto& w : s.workers) {
      if (w.contract != worker->contract || worker->request.tokens < w.paid) continue;
      w.paid = worker->request.tokens;
      w.state = worker->request.state;
    }
  }
}

namespace {

Result<Books> one_book(ledger::Snapshot snapshot, const proxy::BookRecord& record, const crypto::Seed& machine) {
  const auto keys = ledger::machine_keys(machine);
  TRY_ASSIGN(auto instance,
             ton::ProxyInstance::make(record.params, record.owner, keys.payment.public_key(), snapshot.root));
  if (instance.address() != snapshot.proxy)
    return fail("the books of {} do not belong to a proxy contract of this machine's key",
                ton::to_friendly_text(snapshot.proxy));
  const bool sealed = ledger::seal(snapshot, keys.seal) == snapshot.seal;
  return Books{std::move(instance), std::move(snapshot), sealed};
}

}  // namespace

Result<std::vector<Books>> read_books(ledger::Snapshot newest, const crypto::Seed& machine) {
  TRY_ASSIGN(auto stored, proxy::decode_stored_books(newest.extra));
  std::vector<Books> out;
  TRY_ASSIGN(auto current, one_book(std::move(newest), stored.record, machine));
  out.push_back(std::move(current));
  for (auto& snapshot : stored.earlier) {
    TRY_ASSIGN(const auto record, proxy::decode_book_record(snapshot.extra));
    TRY_ASSIGN(auto earlier, one_book(std::move(snapshot), record, machine));
    out.push_back(std::move(earlier));
  }
  return out;
}

Result<Audit> audit_books(Chain& chain, const Books& books) {
  const auto& s = books.snapshot;
  const auto& instance = books.instance;
  TRY_ASSIGN(const auto look, look_at(chain, instance, s));
  Audit out;
  out.proxy = s.proxy;
  out.params_version = s.params_version;
  out.seqno = s.seqno;
  out.transactions_since = look.since.size();
  ledger::Snapshot now = s;
  for (const auto& t : look.since)
    if (const auto notice = ton::read_notice(instance, s.wallet, t)) apply_notice(now, *notice);
  TRY(audit_accounts(chain, look, s.clients, now.clients, out));
  TRY(audit_accounts(chain, look, s.workers, now.workers, out));
  out.checks.push_back({"seal", books.sealed,
                        books.sealed
                            ? "the records belong together and were sealed by this machine's key"
                            : "the seal is not this machine's: records were changed, or belong to another machine"});
  out.checks.push_back(check_commit(s, look));
  out.checks.push_back(check_conservation(s));
  out.checks.push_back(check_solvency(out, look, instance.params().price_per_token));
  return out;
}

Result<std::vector<Audit>> audit_books_patiently(Chain& chain,
                                                 const std::function<Result<std::vector<Books>>()>& read) {
  for (int look = 1;; ++look) {
    TRY_ASSIGN(const auto all, read());
    std::vector<Audit> audits;
    for (const auto& books : all) {
      TRY_ASSIGN(auto audit, audit_books(chain, books));
      audits.push_back(std::move(audit));
    }
    const bool proved = std::all_of(audits.begin(), audits.end(), [](const auto& a) { return a.proved(); });
    if (proved || look == kLooks) return audits;
    bool waited = false;
    TRY(chain.wait_until([&]() -> Result<bool> { return std::exchange(waited, true); }, std::chrono::seconds(30),
                         "the next block"));
  }
}

}  // namespace cocoon::cli
