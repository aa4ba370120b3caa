// From a TCP connection to an open link, both sides (wire.md 2.1, 2.2, 2.5, 2.6.2).
#include "base/log.hpp"
#include "net/link.hpp"
#include "net/off_loop.hpp"
#include "net/pow_gate.hpp"

namespace cocoon::net {
namespace {

constexpr std::size_t kHandshakeRead = 16 * 1024;
// A peer's whole first flights, certificates with quotes included; more is not a handshake.
constexpr std::size_t kHandshakeLimit = 256 * 1024;

// Who a router says the peer is. What the router has verified is taken as it is.
tee::Peer peer_from_record(const wire::PeerRecord& record) {
  tee::Peer peer;
  peer.public_key = record.public_key;
  auto& verdict = peer.verdict;
  verdict.accepted = true;
  verdict.signer = "the router in front";
  verdict.pass_check("router");
  verdict.image_hash = tee::image_hash_of_nothing();
  const BytesView report(record.report);
  if (record.family == wire::PeerRecord::Family::sev && report.size() >= 112) {
    verdict.snp.measurement = tee::Bits384::from(report);
    verdict.report_data = Bits512::from(report.subspan(48));
    verdict.kind = tee::TeeKind::snp;
    verdict.image_hash = tee::image_hash(verdict.snp);
  } else if (record.family == wire::PeerRecord::Family::tdx && report.size() >= 448) {
    const auto field = [&](std::size_t i) { return tee::Bits384::from(report.subspan(48 * i)); };
    verdict.tdx = {field(0), field(1), field(2), field(3), {field(4), field(5), field(6), field(7)}};
    verdict.report_data = Bits512::from(report.subspan(384));
    const bool measured = verdict.tdx != tee::TdxMeasurements{};
    verdict.kind = measured                        ? tee::TeeKind::tdx
                   : verdict.report_data.is_zero() ? tee::TeeKind::none
                                                   : tee::TeeKind::fake;
    verdict.image_hash = tee::image_hash(verdict.tdx);
    if (report.size() >= 496) verdict.root_key_id = tee::Bits384::from(report.subspan(448));
  }
  peer.tee = verdict.kind;
  peer.image_hash = verdict.image_hash;
  return peer;
}

}  // namespace

// One handshake: the link it will become, the step it is at, and that step's deadline.
class Handshake {
 public:
  Handshake(tcp::socket socket, LinkConfig config, bool outgoing)
      : config_(std::move(config)),
        link_(new Link(std::move(socket), config_.options)),
        deadline_(link_->socket_.get_executor(), [this] {
          late_ = true;
          stop();
        }) {
    link_->peer_.outgoing = outgoing;
  }
  ~Handshake() {
    stop_solving_->store(true);
    if (!done_) stop();
  }

  static Task<Result<LinkPtr>> connect(Executor executor, tcp::endpoint target, LinkConfig config) {
    Handshake self(tcp::socket(executor), std::move(config), true);
    const auto result = co_await self.run_connecting(target);
    co_return self.outcome(result);
  }
  static Task<Result<LinkPtr>> accept(tcp::socket socket, LinkConfig config, int difficulty) {
    Handshake self(std::move(socket), std::move(config), false);
    const auto result = co_await self.run_accepting(difficulty);
    co_return self.outcome(result);
  }

 private:
  void stop() {
    stop_solving_->store(true);
    boost::system::error_code ec;
    link_->socket_.close(ec);
  }
  void step(std::string_view name, Millis limit) {
    step_ = name;
    deadline_.set(limit);
  }
  Result<LinkPtr> outcome(const Result<>& result) {
    deadline_.clear();
    if (result && !late_) {
      done_ = true;
      return link_;
    }
    if (late_) return fail(net_timeout, "{}: the other side did not answer in time", step_);
    const auto& error = result.error();
    return fail(error.code == 0 ? int{net_malformed} : error.code, "{}: {}", step_, error.what);
  }

