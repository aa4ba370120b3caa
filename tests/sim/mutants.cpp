// sim_mutants NAME [--seeds N] [--from K] | --list
//
// The simulation over a ledger and a proxy core of which one line is broken (base/mutation.hpp): status 0 when a seed
// notices it, 1 when none does. Status 0 with NAME "none" means that nothing was noticed, as it should be.
#include <algorithm>
#include <csignal>
#include <cstdlib>

#include "base/mutation.hpp"
#include "scenario.hpp"

namespace cocoon::sim {
namespace {

// One or two for each invariant of contracts.md 6.2.
constexpr std::string_view kMutations[] = {
    "none",
    "I1-durable-at-once",         // tokens count as on disk when the write begins
    "I2-forget-counters",         // a restart counts from what the contracts show
    "I3-credit-only-workers",     // workers get twice what clients are charged
    "I4-overbook",                // a request is taken, and counted, whatever is left
    "I5-sign-uncommitted",        // signatures for what is only in memory
    "I5-commit-before-disk",      // the commit leaves before its snapshot is on disk
    "I6-ignore-foreign-commits",  // commits that this database does not know are passed over
    "I7-skip-history",            // what happened since the anchor is not read
    "I8-any-session",             // a commit counts as ours by its number alone
    "I9-uncapped",                // a worker gets what it claims
    "I9-unpaid-part",             // what was delivered of an answer whose worker is lost costs nothing
    "I10-refund-early",           // a refund is granted though not all is committed
};

std::uint64_t seed = 0;

extern "C" void on_abort(int) {
  fmt::print("{}: noticed by an assertion, seed {}\n", mutation, seed);
  std::fflush(stdout);
  std::_Exit(mutation == "none" ? 1 : 0);
}

int run(int argc, char** argv) {
  std::uint64_t seeds = 0, from = 1;
  std::string_view name;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--list") {
      for (const auto m : kMutations) fmt::print("{}\n", m);
      return 0;
    }
    if (word == "--seeds" && i + 1 < argc)
      seeds = std::strtoull(argv[++i], nullptr, 10);
    else if (word == "--from" && i + 1 < argc)
      from = std::strtoull(argv[++i], nullptr, 10);
    else
      name = word;
  }
  if (std::find(std::begin(kMutations), std::end(kMutations), name) == std::end(kMutations)) {
    fmt::print(stderr, "no mutation '{}': see --list\n", name);
    return 2;
  }
  mutation = name;
  if (seeds == 0) seeds = name == "none" ? 5 : 320;
  std::signal(SIGABRT, on_abort);
  for (seed = from; seed < from + seeds; ++seed) {
    const auto outcome = std::make_unique<Scenario>(Settings{.seed = seed})->run();
    if (outcome.violations.empty()) continue;
    fmt::print("{}: noticed, seed {} step {}: {}\n", mutation, seed, outcome.violation_step,
               outcome.violations.front());
    return mutation == "none" ? 1 : 0;
  }
  fmt::print("{}: not noticed in {} seeds\n", mutation, seeds);
  return mutation == "none" ? 0 : 1;
}

}  // namespace
}  // namespace cocoon::sim

int main(int argc, char** argv) { return cocoon::sim::run(argc, argv); }
