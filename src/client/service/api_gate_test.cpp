#include "client/service/api_gate.hpp"

#include <filesystem>

#include <gtest/gtest.h>

#include "crypto/crypto.hpp"

namespace cocoon::client {
namespace {

using namespace std::chrono_literals;

struct ApiGateTest : testing::Test {
  std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "cocoon-api-gate";
  Time now = Time{} + 1'800'000'000s;

  void SetUp() override {
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
  }
  void TearDown() override { std::filesystem::remove_all(folder); }
  store::ApiKeys keys() const { return std::move(*store::ApiKeys::open(folder / "keys.sqlite")); }
  ApiGate gate(const store::ApiKey& key) const {
    auto all = keys();
    EXPECT_TRUE(all.add(key, crypto::sha256(as_bytes(std::string_view("ck-secret")))));
    return ApiGate(std::move(all));
  }
  static net::HttpHeaders with(std::string name, std::string value) {
    return net::HttpHeaders().with(std::move(name), std::move(value));
  }
};

TEST_F(ApiGateTest, WithoutKeysEverybodyIsLetIn) {
  ApiGate open{std::nullopt};
  EXPECT_FALSE(open.asks());
  EXPECT_FALSE(open.admit(with("Authorization", "Bearer anything")).value());
}

TEST_F(ApiGateTest, KeysInEveryHeaderThatLibrariesUse) {
  auto g = gate({.name = "a"});
  EXPECT_TRUE(g.asks());
  for (const auto& [name, value] : {std::pair("authorization", "Bearer ck-secret"),
                                    {"Authorization", "bearer ck-secret"},
                                    {"x-api-key", "ck-secret"},
                                    {"Api-Key", "ck-secret"}}) {
    const auto key = g.admit(with(name, value));
    ASSERT_TRUE(key) << name;
    EXPECT_EQ((*key)->name, "a");
  }
  for (const auto& [name, value] : {std::pair("authorization", "Bearer ck-secret2"),
                                    {"authorization", "ck-secret"},
                                    {"authorization", "Bearer "},
                                    {"cookie", "ck-secret"}}) {
    const auto key = g.admit(with(name, value));
    ASSERT_FALSE(key) << name << value;
    EXPECT_EQ(key.error().status, 401);
  }
}

TEST_F(ApiGateTest, ARevokedKeyIsOutAtOnce) {
  auto g = gate({.name = "a"});
  EXPECT_TRUE(g.admit(with("x-api-key", "ck-secret")));
  ASSERT_TRUE(keys().revoke("a", 5));
  EXPECT_EQ(g.admit(with("x-api-key", "ck-secret")).error().status, 401);
}

TEST_F(ApiGateTest, Models) {
  auto g = gate({.name = "a", .models = {"m", "n"}});
  const auto key = **g.admit(with("x-api-key", "ck-secret"));
  EXPECT_FALSE(g.enter(key, "n", 0, now));
  EXPECT_EQ(g.enter(key, "x", 0, now)->status, 403);
  EXPECT_TRUE(ApiGate::allows(std::nullopt, "x"));
}

TEST_F(ApiGateTest, RatesComeBackWithTime) {
  auto g = gate({.name = "a", .per_minute = 2});
  const auto key = **g.admit(with("x-api-key", "ck-secret"));
  EXPECT_FALSE(g.enter(key, "m", 0, now));
  EXPECT_FALSE(g.enter(key, "m", 0, now));
  const auto refused = g.enter(key, "m", 0, now);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 429);
  EXPECT_EQ(refused->retry_after, 30);
  EXPECT_TRUE(g.enter(key, "m", 0, now + 29s));
  EXPECT_FALSE(g.enter(key, "m", 0, now + 30s));
  EXPECT_TRUE(g.enter(key, "m", 0, now + 30s));
  EXPECT_FALSE(g.enter(key, "m", 0, now + 3600s));
  EXPECT_FALSE(g.enter(key, "m", 0, now + 3600s)) << "no more than a minute's worth is saved";
  EXPECT_TRUE(g.enter(key, "m", 0, now + 3600s));
}

TEST_F(ApiGateTest, ABudgetIsNeverOverspent) {
  auto g = gate({.name = "a", .budget = 100});
  const auto key = [&] { return **g.admit(with("x-api-key", "ck-secret")); };
  EXPECT_EQ(g.enter(key(), "m", 101, now)->status, 402);
  EXPECT_FALSE(g.enter(key(), "m", 60, now));
  EXPECT_EQ(g.enter(key(), "m", 41, now)->status, 402) << "60 are held";
  EXPECT_FALSE(g.enter(key(), "m", 40, now));
  g.leave(key(), 60, 25);
  g.leave(key(), 40, 40);
  EXPECT_EQ(key().spent, 65);
  EXPECT_EQ(g.enter(key(), "m", 36, now)->status, 402);
  EXPECT_FALSE(g.enter(key(), "m", 35, now));
  EXPECT_TRUE(g.enter(key(), "m", INT64_MAX, now));
}

}  // namespace
}  // namespace cocoon::client
