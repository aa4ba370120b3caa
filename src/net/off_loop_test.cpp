#include "net/off_loop.hpp"

#include <future>

#include <gtest/gtest.h>

#include "net/testing.hpp"

namespace cocoon::net {
namespace {

class OffLoopTest : public ::testing::Test {
 protected:
  ~OffLoopTest() override { release(); }
  void release() {
    if (!std::exchange(released_, true)) open_.set_value();
  }
  // Ends when the test lets it.
  std::function<Result<int>()> blocked() {
    return [gate = gate_]() -> Result<int> {
      gate.wait();
      return 7;
    };
  }
  Result<int> run(std::function<Result<int>()> work, Millis patience) {
    Result<int> out = fail("not run");
    loop.run(
        [&]() -> Task<> { out = co_await off_loop<int>(loop.io.get_executor(), OffLoop::attesting, patience, work); });
    return out;
  }

  testing::Loop loop;

 private:
  std::promise<void> open_;
  std::shared_future<void> gate_ = open_.get_future().share();
  bool released_ = false;
};

TEST_F(OffLoopTest, BringsResultsAndErrors) {
  EXPECT_EQ(run([]() -> Result<int> { return 5; }, Millis(10'000)).value(), 5);
  const auto failed = run([]() -> Result<int> { return fail("the device is gone"); }, Millis(10'000));
  EXPECT_EQ(failed.error().what, "the device is gone");
}

TEST_F(OffLoopTest, WorkThatNeverEndsIsLeft) {
  const auto left = run(blocked(), Millis(20));
  ASSERT_FALSE(left);
  EXPECT_EQ(left.error().code, net_timeout);
  release();
  EXPECT_TRUE(run([]() -> Result<int> { return 5; }, Millis(10'000))) << "and its thread is there again when it ends";
}

TEST_F(OffLoopTest, OnlySoMuchWaits) {
  std::size_t ended = 0, refused = 0;
  const auto work = blocked();
  for (std::size_t i = 0; i < kMostOffLoop + 1; ++i)
    asio::co_spawn(
        loop.io,
        [&, work]() -> Task<> {
          const auto one = co_await off_loop<int>(loop.io.get_executor(), OffLoop::attesting, Millis(30'000), work);
          ++ended;
          refused += !one && one.error().code == net_cancelled;
        },
        asio::detached);
  loop.until([&] { return ended == 1; });
  EXPECT_EQ(refused, 1U);
  release();
  loop.until([&] { return ended == kMostOffLoop + 1; });
  EXPECT_EQ(refused, 1U);
}

}  // namespace
}  // namespace cocoon::net
