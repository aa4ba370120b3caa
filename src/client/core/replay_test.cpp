// Sessions recorded between existing nodes: the proxy's frames are played to our core, and what it sends is compared
// with what the recorded client sent.
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/core/testdata/world.hpp"
#include "wire/frame.hpp"
#include "wire/packet.hpp"

namespace cocoon::client {
namespace {

using testdata::World;
using testing::HasSubstr;
namespace json = boost::json;

struct Frame {
  Duration t{};
  bool from_client = false;
  Bytes payload;
};

std::vector<Frame> load(const std::string& name) {
  const auto path =
      std::filesystem::path(COCOON_SOURCE_DIR) / "src/client/core/testdata/transcripts" / (name + ".json");
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  std::vector<Frame> out;
  const json::value parsed = json::parse(text.str());
  for (const auto& entry : parsed.as_array()) {
    const auto raw = from_hex(json::value_to<std::string>(entry.at("hex"))).value();
    out.push_back({Duration(static_cast<std::int64_t>(entry.at("t").to_number<double>() * 1e6)),
                   entry.at("from") == "client", Bytes(raw.begin() + wire::kFrameHeader, raw.end())});
  }
  return out;
}

// What became of one request, as its HTTP caller would see it.
struct Outcome {
  int status = 0;
  std::string body;
  std::size_t pieces = 0;
  int error = -1;
  bool complete = false;
  std::int64_t tokens = 0;
  std::string worker_debug, proxy_debug;
};

Config quiet() {
  auto c = World::make_config();
  c.secret.clear();  // as the recorded client's
  c.settle_time = {};
  return c;
}

class Replay {
 public:
  Replay() {
    world_.root.registered_proxies = {{1, "10.0.0.1:7002"}};
    target_ = world_.dialled();
    play("client-handshake");
    EXPECT_EQ(world_.core.status(world_.now).connections.at(0).stage, "ready");
  }

  void play(const std::string& file) {
    const auto start = world_.now;
    for (const auto& frame : load(file)) {
      SCOPED_TRACE(fmt::format("{} at {} s", file, to_seconds(frame.t)));
      pass_time(start + frame.t);
      const auto packet = wire::view_packet(frame.payload);
      ASSERT_TRUE(packet);
      if (frame.from_client)
        expect_from_us(*packet);
      else
        give(*packet);
    }
  }

  std::vector<Outcome> outcomes;  // of the requests, in order
  std::size_t compared = 0;       // messages of ours
  Core::Status status() const { return world_.core.status(world_.now); }

 private:
  void hear(const Effects& effects) {
    for (const auto& e : effects) {
      if (const auto* q = std::get_if<role::SendQuery>(&e)) asked_.push_back(*q);
      if (const auto* p = std::get_if<role::SendPacket>(&e)) sent_.push_back(*p);
      EXPECT_EQ(std::get_if<role::CloseLink>(&e), nullptr);
      if (const auto* h = std::get_if<ApiHead>(&e)) {
        outcome(h->id).status = h->status;
        add(h->id, h->body);
      }
      if (const auto* p = std::get_if<ApiPart>(&e)) add(p->id, p->body);
      if (const auto* end = std::get_if<ApiEnd>(&e)) {
        add(end->id, end->body);
        outcome(end->id).complete = true;
        outcome(end->id).tokens = end->tokens.total_tokens_used;
        outcome(end->id).worker_debug = end->worker_debug;
        outcome(end->id).proxy_debug = end->proxy_debug;
      }
      if (const auto* f = std::get_if<ApiFailed>(&e)) outcome(f->id).error = f->code;
      if (const auto* m = std::get_if<ApiModelList>(&e)) {
        ASSERT_EQ(m->types.size(), 1U);
        EXPECT_EQ(m->types[0].name, "Qwen/Qwen3-8B");
      }
    }
  }
  Outcome& outcome(ApiId id) { return outcomes.at(id - 1); }
  void add(ApiId id, const Bytes& body) {
    outcome(id).body += to_text(body);
    outcome(id).pieces += !body.empty();
  }

