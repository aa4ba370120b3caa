#include "net/link.hpp"

#include "base/log.hpp"
#include "net/address.hpp"
#include "net/buffers.hpp"
#include "tl/tl.hpp"

namespace cocoon::net {
namespace {

// Buffers are small while little comes, so that an idle link costs little, and grow with what arrives at once.
constexpr std::size_t kSmallRead = 2 * 1024;
constexpr std::size_t kCipherRead = 64 * 1024;
constexpr std::size_t kPlainRead = 64 * 1024;
constexpr std::size_t kTlsRead = 16 * 1024;
// Encrypted in one go and written in one call: large enough to be cheap, small enough that a ping is not stuck behind.
constexpr std::size_t kWriteSlice = 256 * 1024;
constexpr Millis kFinishTime{2'000};
constexpr Millis kBusy{1'000};  // a link that heard something within this keeps its TLS buffers

SteadyTime steady_now() { return std::chrono::steady_clock::now(); }

}  // namespace

Link::Link(tcp::socket socket, LinkOptions options)
    : socket_(std::move(socket)),
      options_(options),
      reader_(options.max_payload),
      writer_(options.max_payload),
      timer_(socket_.get_executor()),
      last_received_(steady_now()) {
  boost::system::error_code ec;
  socket_.set_option(tcp::no_delay(true), ec);
  socket_.non_blocking(true, ec);
  peer_.remote = socket_.remote_endpoint(ec);
  peer_.local = socket_.local_endpoint(ec);
}

Link::~Link() {
  if (closed_hook_) closed_hook_({net_closed, "nobody kept the link"});
}

void Link::start(LinkOwner* owner) {
  owner_ = owner;
  if (started_ || closed_) return;
  started_ = true;
  last_received_ = steady_now();
  arm();
  // Frames may have come together with the end of the handshake; the owner hears of them after this call.
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
    if (self->deliver()) self->read();
  });
}

void Link::detach() { owner_ = nullptr; }

// --- Sending

std::size_t Link::queued() const { return filling_.size() - sent_ + (writing_ ? cipher_out_.size() : 0); }

// One frame: the tcp.* object's id, then `fields(writer)`, `size` bytes in all.
template <class Fields>
bool Link::send_object(std::uint32_t id, std::size_t size, const Fields& fields) {
  if (closed_ || ending_) return false;
  const auto header = writer_.header(size);
  if (!header) return false;
  if (queued() + size > options_.max_queue) {
    close({net_too_large, "the other side does not read what it is sent"});
    return false;
  }
  append(filling_, header->view());
  tl::Writer writer(filling_);
  writer.u32(id);
  fields(writer);
  was_full_ = was_full_ || !writable();
  schedule_flush();
  return true;
}

bool Link::send_control(std::uint32_t id, std::int64_t value) {
  return send_object(id, 12, [&](tl::Writer& w) { w.i64(value); });
}

bool Link::send_packet(BytesView object) {
  return send_object(wire::tcp::Packet::kId, 4 + tl::string_size(object.size()),
                     [&](tl::Writer& w) { w.bytes(object); });
}

bool Link::send_query(std::int64_t id, BytesView object) {
  return send_object(wire::tcp::Query::kId, 12 + tl::string_size(object.size()), [&](tl::Writer& w) {
    w.i64(id);
    w.bytes(object);
  });
}

bool Link::send_answer(std::int64_t id, BytesView object) {
  return send_object(wire::tcp::QueryAnswer::kId, 12 + tl::string_size(object.size()), [&](tl::Writer& w) {
    w.i64(id);
    w.bytes(object);
  });
}

bool Link::send_error(std::int64_t id, int code, std::string_view message) {
  return send_object(wire::tcp::QueryError::kId, 16 + tl::string_size(message.size()), [&](tl::Writer& w) {
    w.i64(id);
    w.i32(code);
    w.bytes(as_bytes(message));
  });
}

void Link::schedule_flush() {
  if (flush_scheduled_ || writing_) return;
  flush_scheduled_ = true;
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
    self->flush_scheduled_ = false;
    self->flush();
  });
}

