// The hot paths in time. In instructions: bench/instructions/run.mjs.
#include <benchmark/benchmark.h>

#include "hot_paths.hpp"

int main(int argc, char** argv) {
  for (const auto& path : cocoon::bench::hot_paths())
    benchmark::RegisterBenchmark(path.name.c_str(), [run = path.run](benchmark::State& state) {
      for (auto _ : state) run();
      state.SetItemsProcessed(state.iterations());
    });
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
