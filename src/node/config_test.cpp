#include "node/config.hpp"

#include <gtest/gtest.h>

namespace cocoon::node {
namespace {

struct Sample {
  std::string address = "127.0.0.1:1";
  int workers = 2;
  bool fast = false;
  Duration wait = std::chrono::seconds(3);
  std::vector<std::string> proxies{"a", "b"};
  ConfigTable table() {
    ConfigTable t;
    t.key("workers", workers, "how many", 1, 8)
        .key("chain.liteserver", address, "where the chain is")
        .key("chain.fast", fast, "whether")
        .key("wait", wait, "how long")
        .key("proxies", proxies, "which");
    return t;
  }
};

TEST(ConfigTable, ReadsEveryKind) {
  Sample s;
  ASSERT_TRUE(s.table().load(
      "workers = 3\nwait = 0.25\nproxies = [\"x\"]\n[chain]\nliteserver = \"h:2\"\nfast = true\n", "f.toml"));
  EXPECT_EQ(s.workers, 3);
  EXPECT_EQ(s.address, "h:2");
  EXPECT_TRUE(s.fast);
  EXPECT_EQ(s.wait, std::chrono::milliseconds(250));
  EXPECT_EQ(s.proxies, std::vector<std::string>{"x"});
}

TEST(ConfigTable, UnknownKeyNamesTheNearest) {
  Sample s;
  auto r = s.table().load("[chain]\nlightserver = \"x\"\n", "f.toml");
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().what, "f.toml:2: chain.lightserver: unknown key; the nearest known one is \"chain.liteserver\"");
  EXPECT_NE(s.table().load("fast = true", "f").error().what.find("chain.fast"), std::string::npos);
}

TEST(ConfigTable, WrongTypesRangesAndSyntaxAreErrorsWithALine) {
  for (const auto* text : {"workers = 0", "workers = 9", "workers = \"3\"", "workers = 3.5", "wait = -1", "wait = true",
                           "proxies = [1]", "proxies = \"x\"", "workers = ", "workers = 1\nworkers = 2"}) {
    Sample s;
    auto r = s.table().load(text, "f.toml");
    ASSERT_FALSE(r) << text;
    EXPECT_TRUE(r.error().what.starts_with("f.toml:")) << r.error().what;
  }
}

TEST(ConfigTable, RequiredKeys) {
  std::string key;
  ConfigTable t;
  t.key("secret.file", key, "where the key is").required();
  EXPECT_EQ(t.load("", "f").error().what, "f: secret.file must be given: where the key is");
  EXPECT_TRUE(t.load("[secret]\nfile = \"x\"", "f"));
}

TEST(ConfigTable, ExampleIsAFileThatLoads) {
  Sample s;
  const auto text = s.table().example();
  Sample again;
  again.workers = 7;
  ASSERT_TRUE(again.table().load(text, "example")) << text;
  EXPECT_EQ(again.workers, 2);
  EXPECT_NE(text.find("# how many\nworkers = 2\n"), std::string::npos);
}

}  // namespace
}  // namespace cocoon::node
