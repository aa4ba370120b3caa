#include "store/store.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "store/database.hpp"

namespace cocoon::store {

namespace {

using ledger::ClientRecord;
using ledger::CommitProof;
using ledger::PendingCommit;
using ledger::Snapshot;
using ledger::WorkerRecord;

constexpr int kSchemaVersion = 2;
constexpr int kApplicationId = 0x436f636f;  // "Coco"

constexpr const char* kSchema = R"(
  CREATE TABLE instance (
    id INTEGER PRIMARY KEY CHECK (id = 1), proxy BLOB NOT NULL, root BLOB NOT NULL, wallet BLOB NOT NULL,
    params_version INTEGER NOT NULL, clean INTEGER NOT NULL, seqno INTEGER NOT NULL, anchor_lt INTEGER NOT NULL,
    anchor_hash BLOB NOT NULL, extra BLOB NOT NULL, seal BLOB NOT NULL);
  CREATE TABLE proof (
    id INTEGER PRIMARY KEY CHECK (id = 1), seqno INTEGER NOT NULL, lt INTEGER NOT NULL, session BLOB NOT NULL,
    accounts BLOB NOT NULL, rest BLOB NOT NULL);
  CREATE TABLE pending (seqno INTEGER PRIMARY KEY, hash BLOB NOT NULL);
  CREATE TABLE clients (
    owner BLOB PRIMARY KEY, contract BLOB NOT NULL, state INTEGER NOT NULL, balance INTEGER NOT NULL,
    stake INTEGER NOT NULL, tokens_used INTEGER NOT NULL, unlock_ts INTEGER NOT NULL, secret_hash BLOB NOT NULL,
    tokens INTEGER NOT NULL, committed INTEGER NOT NULL, last_request INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE workers (
    owner BLOB PRIMARY KEY, contract BLOB NOT NULL, state INTEGER NOT NULL, paid INTEGER NOT NULL,
    tokens INTEGER NOT NULL, committed INTEGER NOT NULL, last_request INTEGER NOT NULL) WITHOUT ROWID;
)";

// 64 bits are 64 bits: SQLite's integers are signed, amounts are not.
std::int64_t as_signed(std::uint64_t v) { return static_cast<std::int64_t>(v); }
std::uint64_t as_unsigned(std::int64_t v) { return static_cast<std::uint64_t>(v); }

Bytes address_blob(const ton::Address& a) {
  Bytes out{static_cast<std::uint8_t>(a.workchain)};
  append(out, a.hash.view());
  return out;
}

// Reads columns and remembers whether one had the wrong size or range.
struct Row {
  Statement& s;
  bool ok = true;

  Bits256 bits() {
    const Bytes b = s.blob();
    if (b.size() == 32) return Bits256::from(b);
    ok = false;
    return {};
  }
  ton::Address address() {
    const Bytes b = s.blob();
    if (b.size() == 33) return {static_cast<std::int8_t>(b[0]), Bits256::from(BytesView(b).subspan(1))};
    ok = false;
    return {};
  }
  std::uint64_t u64() { return as_unsigned(s.integer()); }
  template <class Int>
  Int small() {
    const auto v = s.integer();
    if (!std::in_range<Int>(v)) ok = false;
    return static_cast<Int>(v);
  }
  ton::ContractState state() {
    const auto v = s.integer();
    if (v < 0 || v > 3) ok = false;
    return static_cast<ton::ContractState>(v & 3);
  }
};

}  // namespace

// Held as long as its file is open: two processes that write one database would be two proxies (I8). SQLite's own
// exclusive lock would keep onlookers out as well.
class WriterLock {
 public:
  WriterLock() = default;
  WriterLock(WriterLock&& o) noexcept : fd_(std::exchange(o.fd_, -1)) {}
  WriterLock& operator=(WriterLock&& o) noexcept {
    std::swap(fd_, o.fd_);
    return *this;
  }
  ~WriterLock() {
    if (fd_ >= 0) ::close(fd_);
  }
  static Result<WriterLock> take(const std::filesystem::path& file) {
    WriterLock lock;
    lock.fd_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock.fd_ < 0) return fail("{}: cannot be made: {}", file.string(), std::strerror(errno));
    if (::flock(lock.fd_, LOCK_EX | LOCK_NB) != 0)
      return fail("the database is open in another process; stop that one first");
    return lock;
  }

