// Which worker gets a request, who waits, what is tried again, and what happens when nobody wants the answer.
#include "market/breaker.hpp"
#include "proxy/core/test_world.hpp"

namespace cocoon::proxy::testing {
namespace {

wire::proxy::RunQueryEx run_of(const Said& said) {
  auto run = wire::decode<wire::proxy::RunQueryEx>(said.data);
  EXPECT_TRUE(run.has_value());
  return run ? *run : wire::proxy::RunQueryEx{};
}

class Dispatch : public ::testing::Test {
 protected:
  role::LinkId worker(const char* name, int limit, int coefficient = 1000) {
    auto hello = w.worker_hello(address_of(name));
    hello.params.max_active_requests = limit;
    hello.params.coefficient = coefficient;
    role::Peer peer;
    peer.public_key = seed_of(name);
    const role::LinkId link = w.up(kWorkerPort, peer);
    w.query(link, hello);
    w.query(link, wire::worker::CompareBalanceWithProxy{});
    w.query(link, wire::worker::ProxyHandshakeComplete{});
    w.take(link);
    return link;
  }
  static Bytes query_with(const std::string& policy) {
    auto request = *wire::decode<wire::http::Request>(World::http_request());
    request.headers.push_back({"X-Cocoon-Policy", policy});
    return wire::encode(request);
  }
  // Where the client's next request went.
  role::LinkId goes_to(const std::string& policy, const std::vector<role::LinkId>& workers) {
    auto ask = w.ask();
    ask.query = query_with(policy);
    w.packet(client, ask);
    for (const auto link : workers)
      for (const auto& said : w.take(link))
        if (said.constructor() == wire::proxy::RunQueryEx::kId) return link;
    return 0;
  }
  void fail_with(role::LinkId link, const Bits256& id, int code) {
    wire::proxy::QueryAnswerErrorEx error;
    error.request_id = id;
    error.error_code = code;
    error.error = "trouble";
    w.packet(link, error);
  }
  int error_of_client() {
    for (const auto& said : w.take(client))
      if (said.constructor() == wire::client::QueryAnswerErrorEx::kId)
        return wire::decode<wire::client::QueryAnswerErrorEx>(said.data)->error_code;
    return 0;
  }
  void expect_quiet() {
    EXPECT_EQ(w.core->status(w.now).running, 0u);
    for (const auto& account : w.core->status(w.now).client_accounts) EXPECT_EQ(account.reserved, 0u);
  }