  Task<Result<>> run_connecting(tcp::endpoint target) {
    step("TCP", config_.options.tcp_time);
    auto& socket = link_->socket_;
    const auto [ec] = co_await socket.async_connect(target, no_throw);
    if (ec) co_return fail(net_refused, ec.message());
    boost::system::error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    socket.non_blocking(true, ignored);
    link_->peer_.remote = target;
    link_->peer_.local = socket.local_endpoint(ignored);
    if (!config_.plain) {
      CO_TRY(co_await answer_challenge());
      CO_TRY(co_await tls());
      CO_TRY(co_await bind_session());
    }
    step("opening", config_.options.open_time);
    if (config_.plain) CO_TRY(co_await send_record());
    const auto id = static_cast<std::int64_t>(random_id());
    link_->send_control(wire::tcp::Connect::kId, id);
    if (config_.plain) CO_TRY(co_await receive_record());
    co_return co_await expect(wire::PacketKind::connected, id);
  }

  Task<Result<>> run_accepting(int difficulty) {
    if (!config_.plain) {
      CO_TRY(co_await challenge(difficulty));
      CO_TRY(co_await tls());
      CO_TRY(co_await bind_session());
    }
    step("opening", config_.options.open_time);
    if (config_.plain) {
      CO_TRY(co_await send_record());
      CO_TRY(co_await receive_record());
    }
    CO_TRY(co_await expect(wire::PacketKind::connect, 0));
    link_->send_control(wire::tcp::Connected::kId, link_->packet_.id);
    co_return Result<>{};
  }

  // --- Proof of work

  Task<Result<>> challenge(int difficulty) {
    step("proof of work", config_.options.pow_time);
    wire::pow::Challenge asked;
    asked.difficulty = difficulty;
    config_.credentials->random().fill(asked.salt);
    const auto question = wire::pow::encode_challenge(asked);
    CO_TRY(co_await send(question));
    FixedBytes<wire::pow::kResponseSize> answer;
    CO_TRY(co_await receive(answer));
    CO_TRY_ASSIGN(const auto nonce, wire::pow::decode_response(answer));
    if (!wire::pow::verify(asked, nonce)) co_return fail(net_malformed, "wrong nonce");
    co_return Result<>{};
  }

  // The answer is kept to leave in one segment with the first TLS flight.
  Task<Result<>> answer_challenge() {
    step("proof of work", config_.options.pow_time);
    FixedBytes<wire::pow::kChallengeSize> question;
    CO_TRY(co_await receive(question));
    CO_TRY_ASSIGN(const auto asked, wire::pow::decode_challenge(question));
    CO_TRY_ASSIGN(const auto nonce, co_await solve_pow(link_->socket_.get_executor(), asked,
                                                       config_.options.max_pow_difficulty, stop_solving_));
    append(out_, wire::pow::encode_response(nonce));
    co_return Result<>{};
  }

  // --- TLS

  Task<Result<>> tls() {
    step("TLS", config_.options.tls_time);
    const bool outgoing = link_->peer_.outgoing;
    const auto ours = outgoing ? tee::Side::client : tee::Side::server;
    const auto theirs = outgoing ? tee::Side::server : tee::Side::client;
    const auto context = config_.credentials->context();
    own_key_ = config_.credentials->public_key();
    link_->tls_ = std::make_unique<TlsSession>(
        context, ours, [judge = config_.judge, theirs, raw = link_.get()](BytesView der) -> Result<> {
          TRY_ASSIGN(raw->peer_.peer, judge->judge(der, theirs));
          raw->peer_.certificate = to_bytes(der);
          raw->peer_.judge = judge;
          raw->peer_.since = wall_clock();
          return {};
        });
    auto& session = *link_->tls_;
    Bytes in(kHandshakeRead);
    std::size_t fed = 0;
    while (true) {
      const auto complete = session.handshake();
      session.take_output(out_);
      if (!out_.empty()) {
        const auto sent = co_await send(out_);
        out_.clear();
        if (complete && !sent) co_return sent;
      }
      if (!complete) co_return std::unexpected(complete.error());
      if (*complete) co_return Result<>{};
      const auto [ec, n] = co_await link_->socket_.async_read_some(asio::buffer(in), no_throw);
      if (ec) co_return fail(net_closed, "closed by the other side");
      if (fed += n; fed > kHandshakeLimit)
        co_return fail(net_malformed, "a handshake of over {} bytes", kHandshakeLimit);
      session.feed(BytesView(in).first(n));
    }
  }

