// A thin face of SQLite: statements and transactions with errors as values. For store.cpp only.
#pragma once
#include <filesystem>
#include <memory>
#include <string>

#include "base/bytes.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace cocoon::store {

class Database;

// A prepared statement. bind() fills the parameters from left to right; after run() or the last row it starts anew.
class Statement {
 public:
  Statement() = default;
  Statement& bind(std::int64_t);
  Statement& bind(BytesView);
  Result<> run();          // to its end, rows are ignored
  Result<bool> next();     // is there a row?
  std::int64_t integer();  // columns of the row from left to right
  Bytes blob();
  void reset();

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt*) const;
  };
  std::unique_ptr<sqlite3_stmt, Finalize> stmt_;
  sqlite3* db_ = nullptr;
  int parameter_ = 0;
  int column_ = 0;
  int bind_error_ = 0;
};

class Database {
 public:
  static Result<Database> open(const std::filesystem::path& file);  // makes it if it is not there
  // Of a file that exists; also while another process writes (WAL).
  static Result<Database> open_to_read(const std::filesystem::path& file);

  Result<> execute(const char* sql);  // one or more statements without parameters
  Result<Statement> prepare(const char* sql);

 private:
  static Result<Database> open(const std::filesystem::path& file, int flags);
  struct Close {
    void operator()(sqlite3*) const;
  };
  std::unique_ptr<sqlite3, Close> db_;
};

}  // namespace cocoon::store
