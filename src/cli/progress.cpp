#include "cli/progress.hpp"

#include <cstdio>

#include <unistd.h>

#include "cli/output.hpp"

namespace cocoon::cli {

Progress::Progress(int steps, bool quiet)
    : steps_(steps), quiet_(quiet), terminal_(isatty(STDERR_FILENO) == 1), started_(wall_clock()) {}

void Progress::begin(std::string_view what) {
  end();
  ++step_;
  what_ = what;
  step_started_ = wall_clock();
  if (!quiet_ && terminal_) say(stderr, "[{}/{}] {} ...", step_, steps_, what_);
}

void Progress::note(std::string_view detail) {
  if (quiet_ || !terminal_ || what_.empty()) return;
  say(stderr, "\r\033[K[{}/{}] {} ... {:.0f} s  \033[2m{}\033[0m", step_, steps_, what_,
      to_seconds(wall_clock() - step_started_), detail.substr(0, 90));
  std::fflush(stderr);
}

void Progress::line(std::string_view mark) {
  if (quiet_ || what_.empty()) return;
  say(stderr, "{}[{}/{}] {} {} {:.1f} s\n", terminal_ ? "\r\033[K" : "", step_, steps_, what_, mark,
      to_seconds(wall_clock() - step_started_));
  std::fflush(stderr);
}

void Progress::end() {
  line("done,");
  what_.clear();
}

void Progress::failed() {
  line("FAILED after");
  what_.clear();
}

Duration Progress::total() const { return wall_clock() - started_; }

}  // namespace cocoon::cli
