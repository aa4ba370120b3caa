#include "store/store.hpp"

#include <algorithm>
#include <csignal>
#include <fstream>
#include <random>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/database.hpp"

namespace cocoon::store {
namespace {

namespace fs = std::filesystem;

class StoreTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "cocoon-store-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder = pattern;
    file = folder / "ledger.db";
  }
  void TearDown() override { fs::remove_all(folder); }

  fs::path folder, file;
};

constexpr std::uint8_t kKey = 0x4b;
const Bits256 seal_key = Bits256::from(Bytes(32, kKey));

ton::Address address(std::uint64_t n) {
  ton::Address out;
  out.workchain = n % 5 == 0 ? std::int8_t{-1} : std::int8_t{0};
  std::memcpy(out.hash.data(), &n, sizeof n);
  return out;
}

// A snapshot whose every field follows from `n`; accounts come, change and go with it.
ledger::Snapshot example(std::uint64_t n) {
  std::mt19937_64 random(n);
  ledger::Snapshot s;
  s.proxy = address(1);
  s.root = address(2);
  s.params_version = static_cast<std::uint32_t>(n);
  s.seqno = static_cast<std::int32_t>(n);
  s.wallet = address(3);
  s.clean = n % 7 == 0;
  if (n % 3 != 0) s.proof = {s.seqno - 1, n, Bits256::from(Bytes(32, 5)), Bits256::from(Bytes(32, 6)), {}};
  s.anchor = {UINT64_MAX - n, Bits256::from(Bytes(32, static_cast<std::uint8_t>(n)))};
  for (std::int32_t i = 0; i < static_cast<std::int32_t>(n % 4); ++i) s.pending.push_back({i * 3 - 2, s.anchor.hash});
  for (std::uint64_t i = 0; i < 40; ++i) {
    if (random() % 4 == 0) continue;
    ledger::ClientRecord c;
    c.owner = address(i + 100);
    c.contract = address(i + 200);
    c.chain = {static_cast<ton::ContractState>(random() % 4), random(), random(), random() % 5, 7, s.anchor.hash};
    c.tokens = random();
    c.committed = random();
    c.last_request = static_cast<std::int64_t>(n);
    s.clients.push_back(c);
    s.workers.push_back({c.contract, c.owner, c.chain.state, random(), UINT64_MAX - i, random(), -5});
  }
  std::ranges::sort(s.clients, {}, &ledger::ClientRecord::owner);
  std::ranges::sort(s.workers, {}, &ledger::WorkerRecord::owner);
  s.extra = Bytes(n % 50, 0xee);
  s.seal = seal(s, seal_key);
  return s;
}

TEST_F(StoreTest, KeepsTheNewestSnapshotAcrossRestarts) {
  EXPECT_EQ(Store::open(file).value().load().value(), std::nullopt);
  for (std::uint64_t n = 0; n < 30; n += 3) {
    auto store = Store::open(file).value();
    for (std::uint64_t i = n; i < n + 3; ++i) ASSERT_TRUE(store.write(example(i)));
    EXPECT_EQ(store.load().value(), example(n + 2));
    auto moved = std::move(store);
    EXPECT_EQ(moved.load_bytes().value(), ledger::encode(example(n + 2)));
  }
  EXPECT_EQ(Store::open(file).value().load().value(), example(29));
}

TEST_F(StoreTest, BytesAreTheSameThing) {
  auto store = Store::open(file).value();
  EXPECT_TRUE(store.load_bytes().value().empty());
  ASSERT_TRUE(store.write_bytes(ledger::encode(example(7))));
  EXPECT_EQ(store.load().value(), example(7));
  EXPECT_FALSE(store.write_bytes(Bytes{1, 2, 3}));
  EXPECT_EQ(store.load().value(), example(7));
}

TEST_F(StoreTest, PathsAndFilesThatAreNotOursAreErrors) {
  EXPECT_FALSE(Store::open(folder / "missing" / "ledger.db"));
  EXPECT_FALSE(Store::open(folder));
  std::ofstream(folder / "text") << std::string(5000, 'x');
  const auto text = Store::open(folder / "text");
  ASSERT_FALSE(text);
  EXPECT_NE(text.error().what.find("not a database"), std::string::npos) << text.error().what;
  {
    auto other = Database::open(folder / "other").value();
    ASSERT_TRUE(other.execute("CREATE TABLE notes (text)"));
  }
  EXPECT_FALSE(Store::open(folder / "other"));
}

