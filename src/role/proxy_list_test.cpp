#include "role/proxy_list.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ton/boc.hpp"

namespace cocoon::role {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

const Time kNow = from_unix(1'800'000'000);
const ton::Address kRoot{0, crypto::sha256(as_bytes("root"))};
const Bits256 kImage = crypto::sha256(as_bytes("image"));

ton::RootState root_state(std::uint32_t version) {
  ton::RootState r;
  r.version = version;
  r.owner = kRoot;
  r.registered_proxies = {{1, "10.0.0.1:1 10.0.0.1:2"}, {2, "10.0.0.2:1 10.0.0.2:2"}, {3, "10.0.0.3:1 10.0.0.3:2"}};
  r.last_proxy_seqno = 3;
  r.proxy_hashes = {kImage};
  r.params.is_test = true;
  r.params.params_version = 1;
  return r;
}

AccountObserved seen(const ton::RootState& r) {
  ton::Account a;
  a.state = ton::StateInit{.data = *ton::build_root_state(r)};
  return {kRoot, a, {}, true, 0};
}

ProxyList list(ProxyList::Side side = ProxyList::Side::clients, int connections = 2) {
  return ProxyList(side, {.root = kRoot, .is_test = true, .proxy_connections = connections});
}

TEST(ProxyList, ListsTheAddressesOfItsSide) {
  auto clients = list(), workers = list(ProxyList::Side::workers);
  EXPECT_EQ(clients.waiting_for(), "reading the root contract");
  EXPECT_TRUE(clients.observe(seen(root_state(1)), kNow).root);
  workers.observe(seen(root_state(1)), kNow);
  EXPECT_THAT(clients.listed(), UnorderedElementsAre("10.0.0.1:2", "10.0.0.2:2", "10.0.0.3:2"));
  EXPECT_THAT(workers.listed(), UnorderedElementsAre("10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1"));
  EXPECT_EQ(clients.waiting_for(), "");
  auto empty = root_state(2);
  empty.registered_proxies.clear();
  clients.observe(seen(empty), kNow);
  EXPECT_EQ(clients.waiting_for(), "the root contract lists no proxy");
}

TEST(ProxyList, OnlyANewerStateOfTheRightNetworkIsTakenOver) {
  auto proxies = list();
  EXPECT_THAT(proxies.observe({kRoot, std::nullopt, {}, true, 0}, kNow).trouble, HasSubstr("not on this chain"));
  EXPECT_EQ(proxies.observe({kRoot, std::nullopt, {}, true, 0}, kNow).trouble, "") << "told once";
  EXPECT_THAT(proxies.waiting_for(), HasSubstr("not on this chain"));
  auto live = root_state(5);
  live.params.is_test = false;
  EXPECT_THAT(proxies.observe(seen(live), kNow).trouble, HasSubstr("of a live network"));
  const auto first = proxies.observe(seen(root_state(5)), kNow);
  EXPECT_TRUE(first.root);
  EXPECT_FALSE(first.contracts) << "there were none before";
  EXPECT_FALSE(proxies.observe(seen(root_state(5)), kNow).root);
  EXPECT_FALSE(proxies.observe(seen(root_state(4)), kNow).root);
  auto moved = root_state(6);
  moved.params.params_version = 2;
  auto part = seen(moved);
  part.more = true;
  EXPECT_FALSE(proxies.observe(part, kNow).root) << "a part of a history brings no state";
  EXPECT_TRUE(proxies.observe(seen(moved), kNow).contracts);
  EXPECT_EQ(proxies.root()->version, 6U);
}

TEST(ProxyList, RefusesWhoIsNotListedOrRunsAnotherImage) {
  auto proxies = list();
  proxies.observe(seen(root_state(1)), kNow);
  Peer peer;
  peer.image_hash = kImage;
  EXPECT_EQ(proxies.why_refused("10.0.0.1:2", &peer, kNow), "");
  EXPECT_EQ(proxies.why_refused("10.0.0.1:2", nullptr, kNow), "");
  EXPECT_THAT(proxies.why_refused("10.0.0.1:1", &peer, kNow), HasSubstr("no longer lists"));
  peer.image_hash = kRoot.hash;
  EXPECT_THAT(proxies.why_refused("10.0.0.1:2", &peer, kNow), HasSubstr("image hash"));
  ProxyList open(ProxyList::Side::clients, {.root = kRoot, .is_test = true, .check_images = false});
  open.observe(seen(root_state(1)), kNow);
  EXPECT_EQ(open.why_refused("10.0.0.1:2", &peer, kNow), "");
}

TEST(ProxyList, ChoosesWhatIsFreeAndNotGivenUpIfItCan) {
  crypto::Random random(kImage);
  auto proxies = list();
  EXPECT_TRUE(proxies.choose({}, random).empty());
  proxies.observe(seen(root_state(1)), kNow);
  for (int n = 0; n < 50; ++n) {
    const auto two = proxies.choose({}, random);
    ASSERT_EQ(two.size(), 2U);
    EXPECT_NE(two[0], two[1]);
  }
  EXPECT_TRUE(proxies.choose({"10.0.0.1:2", "10.0.0.2:2"}, random).empty()) << "enough are in use";
  proxies.give_up("10.0.0.1:2");
  for (int n = 0; n < 50; ++n)
    EXPECT_THAT(proxies.choose({"10.0.0.2:2"}, random), ::testing::ElementsAre("10.0.0.3:2"));
  EXPECT_THAT(list().choose({}, random), ::testing::IsEmpty());
  auto one = list();
  auto alone = root_state(1);
  alone.registered_proxies = {{1, "10.0.0.1:1 10.0.0.1:2"}};
  one.observe(seen(alone), kNow);
  one.give_up("10.0.0.1:2");
  EXPECT_EQ(one.choose({}, random).size(), 1U) << "there is no other";
}

}  // namespace
}  // namespace cocoon::role