  World w;
  role::LinkId client = w.client();
};

TEST_F(Dispatch, PoliciesChooseAmongWorkers) {
  const auto dear = worker("dear", 10, 1500), cheap = worker("cheap", 10, 800);
  const auto measure = [&](role::LinkId link, const char* name, int seconds) {
    auto ask = w.ask();
    ask.query = query_with("worker=" + to_hex(seed_of(name)).substr(0, 16));
    w.packet(client, ask);
    const Bits256 id = w.asked(link);
    w.seconds(seconds);
    w.packet(link, World::head(id));
    w.packet(link, World::last_part(id, 1));
  };
  measure(dear, "dear", 1);
  measure(cheap, "cheap", 3);
  EXPECT_EQ(goes_to("fastest", {dear, cheap}), dear);
  EXPECT_EQ(goes_to("cheapest", {dear, cheap}), cheap);
  EXPECT_EQ(goes_to("cheapest", {dear, cheap}), cheap);
  EXPECT_EQ(goes_to("balanced", {dear, cheap}), dear) << "it has less to do";
}

TEST_F(Dispatch, AnUnknownPolicyIsTheCallersError) {
  worker("one", 1);
  EXPECT_EQ(goes_to("quickest", {}), 0u);
  EXPECT_EQ(error_of_client(), 621);
  expect_quiet();
}

TEST_F(Dispatch, TheAnswerNamesTheWorkerThatCanBePinned) {
  const auto one = worker("one", 10), two = worker("two", 10);
  const auto name = to_hex(seed_of("two")).substr(0, 16);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(goes_to("worker=" + name, {one, two}), two);
  w.packet(client, w.ask());
  const Bits256 id = w.asked(one);
  w.packet(one, World::head(id));
  const auto head = wire::decode<wire::client::QueryAnswerEx>(w.take(client).at(0).data);
  const auto response = wire::decode<wire::http::Response>(head->answer);
  bool named = false;
  for (const auto& [header, value] : response->headers)
    named = named || (header == kWorkerHeader && value == to_hex(seed_of("one")).substr(0, 16));
  EXPECT_TRUE(named);
  EXPECT_EQ(goes_to("worker=0123456789abcdef", {one, two}), 0u);
  EXPECT_EQ(error_of_client(), 651);
}

TEST_F(Dispatch, WhoFindsNoRoomWaitsForItsTurn) {
  const auto one = worker("one", 1);
  const auto other = w.client("other");
  w.packet(client, w.ask());
  const Bits256 first = w.asked(one);
  w.packet(client, w.ask());
  w.packet(client, w.ask());
  w.seconds(1);
  const auto of_other = w.ask();
  w.packet(other, of_other);
  EXPECT_TRUE(w.take(one).empty());
  EXPECT_TRUE(w.take(client).empty());
  w.packet(one, World::head(first));
  w.packet(one, World::last_part(first, 1));
  auto said = w.take(one);
  ASSERT_EQ(said.size(), 2u);
  const auto next = run_of(said[1]);
  EXPECT_LT(next.timeout, 9.0) << "the time it waited is gone";
  fail_with(one, next.request_id, 621);
  said = w.take(one);
  ASSERT_EQ(said.size(), 2u);
  EXPECT_EQ(w.core->status(w.now).running, 2u);
}

TEST_F(Dispatch, AClientThatAsksForMuchWaitsForItself) {
  const auto one = worker("one", 2);
  const auto modest = w.client("modest");
  for (int i = 0; i < 5; ++i) w.packet(client, w.ask());
  w.packet(modest, w.ask());
  auto said = w.take(one);
  ASSERT_EQ(said.size(), 2u);
  const Bits256 first = run_of(said[0]).request_id;
  w.packet(one, World::head(first));
  w.packet(one, World::last_part(first, 1));
  said = w.take(one);
  ASSERT_EQ(said.size(), 2u);
  fail_with(one, run_of(said[1]).request_id, 621);
  EXPECT_FALSE(w.take(modest).empty()) << "three of the other's came before it, and waited on";
}

TEST_F(Dispatch, WaitingEndsInTime) {
  const auto one = worker("one", 1);
  w.packet(client, w.ask());
  w.asked(one);
  auto patient = w.ask();
  patient.timeout = 3000;
  w.packet(client, patient);
  w.seconds(9);
  EXPECT_TRUE(w.take(client).empty());
  w.seconds(1);  // the first one's time is over, the worker has room
  EXPECT_EQ(w.asked(one).is_zero(), false);
  auto third = w.ask();
  third.timeout = 3000;
  w.take(client);
  w.packet(client, third);
  w.seconds(19);
  EXPECT_TRUE(w.take(client).empty());
  w.seconds(1);
  EXPECT_EQ(error_of_client(), 651);
}

TEST_F(Dispatch, TheWaitingRoomIsBounded) {
  Config config = test_config();
  config.max_waiting = 3;
  config.max_waiting_per_client = 2;
  World small(config);
  const auto a = small.client("a"), b = small.client("b");
  auto hello = small.worker_hello(address_of("worker"));
  hello.params.max_active_requests = 1;
  small.worker(hello);
  const auto refused = [&](role::LinkId who) {
    small.packet(who, small.ask());
    const auto said = small.take(who);
    return !said.empty() && wire::decode<wire::client::QueryAnswerErrorEx>(said[0].data)->error_code == 651;
  };
  EXPECT_FALSE(refused(a));  // runs
  EXPECT_FALSE(refused(a));
  EXPECT_FALSE(refused(a));
  EXPECT_TRUE(refused(a)) << "two of one client";
  EXPECT_FALSE(refused(b));
  EXPECT_TRUE(refused(b)) << "three of all";
}

TEST_F(Dispatch, AnotherWorkerIsTriedBeforeTheFirstByte) {
  const auto one = worker("one", 10), two = worker("two", 10);
  for (const auto how : {601, 602, 651, 653, 503, 0}) {
    SCOPED_TRACE(how);
    w.packet(client, w.ask());
    auto said = w.take(one);
    const auto first = said.empty() ? two : one;
    if (said.empty()) said = w.take(two);
    ASSERT_EQ(said.size(), 1u);
    if (how == 0) {
      w.down(first);
    } else if (how < 600) {
      auto head = World::head(run_of(said[0]).request_id);
      auto response = *wire::decode<wire::http::Response>(head.answer);
      response.status_code = how;
      head.answer = wire::encode(response);
      w.packet(first, head);
    } else {
      fail_with(first, run_of(said[0]).request_id, how);
    }
    EXPECT_TRUE(w.take(client).empty()) << "the client hears nothing of it";
    const auto second = first == one ? two : one;
    const auto again = w.take(second);
    ASSERT_EQ(again.size(), 1u);
    const auto id = run_of(again[0]).request_id;
    EXPECT_NE(id, run_of(said[0]).request_id);
    EXPECT_EQ(run_of(again[0]).query, run_of(said[0]).query);
    if (how != 0) {
      const auto end = w.take(first);
      ASSERT_EQ(end.size(), 2u);
      EXPECT_EQ(wire::decode<wire::proxy::CancelQuery>(end[0].data)->request_id, run_of(said[0]).request_id);
      EXPECT_EQ(wire::decode<wire::proxy::WorkerRequestPayment>(end[1].data)->request_tokens, 0);
      w.packet(first, World::last_part(run_of(said[0]).request_id, 1000));  // a late word changes nothing
    }
    w.packet(second, World::head(id));
    w.packet(second, World::last_part(id, 7));
    const auto heard = w.take(client);
    ASSERT_EQ(heard.size(), 3u);
    EXPECT_EQ(wire::decode<wire::proxy::ClientRequestPayment>(heard[2].data)->request_tokens, 7);
    w.take(second);
    w.seconds(70);  // whoever rests comes back
    expect_quiet();
  }
}

TEST_F(Dispatch, NoOtherWorkerIsTriedAfterTheFirstByteNorForTheRequestsOwnFault) {
  const auto one = worker("one", 10);
  w.packet(client, w.ask());
  const Bits256 id = w.asked(one);
  const auto two = worker("two", 10);
  w.packet(one, World::head(id));
  fail_with(one, id, 601);
  EXPECT_EQ(error_of_client(), 601);
  EXPECT_TRUE(w.take(two).empty());
  w.take(one);
  w.packet(client, w.ask());
  for (const auto link : {one, two})
    for (const auto& said : w.take(link)) fail_with(link, run_of(said).request_id, 621);
  EXPECT_EQ(error_of_client(), 621);
  for (const auto link : {one, two})
    for (const auto& said : w.take(link)) EXPECT_NE(said.constructor(), wire::proxy::RunQueryEx::kId);
  expect_quiet();
}

TEST_F(Dispatch, TriesAreCounted) {
  std::vector<role::LinkId> workers;
  for (const auto* name : {"a", "b", "c", "d"}) workers.push_back(worker(name, 10));
  w.packet(client, w.ask());
  int tries = 0;
  for (bool again = true; again;) {
    again = false;
    for (const auto link : workers)
      for (const auto& said : w.take(link))
        if (said.constructor() == wire::proxy::RunQueryEx::kId) {
          ++tries;
          again = true;
          fail_with(link, run_of(said).request_id, 651);
        }
  }
  EXPECT_EQ(tries, 3);
  EXPECT_EQ(error_of_client(), 651);
  expect_quiet();
}

TEST_F(Dispatch, WhoFailsAgainAndAgainRests) {
  const auto one = worker("one", 10);
  for (int i = 0; i < market::Breaker::kFailures; ++i) {
    w.packet(client, w.ask());
    fail_with(one, w.asked(one), 601);
    EXPECT_EQ(error_of_client(), 601);
    w.take(one);
  }
  w.packet(client, w.ask());
  EXPECT_TRUE(w.take(one).empty()) << "it waits for the pause to end";
  w.seconds(1);
  const Bits256 id = w.asked(one);
  w.packet(client, w.ask());
  EXPECT_TRUE(w.take(one).empty()) << "one request at a time tries";
  w.packet(one, World::head(id));
  w.packet(one, World::last_part(id, 1));
  EXPECT_EQ(w.take(one).size(), 2u) << "its payment, and the other request at once";
}

TEST_F(Dispatch, ACancelReachesTheWorkerAndWhatWasDeliveredIsPaid) {
  const auto one = worker("one", 10);
  const auto ask = w.ask();
  w.packet(client, ask);
  const Bits256 id = w.asked(one);
  w.packet(one, World::head(id));
  w.take(client);
  w.packet(client, wire::client::CancelQuery{ask.request_id});
  auto said = w.take(one);
  ASSERT_EQ(said.size(), 1u);
  EXPECT_EQ(wire::decode<wire::proxy::CancelQuery>(said[0].data)->request_id, id);
  w.packet(client, wire::client::CancelQuery{ask.request_id});  // again
  EXPECT_TRUE(w.take(one).empty());

  wire::proxy::QueryAnswerErrorEx end;
  end.request_id = id;
  end.error_code = 653;
  end.set_final_info(World::last_part(id, 12).final_info);
  w.packet(one, end);
  EXPECT_EQ(wire::decode<wire::proxy::WorkerRequestPayment>(w.take(one).at(0).data)->request_tokens, 12);
  EXPECT_EQ(wire::decode<wire::proxy::ClientRequestPayment>(w.take(client).back().data)->request_tokens, 12);
  EXPECT_EQ(w.core->status(w.now).client_accounts.at(0).max, 12u);
  expect_quiet();
}

TEST_F(Dispatch, OnlyItsOwnerCancelsARequest) {
  const auto one = worker("one", 1);
  const auto stranger = w.client("stranger");
  const auto ask = w.ask();
  w.packet(client, ask);
  w.asked(one);
  w.packet(stranger, wire::client::CancelQuery{ask.request_id});
  w.packet(client, wire::client::CancelQuery{seed_of("unknown")});
  EXPECT_TRUE(w.take(one).empty());
}

TEST_F(Dispatch, ACancelledOneThatWaitsCostsNothing) {
  const auto one = worker("one", 1);
  w.packet(client, w.ask());
  w.asked(one);
  const auto ask = w.ask();
  w.packet(client, ask);
  w.packet(client, wire::client::CancelQuery{ask.request_id});
  EXPECT_EQ(error_of_client(), 653);
  EXPECT_EQ(w.core->status(w.now).running, 1u);
  w.packet(client, w.ask());  // waits
  w.down(client);
  EXPECT_EQ(w.core->status(w.now).running, 1u) << "the one that the worker has";
}

}  // namespace
}  // namespace cocoon::proxy::testing
