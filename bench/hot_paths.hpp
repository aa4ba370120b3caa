// The work that every request or chunk causes, each piece alone: measured in time by hot_paths_bench, counted in
// instructions by instructions/run.mjs.
#pragma once
#include <functional>
#include <string>
#include <vector>

namespace cocoon::bench {

struct HotPath {
  std::string name;
  std::string unit;           // what one call of `run` does
  std::function<void()> run;  // sets itself up before the first call; the same work each time
};

std::vector<HotPath> hot_paths();

}  // namespace cocoon::bench
