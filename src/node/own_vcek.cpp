#include "node/own_vcek.hpp"

#include <filesystem>
#include <mutex>
#include <optional>

#include "base/log.hpp"
#include "node/secrets.hpp"
#include "node/service_answer.hpp"
#include "tee/snp_verify.hpp"
#include "tee/x509.hpp"

namespace cocoon::node {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr std::size_t kMaxVcek = 64 * 1024;

class OwnVcek {
 public:
  OwnVcek(OwnVcekOptions options, net::Clock clock) : options_(std::move(options)), clock_(std::move(clock)) {}

  Result<std::string> find(BytesView raw) {
    TRY_ASSIGN(const auto report, tee::parse_snp_report(raw));
    TRY_ASSIGN(const auto path, tee::vcek_path(report));
    const std::lock_guard lock(mutex_);
    if (path == path_ && found_) return *found_;
    if (path == path_ && clock_() < again_) return std::unexpected(refusal_);
    path_ = path;
    found_.reset();
    const auto file = file_of(report);
    if (auto kept = read_kept(file, raw)) return found_.emplace(*std::move(kept));
    Duration wait = 1min;
    auto fetched = fetch(options_.service + path, wait);
    if (fetched) {
      if (auto fits = tee::endorses(*fetched, raw); !fits)
        fetched = std::unexpected(std::move(fits).error().within(options_.service + path));
    }
    if (!fetched) {
      again_ = clock_() + wait;
      refusal_ = fetched.error();
      return std::unexpected(refusal_);
    }
    found_ = tee::write_pem(*fetched, "CERTIFICATE");
    keep(file);
    log::info("tee", "this chip's VCEK was fetched");
    return *found_;
  }

 private:
  // One for each chip and TCB: a disk may move to another machine.
  std::string file_of(const tee::SnpReport& report) const {
    if (options_.directory.empty()) return {};
    const auto name =
        fmt::format("own-vcek-{}-{}.pem", to_hex(report.chip_id.view().first(8)), to_hex(report.reported_tcb.view()));
    return (fs::path(options_.directory) / name).string();
  }

  static Result<std::string> read_kept(const std::string& file, BytesView raw) {
    if (file.empty()) return fail("nothing is kept");
    TRY_ASSIGN(auto pem, read_file(file, kMaxVcek));
    TRY_ASSIGN(const auto blocks, tee::read_pem(pem, "CERTIFICATE", 1));
    TRY(tee::endorses(blocks.front(), raw));
    return pem;
  }

  void keep(const std::string& file) const {
    if (file.empty()) return;
    std::error_code ec;
    fs::create_directories(options_.directory, ec);
    if (const auto written = write_file_atomically(file, *found_, 0644); !written)
      log::warn("tee", "this chip's VCEK cannot be kept: {}", written.error().what);
  }

  // DER. On a loop of its own, because evidence is made where no loop runs yet, and on threads without one.
  Result<Bytes> fetch(const std::string& url, Duration& wait) const {
    net::asio::io_context io{1};
    net::HttpClientOptions http_options;
    http_options.ca_file = options_.ca_file;
    Result<ServiceAnswer> answer = fail("{}: not asked", url);
    bool done = false;
    {
      net::HttpClient http(io.get_executor(), http_options);
      const auto ask = [&]() -> net::Task<> {
        answer = co_await ask_service(http, url, {}, options_.patience, wait);
        done = true;
      };
      net::asio::co_spawn(io, ask(), net::asio::detached);
      while (!done && io.run_one() > 0) {
      }
    }
    io.poll();
    if (!answer) return std::unexpected(std::move(answer).error());
    if (!answer->body.starts_with("-----BEGIN")) return to_bytes(answer->body);
    TRY_ASSIGN(auto blocks, tee::read_pem(answer->body, "CERTIFICATE", 1));
    return std::move(blocks.front());
  }

  OwnVcekOptions options_;
  net::Clock clock_;
  std::mutex mutex_;
  std::string path_;  // that the rest is about
  std::optional<std::string> found_;
  Time again_ = Time::min();
  Error refusal_;
};

}  // namespace

evidence::Endorse own_vcek(OwnVcekOptions options, net::Clock clock) {
  if (options.service.empty()) return nullptr;
  return [own = std::make_shared<OwnVcek>(std::move(options), std::move(clock))](BytesView report) {
    return own->find(report);
  };
}

}  // namespace cocoon::node