  // --- Evidence for this session (tee/session_binding.hpp), where both sides can: nonces cross, then evidence.

  Task<Result<>> bind_session() {
    auto& session = *link_->tls_;
    link_->peer_.additions = session.binds_sessions();
    if (!session.binds_sessions()) {
      co_return config_.judge->needs_session()
          ? fail(net_untrusted, "the peer cannot prove that its evidence is for this session")
          : Result<>{};
    }
    step("session evidence", config_.options.tls_time);
    Bits256 nonce, theirs;
    config_.credentials->random().fill(nonce);
    CO_TRY(co_await write_plain(nonce));
    CO_TRY(co_await read_plain(theirs));
    CO_TRY_ASSIGN(const auto exporter, session.exported(tee::kSessionExporterLabel));
    const bool outgoing = link_->peer_.outgoing;
    const tee::SessionChallenge to_us{outgoing ? tee::Side::client : tee::Side::server, exporter, theirs, own_key_};
    CO_TRY(co_await show_evidence(to_us));
    FixedBytes<4> head;
    CO_TRY(co_await read_plain(head));
    const auto size =
        std::size_t{head[0]} | std::size_t{head[1]} << 8 | std::size_t{head[2]} << 16 | std::size_t{head[3]} << 24;
    if (size > tee::kMaxSessionEvidence) co_return fail(net_malformed, "session evidence of {} bytes", size);
    Bytes raw(size);
    CO_TRY(co_await read_plain(raw));
    auto proof = std::make_shared<SessionProof>();
    CO_TRY_ASSIGN(proof->evidence, tee::decode_session_evidence(raw));
    auto& peer = link_->peer_.peer;
    proof->challenge = {outgoing ? tee::Side::server : tee::Side::client, exporter, nonce, peer.public_key};
    CO_TRY(config_.judge->judge_session(*proof, peer));
    if (peer.verdict.session_bound || config_.options.keep_unread_session) link_->peer_.session = std::move(proof);
    co_return Result<>{};
  }

  // An attester that fails shows nothing: the other side decides what that is worth.
  Task<Result<>> show_evidence(tee::SessionChallenge challenge) {
    std::function<Result<tee::SessionEvidence>()> attest = [credentials = config_.credentials, challenge] {
      return credentials->attest_session(challenge);
    };
    auto evidence = co_await off_loop<tee::SessionEvidence>(link_->socket_.get_executor(), OffLoop::attesting,
                                                            config_.options.tls_time, attest);
    auto body = tee::encode_session_evidence(evidence ? *evidence : tee::SessionEvidence{});
    if (body.size() > tee::kMaxSessionEvidence) {
      log::warn("net", "evidence for a session of {} bytes is more than a peer reads: nothing is shown", body.size());
      body = tee::encode_session_evidence({});
    }
    Bytes message;
    for (int shift = 0; shift < 32; shift += 8)
      message.push_back(static_cast<std::uint8_t>(body.size() >> shift & 0xff));
    append(message, body);
    co_return co_await write_plain(message);
  }

  Task<Result<>> write_plain(BytesView bytes) {
    CO_TRY(link_->tls_->write(bytes));
    link_->tls_->take_output(out_);
    const auto sent = co_await send(out_);
    out_.clear();
    co_return sent;
  }
  // Exactly as many bytes as there is room for; what follows stays in the session.
  Task<Result<>> read_plain(std::span<std::uint8_t> into) {
    Bytes cipher(kHandshakeRead);
    while (!into.empty()) {
      const auto n = link_->tls_->read(into);
      if (!n) co_return fail(net_closed, closed_text(n.error().what));
      into = into.subspan(*n);
      if (*n > 0) continue;
      const auto [ec, got] = co_await link_->socket_.async_read_some(asio::buffer(cipher), no_throw);
      if (ec) co_return fail(net_closed, closed_text("closed by the other side"));
      link_->tls_->feed(BytesView(cipher).first(got));
    }
    co_return Result<>{};
  }

