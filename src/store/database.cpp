#include "store/database.hpp"

#include <sqlite3.h>

namespace cocoon::store {

namespace {

// Readers and the one writer of a database in WAL mode wait for each other during a recovery only.
constexpr int kPatienceMs = 2000;

std::unexpected<Error> error_of(sqlite3* db, int code) {
  if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
    return fail(code, "the database is open in another process; stop that one first");
  if (code == SQLITE_NOTADB) return fail(code, "the file is not a database");
  if (code == SQLITE_READONLY || code == SQLITE_CANTOPEN)
    return fail(code, "the database cannot be written: the file or its folder is read-only");
  if (code == SQLITE_CORRUPT) return fail(code, "the database file is damaged");
  if (code == SQLITE_FULL) return fail(code, "the disk is full");
  return fail(code, "database: {}", db ? sqlite3_errmsg(db) : sqlite3_errstr(code));
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* s) const { sqlite3_finalize(s); }
void Database::Close::operator()(sqlite3* db) const { sqlite3_close_v2(db); }

Statement& Statement::bind(std::int64_t v) {
  if (bind_error_ == 0) bind_error_ = sqlite3_bind_int64(stmt_.get(), ++parameter_, v);
  return *this;
}

Statement& Statement::bind(BytesView v) {
  // An empty view may point nowhere, which SQLite would take for NULL.
  const void* data = v.empty() ? static_cast<const void*>("") : v.data();
  if (bind_error_ == 0) bind_error_ = sqlite3_bind_blob64(stmt_.get(), ++parameter_, data, v.size(), SQLITE_TRANSIENT);
  return *this;
}

void Statement::reset() {
  sqlite3_reset(stmt_.get());
  sqlite3_clear_bindings(stmt_.get());
  parameter_ = column_ = bind_error_ = 0;
}

Result<bool> Statement::next() {
  column_ = 0;
  const int code = bind_error_ != 0 ? bind_error_ : sqlite3_step(stmt_.get());
  if (code == SQLITE_ROW) return true;
  Result<bool> out = false;
  if (code != SQLITE_DONE) out = error_of(db_, code);
  reset();
  return out;
}

Result<> Statement::run() {
  for (;;) {
    TRY_ASSIGN(const bool row, next());
    if (!row) return {};
  }
}

std::int64_t Statement::integer() { return sqlite3_column_int64(stmt_.get(), column_++); }

Bytes Statement::blob() {
  const int column = column_++;
  const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(stmt_.get(), column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(stmt_.get(), column));
  return data ? Bytes(data, data + size) : Bytes();
}

Result<Database> Database::open(const std::filesystem::path& file) {
  return open(file, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
}

Result<Database> Database::open_to_read(const std::filesystem::path& file) { return open(file, SQLITE_OPEN_READONLY); }

Result<Database> Database::open(const std::filesystem::path& file, int flags) {
  Database out;
  sqlite3* db = nullptr;
  const int code = sqlite3_open_v2(file.c_str(), &db, flags, nullptr);
  out.db_.reset(db);
  if (code != SQLITE_OK)
    return fail(code, "cannot open the database {}: {}", file.string(), db ? sqlite3_errmsg(db) : "no memory");
  sqlite3_extended_result_codes(db, 0);
  sqlite3_busy_timeout(db, kPatienceMs);
  return out;
}

Result<> Database::execute(const char* sql) {
  const int code = sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return error_of(db_.get(), code);
  return {};
}

Result<Statement> Database::prepare(const char* sql) {
  Statement out;
  sqlite3_stmt* stmt = nullptr;
  const int code = sqlite3_prepare_v2(db_.get(), sql, -1, &stmt, nullptr);
  if (code != SQLITE_OK) return error_of(db_.get(), code);
  out.stmt_.reset(stmt);
  out.db_ = db_.get();
  return out;
}

}  // namespace cocoon::store
