// Recorded sessions of an existing proxy (testdata/README.md), played by their peers to our core: what it says must be
// the same sequence of constructors and codes, but for the differences that each test lists, which are meant.
//
// Where the record has no worker's side (the scripted client talked to a real worker), a worker of ours says what that
// one must have said for the recorded answer to come out.
#include <fstream>

#include <boost/json.hpp>

#include "proxy/core/test_world.hpp"
#include "wire/answers.hpp"
#include "wire/packet.hpp"

namespace cocoon::proxy::testing {
namespace {

namespace json = boost::json;

struct Frame {
  double t = 0;
  std::string situation, conn;
  bool from_proxy = false;
  bool close = false;
  wire::PacketView packet;
  Bytes payload;  // what `packet` points into
};

std::vector<Frame> load(const std::string& name) {
  std::ifstream in(std::string(COCOON_SOURCE_DIR) + "/src/proxy/core/testdata/" + name + ".json");
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  std::vector<Frame> out;
  const json::value parsed = json::parse(text);
  for (const auto& entry : parsed.as_array()) {
    const auto& e = entry.as_object();
    Frame f;
    f.t = e.at("t").to_number<double>();
    if (const auto* s = e.if_contains("situation")) f.situation = s->as_string().c_str();
    f.conn = e.at("conn").as_string().c_str();
    f.from_proxy = e.at("from").as_string() == "proxy";
    f.close = e.at("layer").as_string() == "close";
    if (e.at("layer").as_string() != "frame" && !f.close) continue;
    if (!f.close) {
      const Bytes frame = *from_hex(e.at("hex").as_string().c_str());
      f.payload.assign(frame.begin() + wire::kFrameHeader, frame.end());
      f.packet = *wire::view_packet(f.payload);
    }
    out.push_back(std::move(f));
  }
  for (auto& f : out)
    if (!f.close) f.packet = *wire::view_packet(f.payload);
  return out;
}

std::string name_of(std::uint32_t id) {
#define NAME(T) \
  if (id == wire::T::kId) return std::string(wire::T::kName)
  NAME(client::ConnectedToProxy);
  NAME(client::AuthorizationWithProxySuccess);
  NAME(client::PaymentStatus);
  NAME(client::WorkerTypes);
  NAME(client::WorkerTypesV2);
  NAME(worker::ConnectedToProxy);
  NAME(worker::CompareBalanceWithProxyResult);
  NAME(worker::ExtendedCompareBalanceWithProxyResult);
  NAME(worker::ProxyHandshakeCompleted);
  NAME(worker::PaymentStatus);
  NAME(proxy::ClientRequestPayment);
  NAME(proxy::WorkerRequestPayment);
  NAME(proxy::RunQuery);
  NAME(proxy::RunQueryEx);
  NAME(client::QueryAnswer);
  NAME(client::QueryAnswerPart);
  NAME(client::QueryAnswerEx);
  NAME(client::QueryAnswerPartEx);
  NAME(client::QueryAnswerError);
  NAME(client::QueryAnswerPartError);
  NAME(client::QueryAnswerErrorEx);
#undef NAME
  return fmt::format("{:08x}", id);
}

// A message of the proxy as one line: constructor, and what of the rest must agree.
std::string line_of(BytesView object) {
  const std::uint32_t id = wire::peek_id(object);
  std::string out = name_of(id);
  if (const auto answer = wire::peek_answer(object)) {
    if (answer->kind == wire::AnswerKind::error) return fmt::format("{} {}", out, answer->error_code);
    if (answer->final) out += " final";
    return out;
  }
  if (const auto hello = wire::decode<wire::client::ConnectedToProxy>(object)) {
    const bool is_short = std::holds_alternative<wire::client::ProxyConnectionAuthShort>(hello->auth);
    return fmt::format("{} flags {} {}", out, hello->params.flags, is_short ? "short" : "long");
  }
  if (const auto hello = wire::decode<wire::worker::ConnectedToProxy>(object))
    return fmt::format("{} flags {}", out, hello->params.flags);
  if (const auto compared = wire::decode<wire::worker::CompareBalanceWithProxyResult>(object))
    return fmt::format("{} {}", out, compared->error_code);
  if (const auto pay = wire::decode<wire::proxy::ClientRequestPayment>(object))
    return fmt::format("{} {}", out, pay->request_tokens);
  if (const auto pay = wire::decode<wire::proxy::WorkerRequestPayment>(object))
    return fmt::format("{} {}", out, pay->request_tokens);
  if (const auto types = wire::decode<wire::client::WorkerTypesV2>(object)) {
    for (const auto& type : types->types) out += fmt::format(" {}:{}", type.name, type.workers.size());
  }
  return out;
}

std::string line_of(const Said& said) {
  switch (said.kind) {
    case Said::Kind::error:
      return fmt::format("error {}", said.code);
    case Said::Kind::closed:
      return "close";
    default:
      return line_of(said.data);
  }
}

std::string line_of(const Frame& f) {
  if (f.close) return "close";
  if (f.packet.kind == wire::PacketKind::query_error) return fmt::format("error {}", f.packet.code);
  return line_of(f.packet.data);
}

// A request id in an object of the peer's answers replaced by the one our core chose.
void replace_id(Bytes& object, const Bits256& from, const Bits256& to) {
  const auto at = std::search(object.begin(), object.end(), from.begin(), from.end());
  if (at != object.end()) std::copy(to.begin(), to.end(), at);
}

// A meant difference: in this situation ("" for any), on connections of this kind, this recorded line of the proxy is
// these lines of ours.
struct Difference {
  std::string situation, kind;
  std::string recorded;
  std::vector<std::string> ours;
};

struct Script {
  std::string file;
  std::vector<Difference> differences;
  double virtual_worker_at = -1;  // seconds; negative: the record has the workers' side itself
};

class Replay {
 public:
  explicit Replay(const Script& script) : script_(script), frames_(load(script.file)), world_(config()) {}

