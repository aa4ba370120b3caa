// Snapshots and commits: how tokens get from memory to disk to chain (contracts.md 6.3, steps 7 to 9; 6.4).
#include "base/assert.hpp"
#include "base/mutation.hpp"
#include "ledger/ledger.hpp"

namespace cocoon::ledger {

bool Ledger::commit_wanted() const {
  if (!ready_) return true;
  for (const auto& [owner, c] : clients_)
    if (c.tokens.max > c.tokens.chain) return true;
  return false;  // by I3 the workers agree
}

Snapshot Ledger::snapshot(bool commit, bool clean) {
  COCOON_ASSERT(!in_flight_);
  COCOON_ASSERT(!commit || !outstanding_);
  check_conservation();
  Snapshot s;
  s.proxy = instance_.address();
  s.root = instance_.root();
  s.wallet = config_.wallet;
  s.clean = clean;
  s.proof = proof_;
  s.params_version = instance_.params().params_version;
  s.seqno = ++seqno_;
  s.anchor = anchor_;
  s.extra = extra_;
  Values values{.seqno = seqno_, .commit = commit, .proof = {}, .clients = {}, .workers = {}};
  s.clients.reserve(clients_.size());
  s.workers.reserve(workers_.size());
  for (const auto& [owner, c] : clients_) {
    s.clients.push_back({owner, c.contract, c.chain, c.tokens.max, c.committed, c.last_request});
    if (c.tokens.max > c.tokens.chain) values.clients.emplace_back(owner, c.tokens.max);
  }
  for (const auto& [owner, w] : workers_) {
    s.workers.push_back({owner, w.contract, w.state, w.tokens.charged, w.tokens.max, w.committed, w.last_request});
    if (w.tokens.max > w.tokens.chain) values.workers.emplace_back(owner, w.tokens.max);
  }
  for (const auto& [seqno, hash] : pending_) s.pending.push_back({seqno, hash});
  if (commit) {
    // The commit must be known to the very snapshot that it commits: found on chain after a crash, it is expected.
    values.proof = commit_parts(s, session_);
    const Bits256 hash = commit_hash(values.proof);
    pending_.emplace(seqno_, hash);
    s.pending.push_back({seqno_, hash});
    outstanding_ = values;
  }
  s.seal = seal(s, seal_key_);
  in_flight_ = std::move(values);
  dirty_ = false;
  if (mutated("I1-durable-at-once")) {
    for (const auto& [owner, tokens] : in_flight_->clients) clients_.at(owner).tokens.db = tokens;
    for (const auto& [owner, tokens] : in_flight_->workers) workers_.at(owner).tokens.db = tokens;
  }
  return s;
}

void Ledger::snapshot_durable(std::int32_t seqno) {
  if (!in_flight_ || in_flight_->seqno != seqno) return;
  const auto durable = [](auto& accounts, const auto& values) {
    for (const auto& [owner, tokens] : values) accounts.at(owner).tokens.db = tokens;
  };
  durable(clients_, in_flight_->clients);
  durable(workers_, in_flight_->workers);
  in_flight_.reset();
  check_conservation();
}

void Ledger::snapshot_failed(std::int32_t seqno) {
  if (!in_flight_ || in_flight_->seqno != seqno) return;
  if (in_flight_->commit) {
    // Its message never left, so the chain cannot hold it.
    pending_.erase(seqno);
    outstanding_.reset();
  }
  in_flight_.reset();
  dirty_ = true;
}

std::optional<PendingCommit> Ledger::commit_to_send() const {
  const bool being_written = in_flight_ && outstanding_ && in_flight_->seqno == outstanding_->seqno;
  if (!outstanding_ || (being_written && !mutated("I5-commit-before-disk"))) return std::nullopt;
  return PendingCommit{outstanding_->seqno, pending_.at(outstanding_->seqno)};
}

ton::Cell Ledger::commit_body(const PendingCommit& commit) const {
  return ton::build_body(ton::ProxySaveState{
      .query_id = commit_mark(commit.seqno, commit.hash, config_.wallet), .seqno = commit.seqno, .hash = commit.hash});
}

// The query id of a commit says nothing to a contract: here it tells commits of this machine from those of strangers.
std::uint64_t Ledger::commit_mark(std::int32_t seqno, const Bits256& hash, const ton::Address& wallet) const {
  Bytes text = to_bytes(std::string_view("cocoon commit"));
  append(text, instance_.address().hash.view());
  append(text, wallet.hash.view());
  append(text, as_bytes(std::to_string(seqno)));
  append(text, hash.view());
  const Bits256 mac = crypto::hmac_sha256(seal_key_.view(), text);
  std::uint64_t mark = 0;
  for (std::size_t i = 0; i < sizeof mark; ++i) mark = mark << 8 | mac.data()[i];
  return mark;
}

void Ledger::set_extra(Bytes extra) {
  if (extra == extra_) return;
  extra_ = std::move(extra);
  dirty_ = true;
}

}  // namespace cocoon::ledger