  void pass_time(Time until) {
    while (world_.core.wake_at() <= until) {
      world_.now = std::max(world_.now, world_.core.wake_at());
      hear(world_.tick());
    }
    world_.now = std::max(world_.now, until);
  }

  void expect_from_us(const wire::PacketView& recorded) {
    ++compared;
    if (recorded.kind == wire::PacketKind::connect) {
      hear(world_.link_up(target_));
    } else if (recorded.kind == wire::PacketKind::query) {
      const auto id = wire::peek_id(recorded.data);
      if (id == GetWorkerTypesV2::kId) hear(world_.handle(ApiModels{1000}));
      // Our own rhythm of payment queries lies elsewhere; between two recorded ones there is at least one of ours.
      for (int i = 0; i < 30 && find_query(id) == asked_.end(); ++i) pass_time(world_.now + std::chrono::seconds(1));
      const auto ours = find_query(id);
      ASSERT_NE(ours, asked_.end());
      tokens_[recorded.id] = ours->token;
      asked_.erase(ours);
    } else if (recorded.kind == wire::PacketKind::packet) {
      expect_request(recorded.data);
    } else {
      EXPECT_TRUE(recorded.kind == wire::PacketKind::ping || recorded.kind == wire::PacketKind::pong);
    }
  }

  void expect_request(BytesView data) {
    const auto theirs = wire::decode<wire::client::RunQueryEx>(data);
    ASSERT_TRUE(theirs);
    const auto http = wire::decode<wire::http::Request>(theirs->query);
    ApiRequest r;
    r.id = outcomes.size() + 1;
    outcomes.emplace_back();
    r.path = http->url;
    r.body = http->payload;
    for (const auto& h : http->headers) r.headers.emplace_back(h.name, h.value);
    r.model = theirs->model_name;
    r.max_tokens = theirs->max_tokens;
    r.max_coefficient = theirs->max_coefficient;
    r.timeout = Duration(std::llround(theirs->timeout / 0.95 * 1e6));
    r.enable_debug = theirs->enable_debug;
    hear(world_.handle(r));

    ASSERT_EQ(sent_.size(), 1U);
    auto ours = wire::decode<wire::client::RunQueryEx>(sent_[0].data);
    sent_.clear();
    ASSERT_TRUE(ours);
    ids_[theirs->request_id] = ours->request_id;
    const auto our_http = wire::decode<wire::http::Request>(ours->query);
    EXPECT_EQ(our_http->method, http->method);
    EXPECT_EQ(our_http->url, http->url);
    EXPECT_EQ(our_http->payload, http->payload);
    EXPECT_NEAR(ours->timeout, theirs->timeout, 1e-5);
    // Everything else is the same message.
    ours->request_id = theirs->request_id;
    ours->query = theirs->query;
    ours->timeout = theirs->timeout;
    EXPECT_EQ(*ours, *theirs);
  }

  void give(const wire::PacketView& recorded) {
    if (recorded.kind == wire::PacketKind::query_answer) {
      const auto token = tokens_.find(recorded.id);
      ASSERT_NE(token, tokens_.end());
      hear(world_.handle(role::QueryDone{world_.link, token->second, with_our_addresses(recorded.data)}));
    } else if (recorded.kind == wire::PacketKind::packet) {
      hear(world_.handle(role::PacketIn{world_.link, with_our_id(recorded.data)}));
    }
  }

  // The recorded network has other contracts than ours: what the proxy says of itself is made to fit ours.
  Bytes with_our_addresses(BytesView data) const {
    auto hello = wire::decode<wire::client::ConnectedToProxy>(data);
    if (!hello) return to_bytes(data);
    const auto ours = world_.hello(hello->auth, hello->params.proto_version);
    hello->params = ours.params;
    hello->client_sc_address = ours.client_sc_address;
    return wire::encode(*hello);
  }
  Bytes with_our_id(BytesView data) const {
    auto message = wire::decode<wire::PacketToClient>(data);
    if (!message) return to_bytes(data);
    std::visit(
        [&](auto& m) {
          if constexpr (requires { m.request_id; }) m.request_id = ids_.at(m.request_id);
        },
        *message);
    return wire::encode(*message);
  }

