#include "devnet/chain_store.hpp"

#include <sqlite3.h>

#include "ton/boc.hpp"

namespace cocoon::devnet {
namespace {

constexpr int kSchemaVersion = 1;
constexpr std::int32_t kPruneEvery = 256;  // blocks
constexpr const char* kSchema = R"(
CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE blocks (seqno INTEGER PRIMARY KEY, utime INTEGER, start_lt INTEGER, end_lt INTEGER, random_seed BLOB,
  shard_root BLOB, shard_file BLOB, master_root BLOB, master_file BLOB, master_state BLOB, shard_boc BLOB, master_boc BLOB);
CREATE TABLE accounts (id BLOB PRIMARY KEY, state BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE transactions (number INTEGER PRIMARY KEY, account BLOB, lt INTEGER, hash BLOB, prev_lt INTEGER,
  prev_hash BLOB, seqno INTEGER, block_root BLOB, block_file BLOB, boc BLOB);
CREATE INDEX transactions_by_account ON transactions (account, lt);
CREATE TABLE waiting (lt INTEGER, hash BLOB, destination BLOB, boc BLOB, PRIMARY KEY (lt, hash)) WITHOUT ROWID;
)";

// A prepared statement. Binding and stepping remember the first failure, which run() tells.
class Statement {
 public:
  Statement(sqlite3* db, const char* sql) : db_(db) {
    bad_ = sqlite3_prepare_v2(db, sql, -1, &statement_, nullptr) != SQLITE_OK;
  }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& integer(std::int64_t value) {
    bad_ = bad_ || sqlite3_bind_int64(statement_, ++bound_, value) != SQLITE_OK;
    return *this;
  }
  Statement& number(std::uint64_t value) { return integer(static_cast<std::int64_t>(value)); }
  Statement& bytes(BytesView value) {
    // SQLite takes a null pointer for NULL, also with size 0.
    const void* data = value.empty() ? static_cast<const void*>("") : value.data();
    bad_ = bad_ || sqlite3_bind_blob64(statement_, ++bound_, data, value.size(), SQLITE_TRANSIENT) != SQLITE_OK;
    return *this;
  }
  Statement& text(std::string_view value) {
    bad_ = bad_ || sqlite3_bind_text64(statement_, ++bound_, value.data(), value.size(), SQLITE_TRANSIENT,
                                       SQLITE_UTF8) != SQLITE_OK;
    return *this;
  }
  // For statements that give no rows. Afterwards it can be bound anew.
  Result<> run() {
    if (!bad_) bad_ = sqlite3_step(statement_) != SQLITE_DONE;
    if (bad_) return fail("devnet state file: {}", sqlite3_errmsg(db_));
    sqlite3_reset(statement_);
    bound_ = 0;
    return {};
  }
  // The next row; false at the end.
  Result<bool> row() {
    const int got = bad_ ? SQLITE_ERROR : sqlite3_step(statement_);
    if (got != SQLITE_ROW && got != SQLITE_DONE) return fail("devnet state file: {}", sqlite3_errmsg(db_));
    column_ = 0;
    return got == SQLITE_ROW;
  }
  std::int64_t next_integer() { return sqlite3_column_int64(statement_, column_++); }
  std::uint64_t next_number() { return static_cast<std::uint64_t>(next_integer()); }
  Bytes next_bytes() {
    const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_, column_));
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column_));
    column_++;
    return data ? Bytes(data, data + size) : Bytes();
  }
  Bits256 next_hash() {
    const auto bytes = next_bytes();
    return bytes.size() == 32 ? Bits256::from(bytes) : Bits256();
  }

 private:
  sqlite3* db_;
  sqlite3_stmt* statement_ = nullptr;
  bool bad_ = false;
  int bound_ = 0, column_ = 0;
};

}  // namespace

struct ChainStore::Impl {
  sqlite3* db = nullptr;
  bool waiting_on_disk = false;