void Link::flush() {
  if (writing_ || closed_ || flushed_end_) return;
  const auto plain = BytesView(filling_).subspan(sent_, std::min(filling_.size() - sent_, kWriteSlice));
  if (tls_) {
    if (!plain.empty()) {
      if (auto sealed = tls_->write(plain); !sealed) return close(std::move(sealed).error());
    }
    tls_->take_output(cipher_out_);
  } else {
    append(cipher_out_, plain);
  }
  sent_ += plain.size();
  if (sent_ == filling_.size()) {
    clear_slowly(filling_);
    sent_ = 0;
  }
  if (cipher_out_.empty()) {
    // Our last words are out. The other side's end of stream closes; closing now could reset them away.
    boost::system::error_code ec;
    flushed_end_ = ending_;
    if (ending_) socket_.shutdown(tcp::socket::shutdown_send, ec);
    return;
  }
  // Mostly the kernel takes everything at once; only what it does not take is waited for.
  boost::system::error_code ec;
  const std::size_t taken = socket_.write_some(asio::buffer(cipher_out_), ec);
  if (ec && ec != asio::error::would_block) return closed_by_peer("reset");
  if (taken == cipher_out_.size()) return written({});
  writing_ = true;
  write_began_ = steady_now();
  asio::async_write(
      socket_, asio::buffer(cipher_out_) + taken,
      [self = shared_from_this()](boost::system::error_code error, std::size_t) { self->written(error); });
}

void Link::written(boost::system::error_code ec) {
  writing_ = false;
  clear_slowly(cipher_out_);
  if (closed_) return;
  if (ec) return closed_by_peer("reset");
  // Long queues would otherwise be moved byte by byte from the front again and again.
  if (sent_ > kWriteSlice * 4 && sent_ * 2 > filling_.size()) {
    filling_.erase(filling_.begin(), filling_.begin() + static_cast<std::ptrdiff_t>(sent_));
    sent_ = 0;
  }
  flush();
  if (was_full_ && !closed_ && queued() <= options_.low_water) {
    was_full_ = false;
    if (owner_ && !ending_) owner_->on_writable(*this);
  }
}

// --- Receiving

void Link::read() {
  if (!(started_ || ending_) || reading_ || paused_ || closed_) return;
  reading_ = true;
  std::span<std::uint8_t> room;
  if (tls_) {
    if (cipher_in_.empty()) cipher_in_.resize(kSmallRead);
    room = cipher_in_;
  } else {
    room = reader_.prepare(kPlainRead);
  }
  socket_.async_read_some(
      asio::buffer(room.data(), room.size()),
      [self = shared_from_this()](boost::system::error_code ec, std::size_t n) { self->on_read(ec, n); });
}

void Link::on_read(boost::system::error_code ec, std::size_t n) {
  reading_ = false;
  if (closed_) return;
  if (ec || n == 0) return closed_by_peer(ec && ec != asio::error::eof ? ec.message() : "ended");
  if (tls_) {
    tls_->keep_buffers(steady_now() - last_received_ < kBusy);
    tls_->feed(BytesView(cipher_in_).first(n));
    // Grows fast, shrinks slowly.
    const std::size_t room = cipher_in_.size();
    if (n == room && room < kCipherRead) Bytes(std::min(4 * room, kCipherRead)).swap(cipher_in_);
    if (n < room / 16 && room > kSmallRead) Bytes(room / 2).swap(cipher_in_);
  } else {
    reader_.commit(n);
  }
  if (deliver()) read();
}

Result<bool> Link::next_packet() {
  for (std::size_t wanted = cipher_in_.size() > kSmallRead ? kTlsRead : kSmallRead;; wanted = kTlsRead) {
    TRY_ASSIGN(const auto frame, reader_.next());
    if (frame) {
      TRY_ASSIGN(packet_, wire::view_packet(*frame));
      return true;
    }
    if (!tls_) return false;
    const auto room = reader_.prepare(wanted);
    TRY_ASSIGN(const auto n, tls_->read(room));
    if (n == 0) return false;
    reader_.commit(n);
  }
}

