// An HTTP load generator. Prints one JSON object. It knows just enough HTTP to find the end of an answer, so that what
// is measured is the other side.
//
//   load --port P --connections N --seconds S --body JSON [--path /v1/chat/completions] [--rate R]
//
// Without a rate, the loop is closed: each of N kept-alive connections sends the same request again as soon as its
// answer is complete. With one, requests leave R times a second whatever becomes of those before them, on at most N
// connections; those for which none was free are counted as "unsent".
//
// In "statuses", how many answers had which status, and in "seconds_to" the longest time that one of them took.
// "ok_per_second" counts complete answers of status 200 that came before the time was up.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio.hpp>

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Clock = std::chrono::steady_clock;

struct Options {
  unsigned short port = 0;
  int connections = 1;
  double seconds = 3;
  double rate = 0;  // requests a second; 0: closed loop
  std::string path = "/v1/chat/completions";
  std::string body = "{}";
};

struct Answers {
  std::uint64_t count = 0;
  float longest = 0;  // milliseconds
};

struct Totals {
  std::vector<float> milliseconds;
  std::map<int, Answers> by_status;
  std::uint64_t errors = 0;
  std::uint64_t bytes = 0;
  std::uint64_t in_time = 0;         // of status 200
  std::uint64_t no_retry_after = 0;  // refusals that do not say when to come again
  std::uint64_t unsent = 0;
};

class Connection;

// Connections that wait for their next request.
using Idle = std::vector<std::shared_ptr<Connection>>;

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(asio::io_context& io, const Options& options, const std::string& request, Totals& totals, Idle& idle,
             Clock::time_point end)
      : socket_(io), options_(options), request_(request), totals_(totals), idle_(idle), end_(end) {
    buffer_.resize(64 * 1024);
  }

  // The first request; the connection is made for it.
  void start() {
    began_ = Clock::now();
    auto self = shared_from_this();
    socket_.async_connect({asio::ip::address_v4::loopback(), options_.port}, [this, self](auto error) {
      if (error) return failed();
      socket_.set_option(tcp::no_delay(true));
      write();
    });
  }

  void send() {
    if (!socket_.is_open()) return start();
    began_ = Clock::now();
    write();
  }

 private:
  void failed() {
    ++totals_.errors;
    boost::system::error_code ignored;
    socket_.close(ignored);
    socket_ = tcp::socket(socket_.get_executor());
    if (Clock::now() < end_) next();
  }

  void next() {
    if (options_.rate > 0) return idle_.push_back(shared_from_this());
    if (Clock::now() < end_) send();
  }

  void write() {
    answer_.clear();
    head_ = 0;
    auto self = shared_from_this();
    asio::async_write(socket_, asio::buffer(request_), [this, self](auto error, std::size_t) {
      if (error) return failed();
      read();
    });
  }

  void read() {
    auto self = shared_from_this();
    socket_.async_read_some(asio::buffer(buffer_), [this, self](auto error, std::size_t n) {
      if (error) return failed();
      totals_.bytes += n;
      answer_.append(buffer_.data(), n);
      if (!complete()) return read();
      count();
      next();
    });
  }

  void count() {
    const auto now = Clock::now();
    const std::chrono::duration<float, std::milli> took = now - began_;
    totals_.milliseconds.push_back(took.count());
    const int status = std::atoi(answer_.c_str() + std::string_view("HTTP/1.1 ").size());
    auto& those = totals_.by_status[status];
    ++those.count;
    those.longest = std::max(those.longest, took.count());
    if (status == 200) {
      if (now <= end_) ++totals_.in_time;
      return;
    }
    ++totals_.errors;
    if (!retry_after_) ++totals_.no_retry_after;
  }

  bool complete() {
    if (head_ == 0) {
      const auto end = answer_.find("\r\n\r\n");
      if (end == std::string::npos) return false;
      head_ = end + 4;
      auto head = answer_.substr(0, head_);
      std::transform(head.begin(), head.end(), head.begin(), [](unsigned char c) { return std::tolower(c); });
      const auto length = head.find("\r\ncontent-length:");
      chunked_ = length == std::string::npos;
      length_ = chunked_ ? 0 : std::strtoul(head.c_str() + length + 17, nullptr, 10);
      retry_after_ = head.find("\r\nretry-after:") != std::string::npos;
    }
    if (!chunked_) return answer_.size() >= head_ + length_;
    return std::string_view(answer_).substr(head_).ends_with("0\r\n\r\n");
  }

  tcp::socket socket_;
  const Options& options_;
  const std::string& request_;
  Totals& totals_;
  Idle& idle_;
  Clock::time_point end_;
  Clock::time_point began_{};
  std::string buffer_;
  std::string answer_;
  std::size_t head_ = 0;
  std::size_t length_ = 0;
  bool chunked_ = false;
  bool retry_after_ = false;
};

