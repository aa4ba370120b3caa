#include "engine/text_stream.hpp"

#include <algorithm>
#include <utility>

namespace cocoon::engine {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

struct Character {
  std::size_t length = 0;  // bytes, at least 1
  enum { whole, unfinished, wrong } state = wrong;
};

// The second byte's range depends on the first: no overlong forms, no surrogates, nothing above U+10FFFF (RFC 3629).
Character character_at(std::string_view bytes) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const unsigned char first = at(0);
  if (first < 0x80) return {1, Character::whole};
  if (first < 0xC2 || first > 0xF4) return {1, Character::wrong};
  const std::size_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  for (std::size_t i = 1; i < length; ++i) {
    if (i == bytes.size()) return {i, Character::unfinished};
    unsigned char low = 0x80;
    unsigned char high = 0xBF;
    if (i == 1) {
      if (first == 0xE0) low = 0xA0;
      if (first == 0xED) high = 0x9F;
      if (first == 0xF0) low = 0x90;
      if (first == 0xF4) high = 0x8F;
    }
    if (at(i) < low || at(i) > high) return {i, Character::wrong};
  }
  return {length, Character::whole};
}

// How many bytes at the end of `text` are the beginning of `stop`.
std::size_t overlap(std::string_view text, std::string_view stop) {
  for (std::size_t n = std::min(text.size(), stop.size() - 1); n > 0; --n)
    if (text.substr(text.size() - n) == stop.substr(0, n)) return n;
  return 0;
}

}  // namespace

std::size_t whole_characters(std::string_view bytes) {
  // An unfinished character begins in the last three bytes; anything older is decided.
  std::size_t from = bytes.size() > 3 ? bytes.size() - 3 : 0;
  while (from < bytes.size()) {
    const auto c = character_at(bytes.substr(from));
    if (c.state == Character::unfinished) return from;
    // A continuation byte here may belong to a character that begins before the window: step over it alone.
    from += c.length;
  }
  return bytes.size();
}

std::string as_utf8(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) {
    const auto c = character_at(bytes);
    out += c.state == Character::whole ? bytes.substr(0, c.length) : kReplacement;
    bytes.remove_prefix(c.length);
  }
  return out;
}

TextStream::TextStream(std::vector<std::string> stops) : stops_(std::move(stops)) {}

std::string TextStream::push(std::string_view bytes) {
  if (stopped_) return {};
  bytes_ += bytes;
  const auto whole = whole_characters(bytes_);
  text_ += as_utf8(std::string_view(bytes_).substr(0, whole));
  bytes_.erase(0, whole);
  return take_text();
}

std::string TextStream::take_text() {
  std::size_t first = std::string::npos;
  for (const auto& stop : stops_) first = std::min(first, text_.find(stop));
  if (first != std::string::npos) {
    stopped_ = true;
    auto out = text_.substr(0, first);
    text_.clear();
    bytes_.clear();
    return out;
  }
  std::size_t held = 0;
  for (const auto& stop : stops_) held = std::max(held, overlap(text_, stop));
  auto out = text_.substr(0, text_.size() - held);
  text_.erase(0, out.size());
  return out;
}

std::string TextStream::finish() {
  if (stopped_) return {};
  auto out = std::exchange(text_, {}) + as_utf8(bytes_);
  bytes_.clear();
  return out;
}

}  // namespace cocoon::engine
