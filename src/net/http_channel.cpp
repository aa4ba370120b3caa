#include "net/http_channel.hpp"

#include "net/address.hpp"

namespace cocoon::net {

HttpChannel::HttpChannel(tcp::socket socket, std::size_t read_ahead)
    : socket_(std::move(socket)),
      buffer_(read_ahead, '\0'),
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
  const auto peer = socket_.remote_endpoint(ec);
  if (!ec) peer_ = address_text(peer);
}

void HttpChannel::start() { read(); }

void HttpChannel::read() {
  if (reading_ || ended_ || closed_) return;
  if (taken_ == filled_) taken_ = filled_ = 0;
  if (filled_ == buffer_.size() && taken_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + taken_, filled_ - taken_);
    filled_ -= taken_;
    taken_ = 0;
  }
  if (filled_ == buffer_.size()) return;  // resumed by consume()
  reading_ = true;
  socket_.async_read_some(asio::buffer(buffer_.data() + filled_, buffer_.size() - filled_),
                          [self = shared_from_this()](boost::system::error_code ec, std::size_t n) {
                            self->reading_ = false;
                            if (self->lingering_) {
                              self->linger_budget_ -= std::min(n, self->linger_budget_);
                              if (self->linger_budget_ == 0) return self->close();
                            } else {
                              self->filled_ += n;
                            }
                            if (ec || n == 0) return self->finish_reading();
                            self->arrived_.notify();
                            self->read();
                          });
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
  auto self = shared_from_this();
  if (closed_) co_return fail(timed_out_ ? net_timeout : net_closed, "the connection is closed");
  const std::array<asio::const_buffer, 3> parts{asio::buffer(head), asio::buffer(body), asio::buffer(tail)};
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
  linger_budget_ = 1024 * 1024;
  taken_ = filled_ = 0;
  watchdog_.set(Millis(2000));
  read();
}

void HttpChannel::on_end(std::function<void()> hook) {
  if (ended_ && hook) return hook();
  on_end_ = std::move(hook);
}

}  // namespace cocoon::net
