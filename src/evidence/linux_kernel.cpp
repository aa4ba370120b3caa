#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "evidence/kernel.hpp"

namespace cocoon::evidence {
namespace {

namespace fs = std::filesystem;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

std::unexpected<Error> system_error(std::string_view what, const fs::path& path) {
  const int code = errno;
  return fail(code, fmt::format("{} {}: {}", what, path.string(), std::strerror(code)));
}

// linux/tdx-guest.h
struct TdxReportRequest {
  std::array<std::uint8_t, 64> report_data;
  std::array<std::uint8_t, 1024> report;
};
// linux/sev-guest.h
struct SnpReportRequest {
  std::array<std::uint8_t, 64> report_data;
  std::uint32_t vmpl;
  std::array<std::uint8_t, 28> reserved;
};
struct SnpExtendedRequest {
  SnpReportRequest report;
  std::uint64_t certificates_address;
  std::uint32_t certificates_size;
};
struct SnpGuestRequest {
  std::uint8_t message_version;
  std::uint64_t request, response, exit_info;
};
static_assert(sizeof(TdxReportRequest) == 1088 && sizeof(SnpReportRequest) == 96 && sizeof(SnpExtendedRequest) == 112 &&
              sizeof(SnpGuestRequest) == 32);
constexpr unsigned long kTdxGetReport = _IOWR('T', 1, TdxReportRequest);
constexpr unsigned long kSnpGetExtendedReport = _IOWR('S', 2, SnpGuestRequest);

std::uint64_t address_of(const void* p) { return reinterpret_cast<std::uintptr_t>(p); }

Result<> send_all(int fd, BytesView bytes) {
  while (!bytes.empty()) {
    const auto n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return system_error("send to", "quote service");
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return {};
}

Result<Bytes> receive(int fd, std::size_t size) {
  Bytes out(size);
  std::size_t have = 0;
  while (have < size) {
    const auto n = ::recv(fd, out.data() + have, size - have, 0);
    if (n == 0) return fail(EPIPE, "the quote service closed the connection");
    if (n < 0) return system_error("receive from", "quote service");
    have += static_cast<std::size_t>(n);
  }
  return out;
}

class LinuxKernel final : public Kernel {
 public:
  explicit LinuxKernel(fs::path root) : root_(std::move(root)) {}

  Result<> make_directory(const fs::path& path) override {
    if (::mkdir(at(path).c_str(), 0700) != 0) return system_error("make", path);
    return {};
  }
  Result<> remove_directory(const fs::path& path) override {
    if (::rmdir(at(path).c_str()) != 0) return system_error("remove", path);
    return {};
  }
  bool exists(const fs::path& path) override { return ::access(at(path).c_str(), F_OK) == 0; }

  Result<Bytes> read(const fs::path& path, std::size_t limit) override {
    const Descriptor file(::open(at(path).c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return system_error("open", path);
    Bytes out(limit + 1);
    std::size_t have = 0;
    while (have < out.size()) {
      const auto n = ::read(file.get(), out.data() + have, out.size() - have);
      if (n < 0) return system_error("read", path);
      if (n == 0) break;
      have += static_cast<std::size_t>(n);
    }
    if (have > limit) return fail(EFBIG, fmt::format("{} holds more than {} bytes", path.string(), limit));
    out.resize(have);
    return out;
  }
  Result<> write(const fs::path& path, BytesView bytes) override {
    const Descriptor file(::open(at(path).c_str(), O_WRONLY | O_CLOEXEC));
    if (!file) return system_error("open", path);
    const auto n = ::write(file.get(), bytes.data(), bytes.size());
    if (n < 0) return system_error("write", path);
    if (static_cast<std::size_t>(n) != bytes.size())
      return fail(EIO, fmt::format("{} took {} of {} bytes", path.string(), n, bytes.size()));
    return {};
  }

  Result<Bytes> tdx_report(const fs::path& device, const Bits512& report_data) override {
    const Descriptor file(::open(at(device).c_str(), O_RDWR | O_CLOEXEC));
    if (!file) return system_error("open", device);
    TdxReportRequest request{};
    std::memcpy(request.report_data.data(), report_data.data(), report_data.size());
    if (::ioctl(file.get(), kTdxGetReport, &request) != 0) return system_error("ask for a report at", device);
    return Bytes(request.report.begin(), request.report.end());
  }

  Result<SnpDeviceReport> snp_report(const fs::path& device, const Bits512& report_data, unsigned vmpl) override {
    constexpr std::size_t response_size = 4000, table_size = 16 * 1024;
    const Descriptor file(::open(at(device).c_str(), O_RDWR | O_CLOEXEC));
    if (!file) return system_error("open", device);
    SnpDeviceReport out{Bytes(response_size), Bytes(table_size)};
    SnpExtendedRequest request{};
    std::memcpy(request.report.report_data.data(), report_data.data(), report_data.size());
    request.report.vmpl = vmpl;
    request.certificates_address = address_of(out.certificates.data());
    request.certificates_size = static_cast<std::uint32_t>(table_size);
    SnpGuestRequest call{1, address_of(&request), address_of(out.response.data()), 0};
    if (::ioctl(file.get(), kSnpGetExtendedReport, &call) != 0) return system_error("ask for a report at", device);
    if (call.exit_info != 0)
      return fail(EIO, fmt::format("the platform's firmware answers {:#x} at {}", call.exit_info, device.string()));
    return out;
  }

  Result<Bytes> ask_quote_service(BytesView request) override {
    constexpr unsigned port = 4050;
    constexpr std::size_t limit = 64 * 1024;
    const Descriptor socket(::socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket) return system_error("make a socket to", "quote service");
    const timeval patience{30, 0};
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    sockaddr_vm address{};
    address.svm_family = AF_VSOCK;
    address.svm_cid = VMADDR_CID_HOST;
    address.svm_port = port;
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      return system_error("connect to", "quote service");
    // Each message goes behind its length, 4 bytes, big-endian.
    Bytes framed;
    for (int shift = 24; shift >= 0; shift -= 8) framed.push_back(static_cast<std::uint8_t>(request.size() >> shift));
    append(framed, request);
    TRY(send_all(socket.get(), framed));
    TRY_ASSIGN(const auto head, receive(socket.get(), 4));
    std::size_t size = 0;
    for (const auto b : head) size = size << 8 | b;
    if (size > limit) return fail(EFBIG, fmt::format("the quote service answers {} bytes, at most {}", size, limit));
    return receive(socket.get(), size);
  }

 private:
  fs::path at(const fs::path& path) const { return root_ / path.relative_path(); }
  fs::path root_;
};

}  // namespace

std::unique_ptr<Kernel> linux_kernel(const fs::path& root) { return std::make_unique<LinuxKernel>(root); }

}  // namespace cocoon::evidence
