#include "ton/lite/adnl.hpp"

#include <gtest/gtest.h>

namespace cocoon::ton::lite {
namespace {

crypto::Random random_of(std::uint8_t seed) {
  Bits256 s;
  s.fill(seed);
  return crypto::Random(s);
}

crypto::KeyPair key_of(std::uint8_t seed) {
  crypto::Seed s;
  s.fill(seed);
  return crypto::KeyPair(s);
}

struct Pair {
  crypto::Random client_random = random_of(1), server_random = random_of(2);
  crypto::KeyPair key = key_of(3);
  AdnlConnection client = AdnlConnection::client(key.public_key(), client_random).value();
  AdnlConnection server = AdnlConnection::server(key);

  void shake_hands() {
    ASSERT_TRUE(server.receive(client.take_output(), server_random));
    ASSERT_TRUE(client.receive(server.take_output(), client_random));
    ASSERT_TRUE(client.ready());
    ASSERT_TRUE(server.ready());
  }
};

TEST(Adnl, KeyIdIsTheOneOthersCompute) {
  // The key id of the all-zero key, computed by hand: SHA-256 of c6b41348 and 32 zero bytes.
  Bytes boxed{0xc6, 0xb4, 0x13, 0x48};
  boxed.resize(36);
  EXPECT_EQ(adnl_key_id({}), crypto::sha256(boxed));
}

TEST(Adnl, PayloadsArriveWholeAndInOrderHoweverTheyAreCut) {
  for (std::size_t step : {1u, 3u, 64u, 100000u}) {
    Pair p;
    p.shake_hands();
    const Bytes big(70000, 7);
    ASSERT_TRUE(p.client.send(as_bytes("one"), p.client_random));
    ASSERT_TRUE(p.client.send(big, p.client_random));
    ASSERT_TRUE(p.client.send(as_bytes("three"), p.client_random));
    const auto wire = p.client.take_output();
    std::vector<Bytes> got;
    for (std::size_t at = 0; at < wire.size(); at += step) {
      auto some = p.server.receive(BytesView(wire).subspan(at, std::min(step, wire.size() - at)), p.server_random);
      ASSERT_TRUE(some) << some.error().what;
      for (auto& payload : *some) got.push_back(std::move(payload));
    }
    EXPECT_EQ(got, (std::vector<Bytes>{to_bytes("one"), big, to_bytes("three")}));

    ASSERT_TRUE(p.server.send(as_bytes("answer"), p.server_random));
    auto answer = p.client.receive(p.server.take_output(), p.client_random);
    ASSERT_TRUE(answer);
    EXPECT_EQ(*answer, std::vector<Bytes>{to_bytes("answer")});
  }
}

TEST(Adnl, NothingReadableCrossesTheWire) {
  Pair p;
  p.shake_hands();
  const Bytes secret(200, 'x');
  ASSERT_TRUE(p.client.send(secret, p.client_random));
  const auto first = p.client.take_output();
  ASSERT_TRUE(p.client.send(secret, p.client_random));
  const auto second = p.client.take_output();
  EXPECT_NE(first, second);
  const Bytes run(16, 'x');
  EXPECT_EQ(std::search(first.begin(), first.end(), run.begin(), run.end()), first.end());
}

TEST(Adnl, EveryFlippedBitOfAHandshakeIsNoticed) {
  Pair reference;
  const auto handshake = reference.client.take_output();
  ASSERT_EQ(handshake.size(), AdnlConnection::kHandshakeSize);
  std::size_t harmless = 0;
  for (std::size_t bit = 0; bit < handshake.size() * 8; bit++) {
    Pair p;
    auto bad = handshake;
    bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ (1u << (bit % 8)));
    auto got = p.server.receive(bad, p.server_random);
    if (got) harmless++;
    EXPECT_EQ(p.server.ready(), got.has_value());
  }
  // The sign bit of the one-time Ed25519 key does not reach the X25519 point; everything else must be noticed.
  EXPECT_LE(harmless, 1u);
}

TEST(Adnl, EveryFlippedBitOfAPacketEndsTheConnection) {
  for (std::size_t bit = 0; bit < (4 + 32 + 5 + 32) * 8; bit++) {
    Pair p;
    p.shake_hands();
    ASSERT_TRUE(p.client.send(as_bytes("hello"), p.client_random));
    auto wire = p.client.take_output();
    wire[bit / 8] = static_cast<std::uint8_t>(wire[bit / 8] ^ (1u << (bit % 8)));
    // A flipped length may ask for more bytes than came; they must not make a packet either.
    wire.resize(wire.size() + 256);
    auto got = p.server.receive(wire, p.server_random);
    if (got) {
      EXPECT_TRUE(got->empty()) << bit;
    } else {
      EXPECT_FALSE(p.server.ready());
      EXPECT_FALSE(p.server.receive({}, p.server_random)) << "a broken connection stays broken";
    }
  }
}

TEST(Adnl, PacketsOverTheLimitAreRefused) {
  auto random = random_of(1);
  const auto key = key_of(3);
  auto client = AdnlConnection::client(key.public_key(), random).value();
  auto server = AdnlConnection::server(key, 100);
  ASSERT_TRUE(server.receive(client.take_output(), random));
  ASSERT_TRUE(client.receive(server.take_output(), random));
  EXPECT_TRUE(server.send(Bytes(101), random)) << "the limit is about what comes in";
  EXPECT_FALSE(server.send(Bytes(AdnlConnection::kMaxPacket + 1), random));
  ASSERT_TRUE(client.send(Bytes(100, 1), random));
  EXPECT_TRUE(server.receive(client.take_output(), random));
  ASSERT_TRUE(client.send(Bytes(101, 1), random));
  EXPECT_FALSE(server.receive(client.take_output(), random));
}

TEST(Adnl, AHandshakeForAnotherServerIsRefused) {
  auto random = random_of(1);
  auto client = AdnlConnection::client(key_of(4).public_key(), random).value();
  auto server = AdnlConnection::server(key_of(3));
  EXPECT_FALSE(server.receive(client.take_output(), random));
  EXPECT_FALSE(server.ready());
}

TEST(Adnl, AServerWithoutTheKeyCannotAnswer) {
  Pair p;
  auto impostor = AdnlConnection::server(key_of(9));
  EXPECT_FALSE(impostor.receive(p.client.take_output(), p.server_random));
  // Whatever it sends instead decrypts to nothing sensible.
  Bytes noise(100);
  p.server_random.fill(noise);
  auto got = p.client.receive(noise, p.client_random);
  EXPECT_TRUE(!got || got->empty());
  EXPECT_FALSE(p.client.ready());
}

TEST(Adnl, PayloadsRoundTrip) {
  Bits256 id;
  id.fill(5);
  for (const Payload& payload :
       {Payload(Query{id, {1, 2, 3}}), Payload(QueryAnswer{id, Bytes(300, 4)}), Payload(Ping{7}), Payload(Pong{8})}) {
    const auto bytes = encode_payload(payload);
    auto back = decode_payload(bytes);
    ASSERT_TRUE(back) << back.error().what;
    EXPECT_EQ(back->index(), payload.index());
    EXPECT_EQ(encode_payload(*back), bytes);
    for (std::size_t n = 0; n < bytes.size(); n++) EXPECT_FALSE(decode_payload(BytesView(bytes).first(n)));
  }
}

}  // namespace
}  // namespace cocoon::ton::lite