  using GetWorkerTypesV2 = wire::client::GetWorkerTypesV2;
  std::vector<role::SendQuery>::iterator find_query(std::uint32_t id) {
    return std::find_if(asked_.begin(), asked_.end(), [&](const auto& q) { return wire::peek_id(q.data) == id; });
  }

  World world_{.config = quiet()};
  role::TargetId target_ = 0;
  std::vector<role::SendQuery> asked_;
  std::vector<role::SendPacket> sent_;
  std::map<std::int64_t, role::QueryToken> tokens_;
  std::map<Bits256, Bits256> ids_;
};

TEST(ClientReplay, Handshake) {
  Replay r;
  EXPECT_EQ(r.compared, 4U);
  EXPECT_EQ(r.status().connections.at(0).proto, 2);
}

TEST(ClientReplay, AnswersAtOnce) {
  Replay r;
  r.play("chat-at-once");
  ASSERT_EQ(r.outcomes.size(), 2U);
  for (const auto& o : r.outcomes) {
    EXPECT_EQ(o.status, 200);
    EXPECT_TRUE(o.complete);
    EXPECT_THAT(o.body, HasSubstr("Hello."));
    EXPECT_THAT(o.body, HasSubstr("total_cost"));
    EXPECT_GT(o.tokens, 0);
  }
  EXPECT_GT(r.status().money.contracts.at(0).max_tokens, 0U);
}

TEST(ClientReplay, AnswersInParts) {
  Replay r;
  r.play("chat-in-parts");
  ASSERT_EQ(r.outcomes.size(), 2U);
  EXPECT_GE(r.outcomes[0].pieces, 4U);
  EXPECT_TRUE(r.outcomes[0].complete);
  EXPECT_THAT(r.outcomes[1].body, HasSubstr("data: "));
  EXPECT_TRUE(r.outcomes[1].complete);
}

TEST(ClientReplay, DebugTexts) {
  Replay r;
  r.play("chat-debug");
  ASSERT_EQ(r.outcomes.size(), 1U);
  EXPECT_TRUE(r.outcomes[0].complete);
  EXPECT_FALSE(r.outcomes[0].worker_debug.empty());
  EXPECT_FALSE(r.outcomes[0].proxy_debug.empty());
}

TEST(ClientReplay, RefusalsOfTheProxy) {
  Replay r;
  r.play("rejected-by-proxy");
  ASSERT_EQ(r.outcomes.size(), 3U);
  EXPECT_EQ(r.outcomes[0].error, wire::kErrorProtocolViolation);
  EXPECT_EQ(r.outcomes[1].error, wire::kErrorNotReady);
  EXPECT_EQ(r.outcomes[2].error, wire::kErrorRequest);
}

TEST(ClientReplay, Timeouts) {
  Replay r;
  r.play("timeouts");
  ASSERT_EQ(r.outcomes.size(), 2U);
  EXPECT_EQ(r.outcomes[0].status, 504);
  EXPECT_TRUE(r.outcomes[0].complete);
  EXPECT_TRUE(r.outcomes[0].body.empty());
  EXPECT_EQ(r.outcomes[1].status, 200);
  EXPECT_FALSE(r.outcomes[1].complete);
  EXPECT_EQ(r.outcomes[1].error, wire::kErrorTimeout);
}

TEST(ClientReplay, IdlePaymentQueries) {
  Replay r;
  r.play("idle-payments-pings");
  EXPECT_TRUE(r.outcomes.empty());
  EXPECT_EQ(r.status().connections.at(0).stage, "ready");
}

}  // namespace
}  // namespace cocoon::client
