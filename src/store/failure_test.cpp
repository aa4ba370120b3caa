// Disks that fail, files that were changed, and what a ledger makes of what is left (contracts.md 6.4).
#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

#include "ledger/ledger_test.hpp"
#include "store/fault_disk_test.hpp"
#include "store/store.hpp"

namespace cocoon::store {
namespace {

namespace fs = std::filesystem;
using ledger::Snapshot;
using ledger::testing::LedgerTest;
using ledger::testing::seal_key;
using testing::FaultDisk;

// A ledger with its database in a real file.
struct FailureTest : LedgerTest {
  fs::path folder, file;

  void SetUp() override {
    LedgerTest::SetUp();
    std::string pattern = (fs::temp_directory_path() / "cocoon-failure-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder = pattern;
    file = folder / "ledger.db";
  }
  void TearDown() override { fs::remove_all(folder); }

  // A session's work: the ledger's next snapshot, to be written.
  Snapshot next(std::uint64_t used) {
    serve(used);
    Snapshot s = l->snapshot(false);
    l->snapshot_durable(s.seqno);
    return s;
  }
  std::optional<Snapshot> read(const fs::path& from) {
    auto store = Store::open(from);
    EXPECT_TRUE(store) << store.error().what;
    auto loaded = store->load();
    EXPECT_TRUE(loaded) << loaded.error().what;
    return loaded ? *loaded : std::nullopt;
  }
  static bool sealed(const Snapshot& s) { return seal(s, seal_key) == s.seal; }
};

Bytes read_file(const fs::path& p) {
  std::ifstream in(p, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void write_file(const fs::path& p, BytesView b) {
  std::ofstream(p, std::ios::binary)
      .write(reinterpret_cast<const char*>(b.data()), static_cast<std::streamsize>(b.size()));
}
fs::path wal_of(fs::path p) { return p += "-wal"; }

TEST_F(FailureTest, PowerMayGoAtAnyWrite) {
  std::vector<Snapshot> snapshots;
  for (std::uint64_t i = 0; i < 6; ++i) snapshots.push_back(next(10 + i));
  bool survived = false;
  for (std::int64_t power = 1; !survived; ++power) {
    fs::remove_all(folder);
    fs::create_directory(folder);
    std::size_t written = 0;
    {
      FaultDisk disk(static_cast<std::uint64_t>(power));
      disk.power_for = power;
      {
        auto store = Store::open(file);
        while (store && disk.powered() && written < snapshots.size() && store->write(snapshots[written]))
          if (disk.powered()) ++written;
        survived = disk.powered();
      }
      disk.forget_unsynced();
    }
    auto store = Store::open(file);
    if (!store) {
      // The very first writes make the file. What is half made is said, and was never written to.
      ASSERT_EQ(written, 0U) << power << ": " << store.error().what;
      continue;
    }
    const auto loaded = store->load();
    ASSERT_TRUE(loaded) << power << ": " << loaded.error().what;
    // What was said to be durable is there; the one that was on its way may be; nothing in between.
    const bool has_last = written == 0 ? !*loaded : *loaded && **loaded == snapshots[written - 1];
    const bool has_next = *loaded && written < snapshots.size() && **loaded == snapshots[written];
    ASSERT_TRUE(has_last || has_next) << power << " with " << written << " written";
    ASSERT_LT(power, 2000);
  }
}

TEST_F(FailureTest, AFullDiskSaysSoAndLosesNothing) {
  FaultDisk disk;
  auto store = Store::open(file).value();
  const auto first = next(1), second = next(2);
  ASSERT_TRUE(store.write(first));
  disk.refuse = SQLITE_FULL;
  const auto refused = store.write(second);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().what, "the disk is full");
  EXPECT_EQ(store.load().value(), first);
  disk.refuse = SQLITE_OK;
  ASSERT_TRUE(store.write(second));
  EXPECT_EQ(store.load().value(), second);
}

TEST_F(FailureTest, AReadOnlyDiskIsNoStartAndAnErrorLater) {
  const auto first = next(1), second = next(2);
  {
    auto store = Store::open(file).value();
    ASSERT_TRUE(store.write(first));
    FaultDisk unused;  // the store above is not on it
  }
  FaultDisk disk;
  auto store = Store::open(file).value();
  disk.refuse = SQLITE_READONLY;
  const auto refused = store.write(second);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().what, "the database cannot be written: the file or its folder is read-only");
  EXPECT_EQ(store.load().value(), first);
  EXPECT_FALSE(Store::open(folder / "new.db")) << "a database cannot be made there";
}

TEST_F(FailureTest, ACorruptPageIsAnErrorOrBreaksTheSeal) {
  {
    auto store = Store::open(file).value();
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(store.write(next(7)));
  }
  const Bytes good = read_file(file);
  const auto kept = read(file);
  std::mt19937_64 random_source(3);
  int noticed = 0;
  for (int i = 0; i < 400; ++i) {
    Bytes bad = good;
    for (int n = 0; n < 1 + i % 8; ++n)
      bad[random_source() % bad.size()] ^= static_cast<std::uint8_t>(1 + random_source() % 255);
    write_file(file, bad);
    fs::remove(wal_of(file));
    auto store = Store::open(file);
    const auto loaded = store ? store->load() : Result<std::optional<Snapshot>>(std::unexpected(store.error()));
    // Whatever is read either is what was written, or is refused by the store or by its seal.
    if (loaded && *loaded == kept) continue;
    ++noticed;
    EXPECT_TRUE(!loaded || !*loaded || !sealed(**loaded)) << i;
  }
  EXPECT_GT(noticed, 50);
}

TEST_F(FailureTest, ATornLogGivesAnEarlierSnapshotWhole) {
  auto store = Store::open(file).value();
  std::vector<Snapshot> snapshots;
  for (std::uint64_t i = 0; i < 5; ++i) {
    snapshots.push_back(next(10 + i));
    ASSERT_TRUE(store.write(snapshots.back()));
  }
  const Bytes database = read_file(file), log = read_file(wal_of(file));
  ASSERT_GT(log.size(), 4096U);
  const fs::path copy = folder / "copy.db";
  for (std::size_t size = 0; size <= log.size(); size += 1 + log.size() / 97) {
    write_file(copy, database);
    write_file(wal_of(copy), BytesView(log).first(size));
    auto torn = Store::open(copy);
    if (!torn) continue;  // the log that holds the schema is gone: said at the start
    const auto loaded = torn->load();
    ASSERT_TRUE(loaded) << size << ": " << loaded.error().what;
    EXPECT_TRUE(!*loaded || std::find(snapshots.begin(), snapshots.end(), **loaded) != snapshots.end()) << size;
  }
}

// A host that brings back an older file, with everything in it in order: only the chain knows.
TEST_F(FailureTest, ARolledBackFileIsFoundByTheCommitsOnChain) {
  const fs::path copy = folder / "copy.db";
  {
    auto store = Store::open(file).value();
    ASSERT_TRUE(store.write(next(100)));
  }
  fs::copy_file(file, copy);
  auto store = Store::open(file).value();
  serve(50);
  const Snapshot committed = l->snapshot(true);
  ASSERT_TRUE(store.write(committed));
  l->snapshot_durable(committed.seqno);
  const auto commit = l->commit_to_send().value();

  const auto old = read(copy);
  ASSERT_TRUE(old);
  auto back = open(old);
  ASSERT_TRUE(back) << "by itself it is a good database";
  EXPECT_EQ(back->apply(chain.commit(commit)).error().code, ledger::fault::rolled_back);
}

// The log holds the newest snapshots until they are moved into the database: without it they are gone.
TEST_F(FailureTest, AMissingLogIsARollBackToo) {
  const fs::path copy = folder / "copy.db";
  auto store = Store::open(file).value();
  ASSERT_TRUE(store.write(next(100)));
  serve(50);
  const Snapshot committed = l->snapshot(true);
  ASSERT_TRUE(store.write(committed));
  l->snapshot_durable(committed.seqno);
  const auto tx = chain.commit(l->commit_to_send().value());
  write_file(copy, read_file(file));
  auto left = Store::open(copy);
  if (!left) return;  // not even the schema had been moved: no start
  const auto loaded = left->load();
  ASSERT_TRUE(loaded);
  ASSERT_NE(*loaded, std::optional(committed)) << "it was in the log";
  auto back = open(*loaded);
  ASSERT_TRUE(back);
  const auto code = back->apply(tx).error().code;
  // An older snapshot, or none: a new database over a used contract; before its anchor, a history with a gap.
  EXPECT_TRUE(code == ledger::fault::rolled_back || code == ledger::fault::gap) << code;
}

}  // namespace
}  // namespace cocoon::store