bool Link::deliver() {
  if (delivering_) return false;  // the owner called back into us; the outer call goes on
  delivering_ = true;
  bool any = false;
  while (!paused_ && !closed_) {
    const auto found = next_packet();
    if (!found) {
      const int code = found.error().code == 0 ? int{net_malformed} : found.error().code;
      close({code, found.error().what});
      break;
    }
    if (!*found) break;
    any = true;
    if (!ending_) handle(packet_);
  }
  delivering_ = false;
  if (any) {
    last_received_ = steady_now();
    pinged_ = false;
  }
  // TLS may have something to say that no frame of ours carries (a key update's answer).
  if (tls_ && !closed_ && tls_->has_output()) schedule_flush();
  return !closed_;
}

void Link::handle(const wire::PacketView& packet) {
  switch (packet.kind) {
    case wire::PacketKind::ping:
      if (!writable()) return;  // whoever floods us with pings and reads nothing gets no more pongs
      send_control(wire::tcp::Pong::kId, packet.id);
      return;
    case wire::PacketKind::pong:
    case wire::PacketKind::connect:
    case wire::PacketKind::connected:
      return;
    default:
      if (owner_) owner_->on_packet(*this, packet);
  }
}

void Link::pause_reading() { paused_ = true; }

void Link::resume_reading() {
  if (!paused_) return;
  paused_ = false;
  if (closed_ || !started_) return;
  last_received_ = steady_now();  // the silence was ours
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
    if (self->deliver()) self->read();
  });
}

// --- Time

void Link::arm() {
  const auto silence = peer_.outgoing ? options_.connecting_silence : options_.accepting_silence;
  auto due = last_received_ + silence;
  if (peer_.outgoing) due = std::min(due, (pinged_ ? steady_now() : last_received_) + options_.ping_after);
  if (writing_) due = std::min(due, write_began_ + options_.write_stall);
  if (ending_) due = steady_now() + kFinishTime;
  timer_.expires_at(due);
  timer_.async_wait([weak = weak_from_this()](boost::system::error_code ec) {
    if (auto self = weak.lock(); self && !ec) self->tick();
  });
}

void Link::tick() {
  if (closed_) return;
  if (ending_) return close(*end_reason_);
  const auto now = steady_now();
  if (writing_ && now >= write_began_ + options_.write_stall)
    return close({net_timeout, "the other side does not read"});
  const auto silence = peer_.outgoing ? options_.connecting_silence : options_.accepting_silence;
  if (!paused_ && now >= last_received_ + silence) return close({net_timeout, "the other side is silent"});
  if (peer_.outgoing && !pinged_ && now >= last_received_ + options_.ping_after) {
    pinged_ = true;
    send_control(wire::tcp::Ping::kId, ++ping_id_);
  }
  if (paused_) {  // the silence is ours
    last_received_ = now;
    pinged_ = false;
  }
  arm();
}

// --- The end

void Link::closed_by_peer(std::string_view how) {
  if (ending_) return close(*end_reason_);
  close({net_closed, fmt::format("the connection was {} by the other side", how)});
}

void Link::close(Error why) {
  if (closed_) return;
  closed_ = true;
  boost::system::error_code ec;
  socket_.close(ec);
  timer_.cancel();
  asio::post(socket_.get_executor(), [self = shared_from_this(), why = std::move(why)] {
    if (auto* owner = std::exchange(self->owner_, nullptr)) owner->on_closed(*self, why);
    if (auto hook = std::exchange(self->closed_hook_, nullptr)) hook(why);
  });
}

void Link::finish(Error why) {
  if (closed_ || ending_) return;
  ending_ = true;
  end_reason_ = why;
  paused_ = false;
  arm();
  schedule_flush();
  asio::post(socket_.get_executor(), [self = shared_from_this()] { self->read(); });
}

}  // namespace cocoon::net
