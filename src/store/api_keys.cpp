#include "store/api_keys.hpp"

#include <sys/stat.h>

#include "store/database.hpp"

namespace cocoon::store {
namespace {

// Charges come with every request and may be lost when the machine dies, not when a process does: NORMAL is enough.
constexpr const char* kSetUp = R"sql(
  PRAGMA busy_timeout = 5000;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  CREATE TABLE IF NOT EXISTS api_key (
    id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, name BLOB NOT NULL UNIQUE, created INTEGER NOT NULL,
    revoked INTEGER NOT NULL, budget INTEGER NOT NULL, per_minute INTEGER NOT NULL, models BLOB NOT NULL,
    spent INTEGER NOT NULL, requests INTEGER NOT NULL) STRICT;
)sql";
constexpr const char* kColumns =
    "SELECT id, name, created, revoked, budget, per_minute, models, spent, requests FROM api_key";

// Names of models hold no line breaks.
std::string joined(const std::vector<std::string>& models) {
  std::string out;
  for (const auto& m : models) out += (out.empty() ? "" : "\n") + m;
  return out;
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    out.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

ApiKey read(Statement& row) {
  ApiKey k;
  k.id = row.integer();
  k.name = to_text(row.blob());
  k.created = row.integer();
  k.revoked = row.integer();
  k.budget = row.integer();
  k.per_minute = row.integer();
  k.models = split(to_text(row.blob()));
  k.spent = row.integer();
  k.requests = row.integer();
  return k;
}

}  // namespace

struct ApiKeys::State {
  Database db;
  Statement insert, all, revoke, find, charge, changes;
};

ApiKeys::ApiKeys(std::unique_ptr<State> state) : state_(std::move(state)) {}
ApiKeys::ApiKeys(ApiKeys&&) noexcept = default;
ApiKeys& ApiKeys::operator=(ApiKeys&&) noexcept = default;
ApiKeys::~ApiKeys() = default;

Result<ApiKeys> ApiKeys::open(const std::filesystem::path& file) {
  auto state = std::make_unique<State>();
  TRY_ASSIGN(state->db, Database::open(file));
  ::chmod(file.c_str(), S_IRUSR | S_IWUSR);
  TRY(state->db.execute(kSetUp));
  TRY_ASSIGN(state->insert,
             state->db.prepare("INSERT OR IGNORE INTO api_key VALUES (NULL, ?, ?, ?, 0, ?, ?, ?, 0, 0)"));
  TRY_ASSIGN(state->all, state->db.prepare((std::string(kColumns) + " ORDER BY id").c_str()));
  TRY_ASSIGN(state->revoke, state->db.prepare("UPDATE api_key SET revoked = ? WHERE name = ? AND revoked = 0"));
  TRY_ASSIGN(state->find, state->db.prepare((std::string(kColumns) + " WHERE hash = ? AND revoked = 0").c_str()));
  TRY_ASSIGN(state->charge,
             state->db.prepare("UPDATE api_key SET spent = spent + ?, requests = requests + 1 WHERE id = ?"));
  TRY_ASSIGN(state->changes, state->db.prepare("SELECT changes()"));
  return ApiKeys(std::move(state));
}

namespace {
Result<bool> changed(Statement& changes) {
  TRY(changes.next());
  const bool any = changes.integer() > 0;
  changes.reset();
  return any;
}
}  // namespace

Result<> ApiKeys::add(const ApiKey& key, const Bits256& hash) {
  if (key.name.empty()) return fail("a key needs a name");
  for (const auto& m : key.models)
    if (m.empty() || m.find('\n') != std::string::npos) return fail("'{}' cannot be a model's name", m);
  const auto models = joined(key.models);
  auto& s = state_->insert;
  s.bind(BytesView(hash)).bind(as_bytes(key.name)).bind(key.created).bind(key.budget).bind(key.per_minute);
  TRY(s.bind(as_bytes(models)).run());
  TRY_ASSIGN(const bool added, changed(state_->changes));
  if (!added) return fail("there is a key named '{}' already", key.name);
  return {};
}

Result<std::vector<ApiKey>> ApiKeys::list() {
  std::vector<ApiKey> out;
  for (;;) {
    TRY_ASSIGN(const bool row, state_->all.next());
    if (!row) return out;
    out.push_back(read(state_->all));
  }
}

Result<> ApiKeys::revoke(std::string_view name, std::int64_t now) {
  TRY(state_->revoke.bind(now).bind(as_bytes(name)).run());
  TRY_ASSIGN(const bool revoked, changed(state_->changes));
  if (!revoked) return fail("no valid key is named '{}'", name);
  return {};
}

Result<std::optional<ApiKey>> ApiKeys::find(const Bits256& hash) {
  auto& s = state_->find;
  TRY_ASSIGN(const bool row, s.bind(BytesView(hash)).next());
  if (!row) return std::nullopt;
  auto key = read(s);
  s.reset();
  return key;
}

Result<> ApiKeys::charge(std::int64_t id, std::int64_t nano) { return state_->charge.bind(nano).bind(id).run(); }

}  // namespace cocoon::store
