// What a person sees while something takes time: one line per step, with its seconds.
#pragma once
#include <string>
#include <string_view>

#include "base/time.hpp"

namespace cocoon::cli {

class Progress {
 public:
  // Writes to standard error, so that standard output stays the command's answer. `quiet`: nothing at all.
  Progress(int steps, bool quiet);
  void begin(std::string_view what);   // ends the step before, successfully
  void note(std::string_view detail);  // shown behind the running step (terminals only)
  void end();                          // ends the last step
  void failed();
  Duration total() const;

 private:
  void line(std::string_view mark);
  int steps_;
  bool quiet_;
  bool terminal_;
  int step_ = 0;
  std::string what_;
  Time started_{}, step_started_{};
};

}  // namespace cocoon::cli
