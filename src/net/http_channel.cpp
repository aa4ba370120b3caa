#include "net/http_channel.hpp"

#include <cstring>

#include "net/address.hpp"
#include "net/https.hpp"

namespace cocoon::net {

namespace {

constexpr std::size_t kSmallBuffer = 2 * 1024;
constexpr std::size_t kCipher = 16 * 1024;       // by TLS: read at once, and the largest record
constexpr std::size_t kMostUnsent = 256 * 1024;  // of what is encrypted ahead of the kernel

// What is left of `parts` after `n` bytes.
template <std::size_t N>
void skip(std::array<asio::const_buffer, N>& parts, std::size_t n) {
  for (auto& part : parts) {
    const auto of_this = std::min(n, part.size());
    part += of_this;
    n -= of_this;
  }
}

}  // namespace

HttpChannel::HttpChannel(tcp::socket socket, std::size_t read_ahead)
    : HttpChannel(std::move(socket), read_ahead, nullptr) {}

HttpChannel::HttpChannel(tcp::socket socket, std::size_t read_ahead, std::unique_ptr<HttpsSession> tls)
    : socket_(std::move(socket)),
      tls_(std::move(tls)),
      read_ahead_(read_ahead),
      arrived_(socket_.get_executor()),
      watchdog_(socket_.get_executor(), [this] {
        timed_out_ = true;
        if (softly_)
          arrived_.notify();
        else
          close();
      }) {
  boost::system::error_code ec;
  socket_.set_option(tcp::no_delay(true), ec);
  socket_.non_blocking(true, ec);
  const auto peer = socket_.remote_endpoint(ec);
  if (!ec) peer_ = address_text(peer);
}

HttpChannel::~HttpChannel() = default;

void HttpChannel::start() { read(); }

// Space behind filled_; none if as much as may wait is waiting.
void HttpChannel::make_room() {
  const std::size_t waiting = filled_ - taken_;
  std::size_t wanted = capacity_;
  if (waiting == 0) wanted = more_at_once_ ? read_ahead_ : kSmallBuffer;
  if (waiting == capacity_) wanted = std::min(std::max(kSmallBuffer, 4 * capacity_), read_ahead_);
  if (wanted != capacity_) {
    auto other = std::make_unique_for_overwrite<char[]>(wanted);
    if (waiting > 0) std::memcpy(other.get(), buffer_.get() + taken_, waiting);
    buffer_ = std::move(other);
    capacity_ = wanted;
  } else if (taken_ > 0 && (waiting == 0 || filled_ == capacity_)) {
    if (waiting > 0) std::memmove(buffer_.get(), buffer_.get() + taken_, waiting);
  } else {
    return;
  }
  taken_ = 0;
  filled_ = waiting;
}

void HttpChannel::read() {
  if (reading_ || ended_ || closed_) return;
  make_room();
  if (filled_ == capacity_) return;  // resumed by consume()
  if (tls_) return read_tls();
  reading_ = true;
  socket_.async_read_some(
      asio::buffer(buffer_.get() + filled_, capacity_ - filled_),
      [self = shared_from_this()](boost::system::error_code ec, std::size_t n) { self->on_read(ec, n); });
}

// What the session holds already comes first: no byte on the socket would tell of it.
void HttpChannel::read_tls() {
  while (filled_ < capacity_) {
    const auto n = tls_->read({buffer_.get() + filled_, capacity_ - filled_});
    if (!n) {
      cut_off_ = !tls_->said_goodbye();
      return finish_reading();
    }
    if (*n == 0) {
      reading_ = true;
      cipher_.resize(kCipher);
      return socket_.async_read_some(asio::buffer(cipher_),
                                     [self = shared_from_this()](boost::system::error_code ec, std::size_t size) {
                                       self->reading_ = false;
                                       if (ec || size == 0) {
                                         self->cut_off_ = true;
                                         return self->finish_reading();
                                       }
                                       self->tls_->feed(BytesView(self->cipher_).first(size));
                                       self->read();
                                     });
    }
    more_at_once_ = *n >= kSmallBuffer / 2 && filled_ + *n == capacity_;
    filled_ += *n;
    arrived_.notify();
    make_room();
  }
}

void HttpChannel::on_read(boost::system::error_code ec, std::size_t n) {
  reading_ = false;
  if (lingering_) {
    linger_budget_ -= std::min(n, linger_budget_);
    if (linger_budget_ == 0) return close();
  } else {
    more_at_once_ = n >= kSmallBuffer / 2 && filled_ + n == capacity_;
    filled_ += n;
  }
  if (ec || n == 0) return finish_reading();
  arrived_.notify();
  read();
}

void HttpChannel::finish_reading() {
  if (ended_) return;
  ended_ = true;
  arrived_.notify();
  if (auto hook = std::exchange(on_end_, nullptr)) hook();
  if (lingering_) close();
}

void HttpChannel::consume(std::size_t n) {
  taken_ += n;
  read();
}

Task<bool> HttpChannel::more() {
  const auto before = filled_ - taken_;
  while (filled_ - taken_ == before && !ended_ && !closed_ && !timed_out_) co_await arrived_.wait();
  co_return filled_ - taken_ > before;
}

Task<Result<>> HttpChannel::write(std::string_view head, std::string_view body, std::string_view tail, Millis stall) {
  return tls_ ? write_tls(head, body, tail, stall) : write_plain(head, body, tail, stall);
}

// Mostly the kernel takes everything at once; only what it does not take is waited for.
Task<Result<>> HttpChannel::write_plain(std::string_view head, std::string_view body, std::string_view tail,
                                        Millis stall) {
  if (closed_) co_return fail(timed_out_ ? net_timeout : net_closed, "the connection is closed");
  watchdog_.clear();
  std::array<asio::const_buffer, 3> parts{asio::buffer(head), asio::buffer(body), asio::buffer(tail)};
  boost::system::error_code ec;
  const std::size_t sent = socket_.write_some(parts, ec);
  if (ec && ec != asio::error::would_block) co_return fail(net_closed, "the connection is closed");
  if (sent == asio::buffer_size(parts)) co_return Result<>{};
  skip(parts, sent);
  co_return co_await write_rest(parts, stall);
}

Task<Result<>> HttpChannel::write_tls(std::string_view head, std::string_view body, std::string_view tail,
                                      Millis stall) {
  const auto self = shared_from_this();
  if (closed_) co_return fail(timed_out_ ? net_timeout : net_closed, "the connection is closed");
  watchdog_.clear();
  std::size_t unsent = 0;
  for (auto part : {head, body, tail}) {
    for (; !part.empty(); part.remove_prefix(std::min(part.size(), kCipher))) {
      const auto piece = part.substr(0, kCipher);
      CO_TRY(tls_->write(piece));
      unsent += piece.size();
      if (unsent < kMostUnsent) continue;
      CO_TRY(co_await send_cipher(stall));
      unsent = 0;
    }
  }
  co_return co_await send_cipher(stall);
}

Task<Result<>> HttpChannel::send_cipher(Millis stall) {
  Bytes out;
  tls_->take_output(out);
  const std::array<asio::const_buffer, 3> parts{asio::buffer(out)};
  co_return co_await write_rest(parts, stall);
}

Task<Result<>> HttpChannel::write_rest(std::array<asio::const_buffer, 3> parts, Millis stall) {
  const auto self = shared_from_this();
  const auto progress = [this, stall](const boost::system::error_code& e, std::size_t) -> std::size_t {
    watchdog_.set(stall);
    return e ? 0 : 256 * 1024;
  };
  const auto [ec, n] = co_await asio::async_write(socket_, parts, progress, no_throw);
  watchdog_.clear();
  static_cast<void>(n);
  if (timed_out_) co_return fail(net_timeout, "the other side does not read");
  if (ec) co_return fail(net_closed, "the connection is closed");
  co_return Result<>{};
}

void HttpChannel::close() {
  if (closed_) return;
  closed_ = true;
  watchdog_.clear();
  boost::system::error_code ec;
  socket_.close(ec);
  finish_reading();
}

void HttpChannel::close_gracefully() {
  if (closed_) return;
  boost::system::error_code ec;
  socket_.shutdown(tcp::socket::shutdown_send, ec);
  if (ended_) return close();
  // Closing with unread bytes would reset the connection and could cut our last words off: read and drop a little.
  lingering_ = true;
  linger_budget_ = std::size_t{32} << 20;
  taken_ = filled_ = 0;
  watchdog_.set(Millis(2000));
  read();
}

void HttpChannel::on_end(std::function<void()> hook) {
  if (ended_ && hook) return hook();
  on_end_ = std::move(hook);
}

}  // namespace cocoon::net
