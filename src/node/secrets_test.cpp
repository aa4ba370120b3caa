#include "node/secrets.hpp"

#include <filesystem>

#include <gtest/gtest.h>
#include <sys/stat.h>

namespace cocoon::node {
namespace {

struct Secrets : testing::Test {
  std::string dir = testing::TempDir() + "cocoon-secrets-" + to_hex(crypto::Random::from_os().bits256()).substr(0, 12);
  std::string file = dir + "/key";
  ~Secrets() override { std::filesystem::remove_all(dir); }
};

TEST_F(Secrets, CreatedOnceThenTheSame) {
  auto first = load_or_create_seed(file);
  ASSERT_TRUE(first) << first.error().what;
  EXPECT_EQ(load_or_create_seed(file).value(), *first);
  EXPECT_EQ(load_seed(file).value(), *first);
}

TEST_F(Secrets, RefusesWhatOthersCanReadAndWhatIsNoSeed) {
  ASSERT_TRUE(load_or_create_seed(file));
  ASSERT_EQ(chmod(file.c_str(), 0644), 0);
  EXPECT_NE(load_seed(file).error().what.find("chmod 600"), std::string::npos);
  ASSERT_TRUE(write_file_atomically(file, "abc"));
  EXPECT_FALSE(load_seed(file));
  EXPECT_FALSE(load_seed(dir + "/absent"));
}

}  // namespace
}  // namespace cocoon::node