// Sends at the rate until the time is up. A moment that was missed is made up for at once.
class Pacer {
 public:
  Pacer(asio::io_context& io, const Options& options, const std::string& request, Totals& totals,
        Clock::time_point began, Clock::time_point end)
      : io_(io), options_(options), request_(request), totals_(totals), began_(began), end_(end), timer_(io) {}
  // Connections and this hold each other.
  ~Pacer() { idle_.clear(); }

  void tick() {
    const auto now = std::min(Clock::now(), end_);
    const auto due = static_cast<std::uint64_t>(std::chrono::duration<double>(now - began_).count() * options_.rate);
    for (; sent_ < due; ++sent_) send_one();
    if (now >= end_) return;
    timer_.expires_after(std::chrono::milliseconds(1));
    timer_.async_wait([this](auto) { tick(); });
  }

 private:
  void send_one() {
    if (!idle_.empty()) {
      const auto one = std::move(idle_.back());
      idle_.pop_back();
      return one->send();
    }
    if (made_ >= options_.connections) {
      ++totals_.unsent;
      return;
    }
    ++made_;
    std::make_shared<Connection>(io_, options_, request_, totals_, idle_, end_)->start();
  }

  asio::io_context& io_;
  const Options& options_;
  const std::string& request_;
  Totals& totals_;
  Clock::time_point began_, end_;
  asio::steady_timer timer_;
  Idle idle_;
  std::uint64_t sent_ = 0;
  int made_ = 0;
};

double percentile(std::vector<float>& sorted, double p) {
  if (sorted.empty()) return 0;
  return static_cast<double>(sorted[static_cast<std::size_t>(p * static_cast<double>(sorted.size() - 1))]);
}

void print(Totals& totals, double seconds, double took) {
  std::sort(totals.milliseconds.begin(), totals.milliseconds.end());
  std::string statuses, longest;
  for (const auto& [status, those] : totals.by_status) {
    const std::string name = (statuses.empty() ? "\"" : ",\"") + std::to_string(status) + "\":";
    statuses += name + std::to_string(those.count);
    longest += name + std::to_string(those.longest / 1000);
  }
  std::printf(
      "{\"requests\":%zu,\"errors\":%llu,\"bytes\":%llu,\"seconds\":%.3f,\"per_second\":%.1f,\"p50_ms\":%.4f,"
      "\"p99_ms\":%.4f,\"ok_per_second\":%.1f,\"statuses\":{%s},\"seconds_to\":{%s},\"no_retry_after\":%llu,"
      "\"unsent\":%llu}\n",
      totals.milliseconds.size(), static_cast<unsigned long long>(totals.errors),
      static_cast<unsigned long long>(totals.bytes), took, static_cast<double>(totals.milliseconds.size()) / took,
      percentile(totals.milliseconds, 0.5), percentile(totals.milliseconds, 0.99),
      static_cast<double>(totals.in_time) / seconds, statuses.c_str(), longest.c_str(),
      static_cast<unsigned long long>(totals.no_retry_after), static_cast<unsigned long long>(totals.unsent));
}

}  // namespace

int main(int argc, char** argv) {
  Options o;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    if (name == "--port") o.port = static_cast<unsigned short>(std::atoi(argv[i + 1]));
    if (name == "--connections") o.connections = std::atoi(argv[i + 1]);
    if (name == "--seconds") o.seconds = std::atof(argv[i + 1]);
    if (name == "--rate") o.rate = std::atof(argv[i + 1]);
    if (name == "--path") o.path = argv[i + 1];
    if (name == "--body") o.body = argv[i + 1];
  }
  if (o.port == 0) {
    std::fprintf(stderr, "load: --port must be given\n");
    return 2;
  }
  const auto request = "POST " + o.path +
                       " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: " +
                       std::to_string(o.body.size()) + "\r\n\r\n" + o.body;
  asio::io_context io(1);
  Totals totals;
  Idle none;  // a closed loop has no idle connections
  const auto began = Clock::now();
  const auto end = began + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(o.seconds));
  Pacer pacer(io, o, request, totals, began, end);
  if (o.rate > 0) {
    pacer.tick();
  } else {
    for (int i = 0; i < o.connections; ++i) std::make_shared<Connection>(io, o, request, totals, none, end)->start();
  }
  io.run();
  print(totals, o.seconds, std::chrono::duration<double>(Clock::now() - began).count());
  return 0;
}
