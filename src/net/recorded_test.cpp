// What recorded sessions and vectors say about the bytes in front of frames: the TLS hello and the peer record.
#include <filesystem>
#include <fstream>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "net/listener.hpp"
#include "net/testing.hpp"
#include "tl/tl.hpp"

namespace cocoon::net {
namespace {

namespace json = boost::json;

json::value load(std::string_view name) {
  std::ifstream in(std::filesystem::path(COCOON_SOURCE_DIR) / "src/wire/testdata" / name, std::ios::binary);
  return json::parse(std::string(std::istreambuf_iterator<char>(in), {}));
}

Bytes hex_of(const json::value& entry, std::string_view key) {
  return from_hex(std::string(entry.at(key).as_string())).value();
}

// The first recorded message of that layer from that side.
Bytes recorded(std::string_view file, std::string_view layer, std::string_view from) {
  const auto session = load(file);
  for (const auto& entry : session.as_array())
    if (entry.at("layer").as_string() == layer && entry.at("from").as_string() == from) return hex_of(entry, "hex");
  ADD_FAILURE() << "no " << layer << " in " << file;
  return {};
}

Bytes vector(std::string_view id) {
  const auto all = load("wire-vectors.json");
  for (const auto& entry : all.as_array())
    if (entry.at("id").as_string() == id) return hex_of(entry, "output");
  ADD_FAILURE() << "no vector " << id;
  return {};
}

TEST(Recorded, OurClientHelloIsTheRecordedOne) {
  crypto::Random random{Bits256{}};
  const auto identity = tee::make_identity(tee::attest_nothing(), random, wall_clock()).value();
  TlsSession session(TlsContext::make(identity).value(), tee::Side::client, [](BytesView) -> Result<> { return {}; });
  EXPECT_FALSE(session.handshake().value());
  Bytes ours;
  session.take_output(ours);
  auto theirs = recorded("transcripts/client-handshake.json", "tls", "client");
  ASSERT_EQ(theirs.size(), 219u);
  ASSERT_EQ(ours.size(), theirs.size());
  for (auto* hello : {&ours, &theirs}) {  // what differs in every run: random, session id, key share
    std::fill_n(hello->begin() + 11, 32, std::uint8_t{0});
    std::fill_n(hello->begin() + 44, 32, std::uint8_t{0});
    std::fill_n(hello->end() - 32, 32, std::uint8_t{0});
  }
  EXPECT_EQ(to_hex(ours), to_hex(theirs));
}

// Takes one link in plain mode.
class Door final : public LinkOwner {
 public:
  explicit Door(testing::Loop& loop) {
    LinkConfig config;
    config.plain = PlainMode{};
    listener = std::make_unique<Listener>(loop.io.get_executor(), config, ListenerOptions{}, [this](LinkPtr taken) {
      link = std::move(taken);
      link->start(this);
    });
    EXPECT_TRUE(listener->listen("127.0.0.1:0"));
  }
  void on_packet(Link&, const wire::PacketView&) override { ++packets; }
  void on_closed(Link&, const Error&) override { link.reset(); }
  std::unique_ptr<Listener> listener;
  LinkPtr link;
  int packets = 0;
};

class PeerRecords : public ::testing::Test {
 protected:
  // A record, tcp.connect and a packet, as a router sends them.
  const tee::Peer& present(const Bytes& record) {
    auto socket = testing::connect_to(loop.io, door.listener->port());
    Bytes bytes = record;
    append(bytes, wire::encode_frame(0, tl::encode_boxed(wire::tcp::Connect{1})));
    append(bytes, wire::encode_frame(1, wire::make_packet(Bytes(4))));
    socket.write_some(asio::buffer(bytes));
    loop.until([&] { return door.packets == 1; });
    static const tee::Peer none;
    return door.link ? door.link->peer().peer : none;
  }
  void TearDown() override {
    if (door.link) {
      door.link->detach();
      door.link->close({net_cancelled, "end of test"});
    }
    door.listener->close();
    loop.settle();
  }
  testing::Loop loop;
  Door door{loop};
};

constexpr std::string_view kVectorKey = "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8";

TEST_F(PeerRecords, WithoutAttestation) {
  const auto& peer = present(vector("peer-info-tdx-zero"));
  EXPECT_EQ(to_hex(peer.public_key.view()), kVectorKey);
  EXPECT_EQ(peer.tee, tee::TeeKind::none);
  EXPECT_EQ(peer.image_hash, tee::image_hash_of_nothing());
}

TEST_F(PeerRecords, Sev) {
  const auto& peer = present(vector("peer-info-sev"));
  EXPECT_EQ(peer.tee, tee::TeeKind::snp);
  EXPECT_EQ(to_hex(peer.image_hash.view()), "5b09bd7cc11609a1b512216663888ae28a3998cd6bf07fc6fa01081524bedea5");
}

TEST_F(PeerRecords, RecordedInDecember2025WithFakeAttestation) {
  const auto& peer = present(recorded("transcripts/peer-record-attested.json", "record", "router"));
  EXPECT_EQ(peer.tee, tee::TeeKind::fake);
  EXPECT_EQ(peer.image_hash, tee::image_hash_of_nothing());
  EXPECT_EQ(peer.verdict.report_data, tee::report_data(peer.public_key));
}

TEST_F(PeerRecords, ABadOneClosesAtOnce) {
  for (const auto& bad : {Bytes{0xff, 0xff, 0xff, 0xff}, Bytes{4, 0, 0, 0, 9, 9, 9, 9}, Bytes{0, 0, 0, 0}}) {
    auto socket = testing::connect_to(loop.io, door.listener->port());
    socket.write_some(asio::buffer(bad));
    bool ended = false;
    std::array<char, 8> piece{};
    socket.async_read_some(asio::buffer(piece), [&](boost::system::error_code ec, std::size_t n) {
      EXPECT_EQ(n, 0u) << "no tcp.connected";
      ended = bool(ec);
    });
    loop.until([&] { return ended; });
  }
  EXPECT_EQ(door.listener->stats().failed, 3u);
}

}  // namespace
}  // namespace cocoon::net
