// The newest snapshot of a ledger on disk (contracts.md 6.4). Blocking; for a shell's own thread.
#pragma once
#include <filesystem>
#include <memory>
#include <optional>

#include "ledger/snapshot.hpp"

namespace cocoon::store {

class Store {
 public:
  // Opens the database, or makes it. Errors: the folder is missing or not writable, another process has it open to
  // write, the file is something else, or was made by a newer version of this program.
  static Result<Store> open(const std::filesystem::path& file);
  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;
  ~Store();

  // The newest snapshot of a file, for onlookers: also while a node writes it. Nothing in a database without one.
  static Result<std::optional<ledger::Snapshot>> look(const std::filesystem::path& file);

  // What was last written; nothing in a new database.
  Result<std::optional<ledger::Snapshot>> load();
  // Replaces it, all or nothing. On disk when this returns. After an error the database holds what it held before.
  Result<> write(const ledger::Snapshot&);

  // The same for the bytes of ledger::encode(), which is how a core hands its snapshots out. No bytes: nothing yet.
  Result<Bytes> load_bytes();
  Result<> write_bytes(BytesView);

 private:
  struct State;
  explicit Store(std::unique_ptr<State>);
  std::unique_ptr<State> state_;
};

}  // namespace cocoon::store
