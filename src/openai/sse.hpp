// Server-sent events: read from bytes cut anywhere, and written.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace cocoon::openai {

struct SseEvent {
  std::string_view raw;   // all its bytes, the blank line included
  std::string_view data;  // the data lines, joined by LF; points into raw when there is only one
  std::string_view name;  // of an `event:` line; usually empty
  bool has_data = false;
  bool is_done() const { return has_data && data == "[DONE]"; }
};

class SseReader {
 public:
  explicit SseReader(std::size_t max_event = std::size_t{1} << 20) : max_event_(max_event) {}

  void push(std::string_view bytes);
  // The next whole event; nothing if more bytes are needed. Its views live until the next push. An event that outgrows
  // the limit is an error that stays; the bytes held are then in rest().
  Result<std::optional<SseEvent>> next();
  // Bytes of the event that has begun but not ended.
  std::string_view rest() const { return std::string_view(buffer_).substr(begin_); }

 private:
  SseEvent event(std::string_view raw);

  std::size_t max_event_;
  std::string buffer_;
  std::string joined_;
  std::size_t begin_ = 0;  // of the current event
  std::size_t line_ = 0;   // of the current line
  std::size_t at_ = 0;     // looked at up to here
  bool after_cr_ = false;  // a LF here belongs to the CR before it
};

inline constexpr std::string_view kSseDone = "data: [DONE]\n\n";
// "data: JSON\n\n"; JSON must be on one line, as everything this house makes is.
std::string sse_data(std::string_view json);

}  // namespace cocoon::openai
