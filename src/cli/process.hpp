// Child processes of `cocoon up`: started from our own binary, their output in log files, never outliving us.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/result.hpp"
#include "base/time.hpp"

namespace cocoon::cli {

class Process {
 public:
  // Runs `program` with `arguments`; standard output and error go to `log_file` (appended). The child does not hear
  // Ctrl-C itself (the parent stops children in order) and is killed by the kernel if the parent dies.
  static Result<Process> start(std::string name, const std::string& program, const std::vector<std::string>& arguments,
                               const std::string& log_file);
  Process(Process&&) noexcept;
  Process& operator=(Process&&) noexcept;
  ~Process();  // kills

  const std::string& name() const { return name_; }
  const std::string& log_file() const { return log_file_; }
  pid_t pid() const { return pid_; }
  // nullopt while it runs; else what became of it, in words ("exited with 1", "killed by signal 9").
  std::optional<std::string> ended();
  // After ended(): by SIGKILL, which a process cannot do to itself by mistake.
  bool killed() const { return killed_; }
  // Asks (SIGTERM), waits up to `patience`, then kills. Returns false if it had to kill.
  bool stop(Duration patience);

 private:
  Process(std::string name, std::string log_file, pid_t pid);
  std::string name_;
  std::string log_file_;
  pid_t pid_ = -1;
  std::optional<std::string> end_;
  bool killed_ = false;
};

// Path of the running binary.
std::string own_program();
// The last lines of a text file, for error messages; empty when there is none.
std::string last_lines(const std::string& file, int lines);

}  // namespace cocoon::cli
