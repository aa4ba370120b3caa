#include "store/records.hpp"

#include <sys/stat.h>

#include "store/database.hpp"

namespace cocoon::store {
namespace {

constexpr const char* kSetUp = R"sql(
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS record (key BLOB PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
)sql";

}  // namespace

struct Records::State {
  Database db;
  Statement all, put, remove;
};

Records::Records(std::unique_ptr<State> state) : state_(std::move(state)) {}
Records::Records(Records&&) noexcept = default;
Records& Records::operator=(Records&&) noexcept = default;
Records::~Records() = default;

Result<Records> Records::open(const std::filesystem::path& file) {
  auto state = std::make_unique<State>();
  TRY_ASSIGN(state->db, Database::open(file));
  ::chmod(file.c_str(), S_IRUSR | S_IWUSR);
  if (auto made = state->db.execute(kSetUp); !made)
    return std::unexpected(std::move(made).error().within(file.string()));
  TRY_ASSIGN(state->all, state->db.prepare("SELECT value FROM record ORDER BY key"));
  TRY_ASSIGN(state->put, state->db.prepare("INSERT OR REPLACE INTO record VALUES (?, ?)"));
  TRY_ASSIGN(state->remove, state->db.prepare("DELETE FROM record WHERE key = ?"));
  return Records(std::move(state));
}

Result<std::vector<Bytes>> Records::all() {
  std::vector<Bytes> out;
  for (;;) {
    TRY_ASSIGN(const bool row, state_->all.next());
    if (!row) return out;
    out.push_back(state_->all.blob());
  }
}

Result<> Records::put(BytesView key, BytesView record) {
  if (record.empty()) return state_->remove.bind(key).run();
  return state_->put.bind(key).bind(record).run();
}

}  // namespace cocoon::store
