// The table by which parts of answers pass by the core.
#include "proxy/core/routes.hpp"

#include <gtest/gtest.h>

#include "wire/messages.hpp"

namespace cocoon::proxy {
namespace {

Bits256 id_of(std::uint8_t n) {
  Bits256 id;
  id.fill(n);
  return id;
}

Bytes part_ex(const Bits256& id, std::string_view text, std::uint32_t flags = 0) {
  wire::proxy::QueryAnswerPartEx part;
  part.request_id = id;
  part.answer = to_bytes(text);
  if (flags != 0) part.set_final_info({});
  return wire::encode(part);
}

Bytes part_old(const Bits256& id, std::string_view text, bool completed = false) {
  wire::proxy::QueryAnswerPart part;
  part.request_id = id;
  part.answer = to_bytes(text);
  part.is_completed = completed;
  return wire::encode(part);
}

struct Case {
  bool worker_ex, client_ex;
};

class RouteForms : public ::testing::TestWithParam<Case> {};

TEST_P(RouteForms, APartBecomesWhatTheClientUnderstands) {
  RouteTable routes;
  routes.open({7, id_of(1), 9, id_of(2), GetParam().client_ex, 1 << 20});
  for (const std::string_view text : {"", "a", "hello, world", "0123456789012345678901234567890123456789"}) {
    Bytes packet;
    const Bytes said = GetParam().worker_ex ? part_ex(id_of(1), text) : part_old(id_of(1), text);
    const auto verdict = routes.carry(7, said, packet);
    const auto* carried = std::get_if<RouteTable::Carried>(&verdict);
    ASSERT_NE(carried, nullptr);
    EXPECT_EQ(carried->client, 9u);
    if (GetParam().client_ex) {
      const auto out = wire::decode<wire::client::QueryAnswerPartEx>(packet);
      ASSERT_TRUE(out.has_value()) << out.error().what;
      EXPECT_EQ(out->request_id, id_of(2));
      EXPECT_EQ(to_text(out->answer), text);
      EXPECT_EQ(out->flags, 0u);
    } else {
      const auto out = wire::decode<wire::client::QueryAnswerPart>(packet);
      ASSERT_TRUE(out.has_value()) << out.error().what;
      EXPECT_EQ(out->request_id, id_of(2));
      EXPECT_EQ(to_text(out->answer), text);
      EXPECT_FALSE(out->is_completed);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, RouteForms,
                         ::testing::Values(Case{true, true}, Case{true, false}, Case{false, true}, Case{false, false}));

TEST(Routes, WhatIsNotAPlainPartOfAnOpenRouteIsTheCores) {
  RouteTable routes;
  const auto is_mine = [&](role::LinkId worker, Bytes packet) {
    Bytes out;
    const auto verdict = routes.carry(worker, packet, out);
    const bool mine = !std::holds_alternative<RouteTable::NotMine>(verdict);
    EXPECT_TRUE(mine || out.empty());
    return mine;
  };
  EXPECT_FALSE(is_mine(7, part_ex(id_of(1), "x")));
  routes.open({7, id_of(1), 9, id_of(2), true, 1000});
  EXPECT_TRUE(is_mine(7, part_ex(id_of(1), "x")));
  EXPECT_FALSE(is_mine(8, part_ex(id_of(1), "x")));     // another worker
  EXPECT_FALSE(is_mine(7, part_ex(id_of(3), "x")));     // another request
  EXPECT_FALSE(is_mine(7, part_ex(id_of(1), "x", 1)));  // final
  EXPECT_FALSE(is_mine(7, part_old(id_of(1), "x", true)));
  EXPECT_FALSE(is_mine(7, {}));
  EXPECT_FALSE(is_mine(7, {1, 2, 3}));
  Bytes cut = part_ex(id_of(1), "hello");
  for (std::size_t n = 0; n < cut.size(); ++n)
    EXPECT_FALSE(is_mine(7, Bytes(cut.begin(), cut.begin() + static_cast<long>(n))));
  Bytes odd_flags = part_ex(id_of(1), "x");
  odd_flags[odd_flags.size() - 4] = 2;
  EXPECT_FALSE(is_mine(7, odd_flags));
  routes.close({8, id_of(1)});  // not this worker's
  EXPECT_EQ(routes.size(), 1u);
  routes.close({7, id_of(1)});
  EXPECT_EQ(routes.size(), 0u);
  EXPECT_FALSE(is_mine(7, part_ex(id_of(1), "x")));
}

TEST(Routes, TheLimitClosesARoute) {
  RouteTable routes;
  Bytes packet = part_ex(id_of(1), "hello");
  routes.open({7, id_of(1), 9, id_of(2), true, 2 * packet.size()});
  for (int i = 0; i < 2; ++i) {
    Bytes out;
    EXPECT_TRUE(std::holds_alternative<RouteTable::Carried>(routes.carry(7, packet, out)));
  }
  Bytes out;
  const auto verdict = routes.carry(7, packet, out);
  const auto* over = std::get_if<RouteTable::Overflow>(&verdict);
  ASSERT_NE(over, nullptr);
  EXPECT_EQ(over->event.worker, 7u);
  EXPECT_EQ(over->event.worker_request, id_of(1));
  EXPECT_EQ(routes.size(), 0u);
}

}  // namespace
}  // namespace cocoon::proxy
