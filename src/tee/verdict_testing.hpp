// What tests say of verdicts. Tests only.
#pragma once
#include <string>

#include "tee/verdict.hpp"

namespace cocoon::tee::testing {

// The names of the checks that failed, joined.
inline std::string failures(const Verdict& v) {
  std::string out;
  for (const auto& check : v.checks)
    if (check.state == Check::State::failed) out += (out.empty() ? "" : " ") + check.name;
  return out;
}

}  // namespace cocoon::tee::testing
