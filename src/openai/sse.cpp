#include "openai/sse.hpp"

#include <algorithm>

namespace cocoon::openai {
namespace {

// Where the line ends that `at` lies in. Both ends are looked for in short windows: lines that end in CR alone must not
// cost a look at all that follows.
std::size_t line_end(std::string_view text, std::size_t at) {
  constexpr std::size_t window = 256;
  for (; at < text.size(); at += window) {
    const auto part = text.substr(at, window);
    const auto line = part.substr(0, part.find('\n'));
    const auto end = std::min(line.find('\r'), line.size());
    if (end < part.size()) return at + end;
  }
  return text.size();
}

}  // namespace

void SseReader::push(std::string_view bytes) {
  if (begin_ != 0) {
    buffer_.erase(0, begin_);
    line_ -= begin_;
    at_ -= begin_;
    begin_ = 0;
  }
  buffer_ += bytes;
}

Result<std::optional<SseEvent>> SseReader::next() {
  for (; at_ < buffer_.size(); ++at_) {
    if (!after_cr_) at_ = line_end(buffer_, at_);
    if (at_ == buffer_.size()) break;
    const char c = buffer_[at_];
    if (after_cr_ && c == '\n') {
      after_cr_ = false;
      line_ = at_ + 1;
      continue;
    }
    after_cr_ = c == '\r';
    if (c != '\n' && c != '\r') continue;
    const bool blank = at_ == line_;
    line_ = at_ + 1;
    if (!blank) continue;
    ++at_;
    if (after_cr_ && at_ < buffer_.size() && buffer_[at_] == '\n') {
      after_cr_ = false;
      line_ = ++at_;
    }
    const std::string_view raw = std::string_view(buffer_).substr(begin_, at_ - begin_);
    begin_ = at_;
    return event(raw);
  }
  if (buffer_.size() - begin_ > max_event_) return fail("event of more than {} bytes", max_event_);
  return std::nullopt;
}

SseEvent SseReader::event(std::string_view raw) {
  SseEvent out{.raw = raw};
  bool joined = false;
  for (std::size_t at = 0; at < raw.size();) {
    const std::size_t end = line_end(raw, at);
    const std::string_view line = raw.substr(at, end - at);
    at = end + 1;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    std::string_view value = line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (line.substr(0, colon) == "event") out.name = value;
    if (line.substr(0, colon) != "data") continue;
    if (!out.has_data) {
      out.data = value;
    } else {
      if (!joined) joined_ = out.data;
      joined = true;
      joined_ += '\n';
      joined_ += value;
    }
    out.has_data = true;
  }
  if (joined) out.data = joined_;
  return out;
}

std::string sse_data(std::string_view json) {
  std::string out = "data: ";
  out.reserve(json.size() + 8);
  out += json;
  out += "\n\n";
  return out;
}

}  // namespace cocoon::openai
