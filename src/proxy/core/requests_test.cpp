// Requests: admission, relay in every pair of forms, failures, finish (wire.md 4.7).
#include <cmath>
#include <functional>

#include "proxy/core/test_world.hpp"

namespace cocoon::proxy::testing {
namespace {

using Ask = wire::client::RunQueryEx;
const ton::Address kClient = address_of("client");

struct Refusal {
  const char* name;
  std::function<void(World&, Ask&)> spoil;
  int code;
};

class Admission : public ::testing::TestWithParam<Refusal> {};

// An error with zero tokens, no payment, nothing to the worker.
TEST_P(Admission, IsRefused) {
  for (const int version : {0, 1, 2, 4}) {
    World w;
    const auto client = w.client("client", version);
    const auto worker = w.worker();
    Ask ask = w.ask();
    GetParam().spoil(w, ask);
    w.take(client);
    w.packet(client, ask);
    const auto said = w.take(client);
    ASSERT_EQ(said.size(), 1u);
    if (version == 0) {
      const auto error = wire::decode<wire::client::QueryAnswerError>(said[0].data);
      ASSERT_TRUE(error.has_value());
      EXPECT_EQ(error->error_code, GetParam().code) << error->error;
      EXPECT_EQ(error->request_id, ask.request_id);
      EXPECT_EQ(error->request_tokens_used, wire::TokensUsed{});
    } else {
      const auto error = wire::decode<wire::client::QueryAnswerErrorEx>(said[0].data);
      ASSERT_TRUE(error.has_value());
      EXPECT_EQ(error->error_code, GetParam().code) << error->error;
      EXPECT_EQ(error->request_id, ask.request_id);
      EXPECT_EQ(error->flags, 1u);
      EXPECT_EQ(error->final_info.flags, version >= 2 ? 2u : 0u);
      EXPECT_EQ(error->final_info.proxy_start_time, version >= 2 ? unix_seconds(w.now) : 0);
      EXPECT_EQ(error->final_info.worker_end_time, version >= 2 ? unix_seconds(w.now) : 0);
    }
    EXPECT_TRUE(w.take(worker).empty());
    EXPECT_EQ(w.core->status(w.now).running, 0u);
    EXPECT_EQ(w.core->status(w.now).client_accounts.at(0).reserved, 0u);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Checks, Admission,
    ::testing::Values(Refusal{"BalanceTooLow", [](World&, Ask& a) { a.max_tokens = 2'000'000'000; }, 602},
                      Refusal{"ReservationTooHigh",
                              [](World&, Ask& a) {
                                a.max_tokens = 40'000'000;
                                a.max_coefficient = 2'000'000'000;
                              },
                              602},
                      Refusal{"NewerConfig", [](World&, Ask& a) { a.min_config_version = 6; }, 602},
                      Refusal{"NegativeConfig", [](World&, Ask& a) { a.min_config_version = -1; }, 602},
                      Refusal{"ContractClosing",
                              [](World& w, Ask&) {
                                w.chain.clients.at(kClient).state.state = ton::ContractState::closing;
                                w.chain.client_notice(kClient);
                                w.observe_changed();
                              },
                              651},
                      Refusal{"UnknownKey", [](World&, Ask& a) { a.set_public_key(seed_of("nobody's key")); }, 602},
                      Refusal{"UnknownModel", [](World&, Ask& a) { a.model_name = "nope"; }, 621},
                      Refusal{"FullModelName", [](World&, Ask& a) { a.model_name = "test/model@commit:hash"; }, 621},
                      Refusal{"TooExpensive", [](World&, Ask& a) { a.max_coefficient = 999; }, 651},
                      Refusal{"NegativeTokens", [](World&, Ask& a) { a.max_tokens = -5; }, 621},
                      Refusal{"NegativeCoefficient", [](World&, Ask& a) { a.max_coefficient = -1; }, 621},
                      Refusal{"NegativeTimeout", [](World&, Ask& a) { a.timeout = -1; }, 621},
                      Refusal{"NoTimeout", [](World&, Ask& a) { a.timeout = 0; }, 621},
                      Refusal{"TimeoutIsNoNumber", [](World&, Ask& a) { a.timeout = std::nan(""); }, 621},
                      Refusal{"BalanceBeforeConfig",
                              [](World&, Ask& a) {
                                a.max_tokens = 2'000'000'000;
                                a.min_config_version = 99;
                                a.model_name = "nope";
                              },
                              602},
                      Refusal{"ConfigBeforeModel",
                              [](World&, Ask& a) {
                                a.min_config_version = 99;
                                a.model_name = "nope";
                              },
                              602}),
    [](const auto& p) { return std::string(p.param.name); });

TEST(ProxyRequests, WhatTheWorkerIsAsked) {
  for (const int version : {0, 1, 2, 3, 4}) {
    World w;
    const auto client = w.client();
    const auto worker = w.worker("worker", version);
    Ask ask = w.ask();
    ask.set_debug(true);
    ask.timeout = 20;
    w.packet(client, ask);
    const auto said = w.take(worker);
    ASSERT_EQ(said.size(), 1u);
    if (version == 0) {
      const auto asked = wire::decode<wire::proxy::RunQuery>(said[0].data);
      ASSERT_TRUE(asked.has_value());
      EXPECT_EQ(asked->query, ask.query);
      EXPECT_EQ(asked->coefficient, 1000);
      EXPECT_DOUBLE_EQ(asked->timeout, 19);
      continue;
    }
    const auto asked = wire::decode<wire::proxy::RunQueryEx>(said[0].data);
    ASSERT_TRUE(asked.has_value());
    EXPECT_EQ(asked->query, ask.query);
    EXPECT_DOUBLE_EQ(asked->timeout, 19);
    EXPECT_NE(asked->request_id, ask.request_id);
    EXPECT_TRUE(asked->enable_debug);
    EXPECT_EQ(asked->flags, version >= 3 ? 3u : 1u);
    EXPECT_TRUE(asked->private_key.is_zero());
  }
}

TEST(ProxyRequests, TimeoutsAreBroughtIntoRange) {
  World w;
  const auto client = w.client();
  const auto worker = w.worker();
  for (const auto& [asked, given] : {std::pair{0.01, 0.95}, std::pair{1e9, 3420.0}, std::pair{HUGE_VAL, 3420.0}}) {
    Ask ask = w.ask();
    ask.timeout = asked;
    w.packet(client, ask);
    EXPECT_DOUBLE_EQ(wire::decode<wire::proxy::RunQueryEx>(w.take(worker).at(0).data)->timeout, given);
  }
}

TEST(ProxyRequests, EncryptedOnesNeedAKeyAndAWorkerOfVersionThree) {
  World w;
  const auto client = w.client();
  const auto old_worker = w.worker("old", 2);
  const crypto::KeyPair key(seed_of("group key"));
  w.feed(GroupKeys{{{key.seed(), unix_time(w.now) + 50}}});
  Ask ask = w.ask();
  ask.set_public_key(key.public_key());
  w.packet(client, ask);
  EXPECT_EQ(wire::decode<wire::client::QueryAnswerErrorEx>(w.take(client).at(0).data)->error_code, 651);
  const auto worker = w.worker("new", 3);
  w.packet(client, ask);
  EXPECT_EQ(wire::decode<wire::proxy::RunQueryEx>(w.take(worker).at(0).data)->private_key, key.seed());
  EXPECT_TRUE(w.take(old_worker).empty());
  w.seconds(60);
  w.take(client);
  w.packet(client, ask);  // the key has expired
  EXPECT_EQ(wire::decode<wire::client::QueryAnswerErrorEx>(w.take(client).at(0).data)->error_code, 602);
}

TEST(ProxyRequests, AWholeConversation) {
  World w;
  const auto client = w.client();
  const auto worker = w.worker();
  const Ask ask = w.ask();
  w.packet(client, ask);
  EXPECT_EQ(w.core->status(w.now).running, 1u);
  const Bits256 id = w.asked(worker);
  w.packet(worker, World::head(id));
  const auto head = wire::decode<wire::client::QueryAnswerEx>(w.take(client).at(0).data);
  ASSERT_TRUE(head.has_value());
  EXPECT_EQ(head->request_id, ask.request_id);
  EXPECT_EQ(head->flags, 0u);
  const auto response = wire::decode<wire::http::Response>(head->answer);
  ASSERT_EQ(response->headers.size(), 4u);
  EXPECT_EQ(response->headers[1].name, "X-Cocoon-Worker");
  EXPECT_EQ(response->headers[2].name, "X-Cocoon-Proxy-Start");
  EXPECT_EQ(response->headers[3].name, "X-Cocoon-Proxy-End");
  EXPECT_EQ(response->headers[3].value, fmt::format("{:.6f}", unix_seconds(w.now)));

  wire::proxy::QueryAnswerPartEx part;
  part.request_id = id;
  part.answer = to_bytes(std::string("hello"));
  w.packet(worker, part);  // a core without a shell carries parts itself
  const auto carried = wire::decode<wire::client::QueryAnswerPartEx>(w.take(client).at(0).data);
  EXPECT_EQ(carried->answer, part.answer);
  EXPECT_EQ(carried->request_id, ask.request_id);

  w.packet(worker, World::last_part(id, 77));
  const auto said = w.take(client);
  ASSERT_EQ(said.size(), 2u);
  const auto last = wire::decode<wire::client::QueryAnswerPartEx>(said[0].data);
  EXPECT_EQ(last->flags, 1u);
  EXPECT_EQ(last->final_info.flags, 2u);
  EXPECT_EQ(last->final_info.tokens_used.total_tokens_used, 77);
  EXPECT_EQ(last->final_info.worker_start_time, 1.5);
  EXPECT_EQ(last->final_info.proxy_end_time, unix_seconds(w.now));
  const auto pay = wire::decode<wire::proxy::ClientRequestPayment>(said[1].data);
  EXPECT_EQ(pay->request_id, ask.request_id);
  EXPECT_EQ(pay->request_tokens, 77);
  EXPECT_EQ(pay->max_tokens, 77);
  const auto to_worker = w.take(worker);
  ASSERT_EQ(to_worker.size(), 1u);
  const auto paid = wire::decode<wire::proxy::WorkerRequestPayment>(to_worker[0].data);
  EXPECT_EQ(paid->request_id, id);
  EXPECT_EQ(paid->request_tokens, 77);
  EXPECT_EQ(paid->max_tokens, 77);
  EXPECT_EQ(paid->request_client_owner, ton::to_friendly_text(kClient));
  EXPECT_TRUE(std::holds_alternative<wire::proxy::SignedPayment>(paid->signed_payment));
  EXPECT_EQ(w.core->status(w.now).running, 0u);
  w.packet(worker, World::last_part(id, 77));  // late: dropped
  EXPECT_TRUE(w.take(client).empty());
}

TEST(ProxyRequests, DebugTextsTravelInTheFinalInfo) {
  World w;
  const auto client = w.client();
  const auto worker = w.worker();
  Ask ask = w.ask();
  ask.set_debug(true);
  w.packet(client, ask);
  const Bits256 id = w.asked(worker);
  w.packet(worker, World::head(id));
  auto last = World::last_part(id, 7);
  last.final_info.set_debug(R"({"type":"worker"})");
  w.packet(worker, last);
  const auto said = w.take(client);
  const auto info = wire::decode<wire::client::QueryAnswerPartEx>(said.at(1).data)->final_info;
  EXPECT_EQ(info.flags, 3u);
  EXPECT_EQ(info.worker_debug, R"({"type":"worker"})");
  EXPECT_EQ(info.proxy_debug.find(R"({"type":"proxy","start_time":1700)"), 0u) << info.proxy_debug;
}

TEST(ProxyRequests, AWorkersErrorIsRelayedAndCostsNothing) {
  for (const bool with_info : {true, false}) {
    World w;
    const auto client = w.client();
    const auto worker = w.worker();
    w.packet(client, w.ask());
    const Bits256 id = w.asked(worker);
    wire::proxy::QueryAnswerErrorEx error;
    error.request_id = id;
    error.error_code = 602;
    error.error = "busy";
    if (with_info) error.set_final_info(World::last_part(id, 55).final_info);
    w.packet(worker, error);
    const auto said = w.take(client);
    ASSERT_EQ(said.size(), 2u);
    const auto relayed = wire::decode<wire::client::QueryAnswerErrorEx>(said[0].data);
    EXPECT_EQ(relayed->error_code, 602);
    EXPECT_EQ(relayed->error, "busy");
    EXPECT_EQ(relayed->final_info.tokens_used, wire::TokensUsed{});
    EXPECT_EQ(wire::decode<wire::proxy::ClientRequestPayment>(said[1].data)->request_tokens, 0);
    EXPECT_EQ(wire::decode<wire::proxy::WorkerRequestPayment>(w.take(worker).at(0).data)->request_tokens, 0);
  }
}

// What ends a request with an error of ours: the client hears `code`, both sides hear of the tokens.
void expect_failed(World& w, role::LinkId client, role::LinkId worker, int code, bool after_head, int tokens = 0) {
  const auto said = w.take(client);
  ASSERT_EQ(said.size(), after_head ? 3u : 2u);
  const auto error = wire::decode<wire::client::QueryAnswerErrorEx>(said[after_head ? 1 : 0].data);
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->error_code, code) << error->error;
  EXPECT_EQ(error->flags, 1u);
  EXPECT_EQ(error->final_info.tokens_used.total_tokens_used, tokens);
  EXPECT_EQ(wire::decode<wire::proxy::ClientRequestPayment>(said.back().data)->request_tokens, tokens);
  if (worker != 0) {
    EXPECT_EQ(wire::decode<wire::proxy::WorkerRequestPayment>(w.take(worker).back().data)->request_tokens, tokens);
  }
  EXPECT_EQ(w.core->status(w.now).running, 0u);
  EXPECT_EQ(w.core->status(w.now).client_accounts.at(0).reserved, 0u);
}

// What a worker says of an answer that it was told to stop.
wire::proxy::QueryAnswerErrorEx stopped(const Bits256& request, std::int64_t delivered) {
  wire::proxy::QueryAnswerErrorEx error;
  error.request_id = request;
  error.error_code = wire::kErrorCancelled;
  error.error = "the request was cancelled";
  error.set_final_info(World::last_part(request, delivered).final_info);
  return error;
}

// Whoever breaks an answer off: what was delivered is paid for, and nothing else.
TEST(ProxyRequests, ACutAnswerCostsWhatWasDelivered) {
  World w;
  const auto client = w.client();
  const auto worker = w.worker();
  const auto begin = [&] {
    w.packet(client, w.ask());
    const Bits256 id = w.asked(worker);
    w.packet(worker, World::head(id));
    return id;
  };
  const auto late = [&] {
    const Bits256 id = begin();
    w.seconds(10);
    const auto told = w.take(worker);
    EXPECT_TRUE(!told.empty() && told.back().constructor() == wire::proxy::CancelQuery::kId);
    return id;
  };
  w.packet(worker, stopped(late(), 30));
  expect_failed(w, client, worker, 652, true, 30);
  // An end that crossed the order to stop counts all of an answer of which the client has a part.
  w.packet(worker, World::last_part(late(), 90));
  expect_failed(w, client, worker, 652, true, 0);
}

TEST(ProxyRequests, WhatHappensAfterACancelChangesNothingOfTheCount) {
  Config config = test_config();
  config.max_answer_bytes = 10;
  World w(config);
  const auto client = w.client();
  const auto worker = w.worker();
  const auto ask = w.ask();
  w.packet(client, ask);
  const Bits256 id = w.asked(worker);
  w.packet(worker, World::head(id));
  w.take(client);
  w.packet(client, wire::client::CancelQuery{ask.request_id});
  wire::proxy::QueryAnswerPartEx part;
  part.request_id = id;
  part.answer.assign(11, 'x');
  w.packet(worker, part);
  w.feed(ReaderTooSlow{id});
  w.packet(worker, stopped(id, 30));
  const auto told = w.take(worker);
  ASSERT_FALSE(told.empty());
  const auto payment = wire::decode<wire::proxy::WorkerRequestPayment>(told.back().data);
  ASSERT_TRUE(payment.has_value());
  EXPECT_EQ(payment->request_tokens, 30);
}

TEST(ProxyRequests, AnswersOutOfOrder) {
  World w;
  const auto client = w.client();
  const auto worker = w.worker();
  w.packet(client, w.ask());
  wire::proxy::QueryAnswerPartEx part;
  part.request_id = w.asked(worker);
  w.packet(worker, part);
  expect_failed(w, client, worker, 621, false);

  w.packet(client, w.ask());
  const Bits256 id = w.asked(worker);
  w.packet(worker, World::head(id));
  w.packet(worker, World::head(id));
  expect_failed(w, client, worker, 621, true);
}

TEST(ProxyRequests, AnAnswerThatIsNoHttpResponse) {
  World w;
  const auto client = w.client();
  const auto worker = w.worker();
  w.packet(client, w.ask());
  auto head = World::head(w.asked(worker));
  head.answer = {'z', 'z', 'z', 'z'};
  w.packet(worker, head);
  expect_failed(w, client, worker, 621, false);
}

TEST(ProxyRequests, AFinalInfoThatDoesNotDecode) {
  World w;
  const auto client = w.client();
  const auto worker = w.worker();
  w.packet(client, w.ask());
  const Bits256 id = w.asked(worker);
  w.packet(worker, World::head(id));
  Bytes last = wire::encode(World::last_part(id, 7));
  last.resize(last.size() - 8);
  w.feed(role::PacketIn{worker, last});
  expect_failed(w, client, worker, 621, true);
}

TEST(ProxyRequests, AQueryThatIsNoHttpRequestNeverReachesTheWorkerButBothHearItsEnd) {
  World w;
  const auto client = w.client();
  const auto worker = w.worker();
  Ask ask = w.ask();
  ask.query = {0, 1, 2, 3};
  w.packet(client, ask);
  expect_failed(w, client, worker, 0, false);
}

TEST(ProxyRequests, TheTimerEndsARequest) {
  World w;
  const auto client = w.client();
  const auto worker = w.worker();
  w.packet(client, w.ask());
  const Bits256 id = w.asked(worker);
  w.seconds(9);
  EXPECT_TRUE(w.take(client).empty());
  w.seconds(1);
  expect_failed(w, client, worker, 652, false);
  w.packet(worker, World::head(id));  // late
  EXPECT_TRUE(w.take(client).empty());

  w.packet(client, w.ask());
  w.packet(worker, World::head(w.asked(worker)));
  w.seconds(11);
  expect_failed(w, client, worker, 652, true);  // the worker did not say what it had delivered
}

TEST(ProxyRequests, ALostWorkerFailsItsRequestsAtOnce) {
  World w;
  const auto client = w.client();
  const auto worker = w.worker();
  w.packet(client, w.ask());
  w.packet(worker, World::head(w.asked(worker)));
  w.down(worker);
  expect_failed(w, client, 0, 651, true);
}

TEST(ProxyRequests, ALostClientIsChargedAllTheSame) {
  World w;
  const auto client = w.client();
  const auto worker = w.worker();
  w.packet(client, w.ask());
  const Bits256 id = w.asked(worker);
  w.packet(worker, World::head(id));
  w.take(client);
  w.down(client);
  EXPECT_EQ(wire::decode<wire::proxy::CancelQuery>(w.take(worker).at(0).data)->request_id, id);
  w.packet(worker, World::last_part(id, 42));  // it knows no cancel
  EXPECT_TRUE(w.take(client).empty());
  EXPECT_EQ(wire::decode<wire::proxy::WorkerRequestPayment>(w.take(worker).at(0).data)->request_tokens, 42);
  EXPECT_EQ(w.core->status(w.now).client_accounts.at(0).max, 42u);
}

TEST(ProxyRequests, BothAreToldWhatWasCountedWhenABalanceShrankMeanwhile) {
  World w;
  const auto client = w.client();
  const auto worker = w.worker();
  w.packet(client, w.ask());
  const Bits256 id = w.asked(worker);
  w.take(client);
  w.chain.clients.at(address_of("client")).state.balance = 40 * 20;  // forty tokens' worth
  w.chain.client_notice(address_of("client"));
  w.observe_changed();
  w.packet(worker, World::head(id));
  w.packet(worker, World::last_part(id, 100));
  const auto told_client = w.take(client);
  const auto told_worker = w.take(worker);
  ASSERT_FALSE(told_client.empty() || told_worker.empty());
  const auto for_client = wire::decode<wire::proxy::ClientRequestPayment>(told_client.back().data);
  const auto for_worker = wire::decode<wire::proxy::WorkerRequestPayment>(told_worker.back().data);
  ASSERT_TRUE(for_client && for_worker);
  EXPECT_EQ(for_client->request_tokens, 40);
  EXPECT_EQ(for_worker->request_tokens, 40);
  EXPECT_EQ(for_client->max_tokens, 40);
  EXPECT_EQ(for_worker->max_tokens, 40);
}

TEST(ProxyRequests, AReaderThatIsTooSlowEndsItsRequest) {
  World w;
  const auto client = w.client();
  const auto worker = w.worker();
  w.packet(client, w.ask());
  const Bits256 id = w.asked(worker);
  w.packet(worker, World::head(id));
  w.feed(ReaderTooSlow{id});
  w.packet(worker, stopped(id, 30));
  expect_failed(w, client, worker, 653, true, 30);
  w.feed(ReaderTooSlow{id});
  EXPECT_TRUE(w.take(client).empty());
}

TEST(ProxyRequests, AnswersOfTheWrongWorkerAreDropped) {
  World w;
  const auto client = w.client();
  const auto worker = w.worker();
  w.packet(client, w.ask());
  const Bits256 id = w.asked(worker);
  const auto other = w.worker("other");
  w.packet(other, World::head(id));
  const auto unready = w.up(kWorkerPort);
  w.packet(unready, World::head(id));
  wire::proxy::QueryAnswerEx unknown = World::head(seed_of("unknown"));
  w.packet(worker, unknown);
  EXPECT_TRUE(w.take(client).empty());
  EXPECT_EQ(w.core->status(w.now).running, 1u);
}

TEST(ProxyRequests, LimitsOfRunningRequests) {
  Config config = test_config();
  config.max_requests = 3;
  config.max_requests_per_client = 2;
  World w(config);
  const auto client = w.client();
  const auto other = w.client("other");
  const auto worker = w.worker();
  for (int i = 0; i < 2; ++i) w.packet(client, w.ask());
  EXPECT_TRUE(w.take(client).empty());
  w.packet(client, w.ask());
  EXPECT_EQ(wire::decode<wire::client::QueryAnswerErrorEx>(w.take(client).at(0).data)->error_code, 602);
  w.packet(other, w.ask());
  EXPECT_TRUE(w.take(other).empty());
  w.packet(other, w.ask());
  EXPECT_EQ(wire::decode<wire::client::QueryAnswerErrorEx>(w.take(other).at(0).data)->error_code, 602);
  EXPECT_EQ(w.take(worker).size(), 3u);
}

TEST(ProxyRequests, AWorkersLimitIsKept) {
  World w;
  const auto client = w.client();
  auto hello = w.worker_hello(address_of("worker"));
  hello.params.max_active_requests = 3;
  hello.params.proxy_cnt = 2;
  const auto worker = w.worker(hello);
  w.packet(client, w.ask());
  w.packet(client, w.ask());
  const auto asked = w.take(worker);
  ASSERT_EQ(asked.size(), 2u);
  w.packet(client, w.ask());
  EXPECT_TRUE(w.take(worker).empty());
  const Bits256 id = wire::decode<wire::proxy::RunQueryEx>(asked[0].data)->request_id;
  w.packet(worker, World::head(id));
  w.packet(worker, World::last_part(id, 1));
  const auto said = w.take(worker);
  ASSERT_EQ(said.size(), 2u) << "payment for the first, and the one that waited";
  EXPECT_EQ(said[1].constructor(), wire::proxy::RunQueryEx::kId);
}

TEST(ProxyRequests, AnswersTooLongForTheLimitEnd) {
  Config config = test_config();
  config.max_answer_bytes = 10;
  World w(config);
  const auto client = w.client();
  const auto worker = w.worker();
  w.packet(client, w.ask());
  const Bits256 id = w.asked(worker);
  w.packet(worker, World::head(id));
  wire::proxy::QueryAnswerPartEx part;
  part.request_id = id;
  part.answer.assign(11, 'x');
  w.packet(worker, part);
  w.packet(worker, part);  // on its way when the worker was told to stop
  const auto reserved = static_cast<int>(w.core->status(w.now).client_accounts.at(0).reserved);
  w.packet(worker, stopped(id, 1'000'000));
  expect_failed(w, client, worker, 653, true, reserved);  // never more
}

TEST(ProxyRequests, TheSameEventsGiveTheSameEffects) {
  const auto run = [] {
    World w;
    const auto client = w.client();
    const auto worker = w.worker();
    for (int i = 0; i < 5; ++i) {
      w.converse(client, worker, 10 + i);
      w.seconds(3);
    }
    Bytes all;
    for (const auto& [link, said] : w.said)
      for (const auto& s : said) append(all, s.data);
    append(all, w.stored);
    return crypto::sha256(all);
  };
  EXPECT_EQ(run(), run());
}

}  // namespace
}  // namespace cocoon::proxy::testing
