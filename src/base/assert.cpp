#include "base/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace cocoon {

void assertion_failed(const char* what, const char* file, int line) {
  std::fprintf(stderr, "cocoon: assertion failed: %s (%s:%d)\n", what, file, line);
  std::abort();
}

}  // namespace cocoon
