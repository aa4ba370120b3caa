// The proxy's side of recorded sessions, played against the core: its messages must be those the recorded worker sent,
// and the tokens it reports must be the recorded ones. Addresses, keys and signatures are those of the test's network.
#include <filesystem>
#include <fstream>
#include <sstream>

#include <boost/json.hpp>

#include "openai/answer_body.hpp"
#include "wire/frame.hpp"
#include "wire/packet.hpp"
#include "worker/core/testdata/world.hpp"

namespace cocoon::worker {
namespace {

namespace json = boost::json;
using testdata::all;
using testdata::only_packet;
using testdata::World;
using namespace std::chrono_literals;

struct Frame {
  bool from_proxy = false;
  wire::PacketView packet;
  Bytes raw;
  std::string where;
};

std::vector<Frame> frames_of(const std::string& file) {
  std::ifstream in(std::filesystem::path(COCOON_SOURCE_DIR) / "src" / file);
  std::ostringstream text;
  text << in.rdbuf();
  const json::value entries = json::parse(text.str());
  std::vector<Frame> out;
  for (const auto& e : entries.as_array()) {
    if (e.at("layer").as_string() != "frame" || !e.at("conn").as_string().starts_with("worker-inner")) continue;
    Frame f;
    f.from_proxy = e.at("from").as_string() == "proxy";
    f.raw = from_hex(json::value_to<std::string>(e.at("hex"))).value();
    f.where = file + " at " + json::serialize(e.at("t"));
    f.packet = wire::view_packet(BytesView(f.raw).subspan(wire::kFrameHeader)).value();
    out.push_back(std::move(f));
  }
  // Views point into raw; moving a frame keeps its heap.
  return out;
}

class Replay {
 public:
  Replay() {
    w_.root.params.multipliers = {};
    w_.root.params.price_per_token = 2;
    w_.root.model_hashes.insert(crypto::sha256(as_bytes("Qwen/Qwen3-8B@test:1")));
  }

  void play(const std::string& file) {
    for (const auto& f : frames_of(file)) {
      SCOPED_TRACE(f.where);
      f.from_proxy ? proxy_says(f) : worker_said(f);
      if (testing::Test::HasFatalFailure()) return;
    }
    EXPECT_TRUE(w_.core.status().ready) << w_.core.status().waiting_for;
  }

  void set_model(const std::string& full_name) {
    auto config = World::make_config();
    config.model = full_name;
    const auto root = w_.root;
    w_ = World{.root = root, .config = config};
    w_.root.model_hashes.insert(crypto::sha256(as_bytes(full_name)));
  }
  World& world() { return w_; }
  std::size_t answers = 0, tokens_checked = 0, queries = 0, payments = 0;

 private:
  std::uint64_t tokens_of(const wire::proxy::AnySignedPayment& recorded) {
    const auto* p = std::get_if<wire::proxy::SignedPayment>(&recorded);
    if (p == nullptr) return 0;
    const auto cell = ton::read_boc(p->data);
    const auto message = cell ? ton::parse_signed_message(*cell) : fail("no cell");
    const auto payload = message ? ton::parse_payment_payload(message->payload) : fail("no message");
    return payload ? payload->tokens : 0;
  }

  void proxy_says(const Frame& f) {
    switch (f.packet.kind) {
      case wire::PacketKind::connected:
        effects_ = w_.link_up(target_);
        break;
      case wire::PacketKind::query_answer:
        answer(f);
        break;
      case wire::PacketKind::packet:
        packet(f);
        break;
      default:
        break;  // pongs are the link's
    }
  }

  void answer(const Frame& f) {
    ASSERT_NE(token_, 0U) << "nothing was asked";
    const auto data = f.packet.data;
    const auto token = std::exchange(token_, 0);
    switch (wire::peek_id(data)) {
      case wire::worker::ConnectedToProxy::kId:
        effects_ = w_.answer(token, w_.hello(wire::decode<wire::worker::ConnectedToProxy>(data)->params.proto_version));
        break;
      case wire::worker::CompareBalanceWithProxyResult::kId: {
        auto m = *wire::decode<wire::worker::CompareBalanceWithProxyResult>(data);
        m.signed_payment = w_.payment(tokens_of(m.signed_payment));
        effects_ = w_.answer(token, m);
        break;
      }
      case wire::worker::PaymentStatus::kId: {
        auto m = *wire::decode<wire::worker::PaymentStatus>(data);
        m.signed_payment = w_.payment(tokens_of(m.signed_payment));
        effects_ = w_.answer(token, m);
        ++payments;
        break;
      }
      default:
        effects_ = w_.handle(role::QueryDone{w_.link, token, to_bytes(data)});
    }
    EXPECT_TRUE(all<role::CloseLink>(effects_).empty());
  }

  void packet(const Frame& f) {
    if (auto query = wire::decode<wire::proxy::RunQueryEx>(f.packet.data)) {
      const auto start = all<StartJob>(w_.packet(*query));
      ASSERT_EQ(start.size(), 1U);
      jobs_[query->request_id] = {start[0].job, {}};
    } else if (auto due = wire::decode<wire::proxy::WorkerRequestPayment>(f.packet.data)) {
      due->signed_payment = w_.payment(tokens_of(due->signed_payment));
      EXPECT_TRUE(all<role::CloseLink>(w_.packet(*due)).empty());
      ++payments;
    }
  }

  void worker_said(const Frame& f) {
    if (f.packet.kind == wire::PacketKind::connect && target_ == 0) target_ = w_.dialled();
    if (f.packet.kind == wire::PacketKind::query) expect_query(wire::peek_id(f.packet.data));
    if (f.packet.kind == wire::PacketKind::packet) expect_packet(f.packet.data);
  }

