// The worker port: every check of wire.md 4.5, and what workers say about themselves.
#include <functional>

#include "proxy/core/test_world.hpp"

namespace cocoon::proxy::testing {
namespace {

using Hello = wire::worker::ConnectToProxy;

const ton::Address kOwner = address_of("worker");

struct Refusal {
  const char* name;
  std::function<void(Hello&)> spoil;
  int code;
};

class WorkerHello : public ::testing::TestWithParam<Refusal> {};

TEST_P(WorkerHello, IsRefusedAndClosed) {
  World w;
  Hello hello = w.worker_hello(kOwner);
  GetParam().spoil(hello);
  const auto link = w.up(kWorkerPort);
  w.query(link, hello);
  expect_refused(w, link, GetParam().code, true);
}

INSTANTIATE_TEST_SUITE_P(
    Checks, WorkerHello,
    ::testing::Values(Refusal{"NoIsTest", [](Hello& h) { h.params.flags = 2; }, 602},
                      Refusal{"OtherIsTest", [](Hello& h) { h.params.is_test = false; }, 602},
                      Refusal{"NoModel", [](Hello& h) { h.params.model.clear(); }, 621},
                      Refusal{"CoefficientNegative", [](Hello& h) { h.params.coefficient = -1; }, 621},
                      Refusal{"CoefficientTooLarge", [](Hello& h) { h.params.coefficient = 1'000'000'000; }, 621},
                      Refusal{"NoRequests", [](Hello& h) { h.params.max_active_requests = 0; }, 621},
                      Refusal{"NoProxies", [](Hello& h) { h.params.proxy_cnt = 0; }, 621},
                      Refusal{"Versions", [](Hello& h) { h.params.set_versions(5, 6); }, 621},
                      Refusal{"OwnerUnreadable", [](Hello& h) { h.params.worker_owner_address = "xyz"; }, 0},
                      Refusal{"ModelBeforeVersion",
                              [](Hello& h) {
                                h.params.model.clear();
                                h.params.set_versions(5, 6);
                              },
                              621},
                      Refusal{"IsTestBeforeModel",
                              [](Hello& h) {
                                h.params.is_test = false;
                                h.params.model.clear();
                              },
                              602}),
    [](const auto& p) { return std::string(p.param.name); });

TEST(ProxyWorkers, AnImageThatLeavesTheListHasItsGrace) {
  Config config = test_config();
  config.check_worker_image = true;
  config.image_grace = std::chrono::seconds(60);
  World w(config, false);
  role::Peer peer;
  peer.image_hash = seed_of("old image");
  w.chain.root.worker_hashes.insert(peer.image_hash);
  w.observe_all();
  const auto client = w.client();
  const auto serves = [&](role::LinkId worker) {
    w.packet(client, w.ask());
    const auto told = w.take(worker);
    if (told.empty() || told[0].constructor() != wire::proxy::RunQueryEx::kId) return false;
    w.packet(worker, World::head(wire::decode<wire::proxy::RunQueryEx>(told[0].data)->request_id));
    w.packet(worker, World::last_part(wire::decode<wire::proxy::RunQueryEx>(told[0].data)->request_id, 10));
    w.take(worker);
    return true;
  };
  const auto connected = [&] {
    const auto link = w.up(kWorkerPort, peer);
    w.query(link, w.worker_hello(kOwner));
    const bool admitted = w.take(link).at(0).kind == Said::Kind::answer;
    if (!admitted) return role::LinkId{0};
    w.query(link, wire::worker::CompareBalanceWithProxy{});
    w.query(link, wire::worker::ProxyHandshakeComplete{});
    w.take(link);
    return link;
  };
  const auto first = connected();
  ASSERT_NE(first, 0u);
  EXPECT_TRUE(serves(first));
  ++w.chain.root.version;
  w.chain.root.worker_hashes = {seed_of("new image")};
  w.observe(w.chain.root_address);
  EXPECT_TRUE(serves(first)) << "in its grace it goes on";
  w.down(first);
  const auto second = connected();
  ASSERT_NE(second, 0u) << "and may come again";
  w.seconds(61);
  EXPECT_FALSE(serves(second));
  EXPECT_EQ(connected(), 0u);
}

TEST(ProxyWorkers, OnlyListedImagesAndModelsAreAdmitted) {
  Config config = test_config();
  config.check_worker_image = true;
  config.check_model = true;
  World w(config, false);
  role::Peer good;
  good.image_hash = seed_of("good image");
  role::Peer bad;
  bad.image_hash = seed_of("bad image");
  w.chain.root.worker_hashes.insert(good.image_hash);
  w.chain.root.model_hashes.insert(crypto::sha256(as_bytes("test/model@commit:hash")));
  w.observe_all();
  ASSERT_TRUE(w.core->serving());

  // The image comes first, even before the message is looked at.
  const auto stranger = w.up(kWorkerPort, bad);
  Bytes cut = wire::encode(w.worker_hello(kOwner));
  cut.resize(cut.size() - 4);
  w.query_bytes(stranger, cut);
  const auto said = w.take(stranger);
  ASSERT_EQ(said.size(), 2u);
  EXPECT_EQ(said[0].code, 621);
  EXPECT_NE(said[0].text.find(to_hex(bad.image_hash)), std::string::npos);

  const auto other_model = w.up(kWorkerPort, good);
  auto hello = w.worker_hello(kOwner);
  hello.params.model = "test/model@another:hash";
  w.query(other_model, hello);
  expect_refused(w, other_model, 621, true);

  const auto link = w.up(kWorkerPort, good);
  w.query(link, w.worker_hello(kOwner));
  w.answer<wire::worker::ConnectedToProxy>(link);
  w.query(link, wire::worker::CompareBalanceWithProxy{});
  w.query(link, wire::worker::ProxyHandshakeComplete{});
  w.take(link);

  // Delisted: no more requests, but the link stays.
  const auto client = w.client();
  ++w.chain.root.version;
  w.chain.root.worker_hashes.clear();
  w.observe(w.chain.root_address);
  EXPECT_TRUE(w.take(link).empty());
  w.packet(client, w.ask());
  EXPECT_EQ(wire::decode<wire::client::QueryAnswerErrorEx>(w.take(client).at(0).data)->error_code, 651);
}

TEST(ProxyWorkers, TheHandshakeTellsContractAndLimit) {
  World w;
  const auto link = w.up(kWorkerPort);
  auto hello = w.worker_hello(kOwner, 3, 4);
  hello.params.max_active_requests = 7;
  hello.params.proxy_cnt = 2;
  w.query(link, hello);
  const auto answer = w.answer<wire::worker::ConnectedToProxy>(link);
  EXPECT_EQ(answer.worker_sc_address, ton::to_friendly_text(w.chain.instance().worker_address(kOwner)));
  EXPECT_EQ(answer.params.proto_version, 4);
  w.query(link, wire::worker::CompareBalanceWithProxy{});
  const auto compared = w.answer<wire::worker::CompareBalanceWithProxyResult>(link);
  EXPECT_EQ(compared.error_code, 0);
  const auto* payment = std::get_if<wire::proxy::SignedPayment>(&compared.signed_payment);
  ASSERT_NE(payment, nullptr) << "never Empty here";
  EXPECT_TRUE(ton::verify_payment(payment->data, ton::op::worker_payout_signed,
                                  w.chain.instance().worker_address(kOwner), w.chain.instance().proxy_key())
                  .has_value());
  w.query(link, wire::worker::ProxyHandshakeComplete{true});
  w.answer<wire::worker::ProxyHandshakeCompleted>(link);
  const auto status = w.core->status(w.now);
  ASSERT_EQ(status.workers.size(), 1u);
  EXPECT_EQ(status.workers[0].limit, 4);
  EXPECT_FALSE(status.workers[0].enabled);
}

TEST(ProxyWorkers, WhoClaimsMoreCommittedTokensIsRefused) {
  World w;
  for (const auto& [chain, db] : {std::pair{1, 0}, std::pair{0, 1}}) {
    const auto link = w.up(kWorkerPort);
    w.query(link, w.worker_hello(kOwner));
    w.take(link);
    w.query(link, wire::worker::CompareBalanceWithProxy{chain, db, 5});
    expect_refused(w, link, 621, true);
  }
  EXPECT_TRUE(w.core->serving());
}

TEST(ProxyWorkers, WhoRemembersMoreThanWeMayGoOnAfterAnExtendedComparison) {
  World w;
  const auto link = w.up(kWorkerPort);
  w.query(link, w.worker_hello(kOwner));
  w.take(link);
  w.query(link, wire::worker::CompareBalanceWithProxy{0, 0, 50});
  EXPECT_EQ(w.answer<wire::worker::CompareBalanceWithProxyResult>(link).error_code, 1);
  w.query(link, wire::worker::ExtendedCompareBalanceWithProxy{});
  EXPECT_EQ(w.answer<wire::worker::ExtendedCompareBalanceWithProxyResult>(link).error_code, 0);
  w.query(link, wire::worker::ProxyHandshakeComplete{false});
  w.answer<wire::worker::ProxyHandshakeCompleted>(link);
  EXPECT_TRUE(w.core->status(w.now).workers.at(0).enabled);
}

TEST(ProxyWorkers, QueriesAreSortedByTheirId) {
  World w;
  const auto fresh = [&] { return w.up(kWorkerPort); };
  const auto greeted = [&] {
    const auto link = w.up(kWorkerPort);
    w.query(link, w.worker_hello(kOwner));
    w.take(link);
    return link;
  };
  const auto compared = [&] {
    const auto link = greeted();
    w.query(link, wire::worker::CompareBalanceWithProxy{});
    w.take(link);
    return link;
  };
  const auto ready = [&] { return w.worker(); };
  const auto trailing = [](Bytes b) {
    b.resize(b.size() + 4);
    return b;
  };
  const Bytes hello = wire::encode(w.worker_hello(kOwner));
  const Bytes compare = wire::encode(wire::worker::CompareBalanceWithProxy{});
  const Bytes extended = wire::encode(wire::worker::ExtendedCompareBalanceWithProxy{});
  const Bytes complete = wire::encode(wire::worker::ProxyHandshakeComplete{});
  const Bytes status = wire::encode(wire::worker::UpdatePaymentStatus{});
  const Bytes of_client = wire::encode(w.client_hello(kOwner));
  const Bytes description_too_early = [&] {
    auto h = w.worker_hello(kOwner);
    h.params.flags |= 4u;  // announces a field that is not there
    Bytes b = wire::encode(h);
    b.resize(b.size() - 4);
    return b;
  }();
  const struct {
    const char* what;
    role::LinkId link;
    Bytes query;
    int code;
    bool closes;
  } table[] = {
      {"unknown id, new", fresh(), {1, 2, 3, 4}, 0, false},
      {"unknown id, ready", ready(), {1, 2, 3, 4}, 0, false},
      {"of clients, new", fresh(), of_client, 621, false},
      {"of clients, ready", ready(), of_client, 621, false},
      {"status, new", fresh(), status, 621, false},
      {"status, compared", compared(), status, 621, false},
      {"status with bytes left over, ready", ready(), trailing(status), 0, false},
      {"compare, new", fresh(), compare, 0, true},
      {"hello, greeted", greeted(), hello, 0, true},
      {"extended without need", compared(), extended, 0, true},
      {"complete too early", greeted(), complete, 0, true},
      {"hello, ready", ready(), hello, 0, true},
      {"compare, ready", ready(), compare, 0, true},
      {"hello with bytes left over", fresh(), trailing(hello), 0, true},
      {"hello with a field missing", fresh(), description_too_early, 0, true},
      {"compare cut short", greeted(), Bytes(compare.begin(), compare.end() - 4), 0, true},
  };
  for (const auto& row : table) {
    SCOPED_TRACE(row.what);
    w.query_bytes(row.link, row.query);
    expect_refused(w, row.link, row.code, row.closes);
  }
}

TEST(ProxyWorkers, EachStepHasItsDeadline) {
  World w;
  const auto link = w.up(kWorkerPort);
  w.seconds(25);
  w.query(link, w.worker_hello(kOwner));
  w.take(link);
  w.seconds(25);
  EXPECT_TRUE(w.take(link).empty());
  w.seconds(6);
  EXPECT_EQ(w.take(link).at(0).kind, Said::Kind::closed);
  const auto ready = w.worker();
  w.seconds(100);
  EXPECT_TRUE(w.take(ready).empty());
}

TEST(ProxyWorkers, StateMessagesChangeNewRequestsOnly) {
  World w;
  const auto client = w.client();
  const auto worker = w.worker();
  w.packet(worker, wire::worker::NewCoefficient{2500});
  w.packet(client, w.ask());
  const auto first = wire::decode<wire::proxy::RunQueryEx>(w.take(worker).at(0).data);
  EXPECT_EQ(first->coefficient, 2500);
  w.packet(worker, wire::worker::NewCoefficient{2000000000});  // no upper bound
  w.packet(client, w.ask());
  EXPECT_EQ(wire::decode<wire::client::QueryAnswerErrorEx>(w.take(client).at(0).data)->error_code, 651);
  w.packet(worker, wire::worker::NewCoefficient{1000});
  w.packet(worker, wire::worker::EnabledDisabled{1});
  w.packet(client, w.ask());
  EXPECT_EQ(wire::decode<wire::client::QueryAnswerErrorEx>(w.take(client).at(0).data)->error_code, 651);
  w.packet(worker, wire::worker::EnabledDisabled{0});
  w.packet(client, w.ask());
  EXPECT_EQ(w.take(worker).size(), 1u);
  w.packet(worker, wire::worker::NewCoefficient{-1});
  EXPECT_EQ(w.take(worker).at(0).kind, Said::Kind::closed);
}

TEST(ProxyWorkers, AnOperatorMayAskForAnotherModel) {
  World w;
  const auto worker = w.worker();
  w.feed(ChangeWorkerModel{worker, "test/other@c:h"});
  const auto said = w.take(worker);
  ASSERT_EQ(said.size(), 1u);
  EXPECT_EQ(said[0].kind, Said::Kind::query);
  EXPECT_EQ(wire::decode<wire::worker::ChangeModel>(said[0].data)->new_model, "test/other@c:h");
  w.feed(role::QueryDone{worker, static_cast<role::QueryToken>(said[0].id), fail(602, "no hook")});
  w.feed(ChangeWorkerModel{4711, "x"});
  EXPECT_TRUE(w.take(worker).empty());
}

}  // namespace
}  // namespace cocoon::proxy::testing
