// The life of a request (wire.md 4.7.1, 4.7.6, 5.3).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/core/testdata/world.hpp"

namespace cocoon::client {
namespace {

using testdata::all;
using testdata::filled;
using testdata::only;
using testdata::packets;
using testdata::World;
using testing::HasSubstr;
using namespace std::chrono_literals;
using namespace wire::client;

std::string text(const Bytes& b) { return to_text(b); }

wire::TokensUsed tokens(std::int64_t total) {
  wire::TokensUsed t;
  t.total_tokens_used = total;
  return t;
}

QueryFinalInfo final_info(std::int64_t total) {
  QueryFinalInfo info;
  info.tokens_used = tokens(total);
  info.set_debug("{\"w\":1}", "{\"p\":2}");
  return info;
}

QueryAnswerEx head_ex(const Bits256& id, Bytes answer) { return {.request_id = id, .answer = std::move(answer)}; }
QueryAnswerPartEx part_ex(const Bits256& id, std::string_view body) {
  return {.request_id = id, .answer = to_bytes(body)};
}

TEST(ClientRequests, TheFormOfARequestFollowsTheProtocolVersion) {
  for (int proto = 0; proto <= 4; ++proto) {
    SCOPED_TRACE(proto);
    World w;
    w.become_ready(proto);
    auto r = World::request();
    r.enable_debug = true;
    r.public_key = filled(0x77);
    const auto effects = w.handle(r);
    const auto http = [&](const auto& q) {
      EXPECT_EQ(q.model_name, "m");
      EXPECT_EQ(q.max_coefficient, 4000);
      EXPECT_EQ(q.max_tokens, 100);
      EXPECT_DOUBLE_EQ(q.timeout, 114.0);
      EXPECT_EQ(q.min_config_version, 3);
      EXPECT_FALSE(q.request_id.is_zero());
      return *wire::decode<wire::http::Request>(q.query);
    };
    if (proto == 0) {
      http(packets<RunQuery>(effects).at(0));
      continue;
    }
    const auto q = packets<RunQueryEx>(effects).at(0);
    const auto request = http(q);
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.url, "/v1/chat/completions");
    EXPECT_EQ(request.http_version, "HTTP/1.0");
    EXPECT_EQ(request.payload, r.body);
    EXPECT_EQ(q.flags, proto >= 3 ? 3U : 1U);
    EXPECT_TRUE(q.enable_debug);
    EXPECT_EQ(q.public_key.is_zero(), proto < 3);
  }
}

TEST(ClientRequests, HeadersThatAreOnlyForUsDoNotTravel) {
  World w;
  w.become_ready();
  auto r = World::request();
  r.headers = {{"HOST", "x"},      {"connection", "close"},     {"Transfer-Encoding", "chunked"},
               {"Cookie", "a=b"},  {"authorization", "Bearer"}, {"Accept-Encoding", "gzip"},
               {"X-Mine", "kept"}, {"content-length", "7"},     {"Expect", "100-continue"},
               {"X-API-Key", "k"}, {"user-agent", "me"},        {"X-Stainless-OS", "Linux"}};
  const auto q = packets<RunQueryEx>(w.handle(r)).at(0);
  std::map<std::string, std::string> seen;
  const auto request = *wire::decode<wire::http::Request>(q.query);
  for (const auto& h : request.headers) seen[h.name] = h.value;
  EXPECT_EQ(seen, (std::map<std::string, std::string>{{"X-Mine", "kept"},
                                                      {"Content-Type", "application/json"},
                                                      {"Content-Length", std::to_string(r.body.size())}}));
}

TEST(ClientRequests, AnswerInPartsOpensARouteAndClosesIt) {
  World w;
  w.become_ready();
  const auto id = w.run(World::request(7));
  auto effects = w.packet(head_ex(
      id,
      World::response(201, "first", {{"Content-Type", "text/event-stream"}, {"Content-Length", "999"}, {"X-A", "b"}})));
  const auto head = only<ApiHead>(effects);
  EXPECT_EQ(head.id, 7U);
  EXPECT_EQ(head.status, 201);
  EXPECT_EQ(head.headers, (Headers{{"Content-Type", "text/event-stream"}, {"X-A", "b"}}));
  EXPECT_EQ(text(head.body), "first");
  const auto route = only<OpenRoute>(effects);
  EXPECT_EQ(route.link, w.link);
  EXPECT_EQ(route.request_id, id);
  EXPECT_EQ(route.id, 7U);
  EXPECT_EQ(w.core.status(w.now).running, 1U);

  EXPECT_EQ(text(only<ApiPart>(w.packet(part_ex(id, "second"))).body), "second");
  auto last = part_ex(id, "third");
  last.set_final_info(final_info(39));
  effects = w.packet(last);
  const auto end = only<ApiEnd>(effects);
  EXPECT_EQ(text(end.body), "third");
  EXPECT_EQ(end.tokens.total_tokens_used, 39);
  EXPECT_EQ(end.worker_debug, "{\"w\":1}");
  EXPECT_EQ(end.proxy_debug, "{\"p\":2}");
  EXPECT_EQ(only<CloseRoute>(effects).request_id, id);
  EXPECT_TRUE(w.packet(last).empty());
  const auto status = w.core.status(w.now);
  EXPECT_EQ(status.requests, 1U);
  EXPECT_EQ(status.succeeded, 1U);
  EXPECT_EQ(status.running, 0U);
}

TEST(ClientRequests, AnswerAtOnceNeedsNoRoute) {
  World w;
  w.become_ready();
  const auto id = w.run(World::request());
  auto m = head_ex(id, World::response(200, "{}"));
  m.set_final_info(final_info(3));
  const auto effects = w.packet(m);
  EXPECT_TRUE(only<ApiHead>(effects).body.empty());
  EXPECT_EQ(text(only<ApiEnd>(effects).body), "{}");
  EXPECT_TRUE(all<OpenRoute>(effects).empty());
}

TEST(ClientRequests, TheOldFormsAreUnderstoodAtEveryVersion) {
  for (int proto = 0; proto <= 4; ++proto) {
    SCOPED_TRACE(proto);
    World w;
    w.become_ready(proto);
    auto id = w.run(World::request(1));
    auto effects = w.packet(QueryAnswer{World::response(200, "a"), false, id, {}});
    EXPECT_EQ(text(only<ApiHead>(effects).body), "a");
    EXPECT_EQ(text(only<ApiPart>(w.packet(QueryAnswerPart{to_bytes(std::string_view("b")), false, id, {}})).body), "b");
    effects = w.packet(QueryAnswerPart{to_bytes(std::string_view("c")), true, id, tokens(8)});
    EXPECT_EQ(text(only<ApiEnd>(effects).body), "c");
    EXPECT_EQ(only<ApiEnd>(effects).tokens.total_tokens_used, 8);

    id = w.run(World::request(2));
    effects = w.packet(QueryAnswer{World::response(200, "x"), true, id, tokens(1)});
    EXPECT_EQ(only<ApiEnd>(effects).tokens.total_tokens_used, 1);

    w.now += 60s;  // long after anything moved on chain
    id = w.run(World::request(3));
    EXPECT_EQ(only<ApiFailed>(w.packet(QueryAnswerError{602, "balance", id, {}})).code, 602);
    id = w.run(World::request(4));
    w.packet(QueryAnswer{World::response(200), false, id, {}});
    effects = w.packet(QueryAnswerPartError{652, "timeout", id, {}});
    EXPECT_EQ(only<ApiFailed>(effects).code, 652);
    EXPECT_EQ(all<CloseRoute>(effects).size(), 1U);
    const auto status = w.core.status(w.now);
    EXPECT_EQ(status.requests, 4U);
    EXPECT_EQ(status.succeeded, 2U);
    EXPECT_EQ(status.failed, 2U);
  }
}

TEST(ClientRequests, ErrorsOfTheWorkerEndTheRequest) {
  World w;
  w.become_ready();
  const auto id = w.run(World::request(9));
  QueryAnswerErrorEx m{.request_id = id, .error_code = 621, .error = "unknown field"};
  m.set_final_info({});
  const auto failed = only<ApiFailed>(w.packet(m));
  EXPECT_EQ(failed.id, 9U);
  EXPECT_EQ(failed.code, 621);
  EXPECT_EQ(failed.message, "unknown field");
  EXPECT_TRUE(w.packet(m).empty());
}

TEST(ClientRequests, TheDeadlineEndsARequestBeforeAndAfterTheHead) {
  World w;
  w.become_ready();
  auto r = World::request(1);
  r.timeout = 3s;
  w.run(r);
  r.id = 2;
  const auto second = w.run(r);
  w.packet(head_ex(second, World::response(200)));
  EXPECT_LE(w.core.wake_at(), w.now + 3s);
  EXPECT_TRUE(all<ApiFailed>(w.tick(2999ms)).empty());
  const auto effects = w.tick(1ms);
  ASSERT_EQ(all<ApiFailed>(effects).size(), 2U);
  for (const auto& f : all<ApiFailed>(effects)) EXPECT_EQ(f.code, wire::kErrorTimeout);
  EXPECT_EQ(only<CloseRoute>(effects).request_id, second);
  EXPECT_TRUE(w.packet(part_ex(second, "late")).empty());
}

TEST(ClientRequests, ALostLinkEndsItsRequestsAtOnce) {
  World w;
  w.become_ready();
  w.run(World::request(1));
  const auto second = w.run(World::request(2));
  w.packet(head_ex(second, World::response(200)));
  const auto effects = w.handle(role::LinkDown{w.link, "reset by peer"});
  ASSERT_EQ(all<ApiFailed>(effects).size(), 2U);
  for (const auto& f : all<ApiFailed>(effects)) {
    EXPECT_EQ(f.code, wire::kErrorNotReady);
    EXPECT_THAT(f.message, HasSubstr("reset by peer"));
  }
  // Until it is back, requests are refused with the reason.
  const auto refused = only<ApiFailed>(w.handle(World::request(3)));
  EXPECT_EQ(refused.code, wire::kErrorNotReady);
  EXPECT_EQ(refused.why, ApiFailed::Why::not_connected);
  EXPECT_THAT(refused.message, HasSubstr("reset by peer"));
  w.auto_ready(1);
  EXPECT_EQ(packets<RunQueryEx>(w.handle(World::request(4))).size(), 1U);
}

TEST(ClientRequests, ACallerThatLeavesEndsItsRequest) {
  World w;
  w.become_ready();
  const auto id = w.run(World::request(1));
  w.packet(head_ex(id, World::response(200)));
  const auto effects = w.handle(ApiGone{1});
  EXPECT_EQ(only<CloseRoute>(effects).request_id, id);
  EXPECT_EQ(packets<CancelQuery>(effects).at(0).request_id, id) << "the proxy hears of it";
  EXPECT_TRUE(w.packet(part_ex(id, "late")).empty());
  EXPECT_TRUE(w.handle(ApiGone{1}).empty());
  EXPECT_TRUE(w.handle(ApiGone{55}).empty());
  EXPECT_EQ(w.core.status(w.now).running, 0U);
}

TEST(ClientRequests, TakesNoMoreThanItsLimit) {
  auto config = World::make_config();
  config.max_requests = 2;
  World w{.config = config};
  w.become_ready();
  w.run(World::request(1));
  w.run(World::request(2));
  EXPECT_EQ(only<ApiFailed>(w.handle(World::request(3))).code, wire::kErrorNotReady);
  w.handle(ApiGone{1});
  w.run(World::request(4));
}

TEST(ClientRequests, WhatDoesNotFitIntoAFrameIsRefused) {
  World w;
  w.become_ready();
  auto r = World::request(1);
  r.body.assign((std::size_t{1} << 24) - 8192, 'x');
  const auto effects = w.handle(r);
  EXPECT_LT(only<role::SendPacket>(effects).data.size(), (std::size_t{1} << 24) - 64);
  r.id = 2;
  r.headers.emplace_back("X", std::string(8192, 'y'));
  EXPECT_EQ(only<ApiFailed>(w.handle(r)).code, wire::kErrorProtocolViolation);
}

TEST(ClientRequests, StrangePacketsChangeNothing) {
  World w;
  const auto target = w.dialled();
  w.chain.balance = 20 * ton::kTon;
  w.observe_wallet();
  // Before the proxy has said who it is, and before we are let in.
  auto effects = w.link_up(target);
  const wire::proxy::ClientRequestPayment payment{.request_id = {},
                                                  .signed_payment = wire::proxy::SignedPayment{Bytes(9, 1)},
                                                  .db_tokens = 1,
                                                  .max_tokens = 2,
                                                  .request_tokens = 3};
  EXPECT_TRUE(w.packet(payment).empty());
  effects = w.answer(World::token_of(effects), w.hello(w.short_auth()));
  EXPECT_TRUE(w.packet(payment).empty());
  w.answer(all<role::SendQuery>(effects).at(0).token, World::let_in());

  const auto id = w.run(World::request(1));
  EXPECT_TRUE(w.packet(head_ex(filled(1), World::response(200))).empty());
  EXPECT_TRUE(w.packet(part_ex(filled(1), "x")).empty());
  EXPECT_TRUE(w.packet(part_ex(id, "before the head")).empty());
  EXPECT_TRUE(w.packet(QueryAnswerErrorEx{.request_id = filled(2), .error_code = 1}).empty());
  EXPECT_TRUE(w.packet(UpdatePaymentStatus{}).size() <= 1);
  for (const auto& bytes : {Bytes{}, Bytes{1}, Bytes(4, 0xff), Bytes(500, 0x20)})
    EXPECT_TRUE(all<role::CloseLink>(w.handle(role::PacketIn{w.link, bytes})).empty());
  // Every beginning of a real answer, and every one with a byte changed, is survived.
  auto whole = wire::encode([&] {
    auto m = part_ex(filled(3), "bytes");
    m.set_final_info(final_info(1));
    return m;
  }());
  for (std::size_t n = 0; n < whole.size(); ++n) {
    w.handle(role::PacketIn{w.link, Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n))});
    whole[n] ^= 0xff;
    w.handle(role::PacketIn{w.link, whole});
    whole[n] ^= 0xff;
  }
  EXPECT_TRUE(w.handle(role::PacketIn{12345, wire::encode(head_ex(id, World::response(200)))}).empty());
  EXPECT_EQ(w.core.status(w.now).running, 1U);
  EXPECT_EQ(all<ApiHead>(w.packet(head_ex(id, World::response(200)))).size(), 1U);
  EXPECT_TRUE(w.packet(head_ex(id, World::response(500))).empty());
}

