// What the simulation itself promises: a seed is a run, and a finding is one that can be looked at again.
#include <set>

#include <gtest/gtest.h>

#include "scenario.hpp"

namespace cocoon::sim {
namespace {

Outcome run(std::uint64_t seed, std::uint64_t steps = 1200) {
  return std::make_unique<Scenario>(Settings{.seed = seed, .steps = steps})->run();
}

TEST(Sim, OneSeedIsOneRun) {
  for (const std::uint64_t seed : {3U, 7U, 11U}) {
    const auto first = run(seed), second = run(seed);
    EXPECT_EQ(first.hash, second.hash) << seed;
    EXPECT_EQ(first.steps, second.steps) << seed;
    EXPECT_EQ(first.faults, second.faults) << seed;
    EXPECT_EQ(first.paid_nano, second.paid_nano) << seed;
  }
}

TEST(Sim, SeedsDiffer) { EXPECT_NE(run(3).hash, run(4).hash); }

TEST(Sim, MoneyMoves) {
  std::uint64_t answered = 0, paid = 0, transactions = 0;
  for (const std::uint64_t seed : {1U, 2U, 3U, 4U, 5U}) {
    const auto o = run(seed, 3000);
    EXPECT_TRUE(o.violations.empty()) << seed;
    answered += o.answered;
    paid += o.paid_nano;
    transactions += o.transactions;
  }
  EXPECT_GT(answered, 10U);
  EXPECT_GT(paid, 0U);
  EXPECT_GT(transactions, 50U);
}

TEST(Dice, SeedsShareNoNumbers) {
  std::set<std::uint64_t> seen;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Dice dice(seed);
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(seen.insert(dice.u64()).second) << seed;
  }
}

TEST(Disk, AWriteThatWasNotAnsweredIsThereOrNot) {
  Dice dice(1);
  Faults faults(dice);
  int kept = 0, lost = 0;
  for (int i = 0; i < 100; ++i) {
    Disk disk;
    disk.begin({1, {1, 2, 3}});
    disk.sync();
    disk.begin({2, {4, 5, 6}});
    disk.crash(dice, faults);
    (disk.durable().number == 2 ? kept : lost) += 1;
    EXPECT_FALSE(disk.torn());
  }
  EXPECT_GT(kept, 0);
  EXPECT_GT(lost, 0);
}

TEST(Disk, TornIsNeither) {
  Dice dice(2);
  Faults faults(dice);
  faults.allow(Fault::write_torn, 1'000'000);
  Disk disk;
  disk.begin({1, Bytes(50, 1)});
  disk.sync();
  int torn = 0;
  for (int i = 0; i < 50; ++i) {
    disk.begin({2, Bytes(50, 2)});
    disk.crash(dice, faults);
    if (!disk.torn()) continue;
    ++torn;
    EXPECT_NE(*disk.torn(), Bytes(50, 1));
    EXPECT_NE(*disk.torn(), Bytes(50, 2));
    disk.repair();
  }
  EXPECT_GT(torn, 0);
}

}  // namespace
}  // namespace cocoon::sim
