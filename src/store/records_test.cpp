#include "store/records.hpp"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "store/fault_disk_test.hpp"

namespace cocoon::store {
namespace {

class RecordsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "records-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  std::filesystem::path folder;
  std::filesystem::path file() const { return folder / "client.sqlite"; }
};

TEST_F(RecordsTest, AreThereAgainAfterARestart) {
  const Bytes a = to_bytes("a"), b = to_bytes("b"), c = to_bytes("c");
  {
    auto records = *Records::open(file());
    EXPECT_TRUE(records.all()->empty());
    ASSERT_TRUE(records.put(b, to_bytes("two")));
    ASSERT_TRUE(records.put(a, to_bytes("one")));
    ASSERT_TRUE(records.put(c, to_bytes("three")));
    ASSERT_TRUE(records.put(b, to_bytes("zwei")));
    ASSERT_TRUE(records.put(c, {}));
    ASSERT_TRUE(records.put(c, {})) << "to forget what is not there is no error";
  }
  EXPECT_THAT(*Records::open(file())->all(), ::testing::ElementsAre(to_bytes("one"), to_bytes("zwei")));
  struct stat s {};
  ASSERT_EQ(::stat(file().c_str(), &s), 0);
  EXPECT_EQ(s.st_mode & 0777, 0600U);
}

TEST_F(RecordsTest, WhatIsNoDatabaseIsRefusedByName) {
  std::ofstream(file()) << "this is a letter to my aunt, and no database";
  const auto opened = Records::open(file());
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().what, ::testing::HasSubstr("client.sqlite"));
  EXPECT_FALSE(Records::open(folder / "no" / "such.sqlite"));
}

TEST_F(RecordsTest, ADiskThatRefusesIsSaidAndLosesNothing) {
  testing::FaultDisk disk;
  auto records = *Records::open(file());
  ASSERT_TRUE(records.put(to_bytes("a"), to_bytes("one")));
  disk.refuse = SQLITE_FULL;
  EXPECT_FALSE(records.put(to_bytes("a"), to_bytes("two")));
  disk.refuse = SQLITE_OK;
  EXPECT_THAT(*records.all(), ::testing::ElementsAre(to_bytes("one")));
  ASSERT_TRUE(records.put(to_bytes("a"), to_bytes("three")));
  EXPECT_THAT(*records.all(), ::testing::ElementsAre(to_bytes("three")));
}

}  // namespace
}  // namespace cocoon::store
