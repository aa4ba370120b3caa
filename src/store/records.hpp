// A few records that must outlive a process, by key: what a client remembers of its contracts. Blocking; on disk when a
// call returns.
#pragma once
#include <filesystem>
#include <memory>
#include <vector>

#include "base/bytes.hpp"

namespace cocoon::store {

class Records {
 public:
  // Opens the database, or makes it (mode 600). Errors: as Database::open, or the file is something else.
  static Result<Records> open(const std::filesystem::path& file);
  Records(Records&&) noexcept;
  Records& operator=(Records&&) noexcept;
  ~Records();

  Result<std::vector<Bytes>> all();  // by key
  // Replaces the record of that key. An empty one removes it.
  Result<> put(BytesView key, BytesView record);

 private:
  struct State;
  explicit Records(std::unique_ptr<State>);
  std::unique_ptr<State> state_;
};

}  // namespace cocoon::store