 private:
  int fd_ = -1;
};

struct Store::State {
  WriterLock lock;
  Database db;
  std::optional<Snapshot> stored;  // what the rows hold, to write only what differs
  bool loaded = false;
  Statement begin, commit, rollback;
  Statement put_instance, put_proof, put_pending, put_client, put_worker;
  Statement drop_proof, drop_pending, drop_client, drop_worker;

  Result<> prepare();
  Result<> write_rows(const Snapshot&);
  Result<std::optional<Snapshot>> read_rows();
};

Result<> Store::State::prepare() {
  const auto prepare = [&](Statement& s, const char* sql) -> Result<> {
    TRY_ASSIGN(s, db.prepare(sql));
    return {};
  };
  TRY(prepare(begin, "BEGIN IMMEDIATE"));
  TRY(prepare(commit, "COMMIT"));
  TRY(prepare(rollback, "ROLLBACK"));
  TRY(prepare(put_instance, "INSERT OR REPLACE INTO instance VALUES (1,?,?,?,?,?,?,?,?,?,?)"));
  TRY(prepare(put_proof, "INSERT OR REPLACE INTO proof VALUES (1,?,?,?,?,?)"));
  TRY(prepare(put_pending, "INSERT OR REPLACE INTO pending VALUES (?,?)"));
  TRY(prepare(put_client, "INSERT OR REPLACE INTO clients VALUES (?,?,?,?,?,?,?,?,?,?,?)"));
  TRY(prepare(put_worker, "INSERT OR REPLACE INTO workers VALUES (?,?,?,?,?,?,?)"));
  TRY(prepare(drop_proof, "DELETE FROM proof"));
  TRY(prepare(drop_pending, "DELETE FROM pending WHERE seqno = ?"));
  TRY(prepare(drop_client, "DELETE FROM clients WHERE owner = ?"));
  return prepare(drop_worker, "DELETE FROM workers WHERE owner = ?");
}

namespace {

Result<> put(Statement& s, const CommitProof& p) {
  s.bind(std::int64_t{p.seqno}).bind(as_signed(p.lt)).bind(p.session.view());
  return s.bind(p.accounts.view()).bind(p.rest.view()).run();
}

Result<> put(Statement& s, const PendingCommit& p) { return s.bind(p.seqno).bind(p.hash.view()).run(); }

Result<> put(Statement& s, const ClientRecord& c) {
  s.bind(address_blob(c.owner)).bind(address_blob(c.contract)).bind(static_cast<std::int64_t>(c.chain.state));
  s.bind(as_signed(c.chain.balance)).bind(as_signed(c.chain.stake)).bind(as_signed(c.chain.tokens_used));
  s.bind(std::int64_t{c.chain.unlock_ts}).bind(c.chain.secret_hash.view());
  return s.bind(as_signed(c.tokens)).bind(as_signed(c.committed)).bind(c.last_request).run();
}

Result<> put(Statement& s, const WorkerRecord& w) {
  s.bind(address_blob(w.owner)).bind(address_blob(w.contract)).bind(static_cast<std::int64_t>(w.state));
  s.bind(as_signed(w.paid)).bind(as_signed(w.tokens)).bind(as_signed(w.committed));
  return s.bind(w.last_request).run();
}

Result<> drop(Statement& s, const PendingCommit& p) { return s.bind(p.seqno).run(); }
template <class Record>
Result<> drop(Statement& s, const Record& r) {
  return s.bind(address_blob(r.owner)).run();
}

const auto& name_of(const PendingCommit& p) { return p.seqno; }
template <class Record>
const auto& name_of(const Record& r) {
  return r.owner;
}

// Both lists are in the order of their names.
template <class Record>
Result<> write_difference(const std::vector<Record>& before, const std::vector<Record>& after, Statement& put_one,
                          Statement& drop_one) {
  auto old = before.begin();
  for (const auto& record : after) {
    for (; old != before.end() && name_of(*old) < name_of(record); ++old) TRY(drop(drop_one, *old));
    const bool same = old != before.end() && *old == record;
    if (old != before.end() && name_of(*old) == name_of(record)) ++old;
    if (!same) TRY(put(put_one, record));
  }
  for (; old != before.end(); ++old) TRY(drop(drop_one, *old));
  return {};
}

}  // namespace

