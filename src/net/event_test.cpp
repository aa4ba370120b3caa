#include "net/event.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <gtest/gtest.h>

#include "net/testing.hpp"

namespace cocoon::net {
namespace {

// Alive as long as the coroutine that holds it.
struct Alive {
  explicit Alive(int& n) : count(n) { ++count; }
  ~Alive() { --count; }
  Alive(const Alive&) = delete;
  Alive& operator=(const Alive&) = delete;
  int& count;
};

TEST(Event, WakesItsWaiterInALaterTurn) {
  testing::Loop loop;
  Event event(loop.io.get_executor());
  int woken = 0;
  const auto waiter = [&]() -> Task<> {
    while (woken < 3) {
      co_await event.wait();
      ++woken;
    }
  };
  asio::co_spawn(loop.io, waiter(), asio::detached);
  loop.settle();
  for (int i = 0; i < 3; ++i) {
    event.notify();
    EXPECT_EQ(woken, i);
    loop.settle();
    EXPECT_EQ(woken, i + 1);
  }
}

TEST(Event, RemembersOneWakeWithoutAWaiter) {
  testing::Loop loop;
  Event event(loop.io.get_executor());
  event.notify();
  event.notify();
  int woken = 0;
  const auto waiter = [&]() -> Task<> {
    for (;;) {
      co_await event.wait();
      ++woken;
    }
  };
  asio::co_spawn(loop.io, waiter(), asio::detached);
  loop.settle();
  EXPECT_EQ(woken, 1);
}

TEST(Event, TakesItsWaiterWithIt) {
  testing::Loop loop;
  auto event = std::make_unique<Event>(loop.io.get_executor());
  int alive = 0;
  const auto waiter = [&]() -> Task<> {
    const Alive here(alive);
    co_await event->wait();
  };
  asio::co_spawn(loop.io, waiter(), asio::detached);
  loop.settle();
  EXPECT_EQ(alive, 1);
  event.reset();
  loop.settle();  // Asio unwinds a coroutine through its executor
  EXPECT_EQ(alive, 0);
}

// A coroutine that owns the event in which it waits.
Task<> owns_what_it_waits_in(std::shared_ptr<Event> event, std::shared_ptr<Alive> alive) {
  co_await event->wait();
  alive.reset();
}

TEST(Event, TheEndOfTheContextEndsWaitersThatOwnTheirEvent) {
  int alive = 0;
  {
    asio::io_context io{1};
    for (int i = 0; i < 3; ++i) {
      auto event = std::make_shared<Event>(io.get_executor());
      auto here = std::make_shared<Alive>(alive);
      asio::co_spawn(io, owns_what_it_waits_in(std::move(event), std::move(here)), asio::detached);
    }
    io.poll();
    EXPECT_EQ(alive, 3);
  }
  EXPECT_EQ(alive, 0);
}

TEST(Event, AWaitCanBeCancelled) {
  using namespace asio::experimental::awaitable_operators;
  testing::Loop loop;
  Event never(loop.io.get_executor()), soon(loop.io.get_executor());
  std::size_t first = 7;
  const auto race = [&]() -> Task<> {
    const auto outcome = co_await (never.wait() || soon.wait());
    first = outcome.index();
  };
  asio::co_spawn(loop.io, race(), asio::detached);
  loop.settle();
  soon.notify();
  loop.settle();
  EXPECT_EQ(first, 1u);
  never.notify();  // nobody is there
  loop.settle();
}

TEST(Mailbox, IsBoundedAndEndsAfterWhatIsQueued) {
  testing::Loop loop;
  Mailbox<int> box(loop.io.get_executor(), 2);
  EXPECT_TRUE(box.push(1));
  EXPECT_TRUE(box.push(2));
  EXPECT_FALSE(box.push(3));
  std::vector<int> got;
  const auto reader = [&]() -> Task<> {
    while (const auto value = co_await box.pop()) got.push_back(*value);
    got.push_back(-1);
  };
  asio::co_spawn(loop.io, reader(), asio::detached);
  loop.settle();
  EXPECT_EQ(got, (std::vector{1, 2}));
  EXPECT_TRUE(box.push(4));
  box.close();
  EXPECT_FALSE(box.push(5));
  loop.settle();
  EXPECT_EQ(got, (std::vector{1, 2, 4, -1}));
}

}  // namespace
}  // namespace cocoon::net
