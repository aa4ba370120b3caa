// What the transport costs by itself: mutual handshakes, frames there and back, HTTP requests. Both ends run in this
// one thread, so a figure is what one core does for both sides together.
#include <benchmark/benchmark.h>

#include "net/http_client.hpp"
#include "net/http_server.hpp"
#include "net/listener.hpp"

namespace {

using namespace cocoon;
using namespace cocoon::net;

// Sends back every packet it gets.
class Echo final : public LinkOwner {
 public:
  void on_packet(Link& link, const wire::PacketView& packet) override { link.send_packet(packet.data); }
  void on_closed(Link&, const Error&) override {}
};

class Counter final : public LinkOwner {
 public:
  void on_packet(Link&, const wire::PacketView&) override { ++count; }
  void on_closed(Link&, const Error&) override { closed = true; }
  std::uint64_t count = 0;
  bool closed = false;
};

// What both sides show each other.
enum Shown : std::int64_t {
  nothing,     // certificates without evidence
  judged,      // evidence that is judged in every handshake
  remembered,  // whose verdict is remembered
  session,     // and new evidence for each session, judged
};

struct Net {
  explicit Net(Shown shown) {
    const auto make = [&](std::string_view image) {
      const auto measured = tee::simulated_measurements(image);
      tee::Policy policy;
      if (shown == nothing) policy.level = tee::Policy::Level::any;
      std::optional<tee::SessionAttester> sessions;
      if (shown == session) sessions = tee::attest_session_simulated(platform, measured);
      LinkConfig config;
      config.credentials =
          Credentials::make(shown == nothing ? tee::attest_plain_client() : tee::attest_simulated(platform, measured),
                            crypto::Random::from_os(), wall_clock, std::move(sessions))
              .value();
      config.judge = std::make_shared<PeerJudge>(policy, trust, shown == judged ? 0U : 4096U);
      return config;
    };
    server = make("proxy");
    client = make("worker");
    ListenerOptions options;
    options.pow.difficulty = 0;
    options.pow.limit = 0;
    listener = std::make_unique<Listener>(io.get_executor(), server, options, [this](LinkPtr link) {
      accepted = std::move(link);
      accepted->start(&echo);
    });
    if (!listener->listen("127.0.0.1:0")) std::abort();
    target = tcp::endpoint(asio::ip::address_v4::loopback(), listener->port());
  }
  ~Net() {
    if (accepted) accepted->detach();
    listener->close();
    if (accepted) accepted->close({});
    io.restart();
    io.poll();
  }
  LinkPtr dial() {
    LinkPtr out;
    bool done = false;
    asio::co_spawn(
        io,
        [&]() -> Task<> {
          auto link = co_await connect_link(io.get_executor(), target, client);
          if (link) out = std::move(*link);
          done = true;
        },
        asio::detached);
    until([&] { return done; });
    if (!out) std::abort();
    return out;
  }
  template <class Condition>
  void until(Condition condition) {
    io.restart();
    while (!condition()) io.run_one();
  }

  asio::io_context io{1};
  crypto::Random random{Bits256{}};
  tee::SimulatedRoot root = tee::SimulatedRoot::create(random, wall_clock(), "bench");
  tee::SimulatedPlatform platform = root.make_platform(random, wall_clock());
  tee::Trust trust{{root.trusted()}};
  LinkConfig server, client;
  std::unique_ptr<Listener> listener;
  tcp::endpoint target;
  Echo echo;
  LinkPtr accepted;
};

// TCP, TLS with two certificates, tcp.connect/connected. Argument: Shown.
void handshakes(benchmark::State& state) {
  Net net(static_cast<Shown>(state.range(0)));
  Counter counter;
  for (auto _ : state) {
    counter.closed = false;
    auto link = net.dial();
    link->start(&counter);
    link->close({});
    net.until([&] { return counter.closed; });
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(handshakes)->ArgName("shown")->DenseRange(nothing, session)->Unit(benchmark::kMicrosecond);

// Packets there and back, `window` of them under way. Arguments: bytes, window.
void frames(benchmark::State& state) {
  Net net(remembered);
  Counter counter;
  auto link = net.dial();
  link->start(&counter);
  const Bytes payload(static_cast<std::size_t>(state.range(0)));
  const auto window = static_cast<std::uint64_t>(state.range(1));
  std::uint64_t sent = 0;
  for (auto _ : state) {
    if (sent - counter.count >= window) net.until([&] { return sent - counter.count < (window + 1) / 2; });
    link->send_packet(payload);
    ++sent;
  }
  net.until([&] { return counter.count == sent; });
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * state.range(0));
  link->detach();
  link->close({});
}
BENCHMARK(frames)->ArgNames({"bytes", "window"})->Args({256, 1})->Args({256, 64})->Args({4096, 64})->Args({262144, 8});

// POST with a short answer over kept connections. Argument: how many of them at once.
void http(benchmark::State& state) {
  asio::io_context io{1};
  HttpServer server(io.get_executor(), {}, [](const HttpRequest& request, HttpResponder& responder) -> Task<> {
    co_await responder.respond(200, HttpHeaders::content_type("application/json"), request.body);
  });
  if (!server.listen("127.0.0.1:0")) std::abort();
  HttpClient client(io.get_executor());
  const auto url = "http://127.0.0.1:" + std::to_string(server.port()) + "/echo";
  const auto callers = static_cast<int>(state.range(0));
  std::int64_t wanted = 0, done = 0;
  int running = 0;
  const auto caller = [&]() -> Task<> {
    while (wanted > 0) {
      --wanted;
      HttpCall call;
      call.method = "POST";
      call.url = url;
      call.body = std::string(200, 'x');
      auto answer = co_await client.send(std::move(call));
      if (!answer) std::abort();
      const auto body = co_await answer->read_all();
      if (!body || body->size() != 200) std::abort();
      ++done;
    }
    --running;
  };
  constexpr std::int64_t batch = 1000;
  for (auto _ : state) {
    wanted = batch;
    for (running = 0; running < callers; ++running) asio::co_spawn(io, caller, asio::detached);
    io.restart();
    while (running > 0) io.run_one();
  }
  state.SetItemsProcessed(done);
  server.close();
  io.restart();
  io.poll();
}
BENCHMARK(http)->ArgName("connections")->Arg(1)->Arg(30)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
