// One established Cocoon connection: TCP, proof of work, mutual TLS, frames, tcp.connect/connected (wire.md 2).
#pragma once
#include <functional>
#include <memory>
#include <optional>

#include "net/credentials.hpp"
#include "net/event.hpp"
#include "wire/frame.hpp"
#include "wire/packet.hpp"
#include "wire/peer_record.hpp"
#include "wire/pow.hpp"

namespace cocoon::net {

struct LinkOptions {
  // Each step of the handshake has its own deadline.
  Millis tcp_time{5'000};
  Millis pow_time{30'000};
  Millis tls_time{15'000};
  Millis open_time{10'000};  // tcp.connect / tcp.connected (and the peer record in plain mode)
  int max_pow_difficulty = wire::pow::kDefaultMaxDifficulty;

  // Liveness (wire.md 2.6.4). The connecting side pings after silence; the accepting side only listens.
  Millis ping_after{10'000};
  Millis connecting_silence{20'000};
  Millis accepting_silence{60'000};
  Millis write_stall{60'000};  // bytes are waiting and none is taken

  std::uint32_t max_payload = wire::kMaxPayload;
  bool keep_unread_session = false;  // PeerInfo::session also where the policy reads no evidence: for who only looks
  // Bytes queued for sending: above `high_water` the link is not writable(), below `low_water` it is again; beyond
  // `max_queue` it is closed, because whoever sends ignores that.
  std::size_t high_water = 4u << 20;
  std::size_t low_water = 1u << 20;
  std::size_t max_queue = 96u << 20;
};

// Plain TCP behind a separate router, or for tests: no proof of work, no TLS, a peer record in front (wire.md 2.5).
struct PlainMode {
  bool read_record = true;                       // the other end of the socket is a router: its record comes first
  std::optional<wire::PeerRecord> write_record;  // play the router: send this first
};

// What both ends of a port agree on beforehand.
struct LinkConfig {
  std::shared_ptr<Credentials> credentials;  // not used in plain mode
  std::shared_ptr<PeerJudge> judge;          // not used in plain mode
  LinkOptions options;
  std::optional<PlainMode> plain;
};

struct PeerInfo {
  tee::Peer peer;
  Bytes certificate;                            // DER, as the peer showed it; empty in plain mode
  std::shared_ptr<PeerJudge> judge;             // who let the peer in; null in plain mode
  Time since;                                   // when
  std::shared_ptr<const SessionProof> session;  // null: the peer did not prove this session, or nobody read it
  tcp::endpoint remote, local;
  bool outgoing = false;   // we dialled
  bool additions = false;  // the peer is of our kind: it showed our private TLS extension (net/tls.hpp)
};

class Link;

// Whoever owns a link. Calls come on the link's executor, never from inside a call to the link.
class LinkOwner {
 public:
  virtual ~LinkOwner() = default;
  // packet, query, query_answer or query_error, in the order of arrival; the view is valid during the call.
  virtual void on_packet(Link&, const wire::PacketView&) = 0;
  // The queue fell below low water after writable() had become false.
  virtual void on_writable(Link&) {}
  // Once, last. The link sends and delivers nothing any more.
  virtual void on_closed(Link&, const Error& why) = 0;
};

class Link : public std::enable_shared_from_this<Link> {
 public:
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  // Begins delivery. The owner must outlive the link or call detach(); until start() nothing is read.
  void start(LinkOwner* owner);
  void detach();

  const PeerInfo& peer() const { return peer_; }
  // The peer's evidence was judged anew (PeerJudge::judge_again).
  void judged_again(tee::Peer peer) { peer_.peer = std::move(peer); }
  bool open() const { return !closed_ && !ending_; }

  // Queue one message; its object is already boxed TL (wire/messages.hpp). False: the link is closed, or the message is
  // larger than a frame can be. Messages queued in one turn of the event loop leave together.
  bool send_packet(BytesView object);
  bool send_query(std::int64_t id, BytesView object);
  bool send_answer(std::int64_t id, BytesView object);
  bool send_error(std::int64_t id, int code, std::string_view message);

  std::size_t queued() const;
  bool writable() const { return queued() < options_.high_water; }
  // A reader that cannot keep up stops reading: the other side's writes then wait.
  void pause_reading();
  void resume_reading();

  // At once; what is queued is lost.
  void close(Error why);
  // Sends what is queued first (for two seconds at most); nothing more is delivered or taken.
  void finish(Error why);

  // Besides the owner, for whoever keeps the link alive (a dialer, a listener).
  void on_closed(std::function<void(const Error&)> hook) { closed_hook_ = std::move(hook); }

 private:
  friend class Handshake;
  Link(tcp::socket socket, LinkOptions options);

  template <class Fields>
  bool send_object(std::uint32_t id, std::size_t size, const Fields& fields);
  bool send_control(std::uint32_t id, std::int64_t value);  // tcp.ping, pong, connect, connected
  void schedule_flush();
  void flush();
  void written(boost::system::error_code ec);
  void read();
  void on_read(boost::system::error_code ec, std::size_t n);
  bool deliver();              // everything that can be delivered now; false: closed
  Result<bool> next_packet();  // false: more bytes are needed
  void handle(const wire::PacketView&);
  void tick();
  void arm();
  void closed_by_peer(std::string_view how);

  tcp::socket socket_;
  LinkOptions options_;
  PeerInfo peer_;
  std::unique_ptr<TlsSession> tls_;  // none in plain mode
  LinkOwner* owner_ = nullptr;
  std::function<void(const Error&)> closed_hook_;

  wire::FrameReader reader_;
  Bytes cipher_in_;
  wire::PacketView packet_;  // the one next_packet() found
  bool started_ = false, reading_ = false, paused_ = false, delivering_ = false;

  wire::FrameWriter writer_;
  Bytes filling_;  // frames not yet handed to TLS; those before sent_ already were
  std::size_t sent_ = 0;
  Bytes cipher_out_;
  bool writing_ = false, flush_scheduled_ = false, was_full_ = false;

  asio::steady_timer timer_;
  SteadyTime last_received_, write_began_;
  bool pinged_ = false;
  std::int64_t ping_id_ = 0;
  bool closed_ = false, ending_ = false, flushed_end_ = false;
  std::optional<Error> end_reason_;
};

using LinkPtr = std::shared_ptr<Link>;

// The whole handshake of either side. Errors: net_refused, net_timeout, net_closed, net_malformed, net_untrusted; the
// text says at which step. The socket is closed on error.
Task<Result<LinkPtr>> connect_link(Executor executor, tcp::endpoint target, LinkConfig config);
Task<Result<LinkPtr>> accept_link(tcp::socket socket, LinkConfig config, int pow_difficulty);

}  // namespace cocoon::net