  void run() {
    ASSERT_FALSE(frames_.empty());
    know_every_client();
    const Time start = world_.now;
    for (const Frame& f : frames_) {
      const auto at = start + Duration(static_cast<std::int64_t>(f.t * 1e6));
      if (script_.virtual_worker_at >= 0 && virtual_worker_ == 0 && f.t >= script_.virtual_worker_at)
        virtual_worker_ = world_.worker(virtual_hello());
      if (at > world_.now) world_.advance(at - world_.now);
      from_peer_or_proxy(f);
      listen();
    }
    world_.seconds(1);
    listen();
    compare();
  }

 private:
  struct Conn {
    role::LinkId link = 0;
    std::string situation;
    int version = 0;
    bool handshake_in_record = false;
    bool peer_closed = false;
    std::vector<std::string> expected, got;
  };

  static Config config() {
    Config c = test_config();
    c.charge_client_at = c.pay_worker_at = 1000 * ton::kTon;
    return c;
  }
  static bool is_client(const std::string& conn) { return conn.starts_with("client"); }

  void know_every_client() {
    for (const Frame& f : frames_) {
      if (f.close || f.from_proxy || f.packet.kind != wire::PacketKind::query) continue;
      const auto hello = wire::decode<wire::client::ConnectToProxy>(f.packet.data);
      if (!hello) continue;
      const auto owner = ton::address_from_text(hello->params.client_owner_address);
      if (owner && !world_.chain.clients.contains(*owner))
        world_.chain.client_deposits(*owner, 1000 * ton::kTon, crypto::sha256({}));
    }
    const auto stand_in = address_of("client");
    world_.chain.client_deposits(stand_in, 1000 * ton::kTon, crypto::sha256({}));
    world_.observe_changed();
  }
  wire::worker::ConnectToProxy virtual_hello() const {
    auto hello = world_.worker_hello(address_of("virtual worker"), 1, 2);
    hello.params.model = "Qwen/Qwen3-8B";
    hello.params.coefficient = 1500;
    return hello;
  }

  // The versions of connections whose handshake was left out of the record stand in the name of their situation.
  static int version_from(const std::string& situation, const std::string& mark) {
    const auto at = situation.find(mark);
    return at == std::string::npos ? 2 : situation[at + mark.size()] - '0';
  }

