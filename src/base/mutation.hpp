// Switches that break one line each. The simulator's mutation check (tests/sim) builds the ledger and the proxy core
// once more with COCOON_MUTATIONS and shows that each broken line is noticed. In every other build nothing is left of
// them.
#pragma once
#include <string_view>

namespace cocoon {

#ifdef COCOON_MUTATIONS
inline std::string_view mutation;  // the one that is on; empty: none
inline bool mutated(std::string_view name) { return mutation == name; }
inline bool mutated() { return !mutation.empty(); }
#else
constexpr bool mutated(std::string_view) { return false; }
constexpr bool mutated() { return false; }
#endif

}  // namespace cocoon
