// What the proxy does with money: from a finished request to the chain, across failures and restarts.
#include "proxy/core/test_world.hpp"

namespace cocoon::proxy::testing {
namespace {

TEST(ProxyMoney, DeploysItsContractAndServesOnlyAfterItsOwnCommit) {
  World w(test_config(), false);
  EXPECT_FALSE(w.core->serving());
  const role::LinkId early = w.up(kClientPort);
  EXPECT_EQ(w.take(early).at(0).kind, Said::Kind::closed);
  w.observe_all();
  EXPECT_TRUE(w.core->serving());
  EXPECT_TRUE(w.chain.proxy_deployed);
  EXPECT_EQ(w.chain.commits.size(), 1u);
}

}  // namespace
}  // namespace cocoon::proxy::testing