  Conn& open(const Frame& f) {
    auto [it, fresh] = conns_.try_emplace(f.conn);
    Conn& c = it->second;
    if (!fresh) return c;
    c.situation = f.situation;
    c.handshake_in_record = !f.close && f.packet.kind == wire::PacketKind::connect;
    c.link = world_.up(is_client(f.conn) ? kClientPort : kWorkerPort);
    if (c.handshake_in_record) return c;
    if (is_client(f.conn)) {
      c.version = version_from(f.situation, "client-v");
      world_.query(c.link, world_.client_hello(address_of("client"), 0, c.version));
      world_.query(c.link, wire::client::AuthorizeWithProxyShort{});
    } else {
      c.version = version_from(f.situation, "relay-w");
      auto hello = world_.worker_hello(address_of("worker"), 0, c.version);
      hello.params.model = script_.file == "scripted-hostile-numbers" ? "many/model" : "legacy/model@c:h";
      world_.query(c.link, hello);
      world_.query(c.link, wire::worker::CompareBalanceWithProxy{});
      world_.query(c.link, wire::worker::ProxyHandshakeComplete{});
    }
    for (const Said& s : world_.take(c.link)) EXPECT_EQ(s.kind, Said::Kind::answer) << s.text;
    return c;
  }

  void from_peer_or_proxy(const Frame& f) {
    // A worker whose handshake is not in the record was there before the client asked.
    if (!f.close && !f.from_proxy && is_client(f.conn) && f.packet.kind == wire::PacketKind::packet)
      for (const Frame& later : frames_)
        if (later.situation == f.situation && !is_client(later.conn) && !later.close) {
          open(later);
          break;
        }
    Conn& c = open(f);
    if (f.from_proxy) return recorded(c, f);
    if (f.close) {
      c.peer_closed = true;
      if (!closed_by_us(c)) world_.down(c.link);
      return;
    }
    if (closed_by_us(c)) return;
    switch (f.packet.kind) {
      case wire::PacketKind::query:
        authorise_by_chain(c, f.packet.data);
        remember_version(c, f.packet.data);
        world_.feed(role::QueryIn{c.link, f.packet.id, to_bytes(f.packet.data)});
        break;
      case wire::PacketKind::packet: {
        Bytes object = to_bytes(f.packet.data);
        if (const auto answer = wire::peek_answer(object); answer && worker_ids_.contains(answer->request_id))
          replace_id(object, answer->request_id, worker_ids_.at(answer->request_id));
        world_.feed(role::PacketIn{c.link, std::move(object)});
        break;
      }
      default:
        break;  // pings and the like are the shell's
    }
  }
  bool closed_by_us(const Conn& c) const { return !c.got.empty() && c.got.back() == "close"; }

  // Without a chain the recorded proxy accepts the long way at once; ours has to see the message.
  void authorise_by_chain(Conn& c, BytesView query) {
    if (wire::peek_id(query) != wire::client::AuthorizeWithProxyLong::kId || !nonces_.contains(c.link)) return;
    const auto& [owner, nonce] = nonces_.at(c.link);
    world_.chain.client_notice(owner, nonce);
    world_.observe_changed();
  }
  void remember_version(Conn& c, BytesView query) {
    const auto hello = wire::decode<wire::client::ConnectToProxy>(query);
    if (!hello) return;
    c.version = std::min(hello->params.max_proto_version, 2);
    if (const auto owner = ton::address_from_text(hello->params.client_owner_address)) nonces_[c.link].first = *owner;
  }

  void recorded(Conn& c, const Frame& f) {
    if (f.close && c.peer_closed) return;
    if (!f.close && (f.packet.kind == wire::PacketKind::connected || f.packet.kind == wire::PacketKind::pong)) return;
    std::string line = line_of(f);
    if (!f.close && line.starts_with("proxy.runQuery")) expect_worker_id(c, f.packet.data);
    if (!f.close && virtual_worker_ != 0) speak_for_the_worker(f.packet.data);
    for (const Difference& d : script_.differences)
      if ((d.situation.empty() || d.situation == f.situation) && f.conn.starts_with(d.kind) && d.recorded == line) {
        c.expected.insert(c.expected.end(), d.ours.begin(), d.ours.end());
        return;
      }
    // D26: the recorded proxy says errors of its own making in the old forms to clients of every version.
    if (c.version >= 1)
      for (const std::string old : {"client.queryAnswerError ", "client.queryAnswerPartError "})
        if (line.starts_with(old)) line = "client.queryAnswerErrorEx " + line.substr(old.size());
    c.expected.push_back(line);
  }

