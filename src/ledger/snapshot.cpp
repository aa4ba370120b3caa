#include "ledger/snapshot.hpp"

namespace cocoon::ledger {

namespace {

constexpr std::uint32_t kFormat = 2;
constexpr std::size_t kMaxPending = 1u << 16;
constexpr std::size_t kMaxAccounts = 1u << 22;
constexpr std::size_t kMaxExtra = 8u << 20;

// Numbers big-endian, lists and strings behind their length.
class Writer {
 public:
  void number(std::uint64_t v, unsigned bytes) {
    for (unsigned i = bytes; i-- > 0;) out.push_back(static_cast<std::uint8_t>(v >> (8 * i) & 0xff));
  }
  void u32(std::uint32_t v) { number(v, 4); }
  void u64(std::uint64_t v) { number(v, 8); }
  void i32(std::int32_t v) { u32(static_cast<std::uint32_t>(v)); }
  void i64(std::int64_t v) { u64(static_cast<std::uint64_t>(v)); }
  void bits(const Bits256& v) { append(out, v.view()); }
  void address(const ton::Address& a) {
    number(static_cast<std::uint8_t>(a.workchain), 1);
    bits(a.hash);
  }
  Bytes out;
};

class Reader {
 public:
  explicit Reader(BytesView in) : in_(in) {}
  std::uint64_t number(unsigned bytes) {
    if (!has(bytes)) return 0;
    std::uint64_t out = 0;
    for (unsigned i = 0; i < bytes; ++i) out = out << 8 | in_[at_++];
    return out;
  }
  std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
  std::uint64_t u64() { return number(8); }
  std::int32_t i32() { return static_cast<std::int32_t>(u32()); }
  std::int64_t i64() { return static_cast<std::int64_t>(u64()); }
  Bits256 bits() {
    if (!has(32)) return {};
    at_ += 32;
    return Bits256::from(in_.subspan(at_ - 32));
  }
  ton::Address address() {
    const auto workchain = static_cast<std::int8_t>(number(1));
    return {workchain, bits()};
  }
  ton::ContractState state() {
    const auto v = number(1);
    if (v > 3) ok = false;
    return static_cast<ton::ContractState>(v & 3);
  }
  bool flag() {
    const auto v = number(1);
    if (v > 1) ok = false;
    return v == 1;
  }
  Bytes bytes(std::size_t n) {
    if (!has(n)) return {};
    at_ += n;
    return to_bytes(in_.subspan(at_ - n, n));
  }
  // A count that can be real: each item takes at least `item` bytes.
  std::size_t count(std::size_t limit, std::size_t item) {
    const auto n = u64();
    if (!ok || n > limit || n > (in_.size() - at_) / item) {
      ok = false;
      return 0;
    }
    return static_cast<std::size_t>(n);
  }
  bool at_end() const { return at_ == in_.size(); }
  bool ok = true;