TEST(ClientRequests, AnImpossibleHeadFailsTheRequest) {
  World w;
  w.become_ready();
  ApiId api = 1;
  for (const auto& answer :
       {Bytes{}, Bytes(12, 7), World::response(99), World::response(600), World::response(-1), World::response(100)}) {
    const auto id = w.run(World::request(++api));
    const auto failed = only<ApiFailed>(w.packet(head_ex(id, answer)));
    EXPECT_EQ(failed.id, api);
    EXPECT_EQ(failed.code, wire::kErrorProtocolViolation);
  }
}

struct TwoProxies : testing::Test {
  static Config two() {
    auto c = World::make_config();
    c.proxy_connections = 2;
    return c;
  }
  World w{.config = two()};
  std::vector<role::LinkId> links;
  void SetUp() override {
    w.root.registered_proxies = {{1, "10.0.0.1:1"}, {2, "10.0.0.2:1"}};
    w.chain.clients[w.contract()] = {.balance = 9 * ton::kTon,
                                     .secret_hash = crypto::sha256(as_bytes(w.config.secret))};
    w.dialled();
    for (role::TargetId target : {1U, 2U}) {
      w.auto_ready(target);
      links.push_back(w.link);
    }
    w.observe_contract();
  }
};

TEST_F(TwoProxies, ShareTheRequestsAndMayNotAnswerForEachOther) {
  std::map<role::LinkId, int> shares;
  Bits256 last;
  for (ApiId api = 1; api <= 6; ++api) {
    const auto effects = w.handle(World::request(api));
    ++shares[only<role::SendPacket>(effects).link];
    last = World::id_in(effects);
    w.link = only<role::SendPacket>(effects).link;
  }
  EXPECT_EQ(shares, (std::map<role::LinkId, int>{{links[0], 3}, {links[1], 3}}));
  const auto other = w.link == links[0] ? links[1] : links[0];
  const auto forged = [&](const auto& m) { return w.handle(role::PacketIn{other, wire::encode(m)}); };
  EXPECT_TRUE(forged(head_ex(last, World::response(200))).empty());
  EXPECT_TRUE(forged(QueryAnswerErrorEx{.request_id = last, .error_code = 1}).empty());
  EXPECT_EQ(all<ApiHead>(w.packet(head_ex(last, World::response(200)))).size(), 1U);
  EXPECT_TRUE(forged(part_ex(last, "x")).empty());
  EXPECT_TRUE(forged(QueryAnswerPartError{1, "", last, {}}).empty());
  // One link's loss is not the other's.
  EXPECT_EQ(all<ApiFailed>(w.handle(role::LinkDown{other, "gone"})).size(), 3U);
  EXPECT_EQ(w.core.status(w.now).running, 3U);
}