  // --- Peer record (plain mode)

  Task<Result<>> send_record() {
    if (!config_.plain->write_record) co_return Result<>{};
    const auto record = wire::encode_peer_record(*config_.plain->write_record);
    co_return co_await send(record);
  }
  Task<Result<>> receive_record() {
    if (!config_.plain->read_record) co_return Result<>{};
    FixedBytes<4> length;
    CO_TRY(co_await receive(length));
    CO_TRY_ASSIGN(const auto size, wire::peer_record_size(length));
    Bytes raw(size);
    CO_TRY(co_await receive(raw));
    CO_TRY_ASSIGN(const auto record, wire::decode_peer_record(raw));
    link_->peer_.peer = peer_from_record(record);
    co_return Result<>{};
  }

  // --- tcp.connect, tcp.connected

  Task<Result<>> expect(wire::PacketKind kind, std::int64_t id) {
    while (true) {
      const auto found = link_->next_packet();
      if (!found && found.error().code == net_closed) co_return fail(net_closed, closed_text(found.error().what));
      if (!found) co_return std::unexpected(found.error());
      if (*found) break;
      CO_TRY(co_await read_more());
    }
    const auto& packet = link_->packet_;
    if (packet.kind != kind) co_return fail(net_malformed, "the first packet is not the opening one");
    if (kind == wire::PacketKind::connected && packet.id != id)
      co_return fail(net_malformed, "tcp.connected carries another id than tcp.connect");
    co_return Result<>{};
  }

  Task<Result<>> read_more() {
    auto& link = *link_;
    std::span<std::uint8_t> room;
    if (link.tls_) {
      link.cipher_in_.resize(kHandshakeRead);
      room = link.cipher_in_;
    } else {
      room = link.reader_.prepare(kHandshakeRead);
    }
    const auto [ec, n] = co_await link.socket_.async_read_some(asio::buffer(room.data(), room.size()), no_throw);
    if (ec) co_return fail(net_closed, closed_text("closed by the other side"));
    if (link.tls_)
      link.tls_->feed(BytesView(link.cipher_in_).first(n));
    else
      link.reader_.commit(n);
    co_return Result<>{};
  }

  // A server that does not accept a client certificate just closes, after the client's handshake has succeeded.
  std::string closed_text(std::string_view what) const {
    const bool refused = link_->peer_.outgoing && link_->tls_;
    return fmt::format("{}{}", what, refused ? " (it may not accept our certificate)" : "");
  }

  // --- Bytes

  Task<Result<>> send(BytesView bytes) {
    const auto [ec, n] = co_await asio::async_write(link_->socket_, asio::buffer(bytes.data(), bytes.size()), no_throw);
    static_cast<void>(n);
    if (ec) co_return fail(net_closed, "closed by the other side");
    co_return Result<>{};
  }
  Task<Result<>> receive(std::span<std::uint8_t> bytes) {
    const auto [ec, n] = co_await asio::async_read(link_->socket_, asio::buffer(bytes.data(), bytes.size()), no_throw);
    static_cast<void>(n);
    if (ec) co_return fail(net_closed, "closed by the other side");
    co_return Result<>{};
  }
  std::uint64_t random_id() {
    return config_.credentials ? config_.credentials->random().u64() : crypto::Random::from_os().u64();
  }

  LinkConfig config_;
  LinkPtr link_;
  Watchdog deadline_;
  std::string_view step_ = "TCP";
  bool late_ = false, done_ = false;
  std::shared_ptr<std::atomic<bool>> stop_solving_ = std::make_shared<std::atomic<bool>>(false);
  Bytes out_;
  crypto::PublicKey own_key_;  // of the certificate that this session shows
};

Task<Result<LinkPtr>> connect_link(Executor executor, tcp::endpoint target, LinkConfig config) {
  return Handshake::connect(std::move(executor), target, std::move(config));
}

Task<Result<LinkPtr>> accept_link(tcp::socket socket, LinkConfig config, int pow_difficulty) {
  return Handshake::accept(std::move(socket), std::move(config), pow_difficulty);
}

}  // namespace cocoon::net
