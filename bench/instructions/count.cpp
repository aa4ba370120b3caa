// Runs one hot path a fixed number of times, for a tool that counts instructions:
//   hot_paths_count               lists them
//   hot_paths_count NAME TIMES    runs one; only what happens inside of cocoon_counted() is to be counted
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "hot_paths.hpp"

extern "C" [[gnu::noinline]] void cocoon_counted(const cocoon::bench::HotPath& path, long times) {
  for (long i = 0; i < times; ++i) path.run();
}

int main(int argc, char** argv) {
  const auto paths = cocoon::bench::hot_paths();
  for (const auto& path : paths) {
    if (argc < 3) {
      std::printf("%s\t%s\n", path.name.c_str(), path.unit.c_str());
      continue;
    }
    if (path.name != std::string_view(argv[1])) continue;
    path.run();  // what happens only once is not counted
    cocoon_counted(path, std::atol(argv[2]));
    return 0;
  }
  return argc < 3 ? 0 : 2;
}
