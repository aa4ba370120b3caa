#include <filesystem>
#include <fstream>
#include <random>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "market/breaker.hpp"
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

std::size_t chosen(const std::vector<Candidate>& all, const Ask& ask = {}) {
  const auto got = select_worker(all, ask);
  const auto* index = std::get_if<std::size_t>(&got);
  EXPECT_NE(index, nullptr) << std::get<Refusal>(got).why.what;
  return index != nullptr ? *index : all.size();
}

TEST(Selection, SmallestWeightWins) {
  std::vector<Candidate> all{idle(1), idle(2), idle(3)};
  all[0].running = 1, all[0].average_seconds = 10;
  all[1].running = 3, all[1].average_seconds = 2;
  all[2].running = 2, all[2].average_seconds = 4;
  EXPECT_EQ(chosen(all), 1u);
  all[1].running = 4;  // at its limit
  EXPECT_EQ(chosen(all), 2u);
  all[2].failing = 0.5;
  EXPECT_EQ(chosen(all), 0u) << "half of the other's answers failed";
}

TEST(Selection, TiesSpreadOverWorkersThenGoToTheCheaperThenTheOlder) {
  std::vector<Candidate> all{idle(1), idle(2), idle(3)};
  EXPECT_EQ(chosen(all), 0u);
  all[0].running = 1;
  EXPECT_EQ(chosen(all), 1u);
  all[2].coefficient = 900;
  EXPECT_EQ(chosen(all), 2u);
}

TEST(Selection, FollowsThePolicyOfTheClient) {
  std::vector<Candidate> all{idle(1), idle(2), idle(3)};
  all[0].name = "a", all[0].coefficient = 1200, all[0].first_seconds = 0.2;
  all[1].name = "b", all[1].coefficient = 900, all[1].first_seconds = 2, all[1].running = 2;
  all[2].name = "c", all[2].coefficient = 1000, all[2].first_seconds = 0.3;
  const auto with = [](std::string_view text) { return Ask{.policy = *parse_policy(text)}; };
  EXPECT_EQ(chosen(all, with("balanced")), 2u);
  EXPECT_EQ(chosen(all, with("cheapest")), 1u);
  EXPECT_EQ(chosen(all, with("fastest")), 0u);
  all[0].running = 3;
  EXPECT_EQ(chosen(all, with("fastest")), 2u) << "load stretches the time";
  EXPECT_EQ(chosen(all, with("worker=b")), 1u);
  const auto nobody = select_worker(all, with("worker=d"));
  EXPECT_FALSE(std::get<Refusal>(nobody).may_change);
  all[1].resting = true;
  EXPECT_TRUE(std::get<Refusal>(select_worker(all, with("worker=b"))).may_change) << "it may come back";
  EXPECT_EQ(chosen(all, with("cheapest")), 2u) << "who rests gets nothing";
}

TEST(Selection, KnowsItsPoliciesAndNoOthers) {
  EXPECT_EQ(parse_policy("worker=0a1b")->worker, "0a1b");
  EXPECT_TRUE(parse_policy("worker=" + std::string(64, 'a')));
  for (const std::string bad : {"", "Cheapest", "cheapest ", "worker=", "worker"})
    EXPECT_FALSE(parse_policy(bad)) << bad;
  EXPECT_FALSE(parse_policy("worker=" + std::string(65, 'a')));
}

TEST(Selection, ErrorsSayWhyAndWhetherToWait) {
  const auto refusal = [](const std::vector<Candidate>& all, const Ask& ask = {}) {
    auto got = select_worker(all, ask);
    EXPECT_TRUE(std::holds_alternative<Refusal>(got));
    auto out = std::get<Refusal>(got);
    EXPECT_EQ(out.why.code, 651);
    return out;
  };
  const auto why = [&](const std::vector<Candidate>& all, const Ask& ask = {}) { return refusal(all, ask).why.what; };
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
  EXPECT_TRUE(refusal({off, busy, dear}).may_change);
  EXPECT_FALSE(refusal({off, dear}).may_change) << "it stays dear";
  EXPECT_FALSE(refusal({off}).may_change);
  EXPECT_EQ(chosen({dear}, {.max_coefficient = 0xffffffff}), 0u);
}

TEST(Breaker, OpensAfterFailuresInARowAndLetsOneTry) {
  Breaker b;
  Time now = from_unix(1000);
  b.failed(now);
  b.failed(now);
  EXPECT_TRUE(b.admits(now, 5));
  b.succeeded();
  for (int i = 0; i < Breaker::kFailures; ++i) {
    EXPECT_TRUE(b.admits(now, 5));
    EXPECT_EQ(b.opens_at(now), Time::max());
    b.failed(now);
  }
  EXPECT_FALSE(b.admits(now, 0));
  EXPECT_EQ(b.opens_at(now), now + Breaker::kFirstPause);
  now += Breaker::kFirstPause;
  EXPECT_TRUE(b.admits(now, 0));
  EXPECT_FALSE(b.admits(now, 1)) << "one at a time";
  b.failed(now);
  EXPECT_EQ(b.opens_at(now), now + 2 * Breaker::kFirstPause);
  for (int i = 0; i < 100; ++i) b.failed(now);
  EXPECT_EQ(b.opens_at(now), now + Breaker::kLongestPause);
  now += Breaker::kLongestPause;
  EXPECT_TRUE(b.admits(now, 0));
  b.succeeded();
  EXPECT_TRUE(b.admits(now, 100));
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