  // The record's worker-side id of a request, and ours: the workers' recorded answers name the former.
  void expect_worker_id(const Conn& c, BytesView object) {
    Bits256 id;
    if (const auto ex = wire::decode<wire::proxy::RunQueryEx>(object)) id = ex->request_id;
    if (const auto old = wire::decode<wire::proxy::RunQuery>(object)) id = old->request_id;
    auto& waiting = asked_[c.link];
    if (waiting.empty()) return;
    worker_ids_[id] = waiting.front();
    waiting.erase(waiting.begin());
  }

  // What a worker must have said for this answer to reach the client.
  void speak_for_the_worker(BytesView object) {
    const auto answer = wire::peek_answer(object);
    auto& waiting = asked_[virtual_worker_];
    if (!answer || waiting.empty()) return;
    const Bits256 id = waiting.front();
    const bool last = answer->final || answer->kind == wire::AnswerKind::error;
    if (last) waiting.erase(waiting.begin());
    if (answer->kind == wire::AnswerKind::error) {
      wire::proxy::QueryAnswerErrorEx error;
      error.request_id = id;
      error.error_code = answer->error_code;
      error.set_final_info({});
      return world_.packet(virtual_worker_, error);
    }
    const auto say = [&](auto message) {
      message.request_id = id;
      message.answer = to_bytes(answer->bytes);
      if (last) {
        wire::proxy::QueryFinalInfo info;
        if (const auto ex = tl::decode_inline<wire::client::QueryFinalInfo>(answer->final_info); answer->ex && ex)
          info.tokens_used = ex->tokens_used;
        if (const auto old = tl::decode_inline<wire::TokensUsed>(answer->final_info); !answer->ex && old)
          info.tokens_used = *old;
        message.set_final_info(info);
      }
      world_.packet(virtual_worker_, message);
    };
    if (answer->kind == wire::AnswerKind::first)
      say(wire::proxy::QueryAnswerEx{});
    else
      say(wire::proxy::QueryAnswerPartEx{});
  }

  // Takes what our core has said since.
  void listen() {
    for (auto& [name, c] : conns_)
      for (const Said& s : world_.take(c.link)) {
        c.got.push_back(line_of(s));
        heard(c.link, s);
      }
    if (virtual_worker_ != 0)
      for (const Said& s : world_.take(virtual_worker_)) heard(virtual_worker_, s);
  }
  void heard(role::LinkId link, const Said& s) {
    if (const auto ex = wire::decode<wire::proxy::RunQueryEx>(s.data)) asked_[link].push_back(ex->request_id);
    if (const auto old = wire::decode<wire::proxy::RunQuery>(s.data)) asked_[link].push_back(old->request_id);
    if (const auto hello = wire::decode<wire::client::ConnectedToProxy>(s.data))
      std::visit([&](const auto& auth) { nonces_[link].second = static_cast<std::uint64_t>(auth.nonce); }, hello->auth);
  }

  void compare() {
    std::size_t lines = 0;
    for (const auto& [name, c] : conns_) {
      EXPECT_EQ(c.got, c.expected) << script_.file << " " << name << " " << c.situation;
      lines += c.expected.size();
    }
    EXPECT_GT(lines, 3u) << "nothing was compared";
  }

