// Parts of answers: the shortcut past the core, and what is charged of an answer that ends in its middle.
#include "proxy/core/test_world.hpp"

namespace cocoon::proxy::testing {
namespace {

role::Peer of_our_kind() {
  role::Peer peer;
  peer.additions = true;
  return peer;
}

wire::proxy::QueryAnswerPartEx part_ex(const Bits256& id, std::string_view text) {
  wire::proxy::QueryAnswerPartEx part;
  part.request_id = id;
  part.answer = to_bytes(text);
  return part;
}

wire::proxy::QueryAnswerPart part_old(const Bits256& id, std::string_view text, bool completed = false) {
  return {to_bytes(text), completed, id, {}};
}

// A request whose answer has begun.
struct Running {
  explicit Running(World& w, int client_version = 4)
      : client(w.client("client", client_version)),
        worker(w.worker(w.worker_hello(address_of("worker")), of_our_kind())) {
    const auto ask = w.ask();
    asked = ask.request_id;
    if (client_version > 0)
      w.packet(client, ask);
    else
      w.packet(client, wire::client::RunQuery{ask.model_name, ask.query, ask.max_coefficient, ask.max_tokens,
                                              ask.timeout, ask.request_id, ask.min_config_version});
    id = w.asked(worker);
    w.packet(worker, World::head(id));
    w.take(client);
  }
  role::LinkId client, worker;
  Bits256 asked, id;
};

struct Case {
  enum class Form { ex, counted, old } from;
  int client_version;
};

class CarriedForms : public ::testing::TestWithParam<Case> {};

TEST_P(CarriedForms, APartBecomesWhatTheClientUnderstands) {
  World w;
  const Running r(w, GetParam().client_version);
  for (const std::string_view text : {"", "a", "hello, world", "0123456789012345678901234567890123456789"}) {
    Bytes packet = wire::encode(part_old(r.id, text));
    if (GetParam().from == Case::Form::ex) packet = wire::encode(part_ex(r.id, text));
    if (GetParam().from == Case::Form::counted)
      packet = wire::encode(wire::proxy::QueryAnswerPartCounted{r.id, to_bytes(text), {1, 0, 2, 0, 3}});
    Bytes out;
    const auto carried = w.core->carry(r.worker, packet, out);
    ASSERT_TRUE(carried.has_value());
    EXPECT_EQ(carried->client, r.client);
    EXPECT_EQ(carried->request, r.id);
    if (GetParam().client_version > 0)
      EXPECT_EQ(wire::decode<wire::client::QueryAnswerPartEx>(out).value(),
                (wire::client::QueryAnswerPartEx{r.asked, to_bytes(text), 0, {}}));
    else
      EXPECT_EQ(wire::decode<wire::client::QueryAnswerPart>(out).value(),
                (wire::client::QueryAnswerPart{to_bytes(text), false, r.asked, {}}));
    // Without a shell it comes out the same.
    w.feed(role::PacketIn{r.worker, packet});
    EXPECT_EQ(w.take(r.client).at(0).data, out);
  }
}

INSTANTIATE_TEST_SUITE_P(All, CarriedForms,
                         ::testing::Values(Case{Case::Form::ex, 4}, Case{Case::Form::ex, 0},
                                           Case{Case::Form::counted, 4}, Case{Case::Form::counted, 0},
                                           Case{Case::Form::old, 4}, Case{Case::Form::old, 0}));

TEST(Carry, WhatIsNotAPlainPartOfARunningAnswerIsAnEvent) {
  World w;
  const Running r(w);
  const auto other = w.worker("other");
  const auto carries = [&](role::LinkId worker, const Bytes& packet) {
    Bytes out;
    return w.core->carry(worker, packet, out).has_value();
  };
  const Bytes plain = wire::encode(part_ex(r.id, "hello"));
  EXPECT_TRUE(carries(r.worker, plain));
  EXPECT_FALSE(carries(other, plain));
  EXPECT_FALSE(carries(r.worker, wire::encode(part_ex(seed_of("unknown"), "x"))));
  EXPECT_FALSE(carries(r.worker, wire::encode(World::last_part(r.id, 1))));
  EXPECT_FALSE(carries(r.worker, wire::encode(part_old(r.id, "x", true))));
  EXPECT_FALSE(carries(r.worker, wire::encode(World::head(r.id))));
  for (std::size_t n = 0; n < plain.size(); ++n)
    EXPECT_FALSE(carries(r.worker, Bytes(plain.begin(), plain.begin() + static_cast<long>(n))));
  Bytes odd_flags = plain;
  odd_flags[odd_flags.size() - 4] = 2;
  EXPECT_FALSE(carries(r.worker, odd_flags));
  w.packet(r.client, wire::client::CancelQuery{r.asked});
  EXPECT_FALSE(carries(r.worker, plain));
  EXPECT_EQ(w.core->carried_bytes(), plain.size());
}

TEST(Carry, NothingIsCarriedBeforeTheHead) {
  World w;
  const auto client = w.client();
  const auto worker = w.worker();
  w.packet(client, w.ask());
  Bytes out;
  EXPECT_FALSE(w.core->carry(worker, wire::encode(part_ex(w.asked(worker), "x")), out).has_value());
}

// A worker that sends nothing, again and again, comes to the limit too.
TEST(Carry, EmptyPartsWeighSomething) {
  for (const bool carried : {true, false}) {
    Config config = test_config();
    config.max_answer_bytes = 100;
    World w(config);
    const Running r(w);
    const auto part = part_ex(r.id, "");
    const auto send = [&] { carried ? w.carried_packet(r.worker, part) : w.packet(r.worker, part); };
    for (int i = 0; i < 2; ++i) send();
    EXPECT_EQ(w.take(r.client).size(), 2U);
    EXPECT_TRUE(w.take(r.worker).empty());
    send();
    EXPECT_TRUE(w.take(r.client).empty());
    EXPECT_EQ(w.take(r.worker).at(0).constructor(), wire::proxy::CancelQuery::kId);
  }
}

// Only who has shown that it knows our additions is asked to count.
TEST(Carry, CountsAreAskedOfOurOwnKind) {
  World w;
  const auto client = w.client();
  for (const bool ours : {true, false}) {
    const auto worker = w.worker(w.worker_hello(address_of("worker")), ours ? of_our_kind() : role::Peer{});
    w.packet(client, w.ask());
    const auto asked = wire::decode<wire::proxy::RunQueryEx>(w.take(worker).at(0).data);
    ASSERT_TRUE(asked.has_value());
    EXPECT_EQ(asked->wants_counts(), ours);
    w.down(worker);
  }
}

// --- what an answer costs that ends in its middle

void expect_cost(World& w, const Running& r, int code, std::int64_t tokens) {
  const auto heard = w.take(r.client);
  ASSERT_GE(heard.size(), 2U);
  const auto error = wire::decode<wire::client::QueryAnswerErrorEx>(heard[heard.size() - 2].data);
  const auto payment = wire::decode<wire::proxy::ClientRequestPayment>(heard.back().data);
  ASSERT_TRUE(error && payment);
  EXPECT_EQ(error->error_code, code);
  EXPECT_EQ(error->final_info.tokens_used.total_tokens_used, tokens);
  EXPECT_EQ(payment->request_tokens, tokens);
  const auto status = w.core->status(w.now);
  EXPECT_EQ(status.client_accounts.at(0).max, static_cast<std::uint64_t>(tokens));
  EXPECT_EQ(status.client_accounts.at(0).reserved, 0U);
  EXPECT_EQ(status.worker_accounts.empty() ? 0 : status.worker_accounts[0].max, static_cast<std::uint64_t>(tokens));
  EXPECT_EQ(status.running, 0U);
}

TEST(CutAnswer, OfAWorkerThatIsLostCostsWhatItHadCounted) {
  for (const bool carried : {true, false}) {
    World w;
    const Running r(w);
    for (const int tokens : {5, 9}) {
      const auto part = World::counted_part(r.id, tokens);
      carried ? w.carried_packet(r.worker, part) : w.packet(r.worker, part);
    }
    w.carried_packet(r.worker, part_ex(r.id, "a piece whose rest, and count, never came"));
    w.down(r.worker);
    expect_cost(w, r, wire::kErrorNotReady, 9);
  }
}

TEST(CutAnswer, OfAWorkerThatIsLostAfterItsClientCostsWhatTheClientHadGot) {
  World w;
  const Running r(w);
  w.carried_packet(r.worker, World::counted_part(r.id, 5));
  w.down(r.client);
  w.carried_packet(r.worker, World::counted_part(r.id, 50));  // on its way when the worker was told to stop
  w.down(r.worker);
  EXPECT_EQ(w.core->status(w.now).client_accounts.at(0).max, 5U);
  EXPECT_EQ(w.core->status(w.now).worker_accounts.at(0).max, 5U);
}

TEST(CutAnswer, OfAWorkerThatNeverSaysItsCountCostsTheLastOne) {
  World w;
  const Running r(w);
  w.carried_packet(r.worker, World::counted_part(r.id, 9));
  w.seconds(12);  // the request's deadline, and the moment the worker has
  expect_cost(w, r, wire::kErrorTimeout, 9);
}

TEST(CutAnswer, WhoseEndCrossesTheOrderToStopCostsWhatWentOutBefore) {
  World w;
  const Running r(w);
  w.carried_packet(r.worker, World::counted_part(r.id, 9));
  w.feed(ReaderTooSlow{r.id});
  w.packet(r.worker, World::last_part(r.id, 40));
  expect_cost(w, r, wire::kErrorCancelled, 9);
}

TEST(CutAnswer, CostsNeverMoreThanWasReservedNorLessThanNothing) {
  for (const std::int64_t claim :
       {std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()}) {
    World w;
    const Running r(w);
    const auto reserved = static_cast<std::int64_t>(w.core->status(w.now).client_accounts.at(0).reserved);
    auto part = World::counted_part(r.id, 0);
    part.tokens_used.total_tokens_used = claim;
    w.carried_packet(r.worker, part);
    w.down(r.worker);
    expect_cost(w, r, wire::kErrorNotReady, claim > 0 ? reserved : 0);
  }
}

}  // namespace
}  // namespace cocoon::proxy::testing
