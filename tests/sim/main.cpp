// sim --seeds N [--from K] [--steps S] [--jobs J] | --seed K [--steps S] [--loud]
//
// Ends with "sim: seeds N steps S faults F violations V"; status 1 when V is not 0.
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

#include "scenario.hpp"

namespace cocoon::sim {
namespace {

const Scenario* running = nullptr;
Settings running_settings;

void print_last(const std::deque<std::string>& events) {
  for (const auto& line : events) fmt::print("  {}\n", line);
}

// An assertion of a core is a finding like any other: say which seed, and what went before.
extern "C" void on_abort(int) {
  fmt::print("\nviolation: an assertion failed\n  seed {} step {}\n", running_settings.seed,
             running != nullptr ? running->steps() : 0);
  if (running != nullptr) print_last(running->trace().last());
  fmt::print("replay: make sim SEED={} STEPS={}\nsim: seeds 1 steps 0 faults 0 violations 1\n", running_settings.seed,
             running_settings.steps);
  std::fflush(stdout);
  std::_Exit(1);
}

Outcome run_seed(const Settings& settings) {
  running_settings = settings;
  const auto scenario = std::make_unique<Scenario>(settings);
  running = scenario.get();
  auto outcome = scenario->run();
  running = nullptr;
  return outcome;
}

struct Totals {
  std::uint64_t seeds = 0, steps = 0, violations = 0, transactions = 0, answered = 0, lost = 0, kills = 0, paid = 0;
  double simulated = 0;
  FaultCounts faults{};
  std::array<std::uint64_t, kFaults> seeds_with{};

  void add(const Outcome& o) {
    ++seeds;
    steps += o.steps;
    violations += o.violations.size();
    transactions += o.transactions;
    answered += o.answered;
    lost += o.lost_proxies;
    kills += o.kills;
    paid += o.paid_nano;
    simulated += o.simulated_seconds;
    for (std::size_t i = 0; i < kFaults; ++i) {
      faults[i] += o.faults[i];
      seeds_with[i] += o.faults[i] > 0 ? 1 : 0;
    }
  }
  void add(const Totals& o) {
    seeds += o.seeds, steps += o.steps, violations += o.violations, transactions += o.transactions;
    answered += o.answered, lost += o.lost, kills += o.kills, paid += o.paid, simulated += o.simulated;
    for (std::size_t i = 0; i < kFaults; ++i) faults[i] += o.faults[i], seeds_with[i] += o.seeds_with[i];
  }
  void print(double seconds) const {
    fmt::print("fault kind               times   seeds\n");
    std::uint64_t all = 0;
    for (std::size_t i = 0; i < kFaults; ++i) {
      fmt::print("{:22} {:8} {:7}\n", kFaultNames[i], faults[i], seeds_with[i]);
      all += faults[i];
    }
    fmt::print(
        "requests answered {}, TVM transactions {}, paid to workers {:.3f} TON, processes died {}, proxies whose "
        "database was lost for good {}\n",
        answered, transactions, static_cast<double>(paid) / 1e9, kills, lost);
    fmt::print("{:.0f} simulated hours in {:.0f} s: {:.0f} steps/s, {:.2f} seeds/s\n", simulated / 3600, seconds,
               static_cast<double>(steps) / seconds, static_cast<double>(seeds) / seconds);
    fmt::print("sim: seeds {} steps {} faults {} violations {}\n", seeds, steps, all, violations);
    std::fflush(stdout);
  }
};

void report(const Settings& settings, const Outcome& o) {
  fmt::print("\nviolation: seed {} step {}\n", settings.seed, o.violation_step);
  for (const auto& v : o.violations) fmt::print("  {}\n", v);
  fmt::print("the last {} events:\n", o.last.size());
  print_last(o.last);
  fmt::print("replay: make sim SEED={} STEPS={}\n", settings.seed, settings.steps);
  std::fflush(stdout);
}

Totals run_seeds(Settings settings, std::uint64_t from, std::uint64_t seeds, std::uint64_t stride) {
  Totals totals;
  for (std::uint64_t seed = from; seed < from + seeds; seed += stride) {
    settings.seed = seed;
    const auto outcome = run_seed(settings);
    totals.add(outcome);
    if (!outcome.violations.empty()) report(settings, outcome);
    if (seeds == 1) fmt::print("seed {}: {} events, hash {:016x}\n", seed, outcome.events, outcome.hash);
  }
  return totals;
}

// Each process takes every jobs-th seed and hands back its sums. One that does not has found something.
Totals run_in_processes(const Settings& settings, std::uint64_t from, std::uint64_t seeds, std::uint64_t jobs) {
  std::fflush(stdout);
  std::vector<std::pair<pid_t, int>> children;
  for (std::uint64_t job = 0; job < std::min(jobs, seeds); ++job) {
    int ends[2];
    COCOON_ASSERT(pipe(ends) == 0);
    const auto child = fork();
    COCOON_ASSERT(child >= 0);
    if (child == 0) {
      close(ends[0]);
      const auto totals = run_seeds(settings, from + job, seeds - job, jobs);
      const bool told = write(ends[1], &totals, sizeof totals) == sizeof totals;
      std::fflush(stdout);
      std::_Exit(told ? 0 : 1);
    }
    close(ends[1]);
    children.emplace_back(child, ends[0]);
  }
  Totals sum;
  for (const auto& [child, end] : children) {
    Totals part;
    if (read(end, &part, sizeof part) == sizeof part)
      sum.add(part);
    else
      ++sum.violations;
    close(end);
    waitpid(child, nullptr, 0);
  }
  return sum;
}

int usage() {
  fmt::print(stderr, "sim --seeds N [--from K] [--steps S] [--jobs J] | --seed K [--steps S] [--loud]\n");
  return 2;
}

int run(int argc, char** argv) {
  std::uint64_t seeds = 0, from = 1, jobs = 1;
  Settings settings;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--loud") {
      settings.loud = true;
      continue;
    }
    if (i + 1 == argc) return usage();
    const auto value = std::strtoull(argv[++i], nullptr, 10);
    if (word == "--seeds") {
      seeds = value;
    } else if (word == "--from") {
      from = value;
    } else if (word == "--steps") {
      settings.steps = value;
    } else if (word == "--jobs") {
      jobs = value;
    } else if (word == "--seed") {
      seeds = 1;
      from = value;
    } else {
      return usage();
    }
  }
  if (seeds == 0 || jobs == 0) return usage();
  std::signal(SIGABRT, on_abort);
  const auto start = std::chrono::steady_clock::now();
  const auto totals = jobs == 1 ? run_seeds(settings, from, seeds, 1) : run_in_processes(settings, from, seeds, jobs);
  totals.print(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  return totals.violations == 0 ? 0 : 1;
}

}  // namespace
}  // namespace cocoon::sim

int main(int argc, char** argv) { return cocoon::sim::run(argc, argv); }
