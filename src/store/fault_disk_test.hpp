// For tests: a disk that fails. A SQLite VFS over the usual one that can lose power at any write, forgetting or tearing
// what was not synced, or refuse writes. One at a time; while it exists every database opened goes through it.
#pragma once
#include <algorithm>
#include <cstring>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <sqlite3.h>

#include "base/bytes.hpp"

namespace cocoon::store::testing {

class FaultDisk {
 public:
  explicit FaultDisk(std::uint64_t seed = 1) : random_(seed), real_(sqlite3_vfs_find(nullptr)) {
    vfs_ = *real_;
    vfs_.szOsFile = static_cast<int>(sizeof(File)) + real_->szOsFile;
    vfs_.zName = "fault";
    vfs_.pAppData = this;
    vfs_.xOpen = open;
    vfs_.xDelete = [](sqlite3_vfs* v, const char* name, int sync) {
      auto& disk = *static_cast<FaultDisk*>(v->pAppData);
      return disk.step() ? disk.real_->xDelete(disk.real_, name, sync) : SQLITE_OK;
    };
    sqlite3_vfs_register(&vfs_, 1);
  }
  FaultDisk(const FaultDisk&) = delete;
  FaultDisk& operator=(const FaultDisk&) = delete;
  ~FaultDisk() {
    sqlite3_vfs_unregister(&vfs_);
    sqlite3_vfs_register(real_, 1);
  }

  int refuse = SQLITE_OK;       // what every write says, if not OK
  std::int64_t power_for = -1;  // so many writes, truncations and syncs more; negative: for ever
  bool powered() const { return power_for != 0; }

  // After the power is gone and the files are closed: of what was not synced any part may be missing or torn.
  void forget_unsynced() {
    for (auto& [name, writes] : unsynced_) {
      for (auto w = writes.rbegin(); w != writes.rend(); ++w) {
        const auto kind = random_() % 3;
        if (kind == 0) continue;  // it had reached the disk
        const auto keep = kind == 1 ? 0 : static_cast<std::size_t>(random_() % (w->before.size() + 1));
        restore(name, *w, keep);
      }
    }
    unsynced_.clear();
  }

 private:
  struct Write {
    std::int64_t offset = 0;
    Bytes before;
    sqlite3_int64 size_before = 0;  // of the file
  };
  struct File {
    sqlite3_file base;
    FaultDisk* disk;
    const char* name;
    sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
  };

  bool step() {
    if (power_for == 0) return false;
    if (power_for > 0) --power_for;
    return power_for != 0;
  }

  static void restore(const std::string& name, const Write& w, std::size_t keep) {
    FILE* f = std::fopen(name.c_str(), "r+b");
    if (f == nullptr) return;
    std::fseek(f, static_cast<long>(w.offset) + static_cast<long>(keep), SEEK_SET);
    std::fwrite(w.before.data() + keep, 1, w.before.size() - keep, f);
    std::fclose(f);
  }

  static int write(sqlite3_file* f, const void* data, int n, sqlite3_int64 offset) {
    auto& file = *reinterpret_cast<File*>(f);
    auto& disk = *file.disk;
    if (disk.refuse != SQLITE_OK) return disk.refuse;
    if (!disk.powered()) return SQLITE_OK;  // nobody will ever know
    Write w{offset, Bytes(static_cast<std::size_t>(n), 0), 0};
    file.real()->pMethods->xFileSize(file.real(), &w.size_before);
    (void)file.real()->pMethods->xRead(file.real(), w.before.data(), n, offset);  // past the end: zeros
    // The write during which the power goes is torn.
    const bool whole = disk.step();
    const int some = whole ? n : static_cast<int>(disk.random_() % static_cast<std::uint64_t>(n + 1));
    if (file.name != nullptr) disk.unsynced_[file.name].push_back(std::move(w));
    return some == 0 ? SQLITE_OK : file.real()->pMethods->xWrite(file.real(), data, some, offset);
  }
  static int sync(sqlite3_file* f, int flags) {
    auto& file = *reinterpret_cast<File*>(f);
    if (file.disk->refuse != SQLITE_OK) return file.disk->refuse;
    if (!file.disk->step()) return SQLITE_OK;
    if (file.name != nullptr) file.disk->unsynced_[file.name].clear();
    return file.real()->pMethods->xSync(file.real(), flags);
  }
  static int truncate(sqlite3_file* f, sqlite3_int64 size) {
    auto& file = *reinterpret_cast<File*>(f);
    if (file.disk->refuse != SQLITE_OK) return file.disk->refuse;
    return file.disk->step() ? file.real()->pMethods->xTruncate(file.real(), size) : SQLITE_OK;
  }

  template <auto Method, class... Args>
  static auto pass(sqlite3_file* f, Args... args) {
    auto& file = *reinterpret_cast<File*>(f);
    return (file.real()->pMethods->*Method)(file.real(), args...);
  }

  static int open(sqlite3_vfs* v, const char* name, sqlite3_file* f, int flags, int* out_flags) {
    auto& disk = *static_cast<FaultDisk*>(v->pAppData);
    auto& file = *reinterpret_cast<File*>(f);
    file.base.pMethods = nullptr;
    file.disk = &disk;
    file.name = name;
    file.real()->pMethods = nullptr;
    const int code = disk.real_->xOpen(disk.real_, name, file.real(), flags, out_flags);
    if (file.real()->pMethods == nullptr) return code;
    using M = sqlite3_io_methods;
    // Version 2: the log's index lies in shared memory, as usual; nothing is mapped.
    static const M methods = {
        2, [](sqlite3_file* x) { return pass<&M::xClose>(x); },
        [](sqlite3_file* x, void* d, int n, sqlite3_int64 o) { return pass<&M::xRead>(x, d, n, o); }, write, truncate,
        sync, [](sqlite3_file* x, sqlite3_int64* s) { return pass<&M::xFileSize>(x, s); },
        [](sqlite3_file* x, int l) { return pass<&M::xLock>(x, l); },
        [](sqlite3_file* x, int l) { return pass<&M::xUnlock>(x, l); },
        [](sqlite3_file* x, int* o) { return pass<&M::xCheckReservedLock>(x, o); },
        [](sqlite3_file* x, int op, void* a) { return pass<&M::xFileControl>(x, op, a); },
        [](sqlite3_file* x) { return pass<&M::xSectorSize>(x); },
        // Nothing is promised of what a power loss leaves of a write.
        [](sqlite3_file*) { return 0; },
        [](sqlite3_file* x, int page, int size, int extend, void volatile** to) {
          return pass<&M::xShmMap>(x, page, size, extend, to);
        },
        [](sqlite3_file* x, int at, int n, int how) { return pass<&M::xShmLock>(x, at, n, how); },
        [](sqlite3_file* x) { pass<&M::xShmBarrier>(x); },
        [](sqlite3_file* x, int remove) { return pass<&M::xShmUnmap>(x, remove); }, nullptr, nullptr};
    file.base.pMethods = &methods;
    return code;
  }

  std::mt19937_64 random_;
  sqlite3_vfs* real_;
  sqlite3_vfs vfs_{};
  std::map<std::string, std::vector<Write>> unsynced_;
};

}  // namespace cocoon::store::testing