  Impl() = default;
  ~Impl() { sqlite3_close(db); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Result<> execute(const char* sql) {
    if (sqlite3_exec(db, sql, nullptr, nullptr, nullptr) != SQLITE_OK)
      return fail("devnet state file: {}", sqlite3_errmsg(db));
    return {};
  }
  // All of `work` or nothing.
  template <class Work>
  Result<> atomically(const Work& work) {
    TRY(execute("BEGIN IMMEDIATE"));
    auto done = work();
    if (done) done = execute("COMMIT");
    if (!done && sqlite3_get_autocommit(db) == 0) (void)execute("ROLLBACK");
    return done;
  }

  Result<> put_meta(std::string_view key, BytesView value) {
    return Statement(db, "INSERT OR REPLACE INTO meta VALUES (?, ?)").text(key).bytes(value).run();
  }
  Result<Bytes> meta(std::string_view key) {
    Statement s(db, "SELECT value FROM meta WHERE key = ?");
    TRY_ASSIGN(const auto found, s.text(key).row());
    if (!found) return fail("devnet state file: no entry '{}'", key);
    return s.next_bytes();
  }

  Result<> write(const BlockDelta& delta);
  Result<> write_waiting(const BlockDelta& delta);
  Result<> load_blocks(ChainImage& image, const ChainSettings& settings);
  Result<> load_accounts(ChainImage& image);
  Result<> load_transactions(ChainImage& image, const ChainSettings& settings);
  Result<> load_waiting(ChainImage& image);
};

ChainStore::ChainStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ChainStore::~ChainStore() = default;
ChainStore::ChainStore(ChainStore&&) noexcept = default;
ChainStore& ChainStore::operator=(ChainStore&&) noexcept = default;

Result<ChainStore> ChainStore::open(const std::string& path) {
  auto impl = std::make_unique<Impl>();
  if (sqlite3_open_v2(path.c_str(), &impl->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                      nullptr) != SQLITE_OK)
    return fail("cannot open the devnet's state file {}: {}", path, sqlite3_errmsg(impl->db));
  auto ready = impl->execute("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
  if (!ready)
    return fail("cannot use the devnet's state file {}: {} (is another devnet running on it?)", path,
                ready.error().what);
  int version = 0;
  {
    Statement s(impl->db, "PRAGMA user_version");
    TRY_ASSIGN(const auto found, s.row());
    if (found) version = static_cast<int>(s.next_integer());
  }
  if (version == 0) {
    TRY(impl->atomically([&]() -> Result<> {
      TRY(impl->execute(kSchema));
      return impl->execute(fmt::format("PRAGMA user_version = {}", kSchemaVersion).c_str());
    }));
  } else if (version != kSchemaVersion) {
    return fail("the devnet's state file {} has version {}, this program writes {}: remove it to start a new chain",
                path, version, kSchemaVersion);
  }
  return ChainStore(std::move(impl));
}

// --- writing

Result<> ChainStore::begin(const Chain& chain, const BlockDelta& first) {
  return impl_->atomically([&]() -> Result<> {
    const auto global_id = ton::CellBuilder().store_int(first.block.step.global_id, 32).must_finish();
    TRY(impl_->put_meta("global_id", global_id.bytes()));
    TRY(impl_->put_meta("config", ton::write_boc(chain.config())));
    TRY(impl_->put_meta("zero_state_root", chain.zero_state().root_hash.view()));
    TRY(impl_->put_meta("zero_state_file", chain.zero_state().file_hash.view()));
    return impl_->write(first);
  });
}

Result<> ChainStore::append(const BlockDelta& delta, const ChainSettings& settings) {
  return impl_->atomically([&]() -> Result<> {
    TRY(impl_->write(delta));
    const auto seqno = delta.block.step.seqno;
    if (seqno % kPruneEvery != 0) return {};
    const auto keep = static_cast<std::int64_t>(settings.recent_blocks);
    return Statement(impl_->db, "DELETE FROM blocks WHERE seqno <= ?").integer(seqno - keep).run();
  });
}

Result<> ChainStore::Impl::write(const BlockDelta& delta) {
  const auto& b = delta.block;
  TRY(Statement(db, "INSERT INTO blocks VALUES (?,?,?,?,?,?,?,?,?,?,?,?)")
          .integer(b.step.seqno)
          .integer(b.step.utime)
          .number(b.step.start_lt)
          .number(b.step.end_lt)
          .bytes(b.step.random_seed)
          .bytes(b.shard.root_hash)
          .bytes(b.shard.file_hash)
          .bytes(b.masterchain.root_hash)
          .bytes(b.masterchain.file_hash)
          .bytes(b.masterchain_state)
          .bytes(b.shard_boc)
          .bytes(b.masterchain_boc)
          .run());
  for (const auto& [id, state] : delta.accounts) {
    if (state) {
      TRY(Statement(db, "INSERT OR REPLACE INTO accounts VALUES (?,?)").bytes(id).bytes(ton::write_boc(*state)).run());
    } else {
      TRY(Statement(db, "DELETE FROM accounts WHERE id = ?").bytes(id).run());
    }
  }
  for (const auto& t : delta.transactions) {
    TRY(Statement(db, "INSERT INTO transactions VALUES (NULL,?,?,?,?,?,?,?,?,?)")
            .bytes(t.account)
            .number(t.lt)
            .bytes(t.hash)
            .number(t.prev_lt)
            .bytes(t.prev_hash)
            .integer(t.block.seqno)
            .bytes(t.block.root_hash)
            .bytes(t.block.file_hash)
            .bytes(t.boc)
            .run());
  }
  return write_waiting(delta);
}

Result<> ChainStore::Impl::write_waiting(const BlockDelta& delta) {
  if (delta.waiting.empty() && !waiting_on_disk) return {};
  TRY(Statement(db, "DELETE FROM waiting").run());
  for (const auto& m : delta.waiting)
    TRY(Statement(db, "INSERT INTO waiting VALUES (?,?,?,?)")
            .number(m.lt)
            .bytes(m.hash)
            .bytes(m.destination)
            .bytes(ton::write_boc(m.message))
            .run());
  waiting_on_disk = !delta.waiting.empty();
  return {};
}

// --- reading

Result<std::optional<ChainImage>> ChainStore::load(const ChainSettings& settings) {
  {
    Statement s(impl_->db, "SELECT 1 FROM blocks LIMIT 1");
    TRY_ASSIGN(const auto any, s.row());
    if (!any) return std::nullopt;
  }
  ChainImage image;
  TRY_ASSIGN(const auto global_id, impl_->meta("global_id"));
  for (auto byte : global_id)
    image.global_id = static_cast<std::int32_t>(static_cast<std::uint32_t>(image.global_id) << 8 | byte);
  TRY_ASSIGN(const auto config, impl_->meta("config"));
  TRY_ASSIGN(image.config, ton::read_boc(config));
  TRY_ASSIGN(const auto root, impl_->meta("zero_state_root"));
  TRY_ASSIGN(const auto file, impl_->meta("zero_state_file"));
  if (root.size() != 32 || file.size() != 32) return fail("devnet state file: no zero state");
  image.zero_state = {lite::kMasterchain, Bits256::from(root), Bits256::from(file)};
  TRY(impl_->load_blocks(image, settings));
  TRY(impl_->load_accounts(image));
  TRY(impl_->load_transactions(image, settings));
  TRY(impl_->load_waiting(image));
  return image;
}

Result<> ChainStore::Impl::load_blocks(ChainImage& image, const ChainSettings& settings) {
  Statement s(db, "SELECT * FROM (SELECT * FROM blocks ORDER BY seqno DESC LIMIT ?) ORDER BY seqno");
  s.number(std::max<std::size_t>(settings.recent_blocks, 2));
  while (true) {
    TRY_ASSIGN(const auto more, s.row());
    if (!more) return {};
    BlockRecord b;
    b.step.global_id = image.global_id;
    b.step.seqno = static_cast<std::int32_t>(s.next_integer());
    b.step.utime = static_cast<std::uint32_t>(s.next_integer());
    b.step.start_lt = s.next_number();
    b.step.end_lt = s.next_number();
    b.step.random_seed = s.next_hash();
    b.shard = {0, lite::kWholeShard, b.step.seqno, s.next_hash(), s.next_hash()};
    b.masterchain = {lite::kMasterchain, lite::kWholeShard, b.step.seqno, s.next_hash(), s.next_hash()};
    b.masterchain_state = s.next_hash();
    b.shard_boc = s.next_bytes();
    b.masterchain_boc = s.next_bytes();
    if (!image.blocks.empty() && image.blocks.back().step.seqno + 1 != b.step.seqno)
      return fail("devnet state file: block {} is missing", image.blocks.back().step.seqno + 1);
    image.blocks.push_back(std::move(b));
  }
}

Result<> ChainStore::Impl::load_accounts(ChainImage& image) {
  Statement s(db, "SELECT id, state FROM accounts");
  while (true) {
    TRY_ASSIGN(const auto more, s.row());
    if (!more) return {};
    const auto id = s.next_hash();
    TRY_ASSIGN(const auto state, ton::read_boc(s.next_bytes()));
    image.accounts.emplace(id, state);
  }
}

Result<> ChainStore::Impl::load_transactions(ChainImage& image, const ChainSettings& settings) {
  Statement s(db,
              "SELECT account, lt, hash, prev_lt, prev_hash, seqno, block_root, block_file, boc FROM "
              "(SELECT *, row_number() OVER (PARTITION BY account ORDER BY number DESC) AS age FROM transactions) "
              "WHERE age <= ? ORDER BY number");
  s.number(settings.account_history);
  while (true) {
    TRY_ASSIGN(const auto more, s.row());
    if (!more) return {};
    TransactionRecord t;
    t.account = s.next_hash();
    t.lt = s.next_number();
    t.hash = s.next_hash();
    t.prev_lt = s.next_number();
    t.prev_hash = s.next_hash();
    const auto seqno = static_cast<std::int32_t>(s.next_integer());
    t.block = {0, lite::kWholeShard, seqno, s.next_hash(), s.next_hash()};
    t.boc = s.next_bytes();
    image.transactions.push_back(std::move(t));
  }
}

Result<> ChainStore::Impl::load_waiting(ChainImage& image) {
  Statement s(db, "SELECT lt, hash, destination, boc FROM waiting");
  while (true) {
    TRY_ASSIGN(const auto more, s.row());
    if (!more) break;
    WaitingMessage m;
    m.lt = s.next_number();
    m.hash = s.next_hash();
    m.destination = s.next_hash();
    TRY_ASSIGN(m.message, ton::read_boc(s.next_bytes()));
    image.waiting.push_back(std::move(m));
  }
  waiting_on_disk = !image.waiting.empty();
  return {};
}

}  // namespace cocoon::devnet
