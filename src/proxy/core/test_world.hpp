// For tests: a proxy core with its disk, its chain and its peers, on a clock that moves when told to.
#pragma once
#include <gtest/gtest.h>

#include "proxy/core/core.hpp"
#include "proxy/core/test_chain.hpp"

namespace cocoon::proxy::testing {

inline crypto::Seed seed_of(std::string_view name) { return crypto::sha256(as_bytes(name)); }
inline ton::Address address_of(std::string_view name) { return {0, crypto::sha256(as_bytes(name))}; }

inline Config test_config() {
  Config c;
  c.machine_seed = seed_of("machine");
  c.wallet_seed = seed_of("wallet");
  c.owner = address_of("proxy owner");
  c.wallet_owner = c.owner;
  c.wallet_code = contract_code::wallet();
  c.root = {0, crypto::sha256(as_bytes("root"))};
  c.is_test = true;
  c.check_worker_image = false;
  c.check_model = false;
  c.reserve_largest_multiplier = false;
  c.snapshot_every = std::chrono::seconds(1);
  c.commit_every = std::chrono::seconds(5);
  c.charge_client_at = 1'000;  // nanoTON
  c.pay_worker_at = 1'000;
  c.withdraw_at = 0;
  return c;
}

// What a peer was sent.
struct Said {
  enum class Kind { answer, error, packet, query, closed };
  Kind kind{};
  std::int64_t id = 0;  // answer, error
  int code = 0;         // error
  Bytes data;           // answer, packet, query
  std::string text;     // error, closed

  std::uint32_t constructor() const { return wire::peek_id(data); }
};

class World {
 public:
  explicit World(Config config = test_config(), bool start = true)
      : config_(std::move(config)), chain(config_.owner, config_.machine_seed, config_.wallet_seed) {
    boot();
    if (start) {
      observe_all();
      EXPECT_TRUE(core->serving()) << core->status(now).waiting_for;
    }
  }

  // A (re)start of the process: what is stored survives, links do not.
  void boot() {
    auto made = Core::make(config_, crypto::Random(seed_of("random " + std::to_string(++boots_))), stored);
    ASSERT_TRUE(made.has_value()) << made.error().what;
    core = *std::move(made);
    watched_.clear();
    said.clear();
    std::vector<Effect> out;
    core->start(now, out);
    apply(std::move(out));
  }

  void feed(Event event) {
    queue_.push_back(std::move(event));
    if (std::exchange(busy_, true)) return;
    while (!queue_.empty()) {
      const Event next = std::move(queue_.front());
      queue_.erase(queue_.begin());
      std::vector<Effect> out;
      core->handle(next, now, out);
      apply(std::move(out));
    }
    busy_ = false;
  }

  // Lets time pass; what falls due on the way is done at its time. The chain is looked at every second.
  void advance(Duration d) {
    const Time until = now + d;
    while (now < until) {
      const Time look = now + std::chrono::seconds(1);
      now = std::min({until, std::max(core->wake_at(), now + Duration(1)), look});
      chain.now = unix_time(now);
      feed(role::Tick{});
      // As the real watcher does: news at once, and an unmoved account again now and then, for the chain's clock.
      if (now >= next_repeat_) {
        next_repeat_ = now + std::chrono::seconds(3);
        for (const auto& [address, lt] : watched_) chain.changed.insert(address);
      }
      observe_changed();
    }
  }
  void seconds(int n) { advance(std::chrono::seconds(n)); }

  void observe_all() {
    observe(chain.root_address);
    observe(chain.wallet());
    observe(chain.instance().address());
    for (int i = 0; i < 40 && !core->serving(); ++i) seconds(1);
  }
  void observe(const ton::Address& address) {
    const auto it = watched_.find(address);
    if (it == watched_.end()) return;
    auto seen = chain.show(address, it->second);
    it->second = std::max(it->second, chain.last_lt(address));
    feed(std::move(seen));
  }
  void observe_changed() {
    for (const auto& address : std::exchange(chain.changed, {})) observe(address);
  }