Result<> Store::State::write_rows(const Snapshot& s) {
  static const Snapshot nothing;
  const Snapshot& before = stored ? *stored : nothing;
  put_instance.bind(address_blob(s.proxy)).bind(address_blob(s.root)).bind(address_blob(s.wallet));
  put_instance.bind(std::int64_t{s.params_version}).bind(std::int64_t{s.clean}).bind(std::int64_t{s.seqno});
  put_instance.bind(as_signed(s.anchor.lt)).bind(s.anchor.hash.view());
  TRY(put_instance.bind(s.extra).bind(s.seal.view()).run());
  if (s.proof != before.proof) {
    TRY(drop_proof.run());
    if (s.proof) TRY(put(put_proof, *s.proof));
  }
  TRY(write_difference(before.pending, s.pending, put_pending, drop_pending));
  TRY(write_difference(before.clients, s.clients, put_client, drop_client));
  return write_difference(before.workers, s.workers, put_worker, drop_worker);
}

Result<std::optional<Snapshot>> Store::State::read_rows() {
  TRY_ASSIGN(auto instance, db.prepare("SELECT proxy, root, wallet, params_version, clean, seqno, anchor_lt,"
                                       " anchor_hash, extra, seal FROM instance"));
  TRY_ASSIGN(const bool any, instance.next());
  if (!any) return std::nullopt;
  Snapshot s;
  Row i{instance};
  s.proxy = i.address();
  s.root = i.address();
  s.wallet = i.address();
  s.params_version = i.small<std::uint32_t>();
  const auto clean = i.small<std::uint8_t>();
  s.clean = clean == 1;
  s.seqno = i.small<std::int32_t>();
  s.anchor.lt = i.u64();
  s.anchor.hash = i.bits();
  s.extra = instance.blob();
  s.seal = i.bits();
  bool ok = i.ok && clean <= 1;

  const auto each = [&](const char* sql, auto take) -> Result<> {
    TRY_ASSIGN(auto rows, db.prepare(sql));
    for (;;) {
      TRY_ASSIGN(const bool more, rows.next());
      if (!more) return {};
      Row row{rows};
      take(row);
      ok = ok && row.ok;
    }
  };
  TRY(each("SELECT seqno, lt, session, accounts, rest FROM proof", [&](Row& r) {
    CommitProof p;
    p.seqno = r.small<std::int32_t>();
    p.lt = r.u64();
    p.session = r.bits();
    p.accounts = r.bits();
    p.rest = r.bits();
    s.proof = p;
  }));
  TRY(each("SELECT seqno, hash FROM pending ORDER BY seqno", [&](Row& r) {
    const auto seqno = r.small<std::int32_t>();
    s.pending.push_back({seqno, r.bits()});
  }));
  TRY(
      each("SELECT owner, contract, state, balance, stake, tokens_used, unlock_ts, secret_hash, tokens, committed,"
           " last_request"
           " FROM clients",
           [&](Row& r) {
             ClientRecord c;
             c.owner = r.address();
             c.contract = r.address();
             c.chain.state = r.state();
             c.chain.balance = r.u64();
             c.chain.stake = r.u64();
             c.chain.tokens_used = r.u64();
             c.chain.unlock_ts = r.small<std::uint32_t>();
             c.chain.secret_hash = r.bits();
             c.tokens = r.u64();
             c.committed = r.u64();
             c.last_request = r.s.integer();
             s.clients.push_back(c);
           }));
  TRY(each("SELECT owner, contract, state, paid, tokens, committed, last_request FROM workers", [&](Row& r) {
    WorkerRecord w;
    w.owner = r.address();
    w.contract = r.address();
    w.state = r.state();
    w.paid = r.u64();
    w.tokens = r.u64();
    w.committed = r.u64();
    w.last_request = r.s.integer();
    s.workers.push_back(w);
  }));
  if (!ok) return fail("the database holds a record of a wrong size");
  // In the order of addresses, which is not that of their bytes (the workchain is signed).
  std::ranges::sort(s.clients, {}, &ClientRecord::owner);
  std::ranges::sort(s.workers, {}, &WorkerRecord::owner);
  return s;
}

