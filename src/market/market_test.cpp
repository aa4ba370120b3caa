#include <filesystem>
#include <fstream>
#include <random>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "market/prices.hpp"
#include "market/selection.hpp"
#include "market/timeouts.hpp"

namespace cocoon::market {
namespace {

namespace json = boost::json;

json::array price_vectors() {
  std::ifstream in(std::filesystem::path(COCOON_SOURCE_DIR) / "src/wire/testdata/wire-vectors.json");
  json::stream_parser parser;
  for (std::string line; std::getline(in, line);) parser.write(line);
  json::array out;
  const json::value all = parser.release();
  for (const auto& v : all.as_array())
    if (v.at("group").as_string() == "price") out.push_back(v);
  return out;
}

json::value output(std::string_view id) {
  for (const auto& v : price_vectors())
    if (v.at("id").as_string() == id) return v.at("output");
  ADD_FAILURE() << id << " is missing";
  return {};
}

TEST(Prices, AdjustVectors) {
  std::size_t seen = 0, inexact = 0;
  for (const auto& v : price_vectors()) {
    if (!v.at("id").as_string().starts_with("adj-")) continue;
    ++seen;
    const auto number = [&](const char* key) { return v.at("input").at(key).to_number<std::int64_t>(); };
    const std::int64_t n = number("tokens"), q = number("coefficient"), m = number("multiplier");
    const std::int64_t expected = v.at("output").to_number<std::int64_t>();
    EXPECT_EQ(adjust_tokens_in_doubles(n, q, m), expected) << v.at("id");
    const std::int64_t exact = adjust_tokens(n, q, m);
    EXPECT_TRUE(exact == expected || exact == expected + 1) << v.at("id");
    inexact += exact != expected;
  }
  EXPECT_EQ(seen, 12u);
  EXPECT_EQ(inexact, 2u) << "the two vectors made for the doubles' rounding";
}

TEST(Prices, DoublesAreNeverAboveTheExactValueAndAtMostOneBelow) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 100000; ++i) {
    const auto n = static_cast<std::int64_t>(random() % 200000), q = static_cast<std::int64_t>(random() % 20000),
               m = static_cast<std::int64_t>(random() % 100000);
    const std::int64_t gap = adjust_tokens(n, q, m) - adjust_tokens_in_doubles(n, q, m);
    ASSERT_TRUE(gap == 0 || gap == 1) << n << ' ' << q << ' ' << m;
  }
}

TEST(Prices, UsageVectors) {
  const auto check = [](std::string_view id, const RawUsage& raw, std::int64_t q, const Multipliers& m,
                        std::int64_t price) {
    const json::value expected = output(id);
    const AdjustedUsage a = adjust_usage(raw, q, m);
    EXPECT_EQ(json::value({a.prompt, a.cached, a.completion, a.reasoning, a.total}), expected.at("tokensUsed")) << id;
    const Costs c = costs_of(a, price);
    EXPECT_EQ(c.prompt, expected.at("prompt_total_cost").as_int64()) << id;
    EXPECT_EQ(c.completion, expected.at("completion_total_cost").as_int64()) << id;
    EXPECT_EQ(c.total, expected.at("total_cost").as_int64()) << id;
  };
  check("usage-1", {120, 20, 300, 100}, 1500, {10000, 1000, 40000, 40000}, 20);
  check("usage-2", {5, 0, 1, 0}, 333, {}, 7);
}

TEST(Prices, CountsOutOfRangeArePulledIn) {
  EXPECT_EQ(adjust_usage({-5, 3, 10, 20}, 1000, {}), (AdjustedUsage{0, 0, 0, 10, 10}));
  EXPECT_EQ(adjust_usage({10, 20, -1, -1}, 1000, {}), (AdjustedUsage{0, 10, 0, 0, 10}));
}

TEST(Prices, NothingWraps) {
  constexpr auto max = std::numeric_limits<std::int64_t>::max();
  constexpr auto min = std::numeric_limits<std::int64_t>::min();
  EXPECT_EQ(adjust_tokens(max, max, max), max);
  EXPECT_EQ(adjust_tokens(min, max, max), min);
  EXPECT_EQ(adjust_tokens(min, min, max), max);
  EXPECT_EQ(adjust_tokens(min, max, min), max);
  EXPECT_EQ(adjust_tokens(max, 1000, 10000), max);
  EXPECT_EQ(adjust_tokens_in_doubles(max, max, max), max);
  EXPECT_EQ(adjust_tokens_in_doubles(min, max, max), min);
  EXPECT_EQ(costs_of({max, max, max, max, max}, max).total, max);
  EXPECT_EQ(tokens_to_reserve(max, max, max), max);
  EXPECT_EQ(tokens_available({.balance = ~0ull, .stake = ~0ull, .charged = max, .used = min, .reserved = min}, 1), max);
}

