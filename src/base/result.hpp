// Errors as values. Every fallible function of the house returns Result<T>; exceptions do not cross a room.
#pragma once
#include <expected>
#include <string>
#include <utility>

#include <fmt/core.h>

namespace cocoon {

// What went wrong, where, and (where it can be said) what to do. `code` is 0, a wire error code (wire/error_codes.hpp)
// or a code of the room that made it; texts are for people and never parsed.
struct Error {
  int code = 0;
  std::string what;

  // The same error seen from further out: "while doing X: what".
  Error within(std::string_view context) && { return {code, std::string(context) + ": " + what}; }
  friend bool operator==(const Error&, const Error&) = default;
};

template <class T = void>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(int code, std::string what) { return std::unexpected(Error{code, std::move(what)}); }

inline std::unexpected<Error> fail(std::string what) { return fail(0, std::move(what)); }

// fail("frame of {} bytes, at most {}", n, limit)
template <class A, class... Rest>
std::unexpected<Error> fail(fmt::format_string<A, Rest...> text, A&& a, Rest&&... rest) {
  return fail(0, fmt::format(text, std::forward<A>(a), std::forward<Rest>(rest)...));
}

template <class A, class... Rest>
std::unexpected<Error> fail(int code, fmt::format_string<A, Rest...> text, A&& a, Rest&&... rest) {
  return fail(code, fmt::format(text, std::forward<A>(a), std::forward<Rest>(rest)...));
}

}  // namespace cocoon

#define COCOON_CAT2(a, b) a##b
#define COCOON_CAT(a, b) COCOON_CAT2(a, b)

// TRY(expr): return the error of a Result, drop its value.      TRY_ASSIGN(auto x, expr): bind its value.
// CO_ forms are for coroutines.
#define COCOON_TRY_IMPL(ret, tmp, expr)                    \
  do {                                                     \
    auto tmp = (expr);                                     \
    if (!tmp) ret std::unexpected(std::move(tmp).error()); \
  } while (false)
#define COCOON_TRY_ASSIGN_IMPL(ret, tmp, decl, expr)     \
  auto tmp = (expr);                                     \
  if (!tmp) ret std::unexpected(std::move(tmp).error()); \
  decl = *std::move(tmp)

#define TRY(...) COCOON_TRY_IMPL(return, COCOON_CAT(try_, __LINE__), __VA_ARGS__)
#define TRY_ASSIGN(decl, ...) COCOON_TRY_ASSIGN_IMPL(return, COCOON_CAT(try_, __LINE__), decl, __VA_ARGS__)
#define CO_TRY(...) COCOON_TRY_IMPL(co_return, COCOON_CAT(try_, __LINE__), __VA_ARGS__)
#define CO_TRY_ASSIGN(decl, ...) COCOON_TRY_ASSIGN_IMPL(co_return, COCOON_CAT(try_, __LINE__), decl, __VA_ARGS__)
