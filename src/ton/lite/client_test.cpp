#include "ton/lite/client.hpp"

#include <gtest/gtest.h>

namespace cocoon::ton::lite {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Time kStart{seconds(1'800'000'000)};

// A server that answers getTime and stays silent on everything else.
class World {
 public:
  explicit World(LiteClientLimits limits = {})
      : key_(seed(3)), client(key_.public_key(), crypto::Random(seed(1)), limits), random_(seed(2)) {}

  void connect() {
    server_ = AdnlConnection::server(key_);
    ASSERT_TRUE(client.open(now));
    pump();
    ASSERT_EQ(client.state(), LiteClient::State::open);
  }

  // Moves bytes until nobody has more to say.
  void pump() {
    while (true) {
      auto to_server = client.take_output();
      if (!to_server.empty()) {
        auto payloads = server_->receive(to_server, random_);
        ASSERT_TRUE(payloads) << payloads.error().what;
        for (const auto& bytes : *payloads) serve(bytes);
      }
      auto to_client = server_->take_output();
      if (to_server.empty() && to_client.empty()) return;
      if (!to_client.empty()) {
        ASSERT_TRUE(client.receive(to_client, now));
      }
    }
  }

  void send_to_client(const Payload& payload) { ASSERT_TRUE(server_->send(encode_payload(payload), random_)); }
  Bytes raw_server_output() { return server_->take_output(); }

  int pings = 0, queries = 0;
  bool answering = true;

 private:
  static Bits256 seed(std::uint8_t fill) {
    Bits256 s;
    s.fill(fill);
    return s;
  }
  void serve(BytesView bytes) {
    auto payload = decode_payload(bytes);
    ASSERT_TRUE(payload);
    if (auto* ping = std::get_if<Ping>(&*payload)) {
      pings++;
      if (answering) send_to_client(Pong{ping->random_id});
    }
    if (auto* query = std::get_if<Query>(&*payload)) {
      queries++;
      auto request = decode_request(query->data);
      ASSERT_TRUE(request) << request.error().what;
      if (!answering) return;
      if (std::holds_alternative<GetTime>(request->function))
        send_to_client(QueryAnswer{query->id, tl::encode_boxed(CurrentTime{77})});
      else
        send_to_client(QueryAnswer{query->id, tl::encode_boxed(LiteError{651, "no such thing"})});
    }
  }

  crypto::KeyPair key_;

 public:
  LiteClient client;
  Time now = kStart;

 private:
  crypto::Random random_;
  std::optional<AdnlConnection> server_;
};

TEST(LiteClient, AnswersAreMatchedToRequests) {
  World w;
  w.connect();
  const auto time = w.client.ask(encode_request(GetTime{}), w.now + seconds(5));
  const auto missing = w.client.ask(encode_request(GetVersion{}), w.now + seconds(5));
  w.pump();
  auto done = w.client.take_completions();
  ASSERT_EQ(done.size(), 2u);
  EXPECT_EQ(done[0].ticket, time);
  EXPECT_EQ(decode_answer<GetTime>(*done[0].answer)->now, 77);
  EXPECT_EQ(done[1].ticket, missing);
  auto error = decode_answer<GetVersion>(*done[1].answer);
  ASSERT_FALSE(error);
  EXPECT_EQ(error.error().code, 651);
  EXPECT_EQ(w.client.pending(), 0u);
  EXPECT_FALSE(decode_answer<GetVersion>(*done[0].answer)) << "an answer of another type is an error";
}

TEST(LiteClient, RequestsMadeBeforeTheConnectionAreSentOnIt) {
  World w;
  w.client.ask(encode_request(GetTime{}), w.now + seconds(5));
  w.connect();
  w.pump();
  EXPECT_EQ(w.client.take_completions().size(), 1u);
}

TEST(LiteClient, ABrokenConnectionLosesNoRequest) {
  World w;
  w.answering = false;
  w.connect();
  w.client.ask(encode_request(GetTime{}), w.now + seconds(5));
  w.pump();
  EXPECT_EQ(w.queries, 1);
  w.client.close();
  w.answering = true;
  w.connect();
  w.pump();
  EXPECT_EQ(w.queries, 2);
  auto done = w.client.take_completions();
  ASSERT_EQ(done.size(), 1u);
  EXPECT_TRUE(done[0].answer);
}

TEST(LiteClient, DeadlinesEndRequests) {
  World w;
  w.answering = false;
  w.connect();
  w.client.ask(encode_request(GetTime{}), w.now + seconds(2));
  w.pump();
  EXPECT_EQ(w.client.next_tick(), kStart + seconds(2));
  w.now += milliseconds(1999);
  ASSERT_TRUE(w.client.tick(w.now));
  EXPECT_TRUE(w.client.take_completions().empty());
  w.now += milliseconds(1);
  ASSERT_TRUE(w.client.tick(w.now));
  auto done = w.client.take_completions();
  ASSERT_EQ(done.size(), 1u);
  EXPECT_FALSE(done[0].answer);
  EXPECT_EQ(w.client.pending(), 0u);
}

TEST(LiteClient, ForgottenRequestsDoNotComplete) {
  World w;
  w.connect();
  const auto ticket = w.client.ask(encode_request(GetTime{}), w.now + seconds(2));
  w.client.forget(ticket);
  w.pump();
  EXPECT_TRUE(w.client.take_completions().empty());
}

TEST(LiteClient, SilenceIsPingedAndThenEndsTheSession) {
  World w;
  w.connect();
  w.now += seconds(5);
  ASSERT_TRUE(w.client.tick(w.now));
  w.pump();
  EXPECT_EQ(w.pings, 1);
  w.answering = false;
  for (int i = 0; i < 14; i++) {
    w.now += seconds(1);
    ASSERT_TRUE(w.client.tick(w.now)) << i;
    w.pump();
  }
  EXPECT_GT(w.pings, 1);
  w.now += seconds(1);
  EXPECT_FALSE(w.client.tick(w.now));
  EXPECT_EQ(w.client.state(), LiteClient::State::closed);
}

TEST(LiteClient, AHandshakeHasADeadline) {
  World w;
  ASSERT_TRUE(w.client.open(w.now));
  EXPECT_EQ(w.client.next_tick(), kStart + seconds(5));
  EXPECT_FALSE(w.client.tick(kStart + seconds(5)));
}

TEST(LiteClient, PendingRequestsAreBounded) {
  World w(LiteClientLimits{.pending = 2});
  w.client.ask(encode_request(GetTime{}), w.now + seconds(2));
  w.client.ask(encode_request(GetTime{}), w.now + seconds(2));
  const auto third = w.client.ask(encode_request(GetTime{}), w.now + seconds(2));
  auto done = w.client.take_completions();
  ASSERT_EQ(done.size(), 1u);
  EXPECT_EQ(done[0].ticket, third);
  EXPECT_FALSE(done[0].answer);
}

TEST(LiteClient, AServerThatTalksNonsenseIsLeft) {
  World w;
  w.connect();
  Bits256 stranger;
  w.send_to_client(QueryAnswer{stranger, {1, 2, 3}});
  w.pump();
  EXPECT_EQ(w.client.state(), LiteClient::State::open) << "an unknown answer may simply be late";
  w.send_to_client(Query{stranger, {}});
  EXPECT_FALSE(w.client.receive(w.raw_server_output(), w.now));
  EXPECT_EQ(w.client.state(), LiteClient::State::closed);
}

TEST(LiteClient, AWaitTravelsInFrontOfTheFunction) {
  auto request = decode_request(encode_request(GetTime{}, WaitMasterchainSeqno{12, 3000}));
  ASSERT_TRUE(request) << request.error().what;
  ASSERT_TRUE(request->wait);
  EXPECT_EQ(request->wait->seqno, 12);
  EXPECT_TRUE(std::holds_alternative<GetTime>(request->function));
  EXPECT_FALSE(decode_request(encode_request(WaitMasterchainSeqno{12, 3000}))) << "a wait for nothing";
}

TEST(LiteClient, AKeyThatIsNoPointIsAnError) {
  crypto::PublicKey key;  // the identity: no secret can be shared with it
  key[0] = 1;
  Bits256 seed;
  LiteClient client(key, crypto::Random(seed));
  EXPECT_FALSE(client.open(kStart));
}

}  // namespace
}  // namespace cocoon::ton::lite