 private:
  bool has(std::size_t n) {
    if (!ok || in_.size() - at_ < n) ok = false;
    return ok;
  }
  BytesView in_;
  std::size_t at_ = 0;
};

void put(Writer& w, const ClientRecord& c) {
  w.address(c.owner);
  w.address(c.contract);
  w.number(static_cast<std::uint8_t>(c.chain.state), 1);
  w.u64(c.chain.balance);
  w.u64(c.chain.stake);
  w.u64(c.chain.tokens_used);
  w.u32(c.chain.unlock_ts);
  w.bits(c.chain.secret_hash);
  w.u64(c.tokens);
  w.u64(c.committed);
  w.i64(c.last_request);
}

ClientRecord get_client(Reader& r) {
  ClientRecord c;
  c.owner = r.address();
  c.contract = r.address();
  c.chain.state = r.state();
  c.chain.balance = r.u64();
  c.chain.stake = r.u64();
  c.chain.tokens_used = r.u64();
  c.chain.unlock_ts = r.u32();
  c.chain.secret_hash = r.bits();
  c.tokens = r.u64();
  c.committed = r.u64();
  c.last_request = r.i64();
  return c;
}

void put(Writer& w, const WorkerRecord& v) {
  w.address(v.owner);
  w.address(v.contract);
  w.number(static_cast<std::uint8_t>(v.state), 1);
  w.u64(v.paid);
  w.u64(v.tokens);
  w.u64(v.committed);
  w.i64(v.last_request);
}

WorkerRecord get_worker(Reader& r) {
  WorkerRecord v;
  v.owner = r.address();
  v.contract = r.address();
  v.state = r.state();
  v.paid = r.u64();
  v.tokens = r.u64();
  v.committed = r.u64();
  v.last_request = r.i64();
  return v;
}

void put(Writer& w, const CommitProof& p) {
  w.i32(p.seqno);
  w.u64(p.lt);
  w.bits(p.session);
  w.bits(p.accounts);
  w.bits(p.rest);
}

CommitProof get_proof(Reader& r) {
  CommitProof p;
  p.seqno = r.i32();
  p.lt = r.u64();
  p.session = r.bits();
  p.accounts = r.bits();
  p.rest = r.bits();
  return p;
}

// Of each account that has any: whose, where, how many.
template <class Tokens>
Bits256 accounts_root(const Snapshot& s, Tokens tokens) {
  Writer w;
  const auto put_one = [&](std::uint8_t kind, const auto& record) {
    if (tokens(record) == 0) return;
    w.number(kind, 1);
    w.address(record.owner);
    w.address(record.contract);
    w.u64(tokens(record));
  };
  for (const auto& c : s.clients) put_one('c', c);
  for (const auto& v : s.workers) put_one('w', v);
  return crypto::sha256(w.out);
}

Bytes canonical(const Snapshot& s) {
  Writer w;
  w.u32(kFormat);
  w.address(s.proxy);
  w.address(s.root);
  w.address(s.wallet);
  w.u32(s.params_version);
  w.number(s.clean ? 1 : 0, 1);
  w.i32(s.seqno);
  w.u64(s.anchor.lt);
  w.bits(s.anchor.hash);
  w.number(s.proof ? 1 : 0, 1);
  if (s.proof) put(w, *s.proof);
  w.u64(s.pending.size());
  for (const auto& p : s.pending) {
    w.i32(p.seqno);
    w.bits(p.hash);
  }
  w.u64(s.clients.size());
  for (const auto& c : s.clients) put(w, c);
  w.u64(s.workers.size());
  for (const auto& v : s.workers) put(w, v);
  w.u64(s.extra.size());
  append(w.out, s.extra);
  return std::move(w.out);
}

// Strictly rising, so that every account is there once and one content has one encoding.
template <class List, class Key>
bool ordered(const List& list, Key key) {
  for (std::size_t i = 1; i < list.size(); ++i)
    if (!(list[i - 1].*key < list[i].*key)) return false;
  return true;
}

}  // namespace

Bits256 seal(const Snapshot& s, const Bits256& key) { return crypto::hmac_sha256(key.view(), canonical(s)); }

CommitProof commit_parts(const Snapshot& s, const Bits256& session) {
  return {.seqno = s.seqno,
          .lt = 0,
          .session = session,
          .accounts = accounts_root(s, [](const auto& record) { return record.tokens; }),
          .rest = crypto::sha256(canonical(s))};
}

Bits256 commit_hash(const CommitProof& p) {
  Bytes root = to_bytes(p.accounts.view());
  append(root, p.rest.view());
  Bytes both = to_bytes(p.session.view());
  append(both, crypto::sha256(root).view());
  return crypto::sha256(both);
}

Bits256 committed_root(const Snapshot& s) {
  return accounts_root(s, [](const auto& record) { return record.committed; });
}

Result<> verify_proof(const Snapshot& s, const Bits256& hash_on_chain) {
  if (!s.proof) return fail("no commit of this proxy contract was seen on chain yet");
  if (committed_root(s) != s.proof->accounts)
    return fail("the committed tokens of the accounts are not those of commit {}", s.proof->seqno);
  if (commit_hash(*s.proof) != hash_on_chain)
    return fail("commit {} on chain holds another hash than these accounts lead to", s.proof->seqno);
  return {};
}

Bytes encode(const Snapshot& s) {
  Bytes out = canonical(s);
  append(out, s.seal.view());
  return out;
}

Result<Snapshot> decode(BytesView in) {
  Reader r(in);
  Snapshot s;
  if (r.u32() != kFormat || !r.ok) return fail("not a snapshot of a ledger, or one of another format");
  s.proxy = r.address();
  s.root = r.address();
  s.wallet = r.address();
  s.params_version = r.u32();
  s.clean = r.flag();
  s.seqno = r.i32();
  s.anchor.lt = r.u64();
  s.anchor.hash = r.bits();
  if (r.flag()) s.proof = get_proof(r);
  for (std::size_t n = r.count(kMaxPending, 36); n > 0 && r.ok; --n) {
    const auto seqno = r.i32();
    s.pending.push_back({seqno, r.bits()});
  }
  for (std::size_t n = r.count(kMaxAccounts, 158); n > 0 && r.ok; --n) s.clients.push_back(get_client(r));
  for (std::size_t n = r.count(kMaxAccounts, 99); n > 0 && r.ok; --n) s.workers.push_back(get_worker(r));
  s.extra = r.bytes(r.count(kMaxExtra, 1));
  s.seal = r.bits();
  if (!r.ok || !r.at_end()) return fail("a snapshot of a ledger that is cut or too long");
  if (!ordered(s.pending, &PendingCommit::seqno) || !ordered(s.clients, &ClientRecord::owner) ||
      !ordered(s.workers, &WorkerRecord::owner))
    return fail("a snapshot of a ledger with records out of order");
  return s;
}

}  // namespace cocoon::ledger
