// For tests of links: two nodes with simulated evidence, a listener, and what both ends hear.
#pragma once
#include "net/link.hpp"
#include "net/listener.hpp"
#include "net/testing.hpp"
#include "tl/tl.hpp"

namespace cocoon::net::testing {

// Writes down what a link says.
class Recorder final : public LinkOwner {
 public:
  explicit Recorder(Loop& l) : loop(l) {}
  ~Recorder() override {
    if (link) link->detach();
  }
  void take(LinkPtr taken) {
    link = std::move(taken);
    ++links;
    link->start(this);
  }
  void on_packet(Link& from, const wire::PacketView& packet) override {
    packets.push_back({packet.kind, packet.id, to_bytes(packet.data), packet.code, to_text(packet.message)});
    if (on_each) on_each(from, packet);
  }
  void on_writable(Link&) override { ++writables; }
  void on_closed(Link&, const Error& why) override {
    closed = why;
    link.reset();
  }
  void wait_for(std::size_t count) {
    loop.until([&] { return packets.size() >= count || closed; });
    ASSERT_GE(packets.size(), count) << (closed ? closed->what : "");
  }

  struct Heard {
    wire::PacketKind kind;
    std::int64_t id;
    Bytes data;
    int code;
    std::string message;
  };
  Loop& loop;
  LinkPtr link;
  std::vector<Heard> packets;
  std::function<void(Link&, const wire::PacketView&)> on_each;
  std::optional<Error> closed;
  int links = 0, writables = 0;
};

inline Bytes object(std::size_t n, std::uint8_t fill = 7) { return Bytes(n, fill); }

class LinkTest : public ::testing::Test {
 protected:
  LinkTest() {
    trust.roots = {root.trusted()};
    server_config = config(simulated("cocoon-proxy 1"), policy("cocoon-worker 1"));
    client_config = config(simulated("cocoon-worker 1"), policy("cocoon-proxy 1"));
    listener_options.pow.difficulty = 4;
  }
  tee::Attester simulated(std::string_view image) {
    return tee::attest_simulated(platform, tee::simulated_measurements(image));
  }
  static tee::Policy policy(std::string_view image) {
    tee::Policy out;
    out.image_hashes = {tee::image_hash(tee::simulated_measurements(image))};
    return out;
  }
  static tee::Policy any() {
    tee::Policy out;
    out.level = tee::Policy::Level::any;
    return out;
  }
  LinkConfig config(tee::Attester attester, tee::Policy policy) {
    LinkConfig out;
    out.credentials = Credentials::make(std::move(attester), random).value();
    random.u64();
    out.judge = std::make_shared<PeerJudge>(std::move(policy), trust);
    return out;
  }
  void listen() {
    listener = std::make_unique<Listener>(loop.io.get_executor(), server_config, listener_options,
                                          [this](LinkPtr link) { server.take(std::move(link)); });
    ASSERT_TRUE(listener->listen("127.0.0.1:0"));
    target = tcp::endpoint(asio::ip::address_v4::loopback(), listener->port());
  }
  Result<LinkPtr> dial() {
    Result<LinkPtr> out = fail("not dialled");
    loop.run([&]() -> Task<> {
      auto result = co_await connect_link(loop.io.get_executor(), target, client_config);
      out = std::move(result);
    });
    return out;
  }
  // Both ends open and recorded.
  void connect() {
    if (!listener) listen();
    auto link = dial();
    ASSERT_TRUE(link) << link.error().what;
    client.take(std::move(*link));
    loop.until([&] { return server.link != nullptr; });
  }
  // For frames made by hand: no proof of work, no TLS.
  void plain() {
    PlainMode mode;
    mode.read_record = false;
    server_config.plain = client_config.plain = mode;
  }
  tcp::socket plain_socket() {
    plain();
    listen();
    auto socket = connect_to(loop.io, listener->port());
    send(socket, wire::encode_frame(0, tl::encode_boxed(wire::tcp::Connect{77})));
    loop.until([&] { return server.link != nullptr; });
    const auto answer = receive(socket, 8 + 12);
    EXPECT_EQ(answer, wire::encode_frame(0, tl::encode_boxed(wire::tcp::Connected{77})));
    return socket;
  }
  void send(tcp::socket& socket, BytesView bytes) {
    loop.run(
        [&]() -> Task<> { co_await asio::async_write(socket, asio::buffer(bytes.data(), bytes.size()), no_throw); });
  }
  tcp::socket accept(tcp::acceptor& acceptor) {
    tcp::socket out(loop.io);
    loop.run([&]() -> Task<> {
      auto [ec, socket] = co_await acceptor.async_accept(no_throw);
      out = std::move(socket);
    });
    return out;
  }
  // n bytes, or fewer when the other side closes first.
  Bytes receive(tcp::socket& socket, std::size_t n) {
    Bytes out(n);
    loop.run([&]() -> Task<> {
      const auto [ec, got] = co_await asio::async_read(socket, asio::buffer(out), no_throw);
      out.resize(got);
    });
    return out;
  }
  bool closed_by_peer(tcp::socket& socket) { return receive(socket, 1 << 20).size() < (1 << 20); }
  void TearDown() override {
    if (server.link) server.link->close({net_cancelled, "end of test"});
    if (client.link) client.link->close({net_cancelled, "end of test"});
    listener.reset();
    loop.settle();
  }

  Loop loop;
  crypto::Random random{Bits256{}};
  tee::SimulatedRoot root = tee::SimulatedRoot::create(random, wall_clock(), "test");
  tee::SimulatedPlatform platform = root.make_platform(random, wall_clock());
  tee::Trust trust;
  LinkConfig server_config, client_config;
  ListenerOptions listener_options;
  std::unique_ptr<Listener> listener;
  tcp::endpoint target;
  Recorder server{loop}, client{loop};
};

}  // namespace cocoon::net::testing
