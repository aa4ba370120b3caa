// Choosing a proxy and being let in (wire.md 4.1, 4.4).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/core/testdata/world.hpp"

namespace cocoon::client {
namespace {

using testdata::all;
using testdata::filled;
using testdata::only;
using testdata::World;
using testing::HasSubstr;
using namespace std::chrono_literals;
using wire::client::AuthorizationWithProxyFailed;
using wire::client::AuthorizationWithProxySuccess;
using wire::client::ProxyConnectionAuthLong;
using wire::client::ProxyConnectionAuthShort;

void expect_refused(World& w, const Effects& effects, const std::string& why) {
  const auto closed = only<role::CloseLink>(effects);
  EXPECT_EQ(closed.link, w.link);
  EXPECT_THAT(closed.reason, HasSubstr(why));
  EXPECT_TRUE(all<role::SendQuery>(effects).empty());
  const auto status = w.core.status(w.now);
  ASSERT_EQ(status.connections.size(), 1U);
  EXPECT_EQ(status.connections[0].stage, "dialling");
  EXPECT_THAT(status.connections[0].last_error, HasSubstr(why));
  EXPECT_THAT(status.waiting_for, HasSubstr(why));
  EXPECT_FALSE(status.ready);
  EXPECT_TRUE(all<role::CloseLink>(w.handle(role::LinkDown{w.link, "closed"})).empty());
}

TEST(ClientHandshake, DialsOneOfTheListedProxiesWhenTheRootIsKnown) {
  World w;
  const auto first = w.tick();
  EXPECT_TRUE(all<role::Dial>(first).empty());
  EXPECT_EQ(w.core.status(w.now).waiting_for, "reading the root contract");
  EXPECT_EQ(only<role::Dial>(w.observe_root()).address, "10.0.0.1:7002");
  EXPECT_TRUE(all<role::Dial>(w.tick(2s)).empty());
  EXPECT_THAT(w.core.status(w.now).waiting_for, HasSubstr("connecting"));
}

TEST(ClientHandshake, GreetsWithItsWalletVersionsAndConfigVersion) {
  World w;
  const auto query = only<role::SendQuery>(w.link_up(w.dialled()));
  EXPECT_EQ(query.timeout, 30s);
  const auto hello = wire::decode<wire::client::ConnectToProxy>(query.data);
  ASSERT_TRUE(hello);
  EXPECT_EQ(hello->params.flags, 3U);
  EXPECT_EQ(hello->params.client_owner_address, ton::to_friendly_text(w.money_wallet()));
  EXPECT_EQ(hello->params.client_owner_address[0], 'U');
  EXPECT_TRUE(hello->params.is_test);
  EXPECT_EQ(hello->params.min_proto_version, 1);
  EXPECT_EQ(hello->params.max_proto_version, 4);
  EXPECT_EQ(hello->min_config_version, 3);
}

TEST(ClientHandshake, ShortAuthorisationShowsTheSecretAndIsThenReady) {
  World w;
  auto effects = w.link_up(w.dialled());
  effects = w.answer(World::token_of(effects), w.hello(w.short_auth(), 4));
  EXPECT_EQ(only<role::Watch>(effects).address, w.contract());
  const auto query = only<role::SendQuery>(effects);
  EXPECT_EQ(query.timeout, 300s);
  const auto proof = wire::decode<wire::client::AuthorizeWithProxyShort>(query.data);
  ASSERT_TRUE(proof);
  EXPECT_EQ(proof->data, to_bytes(std::string_view("our secret")));
  w.answer(query.token,
           AuthorizationWithProxySuccess{
               .signed_payment = wire::proxy::SignedPaymentEmpty{}, .tokens_committed_to_db = 5, .max_tokens = 7});
  const auto status = w.core.status(w.now);
  EXPECT_EQ(status.connections[0].stage, "ready");
  EXPECT_EQ(status.connections[0].proto, 4);
  EXPECT_EQ(status.money.contracts[0].db_tokens, 5U);
  EXPECT_EQ(status.money.contracts[0].max_tokens, 7U);
}

TEST(ClientHandshake, RefusesAProxyThatIsNotAttestedOrNotListed) {
  World w;
  const auto target = w.dialled();
  auto peer = w.proxy_peer();
  peer.image_hash = filled(0xab);
  expect_refused(w, w.link_up(target, peer), "image hash");
  peer = w.proxy_peer();
  peer.attested = false;
  peer.verdict = "no evidence";
  expect_refused(w, w.link_up(target, peer), "not attested: no evidence");
  // The next connection is judged anew.
  EXPECT_EQ(all<role::SendQuery>(w.link_up(target)).size(), 1U);
}

TEST(ClientHandshake, WithoutImageChecksAnyProxyWillDo) {
  auto config = World::make_config();
  config.check_images = false;
  World w{.config = config};
  auto peer = w.proxy_peer();
  peer.attested = false;
  peer.image_hash = filled(1);
  EXPECT_EQ(all<role::SendQuery>(w.link_up(w.dialled(), peer)).size(), 1U);
}

TEST(ClientHandshake, RefusesAnswersThatDoNotFit) {
  struct Case {
    const char* why;
    std::function<void(World&, wire::client::ConnectedToProxy&)> spoil;
  };
  const auto other = ton::to_friendly_text({0, filled(9)});
  const std::vector<Case> cases{
      {"another kind of network", [](World&, auto& m) { m.params.is_test = false; }},
      {"another kind of network", [](World&, auto& m) { m.params.flags &= ~1U; }},
      {"protocol version 5", [](World&, auto& m) { m.params.set_proto_version(5); }},
      {"protocol version -1", [](World&, auto& m) { m.params.flags |= 2, m.params.proto_version = -1; }},
      {"unreadable address", [](World&, auto& m) { m.params.proxy_owner_address = "nonsense"; }},
      {"unreadable address", [](World&, auto& m) { m.params.proxy_sc_address = ""; }},
      {"unreadable address", [](World&, auto& m) { m.client_sc_address.pop_back(); }},
      {"contract address does not follow", [&](World&, auto& m) { m.params.proxy_sc_address = other; }},
      {"contract address does not follow", [&](World&, auto& m) { m.params.proxy_owner_address = other; }},
      {"contract address does not follow", [&](World&, auto& m) { m.params.proxy_public_key = filled(3); }},
      {"another client contract", [&](World&, auto& m) { m.client_sc_address = other; }},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.why);
    World w;
    const auto effects = w.link_up(w.dialled());
    auto hello = w.hello(w.short_auth());
    c.spoil(w, hello);
    expect_refused(w, w.answer(World::token_of(effects), hello), c.why);
  }
}

TEST(ClientHandshake, RefusesWhatDoesNotDecode) {
  World w;
  const auto target = w.dialled();
  auto effects = w.link_up(target);
  auto cut = wire::encode(w.hello(w.short_auth()));
  cut.pop_back();
  expect_refused(w, w.handle(role::QueryDone{w.link, World::token_of(effects), cut}), "unreadable");

  effects = w.link_up(target);
  effects = w.answer(World::token_of(effects), w.hello(w.short_auth()));
  expect_refused(w, w.handle(role::QueryDone{w.link, World::token_of(effects), Bytes{1, 2, 3}}), "unreadable");
}

TEST(ClientHandshake, ErrorsAndTimeoutsOfEitherStepEndTheAttempt) {
  World w;
  const auto target = w.dialled();
  auto effects = w.link_up(target);
  expect_refused(w, w.answer_error(World::token_of(effects), 602, "config too old"), "config too old");
  effects = w.link_up(target);
  expect_refused(w, w.answer_error(World::token_of(effects), wire::kErrorTimeout, "no answer"), "no answer");
  effects = w.link_up(target);
  effects = w.answer(World::token_of(effects), w.hello(w.short_auth()));
  expect_refused(w, w.answer_error(World::token_of(effects), 0, "wrong secret"), "wrong secret");
  effects = w.link_up(target);
  effects = w.answer(World::token_of(effects), w.hello(w.short_auth()));
  expect_refused(
      w, w.answer(World::token_of(effects), AuthorizationWithProxyFailed{.error_code = 602, .error = "closing"}),
      "closing");
  // And after all that it is still let in.
  w.auto_ready(target);
  EXPECT_EQ(w.core.status(w.now).connections[0].stage, "ready");
}

TEST(ClientHandshake, AnAnswerOfAnEarlierConnectionChangesNothing) {
  World w;
  const auto target = w.dialled();
  const auto old = World::token_of(w.link_up(target));
  w.handle(role::LinkDown{w.link, "reset"});
  EXPECT_TRUE(w.answer(old, w.hello(w.short_auth())).empty());
  const auto next = World::token_of(w.link_up(target));
  EXPECT_NE(next, old);
  EXPECT_TRUE(w.answer(old, w.hello(w.short_auth())).empty());
  EXPECT_TRUE(w.answer(999, w.hello(w.short_auth())).empty());
  EXPECT_EQ(w.core.status(w.now).connections[0].stage, "connecting");
}

TEST(ClientHandshake, LongAuthorisationRegistersOnChainAndAsksAtOnce) {
  World w;
  const auto target = w.dialled();
  w.observe_wallet();
  auto effects = w.link_up(target);
  effects = w.answer(World::token_of(effects), w.hello(ProxyConnectionAuthLong{.nonce = -7}));
  EXPECT_EQ(w.core.status(w.now).connections[0].stage, "registering");
  // The wallet has nothing: the session waits, the operator is told what for.
  EXPECT_TRUE(all<role::SendQuery>(w.observe_contract()).empty());
  EXPECT_THAT(w.core.status(w.now).waiting_for, HasSubstr("holds 0.00 TON"));
  // A wallet that waits for its owner is no reason to leave the proxy.
  EXPECT_TRUE(all<role::Undial>(w.tick(3600s)).empty());

  w.chain.balance = 20 * ton::kTon;
  effects = w.observe_wallet();
  const auto query = only<role::SendQuery>(effects);
  EXPECT_EQ(query.timeout, 300s);
  EXPECT_TRUE(wire::decode<wire::client::AuthorizeWithProxyLong>(query.data));
  EXPECT_EQ(w.core.status(w.now).connections[0].stage, "authorising");
  w.settle(effects);
  ASSERT_FALSE(w.chain.log.empty());
  const auto& first = w.chain.log[0];
  EXPECT_TRUE(first.deploys);
  EXPECT_EQ(first.value, ton::kTon);
  const auto body = ton::parse_body<ton::ClientRegister>(first.body);
  ASSERT_TRUE(body);
  EXPECT_EQ(static_cast<std::int64_t>(body->nonce), -7);
  EXPECT_EQ(body->excesses_to, w.money_wallet());

  w.answer(query.token, World::let_in());
  EXPECT_TRUE(w.core.status(w.now).ready) << w.core.status(w.now).waiting_for;
}

TEST(ClientHandshake, AShortOfferWithAnotherSecretLeadsToLongAuthorisation) {
  World w;
  const auto target = w.dialled();
  w.chain.balance = 20 * ton::kTon;
  w.observe_wallet();
  auto effects = w.link_up(target);
  effects = w.answer(World::token_of(effects), w.hello(ProxyConnectionAuthShort{.secret_hash = {}, .nonce = 12}));
  EXPECT_TRUE(all<role::SendQuery>(effects).empty());
  effects = w.observe_contract();
  EXPECT_TRUE(wire::decode<wire::client::AuthorizeWithProxyLong>(only<role::SendQuery>(effects).data));
}

TEST(ClientHandshake, ARegistrationThatFailsOnChainIsSentAgainForTheSameNonce) {
  World w;
  const auto target = w.dialled();
  w.chain.balance = 20 * ton::kTon;
  w.observe_wallet();
  auto effects = w.link_up(target);
  effects = w.answer(World::token_of(effects), w.hello(ProxyConnectionAuthLong{.nonce = 5}));
  w.chain.failures = 1;
  effects = w.settle(w.observe_contract());
  EXPECT_EQ(w.chain.log.size(), 1U);
  EXPECT_TRUE(w.chain.clients.empty());
  effects = w.settle(w.tick(11s));
  ASSERT_GE(w.chain.log.size(), 2U);
  EXPECT_EQ(ton::parse_body<ton::ClientRegister>(w.chain.log[1].body)->nonce, 5U);
  EXPECT_EQ(w.chain.clients.size(), 1U);
  // Authorisation is asked only once: a second time would end the session.
  for (const auto& q : all<role::SendQuery>(effects))
    EXPECT_FALSE(wire::decode<wire::client::AuthorizeWithProxyLong>(q.data));
}

TEST(ClientHandshake, ANewConnectionRegistersItsOwnNonceOnly) {
  World w;
  const auto target = w.dialled();
  w.chain.balance = 20 * ton::kTon;
  w.observe_wallet();
  auto effects = w.link_up(target);
  effects = w.answer(World::token_of(effects), w.hello(ProxyConnectionAuthLong{.nonce = 5}));
  w.handle(role::LinkDown{w.link, "reset"});
  effects = w.link_up(target);
  w.answer(World::token_of(effects), w.hello(ProxyConnectionAuthLong{.nonce = 6}));
  w.settle(w.observe_contract());
  ASSERT_FALSE(w.chain.log.empty());
  EXPECT_EQ(ton::parse_body<ton::ClientRegister>(w.chain.log[0].body)->nonce, 6U);
  for (std::size_t i = 1; i < w.chain.log.size(); ++i) EXPECT_NE(w.chain.log[i].opcode, ton::op::client_register);
}

TEST(ClientHandshake, AsksForThePaymentStatusEveryTenToTwentySeconds) {
  World w;
  w.become_ready();
  Time last = w.now;
  int asked = 0;
  while (asked < 20) {
    w.now = std::max(w.core.wake_at(), w.now);
    for (const auto& q : all<role::SendQuery>(w.tick())) {
      ASSERT_TRUE(wire::decode<wire::client::UpdatePaymentStatus>(q.data));
      EXPECT_EQ(q.timeout, 60s);
      EXPECT_GE(w.now - last, 10s);
      EXPECT_LE(w.now - last, 21s);
      last = w.now;
      // Errors are ignored, answers raise the counters.
      if (++asked % 2 == 0)
        EXPECT_TRUE(all<role::CloseLink>(w.answer_error(q.token, 652)).empty());
      else
        w.answer(q.token,
                 wire::client::PaymentStatus{
                     .signed_payment = wire::proxy::SignedPaymentEmpty{}, .db_tokens = asked, .max_tokens = asked});
    }
  }
  EXPECT_EQ(w.core.status(w.now).money.contracts[0].max_tokens, 19U);
  EXPECT_EQ(w.core.status(w.now).connections[0].stage, "ready");
}

TEST(ClientHandshake, ReplacesAProxyThatIsNotReadyForFiveMinutes) {
  World w;
  w.root.registered_proxies[2] = "10.0.0.2:8000";
  const auto target = w.dialled();
  const auto first = w.core.status(w.now).connections[0].address;
  w.handle(role::DialFailed{target, "connection refused"});
  EXPECT_THAT(w.core.status(w.now).waiting_for, HasSubstr("connection refused"));
  EXPECT_TRUE(all<role::Undial>(w.tick(299s)).empty());
  const auto effects = w.tick(2s);
  EXPECT_EQ(only<role::Undial>(effects).target, target);
  EXPECT_NE(only<role::Dial>(effects).address, first);
  // A connection that comes up for the old target is not wanted any more.
  EXPECT_EQ(only<role::CloseLink>(w.link_up(target)).link, w.link);
}

TEST(ClientHandshake, KeepsAsManyConnectionsAsConfiguredAndNotTwoToOneProxy) {
  auto config = World::make_config();
  config.proxy_connections = 3;
  World w{.config = config};
  w.root.registered_proxies = {{1, "10.0.0.1:1"}, {2, "10.0.0.1:1"}, {3, "10.0.0.2:1 10.0.0.2:2"}};
  w.tick();
  std::set<std::string> addresses;
  for (const auto& d : all<role::Dial>(w.observe_root())) addresses.insert(d.address);
  EXPECT_EQ(addresses, (std::set<std::string>{"10.0.0.1:1", "10.0.0.2:2"}));
}

TEST(ClientHandshake, NewParametersCloseEveryConnection) {
  World w;
  w.become_ready();
  const auto id = w.run(World::request());
  w.root.version = 4;
  w.root.params.params_version = 6;
  const auto effects = w.observe_root();
  EXPECT_EQ(only<role::CloseLink>(effects).link, w.link);
  EXPECT_EQ(only<ApiFailed>(effects).code, wire::kErrorNotReady);
  EXPECT_FALSE(id.is_zero());
  // Contracts have new addresses; the session is set up anew with them.
  w.auto_ready(1);
  EXPECT_EQ(w.core.status(w.now).connections[0].stage, "ready");
  EXPECT_EQ(w.core.status(w.now).money.contracts.size(), 2U);
}

TEST(ClientHandshake, AnImageThatLeavesTheListHasItsGrace) {
  auto config = World::make_config();
  config.image_grace = std::chrono::seconds(60);
  World w{.config = config};
  w.become_ready();
  w.root.version = 4;
  w.root.proxy_hashes = {filled(0xbb)};
  const auto effects = w.observe_root();
  EXPECT_TRUE(all<role::CloseLink>(effects).empty());
  EXPECT_THAT(only<role::Log>(effects).text, HasSubstr("has left the root contract's list"));
  w.tick(std::chrono::seconds(59));
  EXPECT_EQ(w.core.status(w.now).connections[0].stage, "ready");
  w.tick(std::chrono::seconds(2));
  EXPECT_NE(w.core.status(w.now).connections[0].stage, "ready");
}

TEST(ClientHandshake, AProxyOrImageThatIsNoLongerListedIsLeft) {
  World w;
  w.become_ready();
  w.root.version = 4;
  w.root.proxy_hashes = {filled(0xbb)};
  EXPECT_THAT(only<role::CloseLink>(w.observe_root()).reason, HasSubstr("image hash"));
  w.root.version = 5;
  w.root.proxy_hashes = {filled(0xaa)};
  w.observe_root();
  w.auto_ready(1);
  w.root.version = 6;
  w.root.registered_proxies = {{2, "10.0.0.2:8000"}};
  const auto effects = w.observe_root();
  EXPECT_EQ(only<role::Undial>(effects).target, 1U);
  EXPECT_EQ(only<role::Dial>(effects).address, "10.0.0.2:8000");
}

TEST(ClientHandshake, AnOlderRootOrAnotherNetworksIsNotBelieved) {
  World w;
  w.become_ready();
  auto newer = w.root;
  w.root.version = 2;
  w.root.registered_proxies.clear();
  EXPECT_TRUE(w.observe_root().empty());
  w.root = newer;
  w.root.version = 9;
  w.root.params.is_test = false;
  w.observe_root();
  EXPECT_EQ(w.core.status(w.now).root->version, 3U);
  EXPECT_TRUE(w.core.status(w.now).ready);
  // Garbage and an absent account change nothing either.
  ton::Account a;
  a.state = ton::StateInit{.data = *ton::CellBuilder().store_uint(7, 8).finish()};
  w.handle(role::AccountObserved{w.config.root, a, {}, true, 0});
  w.handle(role::AccountObserved{w.config.root, std::nullopt, {}, true, 0});
  EXPECT_TRUE(w.core.status(w.now).ready);
}

TEST(ClientHandshake, QueriesOfAProxyAreAnsweredWithAnError) {
  World w;
  w.become_ready();
  const auto error = only<role::AnswerError>(w.handle(role::QueryIn{w.link, 42, {1, 2, 3, 4}}));
  EXPECT_EQ(error.id, 42);
  EXPECT_EQ(error.code, 0);
}

TEST(ClientHandshake, TheSameEventsGiveTheSameEffects) {
  const auto trace = [] {
    World w;
    std::string out;
    const auto note = [&](const Effects& effects) {
      for (const auto& e : effects) {
        out += std::to_string(e.index());
        if (const auto* p = std::get_if<role::SendPacket>(&e)) out += to_hex(p->data);
        if (const auto* x = std::get_if<role::SendExternal>(&e)) out += to_hex(x->boc);
      }
    };
    w.chain.balance = 20 * ton::kTon;
    note(w.tick());
    note(w.observe_root());
    note(w.observe_wallet());
    auto effects = w.link_up(1);
    note(effects);
    effects = w.answer(World::token_of(effects), w.hello(ProxyConnectionAuthLong{.nonce = 1}));
    note(effects);
    effects = w.observe_contract();
    note(w.settle(effects));
    note(w.answer(all<role::SendQuery>(effects).at(0).token, World::let_in()));
    note(w.handle(World::request()));
    return out;
  };
  EXPECT_EQ(trace(), trace());
}

}  // namespace
}  // namespace cocoon::client
