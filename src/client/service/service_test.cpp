#include "client/service/service.hpp"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "node/secrets.hpp"

namespace cocoon::client {
namespace {

struct ServiceTest : testing::Test {
  std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "cocoon-client-service";
  ServiceConfig config;
  node::ConfigTable table;
  void SetUp() override {
    std::filesystem::create_directories(folder);
    config.add_keys(table);
  }
  void TearDown() override { std::filesystem::remove_all(folder); }
  std::string base(const std::string& root, const std::string& more) const {
    return fmt::format(
        "[chain]\nliteserver = \"127.0.0.1:1\"\nliteserver_key = \"{}\"\n[network]\nroot = \"{}\"\n"
        "[wallet]\nkey_file = \"{}\"\nowner = \"{}\"\n[http]\nlisten = \"127.0.0.1:0\"\n{}",
        to_base64(Bits256{}), root, (folder / "wallet.key").string(), ton::to_raw_text({}), more);
  }
};

TEST_F(ServiceTest, TheExampleFileExplainsEveryKeyAndLoadsBack) {
  const auto text = table.example();
  for (const auto* key :
       {"proxy_connections", "secret_file", "settle_time", "auto_top_up", "max_coefficient", "origins"})
    EXPECT_NE(text.find(key), std::string::npos) << key;
  ServiceConfig again;
  node::ConfigTable table2;
  again.add_keys(table2);
  const auto loaded = table2.load(text, "example.toml");
  EXPECT_TRUE(loaded) << loaded.error().what;
  EXPECT_EQ(again.api.max_body, config.api.max_body);
}

TEST_F(ServiceTest, KeysReachTheirPlaces) {
  const auto loaded =
      table.load(base(ton::to_raw_text({}),
                      "[client]\nproxy_connections = 3\nsettle_time = 2.5\n[money]\nauto_top_up = false\n"
                      "[api]\nmax_tokens = 77\norigins = [\"https://example.org\"]\n"),
                 "client.toml");
  ASSERT_TRUE(loaded) << loaded.error().what;
  EXPECT_EQ(config.core.proxy_connections, 3);
  EXPECT_EQ(config.core.settle_time, std::chrono::milliseconds(2500));
  EXPECT_FALSE(config.core.money.auto_top_up);
  EXPECT_EQ(config.api.defaults.max_tokens, 77);
  EXPECT_EQ(config.api.origins, std::vector<std::string>{"https://example.org"});
}

TEST_F(ServiceTest, WhatCannotBeRunIsSaidAtOnce) {
  ASSERT_TRUE(table.load(base("nonsense", ""), "client.toml"));
  EXPECT_EQ(run(config), 1);
}

TEST_F(ServiceTest, AnEmptySecretIsRefused) {
  const auto file = folder / "secret";
  ASSERT_TRUE(node::write_file_atomically(file.string(), "\n"));
  ASSERT_TRUE(table.load(base(ton::to_raw_text({}), fmt::format("[client]\nsecret_file = \"{}\"\n", file.string())),
                         "client.toml"));
  EXPECT_EQ(run(config), 1);
}

}  // namespace
}  // namespace cocoon::client