  // --- peers
  role::LinkId up(int port, const role::Peer& peer = {}) {
    const role::LinkId link = ++links_;
    feed(role::LinkUp{link, 0, port, peer});
    return link;
  }
  void down(role::LinkId link) { feed(role::LinkDown{link, "peer closed"}); }
  std::int64_t query_bytes(role::LinkId link, Bytes data) {
    feed(role::QueryIn{link, ++queries_, std::move(data)});
    return queries_;
  }
  template <class T>
  std::int64_t query(role::LinkId link, const T& message) {
    return query_bytes(link, wire::encode(message));
  }
  template <class T>
  void packet(role::LinkId link, const T& message) {
    feed(role::PacketIn{link, wire::encode(message)});
  }
  // As the shell does: what the core need not see goes by it.
  template <class T>
  void carried_packet(role::LinkId link, const T& message) {
    Bytes out;
    const auto carried = core->carry(link, wire::encode(message), out);
    if (!carried) return packet(link, message);
    said[carried->client].push_back({.kind = Said::Kind::packet, .data = std::move(out)});
  }
  // Everything said to a link since the last time.
  std::vector<Said> take(role::LinkId link) { return std::exchange(said[link], {}); }
  // The one answer to a query just made, decoded.
  template <class T>
  T answer(role::LinkId link) {
    const auto all = take(link);
    EXPECT_EQ(all.size(), 1u);
    if (all.empty()) return {};
    EXPECT_EQ(all[0].kind, Said::Kind::answer) << all[0].code << " " << all[0].text;
    auto out = wire::decode<T>(all[0].data);
    EXPECT_TRUE(out.has_value());
    return out ? *out : T{};
  }

  wire::client::ConnectToProxy client_hello(const ton::Address& owner, int min = 0, int max = 4) const {
    wire::client::ConnectToProxy hello;
    hello.params.client_owner_address = ton::to_friendly_text(owner);
    hello.params.set_is_test(true);
    if (max > 0) hello.params.set_versions(min, max);
    return hello;
  }
  wire::worker::ConnectToProxy worker_hello(const ton::Address& owner, int min = 1, int max = 4) const {
    wire::worker::ConnectToProxy hello;
    hello.params.worker_owner_address = ton::to_friendly_text(owner);
    hello.params.model = "test/model@commit:hash";
    hello.params.coefficient = 1000;
    hello.params.set_limits(true, 1, 5);
    if (max > 0) hello.params.set_versions(min, max);
    return hello;
  }
  // A client whose contract holds money, past its handshake.
  role::LinkId client(std::string_view name = "client", int version = 4) {
    const ton::Address owner = address_of(name);
    if (!chain.clients.contains(owner)) {
      chain.client_deposits(owner, 10 * ton::kTon, crypto::sha256(as_bytes("secret")));
      observe_changed();
    }
    const role::LinkId link = up(kClientPort);
    query(link, client_hello(owner, 0, version));
    query(link, wire::client::AuthorizeWithProxyShort{to_bytes("secret")});
    const auto all = take(link);
    EXPECT_EQ(all.size(), 2u);
    for (const auto& s : all) EXPECT_EQ(s.kind, Said::Kind::answer) << s.text;
    return link;
  }
  role::LinkId worker(std::string_view name = "worker", int version = 4) {
    return worker(worker_hello(address_of(name), 0, version));
  }
  role::LinkId worker(const wire::worker::ConnectToProxy& hello, const role::Peer& peer = {}) {
    const role::LinkId link = up(kWorkerPort, peer);
    query(link, hello);
    query(link, wire::worker::CompareBalanceWithProxy{});
    query(link, wire::worker::ProxyHandshakeComplete{});
    const auto all = take(link);
    EXPECT_EQ(all.size(), 3u);
    for (const auto& s : all) EXPECT_EQ(s.kind, Said::Kind::answer) << s.text;
    return link;
  }

