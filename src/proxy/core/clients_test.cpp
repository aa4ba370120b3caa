// The client port: every check of wire.md 4.3, and the table of 2.7.
#include <functional>

#include "proxy/core/test_world.hpp"

namespace cocoon::proxy::testing {
namespace {

using Hello = wire::client::ConnectToProxy;

const ton::Address kOwner = address_of("client");

struct Refusal {
  const char* name;
  std::function<void(World&, Hello&)> spoil;
  int code;
};

class ClientHello : public ::testing::TestWithParam<Refusal> {};

TEST_P(ClientHello, IsRefusedAndClosed) {
  World w;
  Hello hello = w.client_hello(kOwner);
  GetParam().spoil(w, hello);
  const auto link = w.up(kClientPort);
  w.query(link, hello);
  expect_refused(w, link, GetParam().code, true);
}

INSTANTIATE_TEST_SUITE_P(
    Checks, ClientHello,
    ::testing::Values(Refusal{"NoIsTest", [](World&, Hello& h) { h.params.flags = 2; }, 602},
                      Refusal{"NoFlags", [](World&, Hello& h) { h.params.flags = 0; }, 602},
                      Refusal{"OtherIsTest", [](World&, Hello& h) { h.params.is_test = false; }, 602},
                      Refusal{"OwnerUnreadable", [](World&, Hello& h) { h.params.client_owner_address = "xyz"; }, 0},
                      Refusal{"OwnerOutsideWorkchain0",
                              [](World&, Hello& h) { h.params.client_owner_address = "-1:" + std::string(64, '1'); },
                              602},
                      Refusal{"NewerConfig", [](World&, Hello& h) { h.min_config_version = 6; }, 602},
                      Refusal{"NegativeConfigIsHuge", [](World&, Hello& h) { h.min_config_version = -1; }, 602},
                      Refusal{"VersionsTooHigh", [](World&, Hello& h) { h.params.set_versions(5, 9); }, 621},
                      Refusal{"VersionsNegative", [](World&, Hello& h) { h.params.set_versions(-9, -1); }, 621},
                      Refusal{"ContractClosing",
                              [](World& w, Hello&) {
                                w.chain.client_deposits(kOwner, 1, {});
                                w.chain.clients.at(kOwner).state.state = ton::ContractState::closing;
                                w.chain.client_notice(kOwner);
                                w.observe_changed();
                              },
                              602},
                      // The first check that fails speaks.
                      Refusal{"IsTestBeforeOwner",
                              [](World&, Hello& h) {
                                h.params.is_test = false;
                                h.params.client_owner_address = "xyz";
                              },
                              602},
                      Refusal{"OwnerBeforeConfig",
                              [](World&, Hello& h) {
                                h.params.client_owner_address = "xyz";
                                h.min_config_version = 99;
                              },
                              0},
                      Refusal{"ConfigBeforeVersion",
                              [](World&, Hello& h) {
                                h.min_config_version = 99;
                                h.params.set_versions(7, 9);
                              },
                              602}),
    [](const auto& p) { return std::string(p.param.name); });

TEST(ProxyClients, TheVersionIsTheHighestInCommon) {
  const struct {
    int min, max, chosen;
  } table[] = {{0, 0, 0}, {1, 1, 1}, {1, 2, 2}, {0, 99, 4}, {1, 4, 4}, {4, 4, 4}, {2, 1, 1}, {3, 0, 0}};
  World w;
  for (const auto& row : table) {
    const auto link = w.up(kClientPort);
    auto hello = w.client_hello(kOwner, row.min, row.max);
    hello.params.set_versions(row.min, row.max);
    w.query(link, hello);
    const auto answer = w.answer<wire::client::ConnectedToProxy>(link);
    EXPECT_EQ(answer.params.proto_version, row.chosen);
    EXPECT_EQ(answer.params.flags, row.chosen > 0 ? 3u : 1u);
  }
}

TEST(ProxyClients, AClientWithoutVersionsSpeaksZero) {
  World w;
  const auto link = w.up(kClientPort);
  w.query(link, w.client_hello(kOwner, 0, 0));
  EXPECT_EQ(w.answer<wire::client::ConnectedToProxy>(link).params.flags, 1u);
}

TEST(ProxyClients, AnUnknownClientIsOfferedTheLongWay) {
  World w;
  const auto link = w.up(kClientPort);
  w.query(link, w.client_hello(kOwner));
  const auto hello = w.answer<wire::client::ConnectedToProxy>(link);
  EXPECT_EQ(hello.client_sc_address, ton::to_friendly_text(w.chain.instance().client_address(kOwner)));
  EXPECT_EQ(hello.params.proxy_sc_address, ton::to_friendly_text(w.chain.instance().address()));
  EXPECT_EQ(hello.params.proxy_public_key, w.chain.instance().proxy_key());
  EXPECT_TRUE(std::holds_alternative<wire::proxy::SignedPaymentEmpty>(hello.signed_payment));
  const auto nonce = static_cast<std::uint64_t>(std::get<wire::client::ProxyConnectionAuthLong>(hello.auth).nonce);

  const auto query = w.query(link, wire::client::AuthorizeWithProxyLong{});
  w.seconds(3);
  EXPECT_TRUE(w.take(link).empty());
  w.chain.clients[kOwner].state.balance = ton::kTon;
  w.chain.client_notice(kOwner, nonce + 1);  // somebody else's nonce
  w.chain.clients[address_of("other")].state = {};
  w.chain.client_notice(address_of("other"), nonce);  // our nonce, somebody else's contract
  w.observe_changed();
  EXPECT_TRUE(w.take(link).empty());
  w.chain.client_notice(kOwner, nonce);
  w.observe_changed();
  const auto said = w.take(link);
  ASSERT_EQ(said.size(), 1u);
  EXPECT_EQ(said[0].id, query);
  const auto done = wire::decode<wire::client::AuthorizationWithProxySuccess>(said[0].data);
  ASSERT_TRUE(done.has_value());
  EXPECT_TRUE(std::holds_alternative<wire::proxy::SignedPayment>(done->signed_payment));
}

TEST(ProxyClients, ANoticeBeforeTheQuestionIsRemembered) {
  World w;
  const auto link = w.up(kClientPort);
  w.query(link, w.client_hello(kOwner));
  const auto hello = w.answer<wire::client::ConnectedToProxy>(link);
  const auto nonce = std::get<wire::client::ProxyConnectionAuthLong>(hello.auth).nonce;
  w.chain.client_notice(kOwner, static_cast<std::uint64_t>(nonce));
  w.observe_changed();
  w.query(link, wire::client::AuthorizeWithProxyLong{});
  w.answer<wire::client::AuthorizationWithProxySuccess>(link);
}

TEST(ProxyClients, AKnownClientShowsItsSecret) {
  World w;
  w.chain.client_deposits(kOwner, ton::kTon, crypto::sha256(as_bytes("secret")));
  w.observe_changed();
  const auto link = w.up(kClientPort);
  w.query(link, w.client_hello(kOwner));
  const auto hello = w.answer<wire::client::ConnectedToProxy>(link);
  EXPECT_EQ(std::get<wire::client::ProxyConnectionAuthShort>(hello.auth).secret_hash,
            crypto::sha256(as_bytes("secret")));
  w.query(link, wire::client::AuthorizeWithProxyShort{to_bytes("secret")});
  w.answer<wire::client::AuthorizationWithProxySuccess>(link);
}

TEST(ProxyClients, AWrongSecretIsErrorZeroAndTheEnd) {
  World w;
  w.chain.client_deposits(kOwner, ton::kTon, crypto::sha256(as_bytes("secret")));
  w.observe_changed();
  const auto link = w.up(kClientPort);
  w.query(link, w.client_hello(kOwner));
  w.take(link);
  w.query(link, wire::client::AuthorizeWithProxyShort{to_bytes("wrong")});
  expect_refused(w, link, 0, true);
}

TEST(ProxyClients, TheLongWayIsOpenAfterAShortOffer) {
  World w;
  w.chain.client_deposits(kOwner, ton::kTon, crypto::sha256(as_bytes("forgotten")));
  w.observe_changed();
  const auto link = w.up(kClientPort);
  w.query(link, w.client_hello(kOwner));
  const auto hello = w.answer<wire::client::ConnectedToProxy>(link);
  w.query(link, wire::client::AuthorizeWithProxyLong{});
  w.chain.client_notice(kOwner,
                        static_cast<std::uint64_t>(std::get<wire::client::ProxyConnectionAuthShort>(hello.auth).nonce));
  w.observe_changed();
  w.answer<wire::client::AuthorizationWithProxySuccess>(link);
}

TEST(ProxyClients, ASecondLongQueryAndAClosingContractEndTheLink) {
  World w;
  const auto twice = w.up(kClientPort);
  w.query(twice, w.client_hello(kOwner));
  w.take(twice);
  w.query(twice, wire::client::AuthorizeWithProxyLong{});
  w.query(twice, wire::client::AuthorizeWithProxyLong{});
  expect_refused(w, twice, 0, true);

  const auto link = w.up(kClientPort);
  w.query(link, w.client_hello(kOwner));
  w.take(link);
  w.query(link, wire::client::AuthorizeWithProxyLong{});
  w.chain.clients[kOwner].state.state = ton::ContractState::closing;
  w.chain.client_notice(kOwner);
  w.observe_changed();
  expect_refused(w, link, 602, true);
}

TEST(ProxyClients, EachStepHasItsDeadline) {
  World w;
  const auto silent = w.up(kClientPort);
  w.seconds(29);
  EXPECT_TRUE(w.take(silent).empty());
  w.seconds(2);
  EXPECT_EQ(w.take(silent).at(0).kind, Said::Kind::closed);

  const auto waiting = w.up(kClientPort);
  w.query(waiting, w.client_hello(kOwner));
  w.take(waiting);
  w.query(waiting, wire::client::AuthorizeWithProxyLong{});
  w.seconds(305);
  EXPECT_TRUE(w.take(waiting).empty());
  w.seconds(10);
  expect_refused(w, waiting, 652, true);
}

// wire.md 2.7: what an id means in each state.
TEST(ProxyClients, QueriesAreSortedByTheirId) {
  World w;
  const Bytes unknown = {1, 2, 3, 4};
  const auto fresh = [&] { return w.up(kClientPort); };
  const auto offered = [&] {
    const auto link = w.up(kClientPort);
    w.query(link, w.client_hello(kOwner));
    w.take(link);
    return link;
  };
  const auto ready = [&] { return w.client(); };
  const auto trailing = [](Bytes b) {
    b.resize(b.size() + 4);
    return b;
  };
  const Bytes hello = wire::encode(w.client_hello(kOwner));
  const Bytes short_auth = wire::encode(wire::client::AuthorizeWithProxyShort{});
  const Bytes status = wire::encode(wire::client::UpdatePaymentStatus{});
  const Bytes types = wire::encode(wire::client::GetWorkerTypesV2{});
  const Bytes types_ex = wire::encode(wire::client::GetWorkerTypesV2Ex{});
  const Bytes refund = wire::encode(wire::client::RequestRefund{});
  const Bytes worker_hello = wire::encode(w.worker_hello(kOwner));
  const Bytes worker_status = wire::encode(wire::worker::UpdatePaymentStatus{});
  const struct {
    const char* what;
    role::LinkId link;
    Bytes query;
    int code;
    bool closes;
  } table[] = {
      {"unknown id, new", fresh(), unknown, 0, false},
      {"unknown id, offered", offered(), unknown, 0, false},
      {"unknown id, ready", ready(), unknown, 0, false},
      {"nothing at all", ready(), {}, 0, false},
      {"refund", ready(), refund, 0, false},
      {"of workers, new", fresh(), worker_hello, 621, false},
      {"of workers, ready", ready(), worker_status, 621, false},
      {"status, new", fresh(), status, 621, false},
      {"status, offered", offered(), status, 621, false},
      {"types, offered", offered(), types, 621, false},
      {"types with bytes left over, ready", ready(), trailing(types), 0, false},
      {"types with additions, offered", offered(), types_ex, 621, false},
      {"types with additions and bytes left over, ready", ready(), trailing(types_ex), 0, false},
      {"status with bytes left over, ready", ready(), trailing(status), 0, false},
      {"authorise, new", fresh(), short_auth, 0, true},
      {"hello, offered", offered(), hello, 0, true},
      {"hello, ready", ready(), hello, 0, true},
      {"authorise, ready", ready(), short_auth, 0, true},
      {"hello cut short", fresh(), Bytes(hello.begin(), hello.end() - 4), 0, true},
      {"hello with bytes left over", fresh(), trailing(hello), 0, true},
      {"authorisation cut short", offered(), Bytes(short_auth.begin(), short_auth.end() - 4), 0, true},
  };
  for (const auto& row : table) {
    SCOPED_TRACE(row.what);
    w.query_bytes(row.link, row.query);
    expect_refused(w, row.link, row.code, row.closes);
  }
}

TEST(ProxyClients, PacketsBeforeTheHandshakeAndStrayOnesAreDropped) {
  World w;
  const auto link = w.up(kClientPort);
  w.packet(link, w.ask());
  EXPECT_TRUE(w.take(link).empty());
  const auto client = w.client();
  w.packet(client, wire::client::UpdatePaymentStatus{});
  w.feed(role::PacketIn{client, {0xef, 0xbe, 0xad, 0xde}});
  w.feed(role::PacketIn{client, {}});
  Bytes cut = wire::encode(w.ask());
  cut.resize(cut.size() - 4);
  w.feed(role::PacketIn{client, cut});
  EXPECT_TRUE(w.take(client).empty());
}

TEST(ProxyClients, ModelsAreListedAsTheReferenceDoes) {
  World w;
  const auto client = w.client();
  const auto types = [&] {
    w.query(client, wire::client::GetWorkerTypes{});
    return w.answer<wire::client::WorkerTypes>(client).types;
  };
  const auto types_v2 = [&] {
    w.query(client, wire::client::GetWorkerTypesV2{});
    return w.answer<wire::client::WorkerTypesV2>(client).types;
  };
  EXPECT_TRUE(types().empty());
  constexpr int kSentinel = 2147483647;
  const int coefficients[] = {1000, 3000, 2000, 4000, 500};
  const int bucket50[] = {kSentinel, 3000, 3000, 3000, 3000};
  std::vector<role::LinkId> workers;
  for (int n = 0; n < 5; ++n) {
    auto hello = w.worker_hello(address_of("w" + std::to_string(n)));
    hello.params.model = "many/model@c:h";
    hello.params.coefficient = coefficients[n];
    hello.params.max_active_requests = 7;
    hello.params.proxy_cnt = 2;
    workers.push_back(w.worker(hello));
    const auto list = types();
    ASSERT_EQ(list.size(), 1u);
    EXPECT_EQ(list[0].name, "many/model");
    EXPECT_EQ(list[0].active_workers, n + 1);
    EXPECT_EQ(list[0].coefficient_bucket50, bucket50[n]);
    EXPECT_EQ(list[0].coefficient_max, kSentinel);
  }
  w.packet(workers[0], wire::worker::EnabledDisabled{7});
  const auto v2 = types_v2();
  ASSERT_EQ(v2.at(0).workers.size(), 4u);
  EXPECT_EQ(v2[0].workers[0].coefficient, 500);
  EXPECT_EQ(v2[0].workers[3].coefficient, 4000);
  EXPECT_EQ(v2[0].workers[0].max_active_requests, 4);
  EXPECT_EQ(types().at(0).active_workers, 5);  // the old list counts disabled ones too
  for (const auto link : workers) w.down(link);
  EXPECT_TRUE(types_v2().at(0).workers.empty());  // the entry stays
  EXPECT_EQ(types().at(0).coefficient_min, kSentinel);
}

TEST(ProxyClients, ContextsAreListedForThoseWhoAskForThem) {
  World w;
  const auto client = w.client();
  const auto worker = w.worker();
  const auto listed = [&](const auto& query) {
    w.query(client, query);
    return w.answer<wire::client::WorkerTypesV2>(client).types.at(0).workers.at(0);
  };
  const wire::client::GetWorkerTypesV2Ex with;
  EXPECT_EQ(listed(with).flags, 0U) << "this worker has not said";
  w.packet(worker, wire::worker::ContextLength{4096});
  EXPECT_EQ(listed(with).context_length, 4096);
  EXPECT_EQ(listed(wire::client::GetWorkerTypesV2{}).flags, 0U) << "the list that everybody knows stays as it is";
  w.packet(worker, wire::worker::ContextLength{-1});
  EXPECT_EQ(listed(with).flags, 0U);
}

TEST(ProxyClients, ADisabledProxyClosesEveryLink) {
  World w;
  const auto client = w.client();
  const auto worker = w.worker();
  w.feed(SetEnabled{false});
  EXPECT_EQ(w.take(client).at(0).kind, Said::Kind::closed);
  EXPECT_EQ(w.take(worker).at(0).kind, Said::Kind::closed);
  const auto late = w.up(kClientPort);
  w.query(late, w.client_hello(kOwner));
  const auto said = w.take(late);
  ASSERT_EQ(said.size(), 1u);
  EXPECT_EQ(said[0].kind, Said::Kind::closed);
  w.feed(SetEnabled{true});
  w.client();
}

TEST(ProxyClients, TooManyLinksAreClosed) {
  Config config = test_config();
  config.max_clients = 2;
  config.max_workers = 1;
  World w(config);
  w.up(kClientPort);
  const auto second = w.up(kClientPort);
  EXPECT_TRUE(w.take(second).empty());
  EXPECT_EQ(w.take(w.up(kClientPort)).at(0).kind, Said::Kind::closed);
  w.up(kWorkerPort);
  EXPECT_EQ(w.take(w.up(kWorkerPort)).at(0).kind, Said::Kind::closed);
  w.down(second);
  EXPECT_TRUE(w.take(w.up(kClientPort)).empty());
}

}  // namespace
}  // namespace cocoon::proxy::testing
