#include "store/api_keys.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

namespace cocoon::store {
namespace {

Bits256 hash(std::uint8_t n) {
  Bits256 out;
  out.fill(n);
  return out;
}

struct ApiKeysTest : testing::Test {
  std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "cocoon-api-keys";
  std::filesystem::path file = folder / "keys.sqlite";
  void SetUp() override {
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
  }
  void TearDown() override { std::filesystem::remove_all(folder); }
  ApiKeys open() const {
    auto keys = ApiKeys::open(file);
    EXPECT_TRUE(keys) << keys.error().what;
    return std::move(*keys);
  }
};

TEST_F(ApiKeysTest, WhatOneProcessAddsTheOtherFinds) {
  auto client = open(), command = open();
  EXPECT_FALSE(client.find(hash(1)).value());
  ASSERT_TRUE(command.add({0, "ann", 100, 0, 5000, 60, {"m", "org/n"}, 7, 7}, hash(1)));
  const auto key = client.find(hash(1)).value();
  ASSERT_TRUE(key);
  EXPECT_EQ(key->name, "ann");
  EXPECT_EQ(key->created, 100);
  EXPECT_EQ(key->budget, 5000);
  EXPECT_EQ(key->per_minute, 60);
  EXPECT_EQ(key->models, (std::vector<std::string>{"m", "org/n"}));
  EXPECT_EQ(key->spent, 0);
  ASSERT_TRUE(client.charge(key->id, 30));
  ASSERT_TRUE(client.charge(key->id, 12));
  EXPECT_EQ(command.list()->at(0).spent, 42);
  EXPECT_EQ(command.list()->at(0).requests, 2);
  struct stat info {};
  ASSERT_EQ(::stat(file.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

TEST_F(ApiKeysTest, RevokedKeysAreListedAndNotFound) {
  auto keys = open();
  ASSERT_TRUE(keys.add({.name = "a"}, hash(1)));
  ASSERT_TRUE(keys.add({.name = "b"}, hash(2)));
  ASSERT_TRUE(keys.revoke("a", 77));
  EXPECT_FALSE(keys.find(hash(1)).value());
  EXPECT_TRUE(keys.find(hash(2)).value());
  EXPECT_EQ(keys.list()->at(0).revoked, 77);
  EXPECT_FALSE(keys.revoke("a", 78)) << "twice";
  EXPECT_FALSE(keys.revoke("nobody", 78));
  EXPECT_FALSE(keys.add({.name = "a"}, hash(3))) << "names are not used again";
  EXPECT_FALSE(keys.add({.name = "c"}, hash(2))) << "nor are secrets";
  EXPECT_FALSE(keys.add({}, hash(4)));
  EXPECT_FALSE(keys.add({.name = "d", .models = {"x\ny"}}, hash(4)));
  EXPECT_EQ(keys.list()->size(), 2U);
  EXPECT_TRUE(open().list()->at(1).models.empty());
}

TEST_F(ApiKeysTest, AFileThatIsNoDatabaseIsRefused) { EXPECT_FALSE(ApiKeys::open(folder)); }

}  // namespace
}  // namespace cocoon::store
