// A closed-loop HTTP load generator: N kept-alive connections, each sends the same request again as soon as its answer
// is complete. Prints one JSON object. It knows just enough HTTP to find the end of an answer, so that what is measured
// is the other side.
//
//   load --port P --connections N --seconds S --body JSON [--path /v1/chat/completions]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
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
  std::string path = "/v1/chat/completions";
  std::string body = "{}";
};

struct Totals {
  std::vector<float> milliseconds;
  std::uint64_t errors = 0;
  std::uint64_t bytes = 0;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(asio::io_context& io, const Options& options, const std::string& request, Totals& totals,
             Clock::time_point end)
      : socket_(io), options_(options), request_(request), totals_(totals), end_(end) {
    buffer_.resize(64 * 1024);
  }

  void start() {
    auto self = shared_from_this();
    socket_.async_connect({asio::ip::address_v4::loopback(), options_.port}, [this, self](auto error) {
      if (error) return failed();
      socket_.set_option(tcp::no_delay(true));
      send();
    });
  }

 private:
  void failed() {
    ++totals_.errors;
    boost::system::error_code ignored;
    socket_.close(ignored);
    if (Clock::now() >= end_) return;
    socket_ = tcp::socket(socket_.get_executor());
    start();
  }

  void send() {
    began_ = Clock::now();
    if (began_ >= end_) return;
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
      if (!answer_.starts_with("HTTP/1.1 200")) ++totals_.errors;
      const std::chrono::duration<float, std::milli> took = Clock::now() - began_;
      totals_.milliseconds.push_back(took.count());
      send();
    });
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
    }
    if (!chunked_) return answer_.size() >= head_ + length_;
    return std::string_view(answer_).substr(head_).ends_with("0\r\n\r\n");
  }

  tcp::socket socket_;
  const Options& options_;
  const std::string& request_;
  Totals& totals_;
  Clock::time_point end_;
  Clock::time_point began_{};
  std::string buffer_;
  std::string answer_;
  std::size_t head_ = 0;
  std::size_t length_ = 0;
  bool chunked_ = false;
};

double percentile(std::vector<float>& sorted, double p) {
  if (sorted.empty()) return 0;
  return static_cast<double>(sorted[static_cast<std::size_t>(p * static_cast<double>(sorted.size() - 1))]);
}

}  // namespace

int main(int argc, char** argv) {
  Options o;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    if (name == "--port") o.port = static_cast<unsigned short>(std::atoi(argv[i + 1]));
    if (name == "--connections") o.connections = std::atoi(argv[i + 1]);
    if (name == "--seconds") o.seconds = std::atof(argv[i + 1]);
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
  const auto began = Clock::now();
  const auto end = began + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(o.seconds));
  for (int i = 0; i < o.connections; ++i) std::make_shared<Connection>(io, o, request, totals, end)->start();
  io.run();
  const std::chrono::duration<double> took = Clock::now() - began;
  std::sort(totals.milliseconds.begin(), totals.milliseconds.end());
  std::printf(
      "{\"requests\":%zu,\"errors\":%llu,\"bytes\":%llu,\"seconds\":%.3f,\"per_second\":%.1f,\"p50_ms\":%.4f,\"p99_"
      "ms\":%.4f}\n",
      totals.milliseconds.size(), static_cast<unsigned long long>(totals.errors),
      static_cast<unsigned long long>(totals.bytes), took.count(),
      static_cast<double>(totals.milliseconds.size()) / took.count(), percentile(totals.milliseconds, 0.5),
      percentile(totals.milliseconds, 0.99));
  return 0;
}
