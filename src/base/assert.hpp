// Assertions about our own reasoning, on in every build. Never about what a peer, a file, a user or the chain says.
#pragma once

namespace cocoon {
[[noreturn]] void assertion_failed(const char* what, const char* file, int line);
}  // namespace cocoon

#define COCOON_ASSERT(condition)                                  \
  do {                                                            \
    if (!(condition)) [[unlikely]]                                \
      ::cocoon::assertion_failed(#condition, __FILE__, __LINE__); \
  } while (false)
