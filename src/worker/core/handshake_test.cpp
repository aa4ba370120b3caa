// Choosing a proxy, being let in, and what changes while connected (wire.md 4.1, 4.6).
#include <gmock/gmock.h>

#include "worker/core/testdata/world.hpp"

namespace cocoon::worker {
namespace {

using testdata::all;
using testdata::filled;
using testdata::only;
using testdata::only_packet;
using testdata::packets;
using testdata::World;
using testing::HasSubstr;
using namespace std::chrono_literals;

void expect_closed(World& w, const Effects& effects, const std::string& why) {
  const auto closed = only<role::CloseLink>(effects);
  EXPECT_EQ(closed.link, w.link);
  EXPECT_THAT(closed.reason, HasSubstr(why));
  EXPECT_TRUE(all<role::SendQuery>(effects).empty());
  EXPECT_EQ(w.core.status().connections.at(0).stage, "dialling");
  EXPECT_TRUE(all<role::CloseLink>(w.handle(role::LinkDown{w.link, "closed"})).empty());
}

TEST(WorkerHandshake, DialsTheWorkersAddressOfAListedProxy) {
  World w;
  EXPECT_TRUE(all<role::Dial>(w.tick()).empty());
  EXPECT_EQ(w.core.status().waiting_for, "reading the root contract");
  EXPECT_EQ(only<role::Dial>(w.observe_root()).address, "10.0.0.1:7001");
  EXPECT_THAT(w.core.status().waiting_for, HasSubstr("engine"));
}

TEST(WorkerHandshake, DoesNotDialWithAModelThatIsNotListed) {
  World w;
  w.root.model_hashes = {filled(1)};
  w.tick();
  EXPECT_TRUE(all<role::Dial>(w.observe_root()).empty());
  EXPECT_THAT(w.core.status().waiting_for, HasSubstr("does not list our model"));
}

TEST(WorkerHandshake, StepByStep) {
  World w;
  auto effects = w.link_up(w.dialled());
  const auto hello = wire::decode<wire::worker::ConnectToProxy>(only<role::SendQuery>(effects).data);
  ASSERT_TRUE(hello);
  EXPECT_EQ(hello->params.flags, 3U);
  EXPECT_EQ(hello->params.worker_owner_address, ton::to_friendly_text(w.config.money.owner));
  EXPECT_EQ(hello->params.model, testdata::kModel);
  EXPECT_EQ(hello->params.coefficient, 1000);
  EXPECT_EQ(hello->params.max_active_requests, 3);
  EXPECT_EQ(hello->params.max_proto_version, 4);

  effects = w.answer(World::token_of(effects), w.hello(4));
  EXPECT_EQ(only<role::Watch>(effects).address, w.contract());
  const auto compare = wire::decode<wire::worker::CompareBalanceWithProxy>(only<role::SendQuery>(effects).data);
  ASSERT_TRUE(compare);
  EXPECT_EQ(*compare, wire::worker::CompareBalanceWithProxy{});

  effects = w.answer(World::token_of(effects), w.compared(100, 120, 150));
  const auto complete = wire::decode<wire::worker::ProxyHandshakeComplete>(only<role::SendQuery>(effects).data);
  ASSERT_TRUE(complete);
  EXPECT_FALSE(complete->is_disabled);

  effects = w.answer(World::token_of(effects), wire::worker::ProxyHandshakeCompleted{});
  EXPECT_TRUE(packets<wire::worker::EnabledDisabled>(effects).empty());
  const auto status = w.core.status();
  EXPECT_TRUE(status.ready) << status.waiting_for;
  EXPECT_EQ(status.connections.at(0).stage, "ready");
  EXPECT_EQ(status.money.contracts.at(0).tokens, (Money::Counters{100, 120, 150}));
}

TEST(WorkerHandshake, MachineDescriptionOnlyWhereEveryProxyUnderstandsIt) {
  for (const int least : {3, 4}) {
    World w;
    auto config = World::make_config();
    config.machine_description = "{}";
    config.min_version = least;
    World with{.config = config};
    const auto hello =
        wire::decode<wire::worker::ConnectToProxy>(only<role::SendQuery>(with.link_up(with.dialled())).data);
    ASSERT_TRUE(hello);
    EXPECT_EQ(hello->params.flags, least == 4 ? 7U : 3U);
  }
}

TEST(WorkerHandshake, RefusesProxiesWithoutAnAcceptedImage) {
  World w;
  const auto target = w.dialled();
  auto peer = w.proxy_peer();
  peer.image_hash = filled(0xab);
  expect_closed(w, w.link_up(target, peer), "image hash");
  peer = w.proxy_peer();
  peer.attested = false;
  peer.verdict = "no evidence";
  expect_closed(w, w.link_up(target, peer), "not attested: no evidence");
  EXPECT_EQ(all<role::SendQuery>(w.link_up(target)).size(), 1U);
}

TEST(WorkerHandshake, RefusesAnswersThatDoNotFit) {
  const auto other = ton::to_friendly_text({0, filled(9)});
  struct Case {
    const char* why;
    std::function<void(wire::worker::ConnectedToProxy&)> spoil;
  };
  const std::vector<Case> cases{
      {"another kind of network", [](auto& m) { m.params.is_test = false; }},
      {"another kind of network", [](auto& m) { m.params.flags &= ~1U; }},
      {"protocol version 5", [](auto& m) { m.params.set_proto_version(5); }},
      {"protocol version -1", [](auto& m) { m.params.flags |= 2, m.params.proto_version = -1; }},
      {"unreadable address", [](auto& m) { m.params.proxy_owner_address = "nonsense"; }},
      {"unreadable address", [](auto& m) { m.worker_sc_address.clear(); }},
      {"contract address does not follow", [&](auto& m) { m.params.proxy_sc_address = other; }},
      {"contract address does not follow", [&](auto& m) { m.params.proxy_public_key = filled(3); }},
      {"another worker contract", [&](auto& m) { m.worker_sc_address = other; }},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.why);
    World w;
    auto m = w.hello(4);
    c.spoil(m);
    const auto token = World::token_of(w.link_up(w.dialled()));
    expect_closed(w, w.answer(token, m), c.why);
  }
  World w;
  const auto token = World::token_of(w.link_up(w.dialled()));
  expect_closed(w, w.answer(token, wire::worker::ChangedModel{}), "unreadable answer");
}

TEST(WorkerHandshake, ErrorsOfTheProxyEndTheAttempt) {
  World w;
  const auto token = World::token_of(w.link_up(w.dialled()));
  expect_closed(w, w.handle(role::QueryDone{w.link, token, fail(621, "unknown image")}), "unknown image (code 621)");
}

TEST(WorkerHandshake, ComparisonDemandsAValidPaymentThatIsNotOlder) {
  World w;
  const auto target = w.dialled();
  w.finish_handshake(w.link_up(target), 4);
  w.packet(w.request_payment(100, 120, 150));
  w.handle(role::LinkDown{w.link, "gone"});

  const auto compare = [&](const wire::worker::CompareBalanceWithProxyResult& m) {
    const auto effects = w.answer(World::token_of(w.link_up(target)), w.hello(4));
    const auto ours = wire::decode<wire::worker::CompareBalanceWithProxy>(only<role::SendQuery>(effects).data);
    EXPECT_EQ(ours->tokens_committed_to_blockchain, 100);
    EXPECT_EQ(ours->tokens_committed_to_db, 120);
    EXPECT_EQ(ours->max_tokens, 150);
    return w.answer(World::token_of(effects), m);
  };
  expect_closed(w, compare(w.compared(99, 120, 150)), "99 tokens after one for 100");
  expect_closed(w, compare(w.compared(100, 119, 150)), "119 tokens in the proxy's database after 120");
  expect_closed(w, compare(w.compared(100, -1, 150)), "-1 tokens");
  auto empty = w.compared(100, 120, 150);
  empty.signed_payment = wire::proxy::SignedPaymentEmpty{};
  expect_closed(w, compare(empty), "no signed payment");
  auto forged = w.compared(100, 120, 150);
  auto& boc = std::get<wire::proxy::SignedPayment>(forged.signed_payment).data;
  boc.at(boc.size() / 2) ^= 1;
  expect_closed(w, compare(forged), "signed payment refused");
  EXPECT_EQ(all<role::SendQuery>(compare(w.compared(100, 120, 150))).size(), 1U);
}

TEST(WorkerHandshake, AProxyThatLostItsLatestAccountIsComparedFurther) {
  World w;
  const auto target = w.dialled();
  w.finish_handshake(w.link_up(target), 4);
  w.packet(w.request_payment(100, 120, 150));
  w.handle(role::LinkDown{w.link, "restarted"});
  auto effects = w.answer(World::token_of(w.link_up(target)), w.hello(4));
  effects = w.answer(World::token_of(effects), w.compared(120, 120, 120, 1));
  const auto further = wire::decode<wire::worker::ExtendedCompareBalanceWithProxy>(only<role::SendQuery>(effects).data);
  ASSERT_TRUE(further);
  EXPECT_EQ(further->tokens_committed_to_db, 120);
  effects = w.answer(World::token_of(effects), wire::worker::ExtendedCompareBalanceWithProxyResult{0});
  EXPECT_TRUE(wire::decode<wire::worker::ProxyHandshakeComplete>(only<role::SendQuery>(effects).data));
  w.answer(World::token_of(effects), wire::worker::ProxyHandshakeCompleted{});
  EXPECT_TRUE(w.core.status().ready);
  // From here on its numbers count, not those it lost.
  EXPECT_TRUE(all<role::CloseLink>(w.packet(w.request_payment(120, 120, 130))).empty());
}

TEST(WorkerHandshake, PaymentsOfRequestsMustNotGoDown) {
  const std::vector<std::pair<std::string, wire::proxy::WorkerRequestPayment>> bad = [] {
    World w;
    auto none = w.request_payment(100, 120, 150);
    none.signed_payment = wire::proxy::SignedPaymentEmpty{};
    return std::vector<std::pair<std::string, wire::proxy::WorkerRequestPayment>>{
        {"no signed payment", none},
        {"99 tokens after one for 100", w.request_payment(99, 120, 150)},
        {"database after 120", w.request_payment(100, 119, 150)},
        {"after 150", w.request_payment(100, 120, 149)},
    };
  }();
  for (const auto& [why, message] : bad) {
    World w;
    w.become_ready();
    EXPECT_TRUE(all<role::CloseLink>(w.packet(w.request_payment(100, 120, 150))).empty());
    expect_closed(w, w.packet(message), why);
  }
}

TEST(WorkerHandshake, AsksForThePaymentStatusEveryTenToTwentySeconds) {
  World w;
  w.become_ready();
  EXPECT_TRUE(all<role::SendQuery>(w.tick(9s)).empty());
  auto effects = w.tick(1s);
  EXPECT_EQ(wire::peek_id(only<role::SendQuery>(effects).data), wire::worker::UpdatePaymentStatus::kId);
  w.answer(World::token_of(effects), wire::worker::PaymentStatus{w.payment(70), 80, 90});
  EXPECT_EQ(w.core.status().money.contracts.at(0).tokens, (Money::Counters{70, 80, 90}));
  // Silence or less than before changes nothing.
  effects = w.tick(21s);
  w.answer(World::token_of(effects), wire::worker::PaymentStatus{w.payment(60), 10, 10});
  effects = w.tick(21s);
  w.handle(role::QueryDone{w.link, World::token_of(effects), fail(652, "late")});
  EXPECT_EQ(w.core.status().money.contracts.at(0).tokens, (Money::Counters{70, 80, 90}));
  EXPECT_TRUE(w.core.status().ready);
}

TEST(WorkerHandshake, EngineAndSwitchAreAnnouncedWhenTheyChange) {
  World w;
  w.become_ready();
  EXPECT_EQ(only_packet<wire::worker::EnabledDisabled>(w.handle(EngineHealth{false, "refused"})).disabled, 1);
  EXPECT_TRUE(packets<wire::worker::EnabledDisabled>(w.handle(EngineHealth{false, "refused"})).empty());
  EXPECT_TRUE(packets<wire::worker::EnabledDisabled>(w.handle(SetEnabled{false})).empty());
  EXPECT_TRUE(packets<wire::worker::EnabledDisabled>(w.handle(EngineHealth{true, ""})).empty());
  EXPECT_THAT(w.core.status().waiting_for, HasSubstr("switched off"));
  EXPECT_EQ(only_packet<wire::worker::EnabledDisabled>(w.handle(SetEnabled{true})).disabled, 0);
  EXPECT_EQ(only_packet<wire::worker::NewCoefficient>(w.handle(SetCoefficient{2500})).new_coefficient, 2500);
  EXPECT_TRUE(packets<wire::worker::NewCoefficient>(w.handle(SetCoefficient{2500})).empty());
  EXPECT_TRUE(packets<wire::worker::NewCoefficient>(w.handle(SetCoefficient{-1})).empty());
  EXPECT_EQ(w.core.status().coefficient, 2500);
}

TEST(WorkerHandshake, TheContextIsToldToProxiesThatKnowOurAdditions) {
  World w;
  auto peer = w.proxy_peer();
  peer.additions = true;
  const auto target = w.dialled();
  w.finish_handshake(w.link_up(target, peer), 4);
  EXPECT_EQ(only_packet<wire::worker::ContextLength>(w.handle(EngineContext{4096})).tokens, 4096);
  EXPECT_TRUE(packets<wire::worker::ContextLength>(w.handle(EngineContext{4096})).empty()) << "only what is new";
  EXPECT_EQ(only_packet<wire::worker::ContextLength>(w.handle(EngineContext{0})).tokens, 0);
  w.handle(EngineContext{512});
  EXPECT_EQ(w.core.status().context_length, 512);
  w.handle(role::LinkDown{w.link, "gone"});
  const auto again = w.finish_handshake(w.link_up(target, peer), 4);
  EXPECT_EQ(only_packet<wire::worker::ContextLength>(again).tokens, 512) << "each session hears it";
}

TEST(WorkerHandshake, OtherProxiesAreToldNothingOfTheContext) {
  World w;
  w.become_ready();
  EXPECT_TRUE(all<role::SendPacket>(w.handle(EngineContext{4096})).empty());
}

TEST(WorkerHandshake, TheOperatorKnowsTheContextBetter) {
  auto config = World::make_config();
  config.context_length = 2048;
  World w{.config = config};
  auto peer = w.proxy_peer();
  peer.additions = true;
  const auto ready = w.finish_handshake(w.link_up(w.dialled(), peer), 4);
  EXPECT_EQ(only_packet<wire::worker::ContextLength>(ready).tokens, 2048);
  EXPECT_TRUE(all<role::SendPacket>(w.handle(EngineContext{4096})).empty());
}

TEST(WorkerHandshake, AChangeDuringTheHandshakeIsToldAfterIt) {
  World w;
  auto effects = w.answer(World::token_of(w.link_up(w.dialled())), w.hello(4));
  effects = w.answer(World::token_of(effects), w.compared(0, 0, 0));
  EXPECT_TRUE(all<role::SendPacket>(w.handle(EngineHealth{false, "died"})).empty());
  effects = w.answer(World::token_of(effects), wire::worker::ProxyHandshakeCompleted{});
  EXPECT_EQ(only_packet<wire::worker::EnabledDisabled>(effects).disabled, 1);
}

TEST(WorkerHandshake, NewParametersMeanNewContracts) {
  World w;
  w.become_ready();
  ++w.root.version;
  EXPECT_TRUE(all<role::CloseLink>(w.observe_root()).empty());
  ++w.root.version;
  ++w.root.params.params_version;
  expect_closed(w, w.observe_root(), "parameters changed");
  ++w.root.version;
  w.root.registered_proxies = {{1, "10.0.0.9:1"}};
  const auto effects = w.observe_root();
  EXPECT_EQ(all<role::Undial>(effects).size(), 1U);
  EXPECT_EQ(only<role::Dial>(effects).address, "10.0.0.9:1");
}

TEST(WorkerHandshake, AProxyThatIsNeverReadyIsGivenUpForAnother) {
  World w;
  w.root.registered_proxies = {{1, "10.0.0.1:1"}, {2, "10.0.0.2:2"}};
  w.tick();
  const auto first = only<role::Dial>(w.observe_root());
  w.handle(role::DialFailed{first.target, "refused"});
  EXPECT_EQ(w.core.status().connections.at(0).last_error, "refused");
  EXPECT_TRUE(all<role::Undial>(w.tick(299s)).empty());
  const auto effects = w.tick(2s);
  EXPECT_EQ(only<role::Undial>(effects).target, first.target);
  EXPECT_NE(only<role::Dial>(effects).address, first.address);
}

TEST(WorkerHandshake, QueriesOfTheProxy) {
  World w;
  w.become_ready();
  const auto code = [&](Bytes query) {
    return only<role::AnswerError>(w.handle(role::QueryIn{w.link, 5, query})).code;
  };
  EXPECT_EQ(code(wire::encode(wire::worker::ChangeModel{"n"})), 602);
  EXPECT_EQ(code(wire::encode(wire::client::GetWorkerTypes{})), 0);
  auto broken = wire::encode(wire::worker::ChangeModel{"n"});
  broken.resize(broken.size() + 4);
  EXPECT_EQ(code(broken), 0);
  EXPECT_EQ(code({}), 0);
}

TEST(WorkerHandshake, LinksNobodyWantsAreClosed) {
  World w;
  w.dialled();
  EXPECT_EQ(only<role::CloseLink>(w.handle(role::LinkUp{77, 999, 0, w.proxy_peer()})).link, 77U);
}

}  // namespace
}  // namespace cocoon::worker