TEST(Prices, ReservationAndSlots) {
  EXPECT_EQ(tokens_to_reserve(16, 184, 4000), output("reserve-1").to_number<std::int64_t>());
  EXPECT_EQ(tokens_to_reserve(10000, 2048, 4000), output("reserve-2").to_number<std::int64_t>());
  EXPECT_EQ(tokens_to_reserve(-100, 100, 4000), 400);
  EXPECT_EQ(tokens_to_reserve(100, 100, -1), 0);
  EXPECT_EQ(per_proxy_limit(60, 7), output("worker-slots").to_number<std::int64_t>());
  EXPECT_EQ(per_proxy_limit(1, 5), 1);
  EXPECT_EQ(per_proxy_limit(0, 0), 1);
  EXPECT_EQ(per_proxy_limit(std::numeric_limits<std::int64_t>::max(), 1), std::numeric_limits<std::int64_t>::max());
}

TEST(Prices, BalanceIsBoundedByPaymentAndByStake) {
  EXPECT_EQ(tokens_available({.balance = 1000, .stake = 5000, .charged = 10, .used = 15, .reserved = 5}, 10), 90);
  EXPECT_EQ(tokens_available({.balance = 9000, .stake = 5000, .charged = 10, .used = 15, .reserved = 5}, 10), 490);
  EXPECT_EQ(tokens_available({.charged = 10, .used = 15}, 10), -5);
  EXPECT_EQ(tokens_available({.used = 1}, 0), 999'999'999'999);
}

TEST(Timeouts, ChainVector) {
  const json::value expected = output("timeouts");
  const TimeoutChain chain = timeout_chain(120);
  EXPECT_EQ(chain.proxy, expected.at("client_runQueryEx").as_double());
  EXPECT_EQ(chain.proxy, expected.at("proxy_alarm").as_double());
  EXPECT_DOUBLE_EQ(chain.worker, expected.at("proxy_runQueryEx").as_double());
  EXPECT_DOUBLE_EQ(chain.worker, expected.at("worker_alarm").as_double());
  EXPECT_EQ(chain.backend, expected.at("backend_http_seconds").to_number<double>());
  EXPECT_EQ(clamp_timeout(-1), kMinTimeout);
  EXPECT_EQ(clamp_timeout(std::nan("")), kMinTimeout);
  EXPECT_EQ(clamp_timeout(1e300), kMaxTimeout);
  EXPECT_EQ(clamp_timeout(114), 114);
}

Candidate idle(std::uint64_t id) {
  return {.connection = id, .enabled = true, .proto_version = 4, .coefficient = 1000, .limit = 4};
}

TEST(Selection, SmallestWeightWins) {
  std::vector<Candidate> all{idle(1), idle(2), idle(3)};
  all[0].running = 1, all[0].average_seconds = 10;
  all[1].running = 3, all[1].average_seconds = 2;
  all[2].running = 2, all[2].average_seconds = 4;
  EXPECT_EQ(*select_worker(all, {}), 1u);
  all[1].running = 4;  // at its limit
  EXPECT_EQ(*select_worker(all, {}), 2u);
}

TEST(Selection, TiesSpreadOverWorkersThenGoToTheCheaperThenTheOlder) {
  std::vector<Candidate> all{idle(1), idle(2), idle(3)};
  EXPECT_EQ(*select_worker(all, {}), 0u);
  all[0].running = 1;
  EXPECT_EQ(*select_worker(all, {}), 1u);
  all[2].coefficient = 900;
  EXPECT_EQ(*select_worker(all, {}), 2u);
}

TEST(Selection, ErrorsSayWhy) {
  const auto why = [](std::vector<Candidate> all, Ask ask = {}) {
    const auto got = select_worker(all, ask);
    EXPECT_FALSE(got);
    EXPECT_EQ(got.error().code, 651);
    return got.error().what;
  };
  Candidate off = idle(1), busy = idle(2), dear = idle(3), old = idle(4);
  off.enabled = false;
  busy.running = busy.limit;
  dear.coefficient = 9000;
  old.proto_version = 2;
  EXPECT_NE(why({}).find("connected"), std::string::npos);
  EXPECT_NE(why({off}).find("switched off"), std::string::npos);
  EXPECT_NE(why({off, busy}).find("busy"), std::string::npos);
  EXPECT_NE(why({off, busy, dear}).find("9000"), std::string::npos);
  EXPECT_NE(why({old}, {.encrypted = true}).find("encryption"), std::string::npos);
  EXPECT_TRUE(select_worker(std::vector{dear}, {.max_coefficient = 0xffffffff}));
}

TEST(Selection, AverageIsZeroOnAQuietProxyAndMovesWithTheTimes) {
  DecayingAverage average;
  Time now = from_unix(1000);
  average.add(now, std::chrono::seconds(5));
  EXPECT_EQ(average.seconds(now), 0);
  for (int i = 0; i < 100; ++i) average.add(now, std::chrono::seconds(5));
  EXPECT_NEAR(average.seconds(now), 5, 1e-9);
  now += std::chrono::hours(1);
  EXPECT_EQ(average.seconds(now), 0);
  for (int i = 0; i < 1000; ++i) average.add(now, std::chrono::seconds(1));
  EXPECT_NEAR(average.seconds(now), 1, 0.01);
}

}  // namespace
}  // namespace cocoon::market
