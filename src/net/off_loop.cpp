#include "net/off_loop.hpp"

#include <atomic>

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace cocoon::net::detail {
namespace {

struct Threads {
  explicit Threads(std::size_t n) : pool(n) {}
  asio::thread_pool pool;
  std::atomic<std::size_t> taken = 0;  // runs or waits
};

// For as long as the process lives: a thread that a device never lets go must not hold up its end.
Threads& threads(OffLoop kind) {
  static auto &solving = *new Threads(2), &attesting = *new Threads(1);
  return kind == OffLoop::solving ? solving : attesting;
}

// The thread holds its own descriptor, so that neither side can write into something the other has closed. What it did
// is seen by whoever finds `done`: that the kernel wakes one after the other is no order that C++ knows.
struct Bell {
  explicit Bell(int descriptor) : fd(descriptor) {}
  Bell(const Bell&) = delete;
  Bell& operator=(const Bell&) = delete;
  ~Bell() { ::close(fd); }
  void ring() {
    done.store(true, std::memory_order_release);
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto n = ::write(fd, &one, sizeof one);
  }
  int fd;
  std::atomic<bool> done = false;
};

}  // namespace

Task<Result<>> run_off_loop(Executor executor, OffLoop kind, Millis patience, std::function<void()> work) {
  auto& on = threads(kind);
  if (on.taken >= kMostOffLoop) co_return fail(net_cancelled, "too much work waits for another thread");
  const int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) co_return fail("no descriptor left for work on another thread");
  const auto done = std::make_shared<asio::posix::stream_descriptor>(executor, fd);
  const int theirs = ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (theirs < 0) co_return fail("no descriptor left for work on another thread");
  auto bell = std::make_shared<Bell>(theirs);
  ++on.taken;
  asio::post(on.pool, [&on, bell, work = std::move(work)] {
    work();
    --on.taken;
    bell->ring();
  });
  asio::steady_timer limit(executor, patience);
  limit.async_wait([waited = std::weak_ptr(done)](boost::system::error_code ec) {
    if (const auto still = waited.lock(); still && !ec) still->cancel();
  });
  std::uint64_t count = 0;
  const auto [ec, n] = co_await done->async_read_some(asio::buffer(&count, sizeof count), no_throw);
  if (ec || n != sizeof count || !bell->done.load(std::memory_order_acquire))
    co_return fail(net_timeout, "no end within {} ms", patience.count());
  co_return Result<>{};
}

}  // namespace cocoon::net::detail
