// What a command says. A write that fails (a full disk, a closed pipe) ends nothing: fmt::print would throw. Whether
// all of standard output was written is asked once, at the end (all_written).
#pragma once
#include <cstdio>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace cocoon::cli {

template <class... A>
void say(std::FILE* to, fmt::format_string<A...> format, A&&... a) {
  const std::string text = fmt::format(format, std::forward<A>(a)...);
  std::fwrite(text.data(), 1, text.size(), to);
}
template <class... A>
void say(fmt::format_string<A...> format, A&&... a) {
  say(stdout, format, std::forward<A>(a)...);
}

// Without what a terminal could take for a command: control characters but newline and tab.
std::string printable(std::string_view text);
// The same in one line: what somebody else says is no line of ours.
std::string printable_line(std::string_view text);

inline bool all_written() { return std::fflush(stdout) == 0 && std::ferror(stdout) == 0; }

}  // namespace cocoon::cli