namespace {

Result<std::int64_t> read_number(Database& db, const char* sql) {
  TRY_ASSIGN(auto s, db.prepare(sql));
  TRY_ASSIGN(const bool row, s.next());
  if (!row) return fail("the database does not answer '{}'", sql);
  return s.integer();
}

Result<> make_schema(Database& db) {
  TRY(db.execute("BEGIN IMMEDIATE"));
  TRY(db.execute(kSchema));
  TRY(db.execute(
      fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {};", kApplicationId, kSchemaVersion).c_str()));
  return db.execute("COMMIT");
}

Result<> set_up(Database& db) {
  TRY(db.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"));
  TRY_ASSIGN(const auto version, read_number(db, "PRAGMA user_version"));
  TRY_ASSIGN(const auto application, read_number(db, "PRAGMA application_id"));
  if (version == 0 && application == 0) {
    TRY_ASSIGN(const auto tables, read_number(db, "SELECT count(*) FROM sqlite_master"));
    if (tables != 0) return fail("the file is a database of another program");
    return make_schema(db);
  }
  if (application != kApplicationId) return fail("the file is a database of another program");
  if (version != kSchemaVersion)
    return fail("the database has format {}, this program knows {}: it was made by {} version", version, kSchemaVersion,
                version > kSchemaVersion ? "a newer" : "an older");
  return {};
}

}  // namespace

Store::Store(std::unique_ptr<State> state) : state_(std::move(state)) {}
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;
Store::~Store() = default;

Result<Store> Store::open(const std::filesystem::path& file) {
  const auto named = [&](Error e) { return std::unexpected(std::move(e).within(file.string())); };
  auto state = std::make_unique<State>();
  TRY_ASSIGN(state->db, Database::open(file));
  auto lock = WriterLock::take(file.string() + ".lock");
  if (!lock) return named(lock.error());
  state->lock = *std::move(lock);
  if (auto done = set_up(state->db); !done) return named(done.error());
  if (auto done = state->prepare(); !done) return named(done.error());
  return Store(std::move(state));
}

Result<std::optional<ledger::Snapshot>> Store::look(const std::filesystem::path& file) {
  State state;
  const auto read = [&]() -> Result<std::optional<ledger::Snapshot>> {
    TRY_ASSIGN(state.db, Database::open_to_read(file));
    TRY_ASSIGN(const auto version, read_number(state.db, "PRAGMA user_version"));
    TRY_ASSIGN(const auto application, read_number(state.db, "PRAGMA application_id"));
    if (application != kApplicationId) return fail("the file is a database of another program");
    if (version != kSchemaVersion)
      return fail("the database has format {}, this program knows {}", version, kSchemaVersion);
    TRY(state.db.execute("BEGIN"));  // all rows of one moment
    return state.read_rows();
  };
  auto found = read();
  if (!found) return std::unexpected(std::move(found).error().within(file.string()));
  return found;
}

Result<std::optional<ledger::Snapshot>> Store::load() {
  TRY_ASSIGN(state_->stored, state_->read_rows());
  state_->loaded = true;
  return state_->stored;
}

Result<> Store::write(const ledger::Snapshot& snapshot) {
  if (!state_->loaded) TRY(load());
  TRY(state_->begin.run());
  auto done = state_->write_rows(snapshot);
  if (done) done = state_->commit.run();
  if (!done) {
    // Some errors have rolled back already; then there is nothing to undo and this one says so.
    (void)state_->rollback.run();
    return done;
  }
  state_->stored = snapshot;
  return {};
}

Result<Bytes> Store::load_bytes() {
  TRY_ASSIGN(const auto snapshot, load());
  return snapshot ? ledger::encode(*snapshot) : Bytes();
}

Result<> Store::write_bytes(BytesView bytes) {
  TRY_ASSIGN(const auto snapshot, ledger::decode(bytes));
  return write(snapshot);
}

}  // namespace cocoon::store