  static Bytes http_request() {
    wire::http::Request r;
    r.method = "POST";
    r.url = "/v1/chat/completions";
    r.http_version = "HTTP/1.0";
    r.payload = to_bytes(std::string(R"({"model":"test/model"})"));
    return wire::encode(r);
  }
  static Bytes http_response() {
    wire::http::Response r;
    r.http_version = "HTTP/1.1";
    r.status_code = 200;
    r.headers.push_back({"Content-Type", "application/json"});
    return wire::encode(r);
  }
  wire::client::RunQueryEx ask() {
    wire::client::RunQueryEx q;
    q.model_name = "test/model";
    q.query = http_request();
    q.max_coefficient = 4000;
    q.max_tokens = 100;
    q.timeout = 10;
    q.request_id = crypto::sha256(as_bytes("request " + std::to_string(++requests_)));
    q.set_debug(false);
    return q;
  }
  // The worker's final part.
  static wire::proxy::QueryAnswerPartEx last_part(const Bits256& request, std::int64_t tokens) {
    wire::proxy::QueryFinalInfo info;
    info.tokens_used.prompt_tokens_used = tokens / 2;
    info.tokens_used.completion_tokens_used = tokens - tokens / 2;
    info.tokens_used.total_tokens_used = tokens;
    info.set_times(1.5, 2.5);
    wire::proxy::QueryAnswerPartEx part;
    part.request_id = request;
    part.set_final_info(info);
    return part;
  }
  static wire::proxy::QueryAnswerEx head(const Bits256& request) {
    wire::proxy::QueryAnswerEx h;
    h.request_id = request;
    h.answer = http_response();
    return h;
  }
  // A part that is not the last, counted by a worker that was asked to.
  static wire::proxy::QueryAnswerPartCounted counted_part(const Bits256& request, std::int64_t tokens) {
    return {request, to_bytes("text"), last_part(request, tokens).final_info.tokens_used};
  }
  // The id under which a worker was asked last.
  Bits256 asked(role::LinkId worker_link) {
    for (const auto& s : take(worker_link))
      if (s.kind == Said::Kind::packet && s.constructor() == wire::proxy::RunQueryEx::kId)
        return wire::decode<wire::proxy::RunQueryEx>(s.data)->request_id;
    ADD_FAILURE() << "the worker was not asked";
    return {};
  }
  // A whole request; leaves what the client was sent in said[client].
  void converse(role::LinkId client_link, role::LinkId worker_link, std::int64_t tokens) {
    packet(client_link, ask());
    const Bits256 id = asked(worker_link);
    packet(worker_link, head(id));
    packet(worker_link, last_part(id, tokens));
  }

 private:
  void apply(std::vector<Effect> effects) {
    for (auto& effect : effects) std::visit([this](auto& e) { on(e); }, effect);
  }
  void on(role::CloseLink& e) {
    said[e.link].push_back({.kind = Said::Kind::closed, .text = e.reason});
    feed(role::LinkDown{e.link, e.reason});
  }
  void on(role::SendPacket& e) { said[e.link].push_back({.kind = Said::Kind::packet, .data = std::move(e.data)}); }
  void on(role::SendQuery& e) {
    said[e.link].push_back(
        {.kind = Said::Kind::query, .id = static_cast<std::int64_t>(e.token), .data = std::move(e.data)});
  }
  void on(role::Answer& e) {
    said[e.link].push_back({.kind = Said::Kind::answer, .id = e.id, .data = std::move(e.data)});
  }
  void on(role::AnswerError& e) {
    said[e.link].push_back({.kind = Said::Kind::error, .id = e.id, .code = e.code, .text = e.message});
  }
  void on(role::Watch& e) {
    watched_.emplace(e.address, e.from_lt);
    chain.changed.insert(e.address);
  }
  void on(role::Unwatch& e) { watched_.erase(e.address); }
  void on(role::SendExternal& e) { chain.execute(e.boc); }
  void on(role::Log& e) { log.push_back(e.text); }
  void on(role::OrderAnswer& e) { answers.push_back(std::move(e)); }
  void on(role::OrderDone& e) { outcomes.push_back(std::move(e)); }
  void on(WriteSnapshot& e) {
    writes.push_back(e.number);
    if (disk_fails) return feed(SnapshotFailed{e.number, "disk full"});
    if (disk_hangs) return;
    stored = std::move(e.data);
    feed(SnapshotDurable{e.number});
  }

  Config config_;

 public:
  TestChain chain;
  std::unique_ptr<Core> core;
  Time now = from_unix(1'700'000'000);
  Bytes stored;  // the disk
  bool disk_fails = false, disk_hangs = false;
  std::map<role::LinkId, std::vector<Said>> said;
  std::vector<std::string> log;
  std::vector<role::OrderAnswer> answers;
  std::vector<role::OrderDone> outcomes;
  std::vector<std::uint64_t> writes;

 private:
  Time next_repeat_{};
  std::vector<Event> queue_;
  bool busy_ = false;
  std::map<ton::Address, std::uint64_t> watched_;
  role::LinkId links_ = 0;
  std::int64_t queries_ = 0;
  int boots_ = 0, requests_ = 0;
};

// The link got one error with this code, and was closed or not.
inline void expect_refused(World& w, role::LinkId link, int code, bool closes) {
  const auto said = w.take(link);
  ASSERT_EQ(said.size(), closes ? 2u : 1u);
  EXPECT_EQ(said[0].kind, Said::Kind::error);
  EXPECT_EQ(said[0].code, code) << said[0].text;
  EXPECT_TRUE(!closes || said[1].kind == Said::Kind::closed);
}

}  // namespace cocoon::proxy::testing
