#include "net/link.hpp"

#include <gtest/gtest.h>

#include "net/dialer.hpp"
#include "net/link_fixture.hpp"

namespace cocoon::net {
namespace {

using testing::connect_to;
using testing::LinkTest;
using testing::object;

TEST_F(LinkTest, BothSidesKnowEachOther) {
  connect();
  const auto& seen_by_server = server.link->peer();
  const auto& seen_by_client = client.link->peer();
  EXPECT_EQ(seen_by_server.peer.public_key, client_config.credentials->public_key());
  EXPECT_EQ(seen_by_client.peer.public_key, server_config.credentials->public_key());
  EXPECT_EQ(seen_by_server.peer.image_hash, tee::image_hash(tee::simulated_measurements("cocoon-worker 1")));
  EXPECT_EQ(seen_by_client.peer.image_hash, tee::image_hash(tee::simulated_measurements("cocoon-proxy 1")));
  EXPECT_EQ(seen_by_client.peer.tee, tee::TeeKind::tdx);
  EXPECT_TRUE(seen_by_client.peer.verdict.simulated);
  EXPECT_TRUE(seen_by_client.outgoing);
  EXPECT_FALSE(seen_by_server.outgoing);
  EXPECT_EQ(seen_by_client.remote, target);
  EXPECT_EQ(seen_by_server.remote, seen_by_client.local);
  EXPECT_EQ(listener->stats().opened, 1u);
}

TEST_F(LinkTest, EveryKindOfPacketBothWays) {
  connect();
  for (auto* pair : {&server, &client}) {
    auto& from = *pair;
    auto& to = pair == &server ? client : server;
    EXPECT_TRUE(from.link->send_packet(object(5)));
    EXPECT_TRUE(from.link->send_query(-9, object(300)));
    EXPECT_TRUE(from.link->send_answer(1ll << 60, object(0)));
    EXPECT_TRUE(from.link->send_error(3, 651, "no workers"));
    to.wait_for(4);
    ASSERT_EQ(to.packets.size(), 4u);
    EXPECT_EQ(to.packets[0].kind, wire::PacketKind::packet);
    EXPECT_EQ(to.packets[0].data, object(5));
    EXPECT_EQ(to.packets[1].kind, wire::PacketKind::query);
    EXPECT_EQ(to.packets[1].id, -9);
    EXPECT_EQ(to.packets[1].data, object(300));
    EXPECT_EQ(to.packets[2].kind, wire::PacketKind::query_answer);
    EXPECT_EQ(to.packets[2].id, 1ll << 60);
    EXPECT_EQ(to.packets[3].kind, wire::PacketKind::query_error);
    EXPECT_EQ(to.packets[3].code, 651);
    EXPECT_EQ(to.packets[3].message, "no workers");
  }
}

TEST_F(LinkTest, ManySmallAndOneLargest) {
  connect();
  for (int i = 0; i < 20'000; ++i) {
    const std::array<std::uint8_t, 4> number{static_cast<std::uint8_t>(i), static_cast<std::uint8_t>(i >> 8), 0, 0};
    ASSERT_TRUE(client.link->send_packet(number));
  }
  const auto largest = object((1u << 24) - 4 - 4, 3);
  EXPECT_TRUE(client.link->send_packet(largest));
  EXPECT_FALSE(client.link->send_packet(object((1u << 24) - 4 - 4 + 1))) << "one byte more does not fit into a frame";
  server.wait_for(20'001);
  for (int i = 0; i < 20'000; ++i) {
    const auto& data = server.packets[static_cast<std::size_t>(i)].data;
    ASSERT_EQ(data[0] | data[1] << 8, i & 0xffff);
  }
  EXPECT_EQ(server.packets.back().data, largest);
  EXPECT_TRUE(client.link->open());
}

TEST_F(LinkTest, TheVerdictIsRemembered) {
  connect();
  client.link->close({net_cancelled, "again"});
  loop.until([&] { return client.closed && server.closed; });
  connect();
  EXPECT_EQ(server_config.judge->hits(), 1u);
  EXPECT_EQ(client_config.judge->hits(), 1u);
  EXPECT_EQ(server_config.judge->remembered(), 1u);
  server_config.judge->set_policy(policy("another image"));
  EXPECT_EQ(server_config.judge->remembered(), 0u);
}

// --- Refusals

// The hour is over: who comes in now sees a new certificate and key, and what runs under the old one goes on.
TEST_F(LinkTest, ARenewedCertificateDropsNothing) {
  auto now = wall_clock() - std::chrono::minutes(62);
  server_config.credentials = Credentials::make(simulated("cocoon-proxy 1"), random, [&now] { return now; }).value();
  connect();
  const auto before = client.link->peer();
  ASSERT_TRUE(client.link->send_query(7, object(8)));
  server.wait_for(1);
  const auto running = server.link;
  now += std::chrono::minutes(61);
  auto second = dial();
  ASSERT_TRUE(second) << second.error().what;
  EXPECT_NE((*second)->peer().certificate, before.certificate);
  EXPECT_NE((*second)->peer().peer.public_key, before.peer.public_key);
  EXPECT_EQ((*second)->peer().peer.image_hash, before.peer.image_hash);
  ASSERT_TRUE(running->send_answer(7, object(12)));
  client.wait_for(1);
  EXPECT_EQ(client.packets[0].data, object(12));
  EXPECT_FALSE(client.closed);
  (*second)->close({net_cancelled, "end of test"});
  running->close({net_cancelled, "end of test"});
}

TEST_F(LinkTest, WrongProofOfWork) {
  listen();
  auto socket = connect_to(loop.io, listener->port());
  const auto question = receive(socket, wire::pow::kChallengeSize);
  const auto challenge = wire::pow::decode_challenge(question);
  ASSERT_TRUE(challenge);
  EXPECT_EQ(challenge->difficulty, 4);
  std::uint64_t wrong = 0;
  while (wire::pow::verify(*challenge, wrong)) ++wrong;
  send(socket, wire::pow::encode_response(wrong));
  EXPECT_TRUE(closed_by_peer(socket));
  auto second = connect_to(loop.io, listener->port());
  receive(second, wire::pow::kChallengeSize);
  send(second, Bytes(12, 1));
  EXPECT_TRUE(closed_by_peer(second)) << "wrong id";
  EXPECT_EQ(listener->stats().failed, 2u);
  EXPECT_EQ(listener->stats().opened, 0u);
}

TEST_F(LinkTest, TooMuchWorkIsRefusedAtOnce) {
  listener_options.pow.difficulty = 29;
  listen();
  const auto link = dial();
  ASSERT_FALSE(link);
  EXPECT_EQ(link.error().code, net_malformed);
  EXPECT_NE(link.error().what.find("proof of work"), std::string::npos);
}

TEST_F(LinkTest, HarderWorkIsSolvedOffTheLoop) {
  listener_options.pow.difficulty = 14;
  connect();
  EXPECT_EQ(listener->stats().difficulty, 14);
}

TEST_F(LinkTest, AnUnattestedClientIsRefusedByTee) {
  client_config = config(tee::attest_plain_client(), policy("cocoon-proxy 1"));
  listen();
  const auto link = dial();
  ASSERT_FALSE(link);
  EXPECT_EQ(link.error().code, net_closed);
  EXPECT_NE(link.error().what.find("may not accept our certificate"), std::string::npos) << link.error().what;
  loop.until([&] { return listener->stats().untrusted == 1; });
}

TEST_F(LinkTest, AnUnattestedClientIsWelcomeAtAny) {
  server_config.judge = std::make_shared<PeerJudge>(any(), trust);
  client_config = config(tee::attest_plain_client(), policy("cocoon-proxy 1"));
  connect();
  EXPECT_EQ(server.link->peer().peer.tee, tee::TeeKind::none);
  EXPECT_EQ(server.link->peer().peer.image_hash, tee::image_hash_of_nothing());
}

TEST_F(LinkTest, AServerOfAnotherImageIsRefusedWithTheReason) {
  client_config.judge = std::make_shared<PeerJudge>(policy("cocoon-proxy 2"), trust);
  listen();
  const auto link = dial();
  ASSERT_FALSE(link);
  EXPECT_EQ(link.error().code, net_untrusted);
  EXPECT_NE(link.error().what.find("is not among the accepted ones"), std::string::npos) << link.error().what;
  loop.until([&] { return listener->stats().failed == 1; });
}

// --- Frames

TEST_F(LinkTest, BadFramesCloseTheLink) {
  const auto ping = tl::encode_boxed(wire::tcp::Ping{1});
  Bytes oversized{1, 0, 0, 1, 1, 0, 0, 0}, empty{0, 0, 0, 0, 1, 0, 0, 0};
  for (const auto& bad : {oversized, empty, wire::encode_frame(2, ping), wire::encode_frame(0, ping),
                          wire::encode_frame(1, object(12)), wire::encode_frame(1, object(4))}) {
    auto socket = plain_socket();
    send(socket, bad);
    loop.until([&] { return server.closed.has_value(); });
    EXPECT_EQ(server.closed->code, net_malformed) << to_hex(bad);
    EXPECT_TRUE(closed_by_peer(socket));
    server.closed.reset();
    listener.reset();
  }
}

TEST_F(LinkTest, TheLargestHeaderPassesAndWaits) {
  auto socket = plain_socket();
  send(socket, Bytes{0, 0, 0, 1, 1, 0, 0, 0});  // 2^24 exactly
  send(socket, object(1000));
  loop.settle();
  EXPECT_FALSE(server.closed);
}

TEST_F(LinkTest, OpeningMustComeFirst) {
  plain();
  listen();
  auto socket = connect_to(loop.io, listener->port());
  send(socket, wire::encode_frame(0, tl::encode_boxed(wire::tcp::Ping{1})));
  EXPECT_TRUE(closed_by_peer(socket));
  EXPECT_EQ(listener->stats().failed, 1u);
}

TEST_F(LinkTest, PingsAreAnsweredAndLateOpeningsIgnored) {
  auto socket = plain_socket();
  send(socket, wire::encode_frame(1, tl::encode_boxed(wire::tcp::Connect{9})));
  send(socket, wire::encode_frame(2, tl::encode_boxed(wire::tcp::Connected{9})));
  send(socket, wire::encode_frame(3, tl::encode_boxed(wire::tcp::Pong{9})));
  send(socket, wire::encode_frame(4, tl::encode_boxed(wire::tcp::Ping{42})));
  EXPECT_EQ(receive(socket, 20), wire::encode_frame(1, tl::encode_boxed(wire::tcp::Pong{42})));
  EXPECT_TRUE(server.packets.empty());
}

// --- Liveness

TEST_F(LinkTest, PingsKeepASilentLinkAlive) {
  client_config.options.ping_after = Millis(20);
  client_config.options.connecting_silence = Millis(2'000);
  server_config.options.accepting_silence = Millis(200);
  connect();
  const auto began = std::chrono::steady_clock::now();
  asio::steady_timer after(loop.io, Millis(500));
  bool over = false;
  after.async_wait([&](auto) { over = true; });
  loop.until([&] { return over || server.closed || client.closed; });
  EXPECT_GE(std::chrono::steady_clock::now() - began, Millis(400));
  EXPECT_FALSE(server.closed || client.closed) << "pings and pongs must have passed";
}

TEST_F(LinkTest, ASilentServerIsPingedThenLeft) {
  plain();
  client_config.options.ping_after = Millis(30);
  client_config.options.connecting_silence = Millis(90);
  tcp::acceptor acceptor(loop.io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  target = acceptor.local_endpoint();
  bool dialled = false;
  asio::co_spawn(
      loop.io,
      [&]() -> Task<> {
        auto link = co_await connect_link(loop.io.get_executor(), target, client_config);
        EXPECT_TRUE(link);
        if (link) client.take(std::move(*link));
        dialled = true;
      },
      asio::detached);
  auto socket = accept(acceptor);
  const auto opening = receive(socket, 20);
  const auto packet = wire::view_packet(BytesView(opening).subspan(8)).value();
  send(socket, wire::encode_frame(0, tl::encode_boxed(wire::tcp::Connected{packet.id})));
  loop.until([&] { return dialled; });
  const auto ping = receive(socket, 20);
  ASSERT_EQ(ping.size(), 20u);
  EXPECT_EQ(wire::view_packet(BytesView(ping).subspan(8)).value().kind, wire::PacketKind::ping);
  EXPECT_TRUE(closed_by_peer(socket)) << "and only one ping";
  loop.until([&] { return client.closed.has_value(); });
  EXPECT_EQ(client.closed->code, net_timeout);
}

TEST_F(LinkTest, TheAcceptingSideNeverPingsAndLeavesSilence) {
  server_config.options.accepting_silence = Millis(60);
  server_config.options.ping_after = Millis(10);
  auto socket = plain_socket();
  EXPECT_EQ(receive(socket, 1).size(), 0u);
  loop.until([&] { return server.closed.has_value(); });
  EXPECT_EQ(server.closed->code, net_timeout);
}

TEST_F(LinkTest, TcpConnectedMustNameOurId) {
  plain();
  tcp::acceptor acceptor(loop.io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  target = acceptor.local_endpoint();
  std::optional<Error> error;
  asio::co_spawn(
      loop.io,
      [&]() -> Task<> {
        auto link = co_await connect_link(loop.io.get_executor(), target, client_config);
        error = link ? Error{} : link.error();
      },
      asio::detached);
  auto socket = accept(acceptor);
  const auto opening = receive(socket, 20);
  const auto packet = wire::view_packet(BytesView(opening).subspan(8)).value();
  send(socket, wire::encode_frame(0, tl::encode_boxed(wire::tcp::Connected{packet.id + 1})));
  loop.until([&] { return error.has_value(); });
  EXPECT_EQ(error->code, net_malformed);
}

// --- Backpressure and ends

TEST_F(LinkTest, ASlowReaderSlowsTheWriter) {
  for (auto* options : {&server_config.options, &client_config.options}) {
    options->high_water = 1u << 20;
    options->low_water = 256u << 10;
  }
  connect();
  server.link->pause_reading();
  std::size_t sent = 0;
  const auto block = object(64 * 1024);
  // Writes as long as the link takes more; the kernel's buffers swallow some.
  const auto fill = [&] {
    while (client.link->writable() && sent < 2000) {
      EXPECT_TRUE(client.link->send_packet(block));
      ++sent;
    }
  };
  fill();
  std::size_t before = 0;
  while (before != sent) {
    before = sent;
    asio::steady_timer pause(loop.io, Millis(100));
    bool over = false;
    pause.async_wait([&](auto) { over = true; });
    loop.until([&] { return over; });
    fill();
  }
  EXPECT_LT(sent, 2000u) << "the writer came to rest";
  EXPECT_FALSE(client.link->writable());
  EXPECT_TRUE(server.packets.empty());
  server.link->resume_reading();
  loop.until([&] { return server.packets.size() == sent; });
  loop.until([&] { return client.writables > 0; });
  EXPECT_TRUE(client.link->writable());
}

TEST_F(LinkTest, PausingStopsDeliveryAtOnce) {
  connect();
  server.on_each = [](Link& link, const wire::PacketView&) { link.pause_reading(); };
  for (int i = 0; i < 5; ++i) client.link->send_packet(object(8));
  server.wait_for(1);
  loop.settle();
  EXPECT_EQ(server.packets.size(), 1u);
  for (std::size_t i = 2; i <= 5; ++i) {
    server.link->resume_reading();
    server.wait_for(i);
    EXPECT_EQ(server.packets.size(), i);
  }
}

TEST_F(LinkTest, WhoeverIgnoresTheLimitLosesTheLink) {
  client_config.options.max_queue = 4u << 20;
  connect();
  server.link->pause_reading();
  bool taken = true;
  for (int i = 0; i < 200 && taken; ++i) taken = client.link->send_packet(object(1u << 20));
  EXPECT_FALSE(taken);
  loop.until([&] { return client.closed.has_value(); });
  EXPECT_EQ(client.closed->code, net_too_large);
}

TEST_F(LinkTest, FinishSendsWhatIsQueued) {
  connect();
  for (int i = 0; i < 100; ++i) server.link->send_packet(object(30'000));
  client.link->send_packet(object(100));  // unread by the server when it ends
  server.link->send_error(1, 0, "goodbye");
  server.link->finish({621, "protocol violation"});
  EXPECT_FALSE(server.link->send_packet(object(4)));
  loop.until([&] { return client.closed && server.closed; });
  ASSERT_EQ(client.packets.size(), 101u);
  EXPECT_EQ(client.packets.back().message, "goodbye");
  EXPECT_EQ(server.closed->code, 621);
  EXPECT_EQ(client.closed->code, net_closed);
}

TEST_F(LinkTest, AStalledReaderIsLeft) {
  client_config.options.write_stall = client_config.options.ping_after = Millis(100);
  connect();
  server.link->pause_reading();
  for (int i = 0; i < 60; ++i) client.link->send_packet(object(1u << 20));
  loop.until([&] { return client.closed.has_value(); });
  EXPECT_EQ(client.closed->code, net_timeout);
}

TEST_F(LinkTest, ALinkNobodyKeepsIsCounted) {
  listener = std::make_unique<Listener>(loop.io.get_executor(), server_config, listener_options, [](LinkPtr) {});
  ASSERT_TRUE(listener->listen("127.0.0.1:0"));
  target = tcp::endpoint(asio::ip::address_v4::loopback(), listener->port());
  auto link = dial();
  loop.until([&] { return listener->stats().opened == 1 && listener->stats().links == 0; });
}

TEST_F(LinkTest, WhatNeverRanIsDestroyedInPeace) {
  listen();
  listener.reset();
  {
    Dialer(loop.io.get_executor(), client_config, {}, [](LinkPtr) {}).start(target);
  }
  loop.settle();
}

// --- Dialer

TEST_F(LinkTest, TheDialerComesBack) {
  listen();
  Dialer dialer(loop.io.get_executor(), client_config, {}, [&](LinkPtr link) { client.take(std::move(link)); });
  const auto began = std::chrono::steady_clock::now();
  dialer.start(target);
  for (int i = 1; i <= 3; ++i) {
    loop.until([&] { return client.links == i && server.links == i && server.link && client.link; });
    server.link->close({net_cancelled, "lost"});
    loop.until([&] { return client.closed.has_value() && server.closed.has_value(); });
    client.closed.reset();
    server.closed.reset();
  }
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(3))
      << "three times within sub-second pauses";
  // The server goes away and comes back on the same port.
  const auto port = listener->port();
  listener.reset();
  const auto attempts = dialer.attempts();
  loop.until([&] { return dialer.attempts() > attempts + 2; });
  listener = std::make_unique<Listener>(loop.io.get_executor(), server_config, listener_options,
                                        [this](LinkPtr link) { server.take(std::move(link)); });
  ASSERT_TRUE(listener->listen("127.0.0.1:" + std::to_string(port)));
  loop.until([&] { return client.link && server.link; });
  dialer.stop();
  loop.settle();
}

TEST_F(LinkTest, StoppingADialerEndsItsAttempt) {
  tcp::acceptor silent(loop.io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  int links = 0;
  Dialer dialer(loop.io.get_executor(), client_config, {}, [&](LinkPtr) { ++links; });
  dialer.start(silent.local_endpoint());
  auto socket = accept(silent);
  dialer.stop();
  EXPECT_TRUE(closed_by_peer(socket));
  EXPECT_EQ(links, 0);
}

TEST(Backoff, GrowsAndIsCapped) {
  const DialerOptions options;
  EXPECT_EQ(backoff(options, 0, false, 1.0), Millis(50));
  EXPECT_EQ(backoff(options, 0, false, 0.0), Millis(25));
  EXPECT_EQ(backoff(options, 2, false, 1.0), Millis(200));
  for (const unsigned n : {5u, 31u, 64u, 1'000'000u}) EXPECT_LT(backoff(options, n, false, 1.0), Millis(1'000));
  EXPECT_EQ(backoff(options, 60, true, 1.0), Millis(10'000));
}

TEST(Gate, AsksMoreUnderLoadAndCalmsDown) {
  PowGate gate({.difficulty = 10, .limit = 14, .calm_rate = 10});
  auto now = SteadyTime{} + std::chrono::hours(1);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(gate.arrival(now += Millis(500)), 10);
  int last = 0;
  for (int i = 0; i < 200; ++i) last = gate.arrival(now += Millis(20));  // 50 a second
  EXPECT_EQ(last, 13) << "five times the calm rate";
  for (int i = 0; i < 5000; ++i) last = gate.arrival(now += Millis(1));
  EXPECT_EQ(last, 14) << "the limit";
  EXPECT_EQ(gate.arrival(now + std::chrono::seconds(30)), 10);
  PowGate open({.difficulty = 0, .limit = 26, .calm_rate = 10});
  EXPECT_EQ(open.arrival(now), 0);
}

}  // namespace
}  // namespace cocoon::net