  void expect_query(std::uint32_t id) {
    if (id == wire::worker::UpdatePaymentStatus::kId) {
      while (all<role::SendQuery>(effects_).empty()) effects_ = w_.tick(1s);
    }
    const auto asked = all<role::SendQuery>(effects_);
    ASSERT_EQ(asked.size(), 1U);
    EXPECT_EQ(wire::peek_id(asked[0].data), id);
    token_ = asked[0].token;
    effects_.clear();
    ++queries;
  }

  void expect_packet(BytesView data) {
    if (const auto m = wire::decode<wire::worker::EnabledDisabled>(data)) {
      EXPECT_EQ(only_packet<wire::worker::EnabledDisabled>(w_.handle(SetEnabled{m->disabled == 0})), *m);
    } else if (const auto c = wire::decode<wire::worker::NewCoefficient>(data)) {
      EXPECT_EQ(only_packet<wire::worker::NewCoefficient>(w_.handle(SetCoefficient{c->new_coefficient})), *c);
    } else if (const auto head = wire::decode<wire::proxy::QueryAnswerEx>(data)) {
      ASSERT_TRUE(jobs_.contains(head->request_id));
      auto& job = jobs_[head->request_id];
      const auto response = *wire::decode<wire::http::Response>(head->answer);
      job.body = to_text(response.payload);
      const auto ours = only_packet<wire::proxy::QueryAnswerEx>(
          head->is_final() ? finish_at_once(job, response) : w_.handle(EngineHead{job.id, response.status_code, {}}));
      EXPECT_EQ(ours.request_id, head->request_id);
      EXPECT_EQ(ours.is_final(), head->is_final());
      if (head->is_final()) check_end(job, ours.final_info, head->final_info);
    } else if (const auto part = wire::decode<wire::proxy::QueryAnswerPartEx>(data)) {
      ASSERT_TRUE(jobs_.contains(part->request_id));
      auto& job = jobs_[part->request_id];
      job.body += as_text(part->answer);
      if (!part->is_final()) return;  // the shell's business
      const auto ours =
          only_packet<wire::proxy::QueryAnswerPartEx>(w_.handle(EngineDone{job.id, part->answer, usage(job)}));
      EXPECT_EQ(ours.request_id, part->request_id);
      EXPECT_EQ(ours.answer, part->answer);
      check_end(job, ours.final_info, part->final_info);
    } else {
      FAIL() << "unexpected packet";
    }
  }

  struct Job {
    JobId id = 0;
    std::string body;
  };

  Effects finish_at_once(const Job& job, const wire::http::Response& response) {
    return w_.handle(EngineAnswer{job.id, response.status_code, {}, response.payload, usage(job)});
  }

  static openai::Usage usage(const Job& job) {
    openai::AnswerBody body({.form = openai::BodyForm::json});
    std::string out;
    body.push(job.body, out);
    return body.usage();
  }

  void check_end(const Job& job, const wire::proxy::QueryFinalInfo& ours, const wire::proxy::QueryFinalInfo& theirs) {
    EXPECT_EQ(ours.flags, theirs.flags);
    EXPECT_EQ(ours.tokens_used, theirs.tokens_used) << job.body;
    tokens_checked += theirs.tokens_used.total_tokens_used > 0;
    ++answers;
  }

  World w_;
  role::TargetId target_ = 0;
  Effects effects_;
  role::QueryToken token_ = 0;
  std::map<Bits256, Job> jobs_;
};

// The full model name of the recorded worker.
std::string recorded_model() {
  for (const auto& f : frames_of("wire/testdata/transcripts/worker-handshake.json"))
    if (f.packet.kind == wire::PacketKind::query)
      if (const auto hello = wire::decode<wire::worker::ConnectToProxy>(f.packet.data)) return hello->params.model;
  ADD_FAILURE() << "no connectToProxy in the recording";
  return "";
}

TEST(WorkerReplay, Handshake) {
  Replay r;
  r.set_model(recorded_model());
  r.play("wire/testdata/transcripts/worker-handshake.json");
  EXPECT_EQ(r.queries, 3U);
}

// Sessions whose recording begins when the worker has long been connected.
void play_connected(const std::string& file, std::size_t answers, std::size_t with_tokens) {
  Replay r;
  r.set_model(recorded_model());
  r.world().become_ready(2);
  r.play(file);
  EXPECT_EQ(r.answers, answers);
  EXPECT_EQ(r.tokens_checked, with_tokens);
  EXPECT_GE(r.payments, answers);
}

TEST(WorkerReplay, AnswersAtOnce) { play_connected("worker/core/testdata/chat-at-once.json", 2, 2); }
TEST(WorkerReplay, AnswersInParts) { play_connected("wire/testdata/transcripts/chat-in-parts.json", 2, 1); }
// Its engine counted no tokens.
TEST(WorkerReplay, ThreeAtATime) { play_connected("worker/core/testdata/worker-full.json", 3, 0); }
TEST(WorkerReplay, SwitchesCoefficientAndEngine) {
  play_connected("worker/core/testdata/worker-state-changes.json", 3, 3);
}

TEST(WorkerReplay, ARestartedWorkerBeginsFromZero) {
  Replay r;
  r.set_model(recorded_model());
  r.play("worker/core/testdata/worker-restart.json");
  EXPECT_GE(r.queries, 3U);
  EXPECT_EQ(r.answers, 1U);
}

}  // namespace
}  // namespace cocoon::worker