// --- a proxy that has not seen yet what we saw on chain

TEST(ClientRequests, ARefusalForNewsThatTheProxyHasNotSeenIsTriedAgain) {
  World w;
  w.become_ready();
  w.tick();
  const auto first = w.run(World::request(1));
  EXPECT_TRUE(all<ApiFailed>(w.packet(QueryAnswerError{602, "balance is too low", first, {}})).empty());
  EXPECT_LE(w.core.wake_at(), w.now + 1s);
  auto effects = w.tick(1s);
  const auto second = World::id_in(effects);
  EXPECT_NE(second, first);
  EXPECT_EQ(packets<RunQueryEx>(effects).at(0).model_name, "m");
  EXPECT_TRUE(w.packet(head_ex(first, World::response(200))).empty());
  EXPECT_EQ(only<ApiHead>(w.packet(head_ex(second, World::response(200)))).id, 1U);
  // After the head a refusal is a refusal.
  EXPECT_EQ(only<ApiFailed>(w.packet(QueryAnswerErrorEx{.request_id = second, .error_code = 602})).code, 602);
  EXPECT_EQ(w.core.status(w.now).requests, 1U);
}

TEST(ClientRequests, AProxyThatNeverSeesItIsBelievedInTheEnd) {
  World w;
  w.become_ready();
  auto id = w.run(World::request(1));
  for (int i = 0; i < 100; ++i) {
    const auto failed = all<ApiFailed>(w.packet(QueryAnswerError{602, "balance is too low", id, {}}));
    if (!failed.empty()) {
      EXPECT_EQ(failed[0].code, 602);
      EXPECT_LE(w.now, from_unix(1'800'000'000) + w.config.settle_time);
      EXPECT_GT(i, 5);
      return;
    }
    w.now = w.core.wake_at();
    auto effects = w.tick();
    while (packets<RunQueryEx>(effects).empty()) {
      w.now = w.core.wake_at();
      effects = w.tick();
    }
    id = World::id_in(effects);
  }
  FAIL() << "the request was never given up";
}

TEST(ClientRequests, OtherRefusalsAreNeverTriedAgain) {
  World w;
  w.become_ready();
  for (const int code : {0, 601, 621, 651, 652, 653}) {
    const auto id = w.run(World::request(static_cast<ApiId>(code) + 1));
    EXPECT_EQ(only<ApiFailed>(w.packet(QueryAnswerError{code, "", id, {}})).code, code);
  }
  // Nor is anything when the chain has been quiet for a while.
  w.now += 21s;
  const auto id = w.run(World::request(1000));
  EXPECT_EQ(only<ApiFailed>(w.packet(QueryAnswerError{602, "", id, {}})).code, 602);
}

// Charges go on as long as there are requests: what they take from the contract is no reason to ask again.
TEST(ClientRequests, AChargeIsNoNews) {
  World w;
  w.become_ready();
  w.now += w.config.settle_time + 1s;
  auto& contract = w.chain.clients.at(w.contract());
  contract.balance -= 1000;
  contract.tokens_used += 50;
  w.observe_contract();
  EXPECT_EQ(only<ApiFailed>(w.packet(QueryAnswerError{602, "", w.run(World::request(1)), {}})).code, 602);
  contract.balance += 2000;
  w.observe_contract();
  EXPECT_TRUE(all<ApiFailed>(w.packet(QueryAnswerError{602, "", w.run(World::request(2)), {}})).empty());
}

TEST(ClientRequests, AWaitingRequestStillEndsWithItsDeadlineItsCallerOrItsProxy) {
  World w;
  w.become_ready();
  auto r = World::request(1);
  r.timeout = 2s;
  w.packet(QueryAnswerError{602, "", w.run(r), {}});
  r.id = 2;
  w.packet(QueryAnswerError{602, "", w.run(r), {}});
  w.handle(ApiGone{2});
  r.id = 3;
  r.timeout = 60s;
  w.packet(QueryAnswerError{602, "", w.run(r), {}});
  w.handle(role::LinkDown{w.link, "gone"});
  EXPECT_EQ(w.core.status(w.now).running, 2U);
  const auto effects = w.tick(3s);
  ASSERT_EQ(all<ApiFailed>(effects).size(), 2U);
  EXPECT_EQ(w.core.status(w.now).running, 0U);
}

TEST(ClientRequests, ARefusalForMoneySaysWhatIsBeingWaitedFor) {
  World w;
  w.become_ready();
  w.chain.clients.at(w.contract()).balance = 0;
  w.chain.balance = 0;
  w.observe_wallet();
  w.observe_contract();
  w.now += 30s;
  const auto id = w.run(World::request(1));
  EXPECT_THAT(only<ApiFailed>(w.packet(QueryAnswerError{602, "balance is too low", id, {}})).message,
              HasSubstr("it needs at least 2.10"));
}

TEST(ClientRequests, WhatTheContractCannotCoverIsRefusedAtOnce) {
  World w;
  w.become_ready();
  auto r = World::request(1);
  r.max_tokens = 2'000'000'000;
  const auto id = w.run(r);
  const auto failed = only<ApiFailed>(w.packet(QueryAnswerError{602, "balance is too low", id, {}}));
  EXPECT_EQ(failed.why, ApiFailed::Why::no_funds);
  EXPECT_THAT(failed.message, HasSubstr("would be reserved, our contract covers 1.000000 TON"));
}

// --- models

TEST(ClientRequests, AsksForTheModels) {
  World w;
  EXPECT_EQ(only<ApiFailed>(w.handle(ApiModels{1})).code, wire::kErrorNotReady);
  w.become_ready();
  auto query = only<role::SendQuery>(w.handle(ApiModels{2}));
  EXPECT_TRUE(wire::decode<GetWorkerTypesV2>(query.data));
  EXPECT_EQ(query.timeout, 10s);
  WorkerTypesV2 list;
  list.types.push_back({"m", {{0, 1500, 1, 3}}});
  const auto answer = only<ApiModelList>(w.answer(query.token, list));
  EXPECT_EQ(answer.id, 2U);
  EXPECT_EQ(answer.types.at(0).name, "m");

  query = only<role::SendQuery>(w.handle(ApiModels{3}));
  EXPECT_EQ(only<ApiFailed>(w.answer_error(query.token, 652)).code, 652);
  query = only<role::SendQuery>(w.handle(ApiModels{4}));
  EXPECT_EQ(only<ApiFailed>(w.handle(role::QueryDone{w.link, query.token, Bytes{1}})).code, 601);
  w.handle(ApiModels{5});
  EXPECT_EQ(only<ApiFailed>(w.handle(role::LinkDown{w.link, "gone"})).id, 5U);
}

// The list with our additions: only from proxies that know them.
TEST(ClientRequests, AsksForTheModelsWithContexts) {
  World w;
  w.proxy_additions = true;
  w.become_ready();
  const auto query = only<role::SendQuery>(w.handle(ApiModels{1}));
  EXPECT_TRUE(wire::decode<wire::client::GetWorkerTypesV2Ex>(query.data));
  WorkerTypesV2 list;
  list.types.push_back({"m", {{0, 1500, 1, 3}}});
  list.types[0].workers[0].set_context_length(4096);
  EXPECT_EQ(only<ApiModelList>(w.answer(query.token, list)).types.at(0).workers.at(0).context_length, 4096);
}

TEST(ClientRequests, AnOlderProxyOfOurKindIsAskedWithoutThem) {
  World w;
  w.proxy_additions = true;
  w.become_ready();
  auto query = only<role::SendQuery>(w.handle(ApiModels{1}));
  query = only<role::SendQuery>(w.answer_error(query.token, 0));
  EXPECT_TRUE(wire::decode<GetWorkerTypesV2>(query.data));
  EXPECT_EQ(only<ApiFailed>(w.answer_error(query.token, 0)).id, 1U) << "there is no third form";
  query = only<role::SendQuery>(w.handle(ApiModels{2}));
  EXPECT_EQ(only<ApiFailed>(w.answer_error(query.token, 652)).id, 2U);
  w.handle(ApiModels{3});
  EXPECT_EQ(only<ApiFailed>(w.handle(role::LinkDown{w.link, "gone"})).id, 3U);
}

}  // namespace
}  // namespace cocoon::client
