#include "cli/output.hpp"

#include <algorithm>

namespace cocoon::cli {

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    // C1 controls are two bytes in UTF-8: C2 80 to C2 9F.
    if (c == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0)
      ++i;
    else if (c >= 0x20 ? c != 0x7f : c == '\n' || c == '\t')
      out += text[i];
  }
  return out;
}

std::string printable_line(std::string_view text) {
  auto out = printable(text);
  std::ranges::replace(out, '\n', ' ');
  return out;
}

}  // namespace cocoon::cli