TEST_F(StoreTest, NewerFormatsAreRefused) {
  ASSERT_TRUE(Store::open(file).value().write(example(1)));
  {
    auto db = Database::open(file).value();
    ASSERT_TRUE(db.execute("PRAGMA user_version = 99"));
  }
  const auto store = Store::open(file);
  ASSERT_FALSE(store);
  EXPECT_NE(store.error().what.find("newer"), std::string::npos);
}

TEST_F(StoreTest, OneProcessAtATime) {
  auto store = Store::open(file).value();
  ASSERT_TRUE(store.write(example(1)));
  const auto second = Store::open(file);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().what.find("another process"), std::string::npos) << second.error().what;
}

TEST_F(StoreTest, OnlookersSeeTheNewestWhileItIsWrittenAndAfterwards) {
  EXPECT_FALSE(Store::look(file));  // and makes nothing
  EXPECT_FALSE(std::filesystem::exists(file));
  {
    auto store = Store::open(file).value();
    EXPECT_EQ(Store::look(file).value(), std::nullopt);
    for (const std::uint64_t n : {1u, 2u, 3u}) {
      ASSERT_TRUE(store.write(example(n)));
      EXPECT_EQ(Store::look(file).value(), example(n));
    }
  }
  EXPECT_EQ(Store::look(file).value(), example(3));
  EXPECT_EQ(Store::open(file).value().load().value(), example(3));
}

TEST_F(StoreTest, DamagedRowsAreErrorsOrBreakTheSeal) {
  ASSERT_TRUE(Store::open(file).value().write(example(1)));
  const auto change = [&](const char* sql) {
    auto db = Database::open(file).value();
    ASSERT_TRUE(db.execute(sql)) << sql;
  };
  change("UPDATE clients SET tokens = tokens + 1 WHERE owner = (SELECT min(owner) FROM clients)");
  auto snapshot = Store::open(file).value().load().value().value();
  EXPECT_NE(seal(snapshot, seal_key), snapshot.seal);
  change("UPDATE workers SET contract = x'00'");
  EXPECT_FALSE(Store::open(file).value().load());
  change("DROP TABLE pending");
  EXPECT_FALSE(Store::open(file));
}

TEST_F(StoreTest, AFailedWriteLeavesWhatWasThere) {
  ASSERT_TRUE(Store::open(file).value().write(example(1)));
  {
    // Stands in for a full disk: it refuses a row in the middle of the transaction.
    auto db = Database::open(file).value();
    ASSERT_TRUE(db.execute("CREATE TRIGGER full BEFORE INSERT ON workers BEGIN SELECT RAISE(FAIL, 'no room'); END"));
  }
  auto again = Store::open(file).value();
  for (int i = 0; i < 2; ++i) {
    EXPECT_FALSE(again.write(example(2)));
    EXPECT_EQ(again.load().value(), example(1));
  }
}

// A writer is killed in the middle of its work, many times: what is found afterwards is a whole snapshot that it wrote,
// and no older one than the last of which it said that it was durable.
TEST_F(StoreTest, KilledAtAnyMoment) {
  std::uint64_t next = 0;
  for (int round = 0; round < 8; ++round) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      close(ends[0]);
      auto store = Store::open(file);
      if (!store) _exit(1);
      for (std::uint64_t n = next;; ++n) {
        if (!store->write(example(n))) _exit(2);
        if (write(ends[1], &n, sizeof n) != sizeof n) _exit(3);
      }
    }
    close(ends[1]);
    std::uint64_t durable = 0;
    for (int i = 0; i <= round; ++i) ASSERT_EQ(read(ends[0], &durable, sizeof durable), ssize_t{sizeof durable});
    kill(child, SIGKILL);
    std::uint64_t more = 0;
    while (read(ends[0], &more, sizeof more) == ssize_t{sizeof more}) durable = more;
    close(ends[0]);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));

    const auto found = Store::open(file).value().load().value().value();
    const auto n = static_cast<std::uint64_t>(found.seqno);
    EXPECT_TRUE(n == durable || n == durable + 1) << n << " after " << durable;
    EXPECT_EQ(found, example(n));
    next = n + 1;
  }
}

}  // namespace
}  // namespace cocoon::store