  Script script_;
  std::vector<Frame> frames_;
  World world_;
  std::map<std::string, Conn> conns_;
  role::LinkId virtual_worker_ = 0;
  std::map<role::LinkId, std::vector<Bits256>> asked_;  // our ids of requests a worker was asked, in order
  std::map<Bits256, Bits256> worker_ids_;               // recorded id -> ours
  std::map<role::LinkId, std::pair<ton::Address, std::uint64_t>> nonces_;
};

TEST(ProxyReplay, ClientOfVersion0) { Replay({"scripted-client-v0", {}, 1.0}).run(); }
TEST(ProxyReplay, ClientOfVersion1) { Replay({"scripted-client-v1", {}, 0}).run(); }
TEST(ProxyReplay, ClientOfVersion2) { Replay({"scripted-client-v2", {}, 0}).run(); }
TEST(ProxyReplay, ClientHandshakes) { Replay({"scripted-client-handshake", {}, -1}).run(); }
TEST(ProxyReplay, MoreClientHandshakes) { Replay({"scripted-client-handshake-2", {}, -1}).run(); }

TEST(ProxyReplay, WorkerHandshakes) {
  Replay(
      {"scripted-worker-handshake",
       {// D9: the recorded proxy never leaves the extended comparison; ours lets the worker in.
        {"worker-extended-compare", "worker", "error 0", {"worker.proxyHandshakeCompleted"}},
        {"worker-extended-compare", "worker", "close", {}},
        // A machine description is known since version 4: to the recorded proxy it was bytes left over.
        {"worker-bad-desc", "worker", "error 0", {"worker.connectedToProxy flags 3"}},
        {"worker-bad-desc", "worker", "close", {}},
        // The recorded proxy was restarted before this, and had forgotten a model.
        {"", "client", "client.workerTypesV2 legacy/model:1", {"client.workerTypesV2 legacy/model:1 nobody/nothing:0"}},
        {"",
         "client",
         "client.workerTypesV2 legacy/model:0",
         {"client.workerTypesV2 legacy/model:0 nobody/nothing:0"}}},
       -1})
      .run();
}

TEST(ProxyReplay, RelayBetweenAllForms) {
  Replay(
      {"scripted-relay",
       {// The recorded proxy bills nothing for an answer that broke off after its head; ours bills what its worker says
        // went out (docs/money.md).
        {"relay-w2-error-after-first-client-v0",
         "client",
         "proxy.clientRequestPayment 0",
         {"proxy.clientRequestPayment 8"}},
        {"relay-w2-error-after-first-client-v2",
         "client",
         "proxy.clientRequestPayment 0",
         {"proxy.clientRequestPayment 8"}},
        {"relay-w2-error-after-first-client-v0",
         "worker",
         "proxy.workerRequestPayment 0",
         {"proxy.workerRequestPayment 8"}},
        {"relay-w2-error-after-first-client-v2",
         "worker",
         "proxy.workerRequestPayment 0",
         {"proxy.workerRequestPayment 8"}},
        // D29: the recorded proxy aborts on an answer that is no http.response; ours ends the request.
        {"relay-w2-bad-response", "client", "close", {"client.queryAnswerErrorEx 621", "proxy.clientRequestPayment 0"}},
        {"relay-w2-bad-response", "worker", "close", {"proxy.workerRequestPayment 0"}},
        // A worker hears when nobody waits for its answer any more; older ones drop the message (wire.md 2.7).
        {"relay-worker-timeout-late",
         "worker",
         "proxy.workerRequestPayment 0",
         {"8cd7e668", "proxy.workerRequestPayment 0"}},
        // D13: a request of a lost worker fails at once, not when its timer ends.
        {"relay-worker-lost", "client", "client.queryAnswerError 652", {"client.queryAnswerErrorEx 651"}}},
       -1})
      .run();
}

TEST(ProxyReplay, HostileNumbers) {
  // D10: negative tokens, coefficient and timeout, and timeout 0, are refused at once; the recorded proxy forwards
  // them, and ends the last two itself.
  Replay({"scripted-hostile-numbers",
          {{"", "worker", "proxy.runQueryEx", {}},
           {"", "worker", "proxy.workerRequestPayment 0", {}},
           {"", "client", "proxy.clientRequestPayment 0", {}},
           {"",
            "client",
            "client.queryAnswerError 652",
            {"client.queryAnswerErrorEx 621", "client.queryAnswerErrorEx 621"}}},
          -1})
      .run();
}

}  // namespace
}  // namespace cocoon::proxy::testing
