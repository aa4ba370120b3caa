// One TCP connection that speaks HTTP, either side, plain or (the client's) by TLS: reads ahead into a bounded buffer
// all the time (so that the end of the connection is noticed whatever its owner is doing), writes with backpressure,
// and dies at a deadline.
#pragma once
#include <array>
#include <memory>
#include <string>

#include "base/bytes.hpp"
#include "net/event.hpp"

namespace cocoon::net {

class HttpsSession;

class HttpChannel : public std::enable_shared_from_this<HttpChannel> {
 public:
  // At most `read_ahead` bytes wait to be consumed. `tls`: its handshake is done; null: plain.
  HttpChannel(tcp::socket socket, std::size_t read_ahead);
  HttpChannel(tcp::socket socket, std::size_t read_ahead, std::unique_ptr<HttpsSession> tls);
  ~HttpChannel();
  HttpChannel(const HttpChannel&) = delete;
  HttpChannel& operator=(const HttpChannel&) = delete;

  void start();  // begins reading; once
  std::string_view buffered() const { return {buffer_.get() + taken_, filled_ - taken_}; }
  bool buffer_full() const { return filled_ - taken_ >= read_ahead_; }
  void consume(std::size_t n);
  // Returns when there are more bytes than when it was called, or none will come. False: none will come.
  Task<bool> more();
  bool ended() const { return ended_; }
  // The end came without the server's word for it: by TLS, what has no length of its own may be incomplete.
  bool cut_off() const { return cut_off_; }

  // Returns when the kernel has taken all; the connection is closed when nothing moves for `stall`. Moves the deadline
  // and leaves it cleared.
  Task<Result<>> write(std::string_view head, std::string_view body, std::string_view tail, Millis stall);

  // The connection is closed when the deadline passes; timed_out() tells that case.
  Watchdog& deadline() { return watchdog_; }
  bool timed_out() const { return timed_out_; }
  // From now on a deadline that passes while bytes are awaited only ends more(), so that an answer can still be
  // written.
  void expire_softly(bool softly) { softly_ = softly; }
  void forgive() { timed_out_ = false; }
  void close();
  // Sends what is written, says goodbye, then closes.
  void close_gracefully();
  bool closed() const { return closed_; }
  // Runs once when the other side ended the connection (or it broke).
  void on_end(std::function<void()> hook);
  const std::string& peer() const { return peer_; }
  bool reused = false;  // for the client's pool
  bool idle = false;    // for the server: between two requests

 private:
  void read();
  void read_tls();
  void make_room();
  void on_read(boost::system::error_code ec, std::size_t n);
  void finish_reading();
  Task<Result<>> write_rest(std::array<asio::const_buffer, 3> parts, Millis stall);

  Task<Result<>> send_cipher(Millis stall);
  Task<Result<>> write_plain(std::string_view head, std::string_view body, std::string_view tail, Millis stall);
  Task<Result<>> write_tls(std::string_view head, std::string_view body, std::string_view tail, Millis stall);

  tcp::socket socket_;
  std::unique_ptr<HttpsSession> tls_;
  Bytes cipher_;  // what is being read, by TLS
  std::string peer_;
  // Bytes [taken_, filled_) are waiting. Small while little comes, so that many idle connections cost little; a reader
  // that fills it gets a larger one.
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0, taken_ = 0, filled_ = 0;
  const std::size_t read_ahead_;
  bool more_at_once_ = false;  // the last read filled all the room
  Event arrived_;
  Watchdog watchdog_;
  std::function<void()> on_end_;
  bool reading_ = false, ended_ = false, closed_ = false, timed_out_ = false, lingering_ = false;
  bool softly_ = false, cut_off_ = false;
  std::size_t linger_budget_ = 0;
};

}  // namespace cocoon::net
