#include "cli/process.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <fstream>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace cocoon::cli {
namespace {

std::string words(int status) {
  if (WIFEXITED(status)) return fmt::format("exited with {}", WEXITSTATUS(status));
  if (WIFSIGNALED(status)) return fmt::format("was killed by signal {}", WTERMSIG(status));
  return "ended";
}

// In the child, between fork and exec: only calls that are safe there.
[[noreturn]] void become(const char* program, char* const* argv, int log_fd, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);
  signal(SIGINT, SIG_IGN);
  const int null_fd = open("/dev/null", O_RDONLY);
  dup2(null_fd, 0);
  dup2(log_fd, 1);
  dup2(log_fd, 2);
  execv(program, argv);
  _exit(127);
}

}  // namespace

Process::Process(std::string name, std::string log_file, pid_t pid)
    : name_(std::move(name)), log_file_(std::move(log_file)), pid_(pid) {}

Process::Process(Process&& o) noexcept
    : name_(std::move(o.name_)),
      log_file_(std::move(o.log_file_)),
      pid_(std::exchange(o.pid_, -1)),
      end_(std::move(o.end_)),
      killed_(o.killed_) {}

Process& Process::operator=(Process&& o) noexcept {
  std::swap(name_, o.name_);
  std::swap(log_file_, o.log_file_);
  std::swap(pid_, o.pid_);
  std::swap(end_, o.end_);
  std::swap(killed_, o.killed_);
  return *this;
}

Process::~Process() {
  if (pid_ > 0 && !ended()) stop({});
}

Result<Process> Process::start(std::string name, const std::string& program, const std::vector<std::string>& arguments,
                               const std::string& log_file) {
  const int log_fd = open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (log_fd < 0) return fail("{}: cannot be written: {}", log_file, std::strerror(errno));
  std::vector<char*> argv;
  argv.push_back(const_cast<char*>(program.c_str()));
  for (const auto& a : arguments) argv.push_back(const_cast<char*>(a.c_str()));
  argv.push_back(nullptr);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) become(program.c_str(), argv.data(), log_fd, parent);
  close(log_fd);
  if (pid < 0) return fail("{}: cannot start a process: {}", name, std::strerror(errno));
  return Process(std::move(name), log_file, pid);
}

std::optional<std::string> Process::ended() {
  if (end_ || pid_ <= 0) return end_;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) != pid_) return end_;
  end_ = words(status);
  killed_ = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  return end_;
}

bool Process::stop(Duration patience) {
  if (pid_ <= 0 || ended()) return true;
  kill(pid_, SIGTERM);
  // A process descriptor becomes readable when the process ends: no polling by sleep.
  const int fd = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  if (fd >= 0) {
    pollfd p{fd, POLLIN, 0};
    poll(&p, 1, static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(patience).count()));
    close(fd);
  }
  if (ended()) return true;
  kill(pid_, SIGKILL);
  int status = 0;
  waitpid(pid_, &status, 0);
  end_ = words(status);
  return false;
}

std::string own_program() {
  std::array<char, 4096> path{};
  const auto n = readlink("/proc/self/exe", path.data(), path.size());
  return n > 0 ? std::string(path.data(), static_cast<std::size_t>(n)) : std::string("cocoon");
}

std::string last_lines(const std::string& file, int lines) {
  std::ifstream in(file);
  std::deque<std::string> tail;
  for (std::string line; std::getline(in, line);) {
    tail.push_back(line);
    if (tail.size() > static_cast<std::size_t>(lines)) tail.pop_front();
  }
  std::string out;
  for (const auto& l : tail) out += "  | " + l + "\n";
  return out;
}

}  // namespace cocoon::cli
