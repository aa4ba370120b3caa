#include "node/policy_file.hpp"

#include <gtest/gtest.h>

namespace cocoon::node {
namespace {

constexpr std::string_view kFile = R"(
[policy.strict]
kinds = ["tdx"]
images = ["1111111111111111111111111111111111111111111111111111111111111111"]
min_evaluation_number = 18
platforms = ["gold:000102030405060708090a0b0c0d0e0f"]
tiers = ["gold"]

[policy.lenient]
worst_tcb = "OutOfDate"
allowed_advisories = ["any"]
debug = true
collateral_grace = 3600
)";

TEST(PolicyFile, NamedPoliciesAreRead) {
  const auto all = parse_policies(kFile, "p.toml");
  ASSERT_TRUE(all) << all.error().what;
  ASSERT_EQ(all->size(), 2u);
  const auto& strict = all->at("strict");
  EXPECT_EQ(strict.name, "strict");
  EXPECT_EQ(strict.kinds, std::vector{tee::TeeKind::tdx});
  EXPECT_EQ(strict.image_hashes.size(), 1u);
  EXPECT_EQ(strict.min_evaluation_number, 18u);
  EXPECT_EQ(strict.platforms.at(0).tier, "gold");
  EXPECT_EQ(strict.worst_tcb, tee::TcbStatus::up_to_date) << "what is not said is refused";
  EXPECT_TRUE(looseness(strict).empty());
  const auto& lenient = all->at("lenient");
  EXPECT_EQ(lenient.worst_tcb, tee::TcbStatus::out_of_date);
  EXPECT_TRUE(lenient.any_advisory);
  EXPECT_EQ(lenient.collateral_grace, std::chrono::hours(1));
  EXPECT_EQ(looseness(lenient).size(), 2u) << "what is loose is loud";
}

TEST(PolicyFile, WhatIsNotUnderstoodIsRefused) {
  for (const auto& [text, needle] : std::vector<std::pair<std::string, std::string>>{
           {"[policy.a]\nkind = [\"tdx\"]", "kinds"},
           {"[policy.a]\nkinds = [\"sev\"]", "sev"},
           {"[policy.a]\nworst_tcb = \"Fine\"", "Fine"},
           {"[policy.a]\nimages = [\"12\"]", "12"},
           {"[policy.a]\nplatforms = [\"gold\"]", "gold"},
           {"[policy.a]\nplatforms = [\"gold:00\"]", "gold:00"},
           {"[policy.a]\nlevel = \"none\"", "none"},
           {"[policy.a]\nmax_vmpl = 4", "max_vmpl"},
           {"[policies.a]\n", "policies"},
           {"", "[policy.NAME]"},
           {"[policy.a", "p.toml:1"},
       }) {
    const auto all = parse_policies(text, "p.toml");
    ASSERT_FALSE(all) << text;
    EXPECT_NE(all.error().what.find(needle), std::string::npos) << all.error().what;
  }
}

TEST(PolicyFile, AnyIsWrittenAndLoud) {
  const auto all = parse_policies("[policy.open]\nlevel = \"any\"", "p.toml");
  ASSERT_TRUE(all);
  EXPECT_EQ(all->at("open").level, tee::Policy::Level::any);
  EXPECT_EQ(looseness(all->at("open")).size(), 1u);
}

TEST(PolicyFile, TheExampleIsAPolicy) {
  const auto all = parse_policies(policy_example(), "example");
  ASSERT_TRUE(all) << all.error().what;
  EXPECT_TRUE(looseness(all->at("default")).empty());
}

}  // namespace
}  // namespace cocoon::node
