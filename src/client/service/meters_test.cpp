#include "client/service/meters.hpp"

#include <gtest/gtest.h>

namespace cocoon::client {
namespace {

using namespace std::chrono_literals;

TEST(ClientMeters, RatesFollowASteadyStreamAndDecayAfterIt) {
  Meter m;
  Time now = from_unix(1000);
  for (int i = 0; i < 6000; ++i) m.add(5, now += 100ms);
  auto v = m.values(now);
  EXPECT_DOUBLE_EQ(v[0], 30000);
  EXPECT_NEAR(v[1], 50, 3);
  EXPECT_NEAR(v[2], 50, 1);
  EXPECT_NEAR(v[3], 50, 1);
  EXPECT_LT(v[5], 50);
  v = m.values(now + 60s);
  EXPECT_DOUBLE_EQ(v[0], 30000);
  EXPECT_LT(v[1], 1e-9);
  EXPECT_NEAR(v[3], 50 / 2.718281828, 0.5);
}

TEST(ClientMeters, ATimeThatGoesBackChangesNoRate) {
  Meter m;
  m.add(1, from_unix(1000));
  const auto before = m.values(from_unix(1000));
  EXPECT_EQ(m.values(from_unix(900)), before);
}

TEST(ClientMeters, HistogramsCountUpToEachBound) {
  Histogram h({0.1, 1, 10});
  for (const double v : {0.05, 0.1, 0.5, 5.0, 50.0}) h.add(v);
  EXPECT_EQ(h.up_to(0), 2U);
  EXPECT_EQ(h.up_to(1), 3U);
  EXPECT_EQ(h.up_to(2), 4U);
  EXPECT_EQ(h.count(), 5U);
  EXPECT_DOUBLE_EQ(h.sum(), 55.65);
}

}  // namespace
}  // namespace cocoon::client
